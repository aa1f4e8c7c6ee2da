"""`helm install` alone is a working product: the rendering, run as processes over real servers."""

import json
import os

import pytest
import requests
from rendering import SERVICES, combination, container
from trial import Trial, eventually


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    names = ("CCM_TEST_MONGO_URL", "CCM_TEST_REDIS_URL")
    assert all(os.environ.get(name) for name in names), f"set {' and '.join(names)}; dev/servers start prints them"
    it = Trial(combination("bare"), tmp_path_factory.mktemp("trial"), *(os.environ[name] for name in names))
    try:
        it.start()
        for service in SERVICES:
            eventually(f"{service} is ready", lambda service=service: it.is_ready(service))
        yield it
    finally:
        it.close()


def workers(trial, **query):
    return requests.get(f"{trial.api}/workers", params={"limit": 100, **query}, timeout=10).json()["items"]


def test_the_fleet_is_imported_and_comes_to_life(trial):
    script = trial.script("ccm-api", "import")

    asked = container(trial.objects.pod("ccm-sim"), "sim-aws")["args"]
    there = int(asked[asked.index("--workers") + 1])
    eventually("the import of all instances", lambda: len(workers(trial)) == there)
    seen = eventually("a worker that answers", lambda: [it for it in workers(trial) if it["service"] == "available"])
    assert seen[0]["region"] in ("us-east-1", "eu-central-1")
    assert script.poll() is None, "the container must not end, or Kubernetes starts it again and again"


def test_the_sidecar_ends_at_once_when_it_is_told_to(trial):
    code, took = trial.stop("import")

    assert (code, took < 2) == (0, True), took


def test_events_arrive_as_the_notes_say(trial):
    answer = requests.get(f"{trial.api}/events", stream=True, timeout=30)

    kinds = set()
    for line in answer.iter_lines(decode_unicode=True):
        if line.startswith("data: ") and "specversion" in line:
            kinds.add(json.loads(line[6:])["type"])
            break
    assert kinds and all(kind.startswith("io.ccm.") for kind in kinds)


def test_the_round_trip_of_helm_test_succeeds(trial):
    script = trial.script("ccm-test", "round-trip")

    assert script.wait(timeout=60) == 0, trial.logs["round-trip"].read_text()
    assert "all well" in trial.logs["round-trip"].read_text()


def test_pods_end_within_their_grace_period_also_with_streams_open(trial):
    streams = [requests.get(f"{trial.api}/events", stream=True, timeout=60) for _ in range(20)]
    for service in SERVICES:
        grace = trial.objects.pod(f"ccm-{service}")["terminationGracePeriodSeconds"]
        code, took = trial.stop(service)
        assert code == 0, trial.logs[service].read_text()[-2000:]
        assert took < grace, service
        print(f"{service}: ended after {took:.1f} s of {grace} s")
    assert all(stream.raw is not None for stream in streams)


def test_nothing_was_logged_as_an_error(trial):
    for service in SERVICES:
        errors = [line for line in trial.logs[service].read_text().splitlines() if '"level":"ERROR"' in line]
        assert errors == [], service
