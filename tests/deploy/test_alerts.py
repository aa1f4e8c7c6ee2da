"""The alerts: each fires in the case that it is for and in no other, and asks for what there is."""

import json
import re

import pytest
import requests
import yaml

from place import BINARIES, ROOT, Child, eventually, free_port, running
from programs import program, run

RULES = ROOT / "deploy" / "prometheus" / "ccm-rules.yaml"
SETTINGS = ROOT / "deploy" / "compose" / "prometheus.yml"
RUNBOOK = ROOT / "docs" / "OPERATIONS.md"

# Two processes of each kind in good health, a sample every 15 s.
HEALTHY = {
    **{
        f'{metric}{{job="{kind}", instance="{kind}-{number}"}}': "1x800"
        for metric in ("up", "ccm_build_info")
        for kind in ("api", "scheduler", "relay")
        for number in (1, 2)
    },
    # Somebody else's process, which is none of our business.
    'up{job="other", instance="other-1"}': "0x800",
    **{
        f'ccm_leader_epoch{{role="{role}", instance="{role}-{number}"}}': f"{epoch}x800"
        for role in ("scheduler", "relay")
        for number, epoch in ((1, 7), (2, 0))
    },
    **{
        f'ccm_part_up{{part="{part}", instance="{kind}-1"}}': "1x800"
        for part, kind in (("store", "api"), ("bus", "api"), ("events", "api"), ("store", "relay"), ("bus", "relay"))
    },
    'ccm_probe_seconds{part="store", instance="api-1"}': "0.002x800",
    'ccm_outbox_oldest_seconds{instance="relay-1"}': "0.1x800",
    'ccm_relay_unpublished_events{instance="relay-1"}': "3x800",
    'ccm_sse_turned_away_total{reason="starting", instance="api-1"}': "0+1x800",
    'ccm_sse_turned_away_total{reason="overloaded", instance="api-1"}': "0x800",
    **{
        f'ccm_remote_call_seconds_count{{api="{api}", call="x", outcome="{outcome}", instance="scheduler-1"}}': f"0+{rate}x800"
        for api, outcome, rate in (("ec2", "ok", 20), ("ec2", "throttled", 1), ("cml", "ok", 20), ("cml", "unavailable", 5))
    },
    'ccm_fenced_writes_total{instance="scheduler-1"}': "0x800",
    **{
        f'ccm_job_runs_total{{name="{job}", outcome="succeeded", instance="scheduler-1"}}': "0+1x800"
        for job in ("observe_instances", "reconcile_workers", "refresh_labs")
    },
    **{
        f'ccm_job_last_success_age_seconds{{name="{job}", instance="scheduler-1"}}': f"{age}x800"
        for job, age in {
            "observe_instances": 50,
            "reconcile_workers": 25,
            "collect_measurements": 290,
            "refresh_labs": 290,
            "detect_activity": 590,
            "import_instances": 3500,
            "prune": 3500,
        }.items()
    },
    # A leader of before, in a process that still runs: its ages grow for ever.
    'ccm_job_last_success_age_seconds{name="observe_instances", instance="scheduler-2"}': "0+15x800",
    'ccm_schedule_lag_seconds_bucket{name="refresh_labs", le="60", instance="scheduler-1"}': "0+1x800",
    'ccm_schedule_lag_seconds_bucket{name="refresh_labs", le="300", instance="scheduler-1"}': "0+1x800",
    'ccm_schedule_lag_seconds_bucket{name="refresh_labs", le="+Inf", instance="scheduler-1"}': "0+1x800",
    'ccm_schedule_skips_total{schedule="refresh_labs", reason="overlap", instance="scheduler-1"}': "0+1x800",
    'ccm_events_last_seq{instance="api-1"}': "100+3x800",
    'ccm_events_last_seq{instance="api-2"}': "99+3x800",
    'ccm_sse_ended_total{reason="too_slow", instance="api-1"}': "0x800",
    'ccm_sse_ended_total{reason="closed", instance="api-1"}': "0+60x800",
    'ccm_sse_lag_events{instance="api-1"}': "3x800",
    **{
        f'ccm_http_request_seconds_bucket{{route="/api/v1/workers", status="200", le="{le}", instance="api-1"}}': "0+100x800"
        for le in ("0.1", "1", "10", "+Inf")
    },
    # A stream that is opened while its process starts waits; that is no slow request.
    **{
        f'ccm_http_request_seconds_bucket{{route="/api/v1/events", status="200", le="{le}", instance="api-1"}}': count
        for le, count in {"0.1": "0x800", "1": "0x800", "10": "0+100x800", "+Inf": "0+100x800"}.items()
    },
    'ccm_http_request_seconds_count{route="/api/v1/workers", status="200", instance="api-1"}': "0+100x800",
    'ccm_http_request_seconds_count{route="/api/v1/workers", status="404", instance="api-1"}': "0+50x800",
    'ccm_sink_attempt_seconds_count{sink="chat", outcome="delivered", instance="relay-1"}': "0+10x800",
    'ccm_sink_attempt_seconds_count{sink="chat", outcome="failed", instance="relay-1"}': "0+1x800",
}

