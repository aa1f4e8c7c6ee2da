"""Backup under way and restore, as docs/OPERATIONS.md has them, for one process on a file."""

import shutil
import sqlite3
from contextlib import closing

from place import Product, eventually
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
