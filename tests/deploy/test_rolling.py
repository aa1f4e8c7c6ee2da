"""Every process is replaced while people read and ask, behind each documented load balancer."""

import json
import os
import time
from array import array
from contextlib import ExitStack, closing

import pytest

from asking import Asking
from balancers import KINDS
from beside import Beside
from fleet import API_HOSTS, QUICK, Fleet, balanced, everything_told
from place import eventually
from readers import Diary, Readers
from stream import is_gap_free

# Behind each balancer: streams, requests a second, and events a second. `make rolling` asks for what the product
# promises, for one balancer after the other, and lets API processes drain as they do when nobody says otherwise. Else
# the three stand before the same processes at the same time, and relays and schedulers are replaced as well.
FULL = os.environ.get("CCM_ROLLING")
STREAMS, REQUESTS, EVENTS = (int(n) for n in (FULL or "100 20 1").split())
OPTIONS = {"CCM_SSE__HEARTBEAT": "5s"} if FULL else QUICK
GROUPS = [[name] for name in KINDS] if FULL else [list(KINDS)]
# How uneven streams may be in the end: the fullest less the emptiest, of the mean.
SKEW = 0.10


@pytest.fixture(scope="module")
def fleet():
    fleet = Fleet("rolling", OPTIONS, whole=not FULL)
    try:
        yield fleet
    finally:
        fleet.end()


def test_what_was_lost_or_told_twice_is_found():
    readers = Readers("nowhere", 0, 0)
    for seen in ([2, 3, 4], [2, 4], [2, 3, 3, 4], [3, 2, 4]):
        readers.diaries.append(diary := Diary(readers))
        diary.begin, diary.seen = 1, array("q", seen)

    wrong = readers.check([1, 2, 3, 4])

    assert wrong == [
        "stream 1: 1 missing ([3]), 0 told twice",
        "stream 2: 0 missing ([]), 1 told twice",
        "stream 3: 0 missing ([]), 0 told twice",
    ]


class People:
    """Those who read and ask by way of one balancer."""

    def __init__(self, name, base, stack):
        self.name, self.base = name, base
        host, port = base.removeprefix("http://").split(":")
        self.readers = stack.enter_context(closing(Beside(Readers, host, int(port), STREAMS)))
        self.asking = stack.enter_context(closing(Beside(Asking, host, int(port), REQUESTS, EVENTS)))

    def are_reading(self):
        return self.readers.ask("status")["open"] == STREAMS

    def have_read(self, last):
        return self.readers.ask("status")["last"] >= last

    def stop_asking(self):
        self.asking.ask("stop")
        self.asked = eventually(f"{self.name}: all is answered", lambda: self.asking.ask("report"))

    def check(self, log):
        told = {int(entry["sequence"]): entry for entry in log}
        wrong, bodies = self.readers.ask("check", list(told)), self.readers.ask("first_bodies")
        seen = self.readers.ask("status")
        print(f"{self.name}: {self.asked['count']} requests {self.asked['ms']} ms, {self.asked['failed']} failed; "
              f"{seen['told']} frames told to {STREAMS} streams, opened {seen['opened']} times, ends {seen['reasons']}")
        assert not self.asked["failed"], self.asked["failures"]
        assert not wrong, wrong[:10]
        assert all(json.loads(body) == told[sequence] for sequence, body in bodies.items())
        # It was not for nothing: streams were ended by their processes, and reads, commands and changes were answered.
        assert seen["opened"] >= 2 * STREAMS and bodies and {"GET", "POST", "PUT"} <= set(self.asked["done"])


@pytest.mark.parametrize("names", GROUPS, ids="-".join)
def test_a_rolling_restart_fails_no_request_loses_no_event_and_leaves_streams_even(names, tmp_path, fleet):
    with ExitStack() as stack:
        people = []
        for name in names:
            (folder := tmp_path / name).mkdir()
            people.append(People(name, stack.enter_context(balanced(name, folder, fleet)), stack))
        eventually("all streams are open", lambda: all(group.are_reading() for group in people), patience=300)
        before, begun = fleet.streams(), time.monotonic()
        for host in API_HOSTS if FULL else fleet.roles:
            fleet.restart(host)
        restarted, took = fleet.streams(), time.monotonic() - begun
        even = eventually("streams are even", lambda: evenly(fleet, STREAMS * len(names)), patience=300)
        print(f"streams {before}; restarted in {took:.0f} s: {restarted}; after {time.monotonic() - begun - took:.0f} s "
              f"more: {even}, skew {skew(even):.1%}")
        for group in people:
            group.stop_asking()
        log = everything_told(people[0].base, 0)
        last = int(log[-1]["sequence"])
        eventually("all saw the end", lambda: all(group.have_read(last) for group in people))
        is_gap_free(log)
        for group in people:
            group.check(log)


def evenly(fleet, all_of_them):
    """Returns the streams of each process once all are open and even."""
    streams = fleet.streams()
    assert sum(streams) == all_of_them and skew(streams) < SKEW, streams
    return streams


def skew(streams):
    return (max(streams) - min(streams)) / (sum(streams) / len(streams))
