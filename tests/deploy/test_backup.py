"""Backup and restore, as docs/OPERATIONS.md has them: one process on a file, and processes that share a database."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing

import requests

from place import BINARIES, ROOT, Child, Product, eventually, free_port, running
from stream import Stream

# Regions as the simulated world has them; every instance becomes a worker.
SIMULATED = {
    "CCM_SIMULATE__WORKERS": "5",
    "CCM_SIMULATE__SPEED": "20",
    "CCM_AWS__REGIONS": "[]",
    "CCM_JOBS__IMPORT_INSTANCES__ENABLED": "true",
}


def change(product, seconds):
    product.set_idle(snooze_s=seconds)


def snooze(product):
    return product.get("/settings")["idle"]["snooze_s"]


def test_a_backup_taken_while_it_runs_is_restored_and_a_browser_that_knew_more_reads_again(tmp_path):
    (tmp_path / "before").mkdir()
    (tmp_path / "after").mkdir()
    before = Product(tmp_path / "before", SIMULATED).start()
    try:
        eventually("the fleet is there", before.workers)
        change(before, 301)
        kept = {worker["id"] for worker in before.workers()}
        with closing(sqlite3.connect(tmp_path / "before" / "ccm.db")) as source:
            with closing(sqlite3.connect(tmp_path / "after" / "ccm.db")) as copy:
                source.backup(copy)
        for number in range(50):
            change(before, 302 + number)
        browser = Stream(before.base)
        eventually("the browser is live", lambda: browser.control and browser.last)
        browser.close()
    finally:
        before.child.end()
    shutil.copy(tmp_path / "before" / "ccm.db.key", tmp_path / "after" / "ccm.db.key")

    after = Product(tmp_path / "after", SIMULATED).start()
    try:
        ends = [int(entry["sequence"]) for entry in after.log()]
        again = Stream(after.base, last=str(int(browser.last) + 1000))
        eventually("the browser is told to read again", lambda: "resync" in dict(again.control))
        eventually("it got a snapshot", lambda: "snapshot" in dict(again.control))
        restored = snooze(after)
        change(after, 999)
        eventually("it is live", lambda: any(event["type"].startswith("io.ccm.settings") for event in again.durable))
        again.close()
    finally:
        after.child.end()

    assert restored == 301
    assert kept <= {worker for (_, body) in again.control if "workers" in body for worker in (one["id"] for one in body["workers"])}
    assert all(sequence > ends[0] for sequence in again.sequences())


class Servers:
    """A database server and a Redis for this test alone, since one of them is going to be set back."""

    def __init__(self, folder):
        self.folder = folder
        self.data = folder / "mongo" / "data"

    def __enter__(self):
        self.urls = dict(line.split("=", 1) for line in self.call("start").splitlines())
        return self

    def __exit__(self, *_):
        self.call("stop", "--remove")

    def call(self, *words):
        env = {name: value for name, value in os.environ.items() if name not in ("CCM_TEST_MONGO_URL", "CCM_TEST_REDIS_URL")}
        command = [ROOT / "dev" / "servers", *words, "--dir", self.folder]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=env, timeout=120).stdout


class Split(Product):
    """An API process and a relay that share a store."""

    def __init__(self, servers):
        self.base, self.admin, relay = (f"http://127.0.0.1:{free_port()}" for _ in range(3))
        shared = {
            "CCM_STORE__URL": servers.urls["CCM_TEST_MONGO_URL"].replace("/?", "/ccm?"),
            "CCM_BUS__URL": servers.urls["CCM_TEST_REDIS_URL"],
            "CCM_DRAIN__DELAY": "0s",
        }
        listening = {"CCM_HTTP__LISTEN": self.base.removeprefix("http://"), "CCM_AUTH__MODE": "dev"}
        self.commands = [
            ("ccm-relay", {**shared, "CCM_ADMIN__LISTEN": relay.removeprefix("http://"), "CCM_HTTP__LISTEN": "127.0.0.1:0"}),
            ("ccm-api", {**shared, **listening, "CCM_ADMIN__LISTEN": self.admin.removeprefix("http://")}),
        ]

    def start(self):
        self.children = [Child([BINARIES / name], env) for name, env in self.commands]
        self.child = self.children[-1]
        self.ready()
        return self

    def end(self):
        for child in self.children:
            child.end()

    def is_told(self):
        """Returns the end of the log once nothing waits to be told."""
        events = self.get("/system")["events"]
        assert events and events["backlog"] == 0, events
        return events["head"]


def test_a_database_that_was_set_back_is_gone_on_from_and_redis_and_browsers_follow(tmp_path):
    with Servers(tmp_path / "servers") as servers:
        product = Split(servers).start()
        with running(*product.children):
            change(product, 301)
            kept = eventually("all is told", product.is_told)
            # A copy at rest; what runs waits for the database and goes on by itself.
            servers.call("stop", "mongo")
            shutil.copytree(servers.data, tmp_path / "copy", symlinks=True)
            away = requests.get(f"{product.base}/api/v1/workers", timeout=30)
            servers.call("start")
            eventually("it is back", lambda: requests.get(f"{product.base}/api/v1/workers", timeout=30).ok)
            for number in range(50):
                change(product, 302 + number)
            browser = Stream(product.base)
            eventually("the browser is live", lambda: browser.control and browser.last)
            last = eventually("all is told again", product.is_told)
            eventually("the browser knows all of it", lambda: int(browser.last) >= last)
            browser.close()
        servers.call("stop", "mongo")
        shutil.rmtree(servers.data)
        shutil.copytree(tmp_path / "copy", servers.data, symlinks=True)
        servers.call("start")

        with running(*product.start().children):
            restored, log = snooze(product), [int(entry["sequence"]) for entry in product.log()]
            again = Stream(product.base, last=browser.last)
            eventually("the browser is told to read again", lambda: "resync" in dict(again.control))
            eventually("it got a snapshot", lambda: "snapshot" in dict(again.control))
            change(product, 999)
            eventually("it is live", lambda: any(event["type"].startswith("io.ccm.settings") for event in again.durable))
            fresh = Stream(product.base, last=str(log[0]))
            end = eventually("all is told once more", product.is_told)
            eventually("what Redis has is what the log has", lambda: int(fresh.last) >= end)
            again.close()
            fresh.close()

    assert away.status_code == 503 and "Retry-After" in away.headers
    assert last >= kept + 50 and restored == 301 and kept in log and max(log) < last
    assert fresh.sequences() == list(range(log[0] + 1, end + 1)) and not dict(fresh.control)
    assert all(sequence > kept for sequence in again.sequences())
