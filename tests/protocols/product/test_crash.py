"""`kill -9` at random moments of create, start, stop, import and licence: nothing acknowledged is lost.

The seed is printed; `CCM_TEST_SEED` repeats a run, `CCM_TEST_KILLS` makes it longer or shorter.
"""

import os
import random
import threading
import time

import requests

from place import ENDED, ended, eventually, operation_of
from site_of import standing
from stream import Stream, is_gap_free, saw_everything_once

KILLS = int(os.environ.get("CCM_TEST_KILLS", "200"))
SEED = int(os.environ.get("CCM_TEST_SEED", str(random.randrange(1 << 32))))


class Asking(threading.Thread):
    """Asks for things without end; remembers what was acknowledged."""

    def __init__(self, site, chance):
        super().__init__(daemon=True)
        self.site, self.chance = site, chance
        self.operations, self.names = [], []
        self.over = threading.Event()

    def run(self):
        number = 0
        while not self.over.is_set():
            number += 1
            try:
                answer = self.ask(number)
                if answer and answer.get("operation"):
                    self.operations.append(operation_of(answer))
            except (requests.RequestException, AssertionError):
                # The process is away, or the wish is refused as it should be; nothing was acknowledged.
                time.sleep(0.02)
            time.sleep(self.chance.uniform(0.0, 0.05))

    def ask(self, number):
        product = self.site.product
        workers = product.get("/workers?limit=1000")["items"]
        wish = self.chance.choice(["create", "start", "stop", "import", "license"])
        if wish == "create" or not workers:
            if len(self.names) >= 12:
                return None
            name = f"made-{number}"
            answer = self.site.create(name)
            self.names.append(name)
            return answer
        if wish == "import":
            return product.post("/workers/import", {"region": "eu-central-1", "ami_name": "cml2-*", "all": True})
        worker = self.chance.choice(workers)["id"]
        if wish == "license":
            return product.post(f"/workers/{worker}/license/register", {"token": f"token-{number}"})
        return product.post(f"/workers/{worker}/{wish}")


class Waiting:
    """Follows every acknowledged operation to its end; a worker keeps only its last ones, so it looks often."""

    def __init__(self, product, asking):
        self.product, self.asking, self.ended = product, asking, set()

    def look(self):
        for operation in [o for o in self.asking.operations if o not in self.ended]:
            self.note(self.product.get(f"/operations/{operation}"))

    def until_all_have_ended(self):
        for operation in [o for o in self.asking.operations if o not in self.ended]:
            self.note(ended(self.product, operation, 60))
        assert self.ended >= set(self.asking.operations)

    def note(self, seen):
        if seen["state"] not in ENDED:
            return
        assert seen["state"] == "succeeded" or seen["reason"], seen
        self.ended.add(seen["id"])


def test_kill_at_random_moments(tmp_path):
    print(f"seed {SEED}, {KILLS} kills")
    chance = random.Random(SEED)
    with standing(tmp_path, workers=4) as site:
        product = site.product
        stream = Stream(product.base)
        assert stream.connected.wait(20)
        asking = Asking(site, random.Random(chance.random()))
        asking.start()
        waiting = Waiting(product, asking)
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.05, 1.5))
            product.kill()
            product.start()
            waiting.look()
        asking.over.set()
        asking.join()
        waiting.until_all_have_ended()

        names = [w["name"] for w in product.workers()]
        assert {name for name in names if name in asking.names} == set(asking.names)
        instances = [i["tags"].get("Name") for i in site.instances()]
        for name in asking.names:
            assert names.count(name) == 1, f"{name} is there {names.count(name)} times"
            assert instances.count(name) <= 1, f"{name} has {instances.count(name)} instances"
        launched = [entry["token"] for entry in site.ledger() if entry["outcome"] == "launched"]
        assert len(launched) == len(set(launched))

        log = product.log()
        is_gap_free(log)
        head = int(log[-1]["sequence"])
        eventually("the stream has caught up", lambda: stream.sequences()[-1] >= head)
        stream.close()
        assert [c for c in stream.control if c[0] == "resync"] == []
        saw_everything_once(stream, log, stream.sequences()[0] - 1)