RUNS = 'ccm_job_runs_total{{name="{}", outcome="{}", instance="scheduler-1"}}'.format
AGE = 'ccm_job_last_success_age_seconds{{name="{}", instance="scheduler-1"}}'.format
LAG = 'ccm_schedule_lag_seconds_bucket{{name="refresh_labs", le="{}", instance="scheduler-1"}}'.format
TOOK = 'ccm_http_request_seconds_bucket{{route="/api/v1/workers", status="200", le="{}", instance="api-1"}}'.format
LEADS = 'ccm_leader_epoch{{role="{}", instance="{}"}}'.format
CALLS = 'ccm_remote_call_seconds_count{{api="{}", call="x", outcome="{}", instance="scheduler-1"}}'.format
SINK = 'ccm_sink_{}{{sink="chat", {}instance="relay-1"}}'.format

# What is different from good health, after an hour of it or for the whole time.
CASES = {
    "CcmProcessDown": [{'up{job="relay", instance="relay-2"}': "1x700 0x100", 'ccm_build_info{job="relay", instance="relay-2"}': "1x700"}],
    "CcmRestarts": [{'up{job="api", instance="api-2"}': "1x750 0 1 1 1 0 1 1 1 0 1x100"}],
    "CcmNoLeader": [
        {series: "0+1x600 600x200" for series in HEALTHY if series.startswith("ccm_job_runs_total")},
        {series: None for series in HEALTHY if series.startswith("ccm_job_runs_total")},
    ],
    "CcmRoleNotLed": [
        {LEADS("relay", "relay-1"): "7x700 0x100"},
        {LEADS("scheduler", "scheduler-1"): "7x700 0x100"},
    ],
    # A moment without a leader between two terms is no term of its own.
    "CcmLeaderChanges": [{LEADS("scheduler", "scheduler-1"): "7x760 8x4 0x1 9x4 10x4 11x4 12x20"}],
    "CcmAwsThrottled": [{CALLS("ec2", "throttled"): "0+10x800"}],
    "CcmControllersSilent": [{CALLS("cml", "unavailable"): "0+60x800"}],
    "CcmOutboxGrows": [{'ccm_outbox_oldest_seconds{instance="relay-1"}': "0.1x700 0+15x100"}],
    "CcmRelayBehind": [{'ccm_relay_unpublished_events{instance="relay-1"}': "3x700 5000x100"}],
    "CcmSubscriptionDead": [{'ccm_part_up{part="events", instance="api-1"}': "1x700 0x100"}],
    "CcmStreamsTurnedAway": [{'ccm_sse_turned_away_total{reason="overloaded", instance="api-1"}': "0x700 0+1x100"}],
    "CcmStoreAway": [{'ccm_part_up{part="store", instance="relay-1"}': "1x700 0x100"}],
    "CcmStoreSlow": [{'ccm_probe_seconds{part="store", instance="api-1"}': "0.4x800"}],
    "CcmBusAway": [{'ccm_part_up{part="bus", instance="relay-1"}': "1x700 0x100"}],
    "CcmFencedWrites": [{'ccm_fenced_writes_total{instance="scheduler-1"}': "0x760 0+1x40"}],
    "CcmJobLate": [
        {AGE("observe_instances"): "0+15x800"},
        {AGE("refresh_labs"): "1300x800"},
        {AGE("detect_activity"): "2500x800"},
        {AGE("prune"): "11000x800"},
    ],
    "CcmJobStartsLate": [{LAG("60"): "0x800"}],
    "CcmJobFailing": [{RUNS("refresh_labs", "succeeded"): "0+1x600 601x200", RUNS("refresh_labs", "failed"): "0x600 0+1x200"}],
    "CcmRunsGivenUp": [
        {RUNS("step_licenses", "dead"): "_x700 1x100"},
        {RUNS("step_licenses", "dead"): "1x700 2x100"},
    ],
    "CcmSlotsMissed": [{'ccm_schedule_skips_total{schedule="prune", reason="missed", instance="scheduler-1"}': "0x760 0+1x40"}],
    "CcmApiDeaf": [{'ccm_events_last_seq{instance="api-2"}': "99+3x700 2199x100"}],
    "CcmReadersCutOff": [{'ccm_sse_ended_total{reason="too_slow", instance="api-1"}': "0+30x800"}],
    "CcmReadersBehind": [{'ccm_sse_lag_events{instance="api-1"}': "5000x800"}],
    "CcmApiSlow": [{TOOK("0.1"): "0+10x800", TOOK("1"): "0+10x800"}],
    "CcmApiErrors": [{'ccm_http_request_seconds_count{route="/api/v1/workers", status="503", instance="api-1"}': "0+5x800"}],
    "CcmSinkFailing": [{SINK("attempt_seconds_count", 'outcome="failed", '): "0+20x800"}],
    "CcmSinkDeadLetters": [{SINK("dead_letters_total", ""): "_x700 1x100"}, {SINK("dead_letters_total", ""): "1x700 2x100"}],
    "CcmSinkMissedEvents": [{SINK("missed_events_total", ""): "_x700 4x100"}, {SINK("missed_events_total", ""): "4x700 8x100"}],
}


