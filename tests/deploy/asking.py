"""Requests at a steady rate, whether or not earlier ones are answered. Nothing is asked twice."""

import asyncio
import itertools
import json
import time
import uuid

READS = ["/workers", "/settings", "/schedules", "/operations", "/runs", "/session"]
# The longest that an answer may take, seconds.
PATIENCE = 10
IMAGE = {"instance_type": "m5zn.metal", "ami_id": "ami-0123456789abcdef0"}
ROLE = {"X-CCM-Role": "admin"}


class Asking:
    """`rate` requests a second: reads, one command, and `events` changes of the tags that a worker should have."""

    def __init__(self, host, port, rate, events):
        self.host, self.port = host, port
        self.done, self.failures, self.took, self.tasks = {}, [], [], set()
        self.is_over = False
        # A change is a read and a write.
        self.loops = [
            self.spawn(self.steadily(rate - 2 * events - 1, self.reading())),
            self.spawn(self.steadily(1, itertools.repeat(self.command))),
            self.spawn(self.changes(events)),
        ]

    def status(self):
        return {"done": self.done, "failures": self.failures[:5], "failed": len(self.failures)}

    def stop(self):
        """Asks for nothing more."""
        self.is_over = True

    def report(self):
        """Returns what came of it once all is answered, else nothing."""
        if self.tasks:
            return None
        took = sorted(self.took)
        at = lambda part: round(took[int(len(took) * part)] * 1000)
        return {**self.status(), "count": len(took), "ms": {"p50": at(0.5), "p99": at(0.99), "max": round(took[-1] * 1000)}}

    def spawn(self, work):
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def steadily(self, rate, actions):
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for number, action in enumerate(actions):
            await asyncio.sleep(begin + number / rate - loop.time())
            if self.is_over:
                return
            self.spawn(self.noted(action))

    async def noted(self, action):
        try:
            return await asyncio.wait_for(action(), PATIENCE)
        except Exception as error:
            self.failures.append(f"{action}: {error!r}"[:600])

    def reading(self):
        for path in itertools.cycle(READS):
            yield lambda path=path: self.call("GET", path, 200)

    async def command(self):
        body = {"region": "eu-central-1", "instance_id": f"i-{uuid.uuid4().hex[:17]}"}
        await self.call("POST", "/workers/import", 202, body, {**ROLE, "Idempotency-Key": uuid.uuid4().hex})

    async def changes(self, rate):
        """One after the other, so that none has to be repeated because of another."""
        loop = asyncio.get_running_loop()
        wanted = {"name": f"asked-{uuid.uuid4().hex[:8]}", "region": "eu-central-1", **IMAGE}
        _, made = await self.call("POST", "/workers", 202, wanted, ROLE)
        path, begin = f"/workers/{json.loads(made)['worker']['id']}/tags", loop.time()
        for number in itertools.count():
            await asyncio.sleep(begin + number / rate - loop.time())
            if self.is_over:
                return
            await self.noted(lambda number=number: self.change(path, number))

    async def change(self, path, number):
        head, _ = await self.call("GET", path, 200)
        tag = next(line.partition(": ")[2] for line in head.splitlines() if line.lower().startswith("etag: "))
        await self.call("PUT", path, 200, {"tags": {"turn": str(number)}}, {**ROLE, "If-Match": tag})

    async def call(self, method, path, expected, body=None, headers=None):
        """Asks on a connection of its own and returns head and body of the expected answer."""
        begun = time.monotonic()
        payload = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} /api/v1{path} HTTP/1.1", f"Host: {self.host}:{self.port}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(payload)}"]
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode() + payload)
            answer = await reader.read()
        finally:
            writer.close()
        head, _, rest = answer.partition(b"\r\n\r\n")
        head = head.decode()
        status = int(head.split(" ")[1]) if head else 0
        assert status == expected, f"{method} {path}: {head} {rest[:300]}"
        content = dechunked(rest) if "chunked" in head.lower() else whole(head, rest)
        self.done[method] = self.done.get(method, 0) + 1
        self.took.append(time.monotonic() - begun)
        return head, content


def whole(head, rest):
    length = next(line.partition(": ")[2] for line in head.lower().splitlines() if line.startswith("content-length: "))
    assert len(rest) == int(length), "cut inside of an answer"
    return rest


def dechunked(raw):
    body = b""
    while raw:
        size, _, raw = raw.partition(b"\r\n")
        size = int(size, 16)
        body, raw = body + raw[:size], raw[size + 2 :]
        if not size:
            return body
    raise ValueError("cut inside of an answer")
