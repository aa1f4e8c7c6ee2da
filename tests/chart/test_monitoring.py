"""Alerts and dashboards ask for metrics that the processes have, under the labels that a scrape gives."""

import json
import re

import generate
import pytest
import yaml
from programs import run
from rendering import SERVICES, combination

RULES = sorted((generate.CHART / "rules").glob("*.yaml"))
BOARDS = sorted((generate.CHART / "dashboards").glob("*.json"))
METRIC = re.compile(r"\b((?:ccm|process)_[a-z_]+[a-z])\b")


def metrics_of_the_code():
    """Returns the names of all instruments, as they are made in the code."""
    text = "".join(
        path.read_text()
        for folder in ("services", "shared")
        for path in (generate.ROOT / folder).glob("*/src/**/*.rs")
        if path.name != "tests.rs"
    )
    made = re.findall(r"(?:counter|gauge|histogram)(?:::<\w+>)?\(\s*\"((?:ccm|process)_[a-z_]+)\"", text)
    histograms = set(re.findall(r"histogram\(\s*\"(ccm_[a-z_]+)\"", text))
    return set(made) | {f"{name}_{part}" for name in histograms for part in ("bucket", "count", "sum")}


def alerts(path):
    groups = yaml.safe_load(path.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries(board):
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


def test_the_code_has_metrics():
    assert {"ccm_build_info", "ccm_sse_clients", "ccm_job_run_seconds_bucket"} <= metrics_of_the_code()


@pytest.mark.parametrize("path", RULES, ids=lambda it: it.stem)
def test_alerts_ask_for_metrics_that_there_are(path):
    for rule in alerts(path):
        asked = set(METRIC.findall(rule["expr"]))
        assert (asked or "up{" in rule["expr"]) and asked <= metrics_of_the_code(), rule["alert"]


@pytest.mark.parametrize("path", BOARDS, ids=lambda it: it.stem)
def test_dashboards_ask_for_metrics_that_there_are(path):
    board = json.loads(path.read_text())
    for query in queries(board):
        asked = set(METRIC.findall(query))
        assert asked and asked <= metrics_of_the_code(), query
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


@pytest.mark.parametrize("path", BOARDS, ids=lambda it: it.stem)
def test_queries_of_dashboards_are_promql(path, tmp_path):
    rules = [
        {"record": f"query:{n}", "expr": query.replace("$namespace", "n")}
        for n, query in enumerate(queries(json.loads(path.read_text())))
    ]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))

    run("promtool", "check", "rules", file)


def test_the_chart_has_alerts_with_headings_that_say_what_to_do():
    """That each fires when it should is tested where they come from, tests/deploy."""
    headings = set(re.findall(r"^### (\w+)$", (generate.ROOT / "docs/OPERATIONS.md").read_text(), re.M))
    rules = [rule for path in RULES for rule in alerts(path)]

    assert len(rules) > 10
    assert {rule["alert"] for rule in rules} <= headings


def test_all_rules_and_dashboards_are_in_the_rendering_as_they_are():
    objects = combination("ha")
    rendered = objects.one("PrometheusRule", "ccm")["spec"]["groups"]
    boards = objects.one("ConfigMap", "ccm-dashboards")["data"]

    assert rendered == [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    assert {name: json.loads(text) for name, text in boards.items()} == {
        path.name: json.loads(path.read_text()) for path in BOARDS
    }


def test_each_service_is_scraped_by_its_admin_service():
    objects = combination("everything")
    for service in SERVICES:
        monitor = objects.one("ServiceMonitor", f"ccm-{service}")
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        found = [it for it in objects.all("Service") if wanted <= it["metadata"]["labels"].items()]
        assert [it["metadata"]["name"] for it in found] == [f"ccm-{service}-admin"]
        assert monitor["spec"]["endpoints"] == [
            {"port": "admin", "path": "/metrics", "interval": "15s"}
        ]
        assert found[0]["spec"]["ports"][0]["name"] == "admin"
        assert monitor["metadata"]["labels"]["release"] == "prometheus"
        job = found[0]["metadata"]["labels"][monitor["spec"]["jobLabel"]]
        patterns = re.findall(r'up\{job=~"([^"]+)"', (RULES[0]).read_text())
        assert job == f"ccm-{service}" and all(re.fullmatch(it, job) for it in patterns)