def alerts():
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def firing(folder, series, expected):
    """Lets promtool say whether exactly these alerts fire after 3 h 15 min."""
    inputs = [{"series": name, "values": values} for name, values in series.items() if values is not None]
    wanted = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in expected]
    query = 'count by (alertname) (ALERTS{alertstate="firing"} > 0) > bool 0'
    test = {"interval": "15s", "input_series": inputs}
    test["promql_expr_test"] = [{"expr": query, "eval_time": "3h15m", "exp_samples": wanted}]
    file = folder / "case.json"
    file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "15s", "tests": [test]}))
    return run("promtool", "test", "rules", file)


def test_the_rules_are_accepted():
    assert f"{len(alerts())} rules found" in run("promtool", "check", "rules", "--lint-fatal", RULES)


def test_no_alert_fires_when_all_is_well(tmp_path):
    firing(tmp_path, HEALTHY, [])


@pytest.mark.parametrize(("name", "case"), [(name, case) for name in CASES for case in range(len(CASES[name]))])
def test_an_alert_fires_alone(tmp_path, name, case):
    firing(tmp_path, {**HEALTHY, **CASES[name][case]}, [name])


def test_every_alert_has_a_case_and_a_heading_in_the_runbook():
    headings = set(re.findall(r"^### (Ccm\w+)$", RUNBOOK.read_text(), re.MULTILINE))

    assert set(CASES) == set(alerts()) == headings
    for name, rule in alerts().items():
        assert rule["annotations"]["runbook"] == f"docs/OPERATIONS.md#{name.lower()}"
        assert rule["labels"]["severity"] in ("critical", "warning")


def test_every_metric_of_an_alert_is_made_by_the_code():
    sources = [path.read_text() for top in ("services", "shared") for path in (ROOT / top).rglob("src/**/*.rs")]
    made = {name for text in sources for name in re.findall(r'"(ccm_[a-z_]+)"', text)}

    asked = {name for rule in alerts().values() for name in re.findall(r"\bccm_[a-z_]+", rule["expr"])}
    without = {re.sub(r"_(bucket|count|sum)$", "", name) for name in asked}
    assert without <= made, without - made


@pytest.fixture
def scraped(tmp_path):
    """A real Prometheus with the example's settings and the rules, before a simulated fleet."""
    public, admin, own = free_port(), free_port(), free_port()
    settings = yaml.safe_load(SETTINGS.read_text())
    settings["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    settings["rule_files"] = [str(RULES)]
    jobs = {job["job_name"]: job for job in settings["scrape_configs"]}
    standalone = {**jobs["api"], "job_name": "standalone"}
    standalone.pop("dns_sd_configs", None)
    standalone["static_configs"] = [{"targets": [f"127.0.0.1:{admin}"]}]
    settings["scrape_configs"] = [standalone]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(settings))
    environment = {
        "CCM_HTTP__LISTEN": f"127.0.0.1:{public}",
        "CCM_ADMIN__LISTEN": f"127.0.0.1:{admin}",
        "CCM_SIMULATE__SPEED": "20",
    }
    fleet = Child([BINARIES / "ccm-standalone", "--simulate", "5", "--memory"], environment)
    arguments = [f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/series"]
    with running(fleet, Child([program("prometheus"), *arguments, f"--web.listen-address=127.0.0.1:{own}"])):
        yield f"http://127.0.0.1:{own}/api/v1", f"http://127.0.0.1:{public}/api/v1", fleet


def test_a_real_prometheus_scrapes_the_product_and_sees_it_go(scraped):
    base, product, fleet = scraped
    ask = lambda path, **query: requests.get(f"{base}/{path}", params=query, timeout=10).json()["data"]
    value = lambda query: {str(one["metric"]): float(one["value"][1]) for one in ask("query", query=query)["result"]}

    def is_seen():
        requests.get(f"{product}/workers", timeout=10)
        return value('increase(ccm_job_runs_total{name="reconcile_workers"}[1m]) > 0')

    eventually("attempts of a job are counted under the job's name", is_seen)
    rules = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
    assert {rule["name"]: rule.get("lastError", "") for rule in rules} == dict.fromkeys(alerts(), "")
    assert value('up{job="standalone"}') and value("ccm_http_request_seconds_count") and value("ccm_sse_clients")

    fleet.end()

    eventually("it is noticed", lambda: any(one["labels"]["alertname"] == "CcmProcessDown" for one in ask("alerts")["alerts"]))
