"""Streams and requests through each documented load balancer, before three real API processes."""

import os
import threading
import time
from contextlib import contextmanager

import pytest
import requests

from balancers import HOSTS, KINDS, made
from place import BINARIES, Child, eventually, free_port, running
from servers import bus_url, store_url
from stream import Stream, is_gap_free, saw_everything_once

STREAMS = 30
API_HOSTS = list(HOSTS.values())


class Fleet:
    """Three API processes with the same ports on addresses of their own, and a relay, on real servers."""

    def __init__(self):
        self.http, self.admin = free_port(), free_port()
        self.shared = {
            "CCM_STORE__URL": store_url("balancers"),
            "CCM_BUS__URL": bus_url(),
            "CCM_BUS__NAMESPACE": f"balancers-{os.getpid()}-{self.http}",
            "CCM_TELEMETRY__LOG_FORMAT": "json",
        }
        relay = {"CCM_ADMIN__LISTEN": f"127.0.0.1:{self.admin}"}
        self.relay = Child([BINARIES / "ccm-relay"], {**self.shared, **relay})
        self.processes = {host: self.start(host) for host in API_HOSTS}
        for host in ["127.0.0.1", *API_HOSTS]:
            self.await_ready(host)

    def start(self, host):
        own = {
            "CCM_HTTP__LISTEN": f"{host}:{self.http}",
            "CCM_ADMIN__LISTEN": f"{host}:{self.admin}",
            "CCM_AUTH__MODE": "dev",
            # As the balancers need it: twice what they take to notice.
            "CCM_DRAIN__DELAY": "4s",
            "CCM_DRAIN__STREAMS": "2s",
            "CCM_SSE__HEARTBEAT": "1s",
        }
        return Child([BINARIES / "ccm-api"], {**self.shared, **own})

    def await_ready(self, host):
        probe = lambda: requests.get(f"http://{host}:{self.admin}/readyz", timeout=5).status_code == 200
        eventually(f"{host} is ready", probe)

    def restart(self, host):
        self.processes[host].end()
        assert self.processes[host].process.returncode == 0, self.processes[host].lines[-5:]
        self.processes[host] = self.start(host)
        self.await_ready(host)

    def end(self):
        for child in [*self.processes.values(), self.relay]:
            child.process.terminate()
        for child in [*self.processes.values(), self.relay]:
            child.end()


@pytest.fixture(scope="module")
def fleet():
    fleet = Fleet()
    try:
        yield fleet
    finally:
        fleet.end()


@contextmanager
def balanced(name, folder, fleet):
    balancer = made(name, folder, fleet.http, fleet.admin)
    with running(balancer.start()) as (child,):
        base = f"http://127.0.0.1:{balancer.public}"

        def answers():
            assert child.process.poll() is None or pytest.fail("\n".join(child.lines))
            return requests.get(f"{base}/api/v1/system", timeout=5).ok

        eventually(f"{name} answers", answers)
        yield base


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


@pytest.mark.parametrize("name", KINDS)
def test_a_rolling_restart_fails_no_request_and_loses_no_event(name, tmp_path, fleet):
    with balanced(name, tmp_path, fleet) as base:
        streams = [Stream(base) for _ in range(STREAMS)]
        eventually("all streams are open", lambda: all(stream.control and stream.last for stream in streams))
        begin = max(int(stream.last) for stream in streams)
        over, failures, done = threading.Event(), [], []

        def ask(action):
            while not over.is_set():
                try:
                    action()
                    done.append(action)
                except Exception as error:
                    failures.append(repr(error)[:500])
                time.sleep(0.02)

        actions = [read, read, change]
        threads = [threading.Thread(target=ask, args=(lambda action=action: action(base),)) for action in actions]
        for thread in threads:
            thread.start()
        for host in API_HOSTS:
            fleet.restart(host)
        over.set()
        for thread in threads:
            thread.join()
        log = everything_told(base, begin)
        last = int(log[-1]["sequence"])
        eventually("all streams saw the end", lambda: all(int(stream.last) >= last for stream in streams))
        for stream in streams:
            stream.close()

    assert not failures, f"{len(failures)} of {len(failures) + len(done)}: {failures[:3]}"
    is_gap_free(log)
    for stream in streams:
        saw_everything_once(stream, log, begin)
    print(f"{name}: {len(done)} requests, {len(log)} events to each of {STREAMS} streams, none lost")


def read(base):
    answer = requests.get(f"{base}/api/v1/workers", timeout=10)
    assert answer.ok, f"{answer.status_code} {answer.text}"


def everything_told(base, after):
    """Returns the log once the relay has told what was committed."""

    def settled():
        backlog = requests.get(f"{base}/api/v1/system", timeout=10).json()["events"]["backlog"]
        return backlog == 0

    eventually("all is told", settled)
    entries = []
    while page := requests.get(f"{base}/api/v1/events/log?after={after}&limit=1000", timeout=10).json()["items"]:
        entries += page
        after = int(page[-1]["sequence"])
    return entries
