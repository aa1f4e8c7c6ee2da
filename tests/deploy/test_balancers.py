"""Events through each documented load balancer, before three real API processes."""

import time

import pytest
import requests

from balancers import KINDS, made
from fleet import Fleet, balanced
from place import eventually
from stream import Stream


@pytest.fixture(scope="module")
def fleet():
    fleet = Fleet("balancers")
    try:
        yield fleet
    finally:
        fleet.end()


def change(base):
    """Changes a setting, which is told as one event."""
    answer = requests.get(f"{base}/api/v1/settings", timeout=10)
    assert answer.ok, f"{answer.status_code} {answer.text}"
    settings = answer.json()
    wanted = {name: settings[name] for name in ("provisioning", "idle", "import", "retention")}
    wanted["idle"]["snooze_s"] = 61 + (wanted["idle"]["snooze_s"] - 60) % 100
    tag = {"If-Match": answer.headers["ETag"], "X-CCM-Role": "admin"}
    written = requests.put(f"{base}/api/v1/settings", json=wanted, headers=tag, timeout=10)
    assert written.ok, f"{written.status_code} {written.text}"


@pytest.mark.parametrize("name", KINDS)
def test_the_program_accepts_its_file(name, tmp_path):
    made(name, tmp_path, 18080, 19090).check()


@pytest.mark.parametrize("name", KINDS)
def test_the_program_refuses_a_file_with_a_fault(name, tmp_path):
    balancer = made(name, tmp_path, 18080, 19090)
    file = tmp_path / "ccm.conf" if name == "nginx" else balancer.config
    file.write_text(file.read_text().replace("least", "leest"))

    with pytest.raises(AssertionError, match="leest|balance only supports"):
        balancer.check()


@pytest.mark.parametrize("name", KINDS)
def test_events_arrive_one_by_one(name, tmp_path, fleet):
    """Nothing is held back until more comes: each event is there before the next one happens."""
    with balanced(name, tmp_path, fleet) as base:
        asked = {"Accept": "text/event-stream", "Accept-Encoding": "gzip"}
        with requests.get(f"{base}/api/v1/events", headers=asked, stream=True, timeout=(5, 40)) as head:
            assert head.headers["Content-Type"].startswith("text/event-stream")
            assert "Content-Encoding" not in head.headers and "Content-Length" not in head.headers
        stream = Stream(base)
        eventually("the snapshot has come", lambda: stream.control and stream.last)
        waits = []
        for number in range(1, 11):
            change(base)
            begun = time.monotonic()
            eventually(f"event {number} arrives", lambda: len(stream.durable) == number, patience=10)
            waits.append(time.monotonic() - begun)
        stream.close()

    print(f"{name}: slowest of 10 events {max(waits) * 1000:.0f} ms after its commit was answered")
