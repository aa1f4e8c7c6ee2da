"""The documents of the first release, and of one that is later than this: served, written on, and nothing lost.

What several processes share is held to the same by the contract suite of the store.
"""

import copy
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from place import Product, eventually
from stream import Stream

FIRST = (Path(__file__).parent / "first_release.sql").read_text()
SIMULATED = {"CCM_SIMULATE__WORKERS": "3", "CCM_SIMULATE__SPEED": "20", "CCM_AWS__REGIONS": "[]"}
KINDS = {
    *("commands", "dead_letters", "labs", "leaders", "processes", "receipts", "replies", "runs"),
    *("schedules", "settings", "sinks", "workers"),
}
# Members whose own members are names that people or others gave.
MAPS = {"tags", "default_tags", "regions", "counts", "parts", "result", "headers"}


def load(folder, change=None):
    """Makes the file of the first release, each document changed."""
    with closing(sqlite3.connect(folder / "ccm.db")) as db:
        db.executescript(FIRST)
        for name, body in documents(db).items():
            if change:
                db.execute("UPDATE docs SET body = ? WHERE coll = ? AND key = ?", (json.dumps(change(body)), *name))
        db.commit()


def stored(folder):
    with closing(sqlite3.connect(folder / "ccm.db")) as db:
        return documents(db)


def documents(db):
    return {(coll, key): json.loads(body) for coll, key, body in db.execute("SELECT coll, key, body FROM docs")}


@pytest.fixture
def product(tmp_path):
    product = Product(tmp_path, SIMULATED)
    yield product
    if product.child:
        product.child.end()


def use(product, before):
    """Reads everything there is, and writes what people and the scheduler write."""
    worker = next(body for (coll, _), body in before.items() if coll == "workers" and body["status"]["state"] == "running")
    for path in ("/workers", "/labs", "/schedules", "/runs", "/operations", "/settings", "/system"):
        product.get(path)
    product.put(f"/workers/{worker['id']}/tags", {"tags": {"team": "blue"}})
    product.set_idle(snooze_s=777)
    product.post("/schedules/prune/resume")

    def looked_at():
        now = stored(product.folder)
        runs = [name for name in now if name[0] == "runs" and name not in before]
        return runs and now["workers", worker["id"]]["status"] != worker["status"]

    eventually("the scheduler saw and wrote the worker", looked_at)
    return worker["id"]


def test_what_the_first_release_left_is_served_and_written_on(tmp_path, product):
    load(tmp_path)
    before = stored(tmp_path)
    assert {coll for coll, _ in before} == KINDS
    with closing(sqlite3.connect(tmp_path / "ccm.db")) as db:
        told = [sequence for (sequence,) in db.execute("SELECT seq FROM events ORDER BY seq")]

    product.start()
    stream = Stream(product.base, last=str(told[2]))
    use(product, before)
    names = {worker["id"]: worker["name"] for worker in product.workers()}
    log = [int(entry["sequence"]) for entry in product.log()]
    eventually("a browser of then goes on where it was", lambda: len(stream.durable) > len(told))
    stream.close()
    product.child.end()

    assert {body["id"]: body["name"] for (coll, _), body in before.items() if coll == "workers"}.items() <= names.items()
    assert log[: len(told)] == told and stream.sequences()[: len(told) - 3] == told[3:] and not dict(stream.control)
    after = stored(tmp_path)
    written = [name for name in before if name in after and after[name]["rev"] > before[name]["rev"]]
    assert {"workers", "settings", "schedules"} <= {coll for coll, _ in written}
    for name in written:
        assert before[name].keys() <= after[name].keys() and after[name]["format"] == 1, name


def later(body):
    """Returns the document as a release might write it that has more to say of everything."""

    def more(value):
        if isinstance(value, list):
            return [more(one) if isinstance(one, dict) and "id" in one else one for one in value]
        if not isinstance(value, dict):
            return value
        return {**{name: one if name in MAPS else more(one) for name, one in value.items()}, "later": {"said": [1]}}

    return {**more(copy.deepcopy(body)), "format": 2}


def kept(before, after):
    """Yields where something that only the later release knows is gone."""
    if isinstance(before, list) and isinstance(after, list):
        named = lambda elements: {one["id"]: one for one in elements if isinstance(one, dict) and "id" in one}
        before, after = named(before), named(after)
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return
    if before.get("later") != after.get("later"):
        yield list(before)
    for name in before.keys() & after.keys():
        yield from kept(before[name], after[name])


def test_what_a_later_release_added_outlives_the_writes_of_this_one(tmp_path, product):
    load(tmp_path, later)
    before = stored(tmp_path)

    product.start()
    use(product, before)
    product.child.end()

    after = stored(tmp_path)
    written = [name for name in before if name in after and after[name]["rev"] > before[name]["rev"]]
    assert {"workers", "settings", "schedules"} <= {coll for coll, _ in written}
    for name in written:
        assert after[name]["format"] == 2 and not list(kept(before[name], after[name])), (name, after[name])
