"""The dashboards: what each panel asks for is there in real scrapes of a real fleet."""

import json
import signal

import pytest
import requests
import yaml

from place import BINARIES, ROOT, Child, eventually, free_port, running
from programs import program
from stream import Stream

BOARDS = sorted((ROOT / "helm" / "ccm" / "dashboards").glob("*.json"))
# As the chart's ServiceMonitor labels what it finds.
TARGET = {"namespace": "fleet", "pod": "ccm-standalone-0"}
# Counts events that the log forgot before a sink took them, which takes as long as the log reaches back.
TAKES_TOO_LONG = "ccm_sink_missed_events_total"
# Nobody listens there, and what is not taken is given up soon.
NOWHERE = {
    "CCM_RELAY__SINKS": '[{ name = "nowhere", url = "http://127.0.0.1:1", allow_private = true, allow_http = true }]',
    "CCM_RELAY__DELIVERY__FIRST_PAUSE": "1s",
    "CCM_RELAY__DELIVERY__LONGEST_PAUSE": "1s",
    "CCM_RELAY__DELIVERY__GIVE_UP": "1s",
}


def queries(path):
    panels = json.loads(path.read_text())["panels"]
    return {f"{panel['title']} {nth}": one["expr"] for panel in panels for nth, one in enumerate(panel["targets"])}


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Asks a real Prometheus that scrapes a fleet in which all sorts of things happen."""
    folder = tmp_path_factory.mktemp("dashboards")
    public, admin, own = (f"127.0.0.1:{free_port()}" for _ in range(3))
    targets = [{"targets": [admin], "labels": TARGET}]
    settings = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [{"job_name": "ccm-standalone", "static_configs": targets}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    environment = {"CCM_HTTP__LISTEN": public, "CCM_ADMIN__LISTEN": admin, "CCM_SIMULATE__SPEED": "20", **NOWHERE}
    arguments = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/series"]

    def ask(query):
        query = query.replace("$namespace", TARGET["namespace"])
        answer = requests.get(f"http://{own}/api/v1/query", params={"query": query}, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]["result"]

    with running(
        Child([BINARIES / "ccm-standalone", "--simulate", "5", "--memory"], environment),
        Child([program("prometheus"), *arguments, f"--web.listen-address={own}"]),
    ) as (fleet, _):
        eventually("the fleet is scraped", lambda: ask("ccm_build_info"))
        Stream(f"http://{public}").close()
        reader = Stream(f"http://{public}")
        eventually("a reader hears something", lambda: reader.durable)
        away_for_some_slots(fleet, ask)
        yield ask
        reader.close()


def away_for_some_slots(fleet, ask):
    fleet.process.send_signal(signal.SIGSTOP)
    try:
        eventually("it is away", lambda: ask("count_over_time((up == 0)[10s:1s]) >= 4"))
    finally:
        fleet.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("path", BOARDS, ids=lambda it: it.stem)
def test_every_panel_has_something_to_show(ask, path):
    wanted = {title: query for title, query in queries(path).items() if TAKES_TOO_LONG not in query}

    def all_show_something():
        empty = [title for title, query in wanted.items() if not ask(query)]
        assert not empty, empty
        return True

    eventually("each panel shows something", all_show_something)


def test_a_panel_that_asks_for_what_is_not_there_would_be_found(ask):
    assert not ask('sum(rate(ccm_job_runs_total{namespace="another"}[5m]))')
    assert not ask('ccm_job_runs{namespace="$namespace"}')
