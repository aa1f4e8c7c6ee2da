"""Thousands of event streams, each as a browser holds it, with a diary of what it was told."""

import asyncio
from array import array
from collections import Counter

# Streams that are being opened at a time for the first time; whoever comes again does so at once.
OPENING = 40
# Until a stream says otherwise, seconds.
RETRY = 2.0


class Readers:
    """All streams of one process, to one address."""

    def __init__(self, host, port, count):
        self.host, self.port = host, port
        self.bodies, self.reasons, self.faults = {}, Counter(), []
        self.doors = asyncio.Semaphore(OPENING)
        self.closing = False
        self.diaries = [Diary(self) for _ in range(count)]
        for diary in self.diaries:
            diary.come(0)

    def status(self):
        return {
            "open": sum(diary.is_live for diary in self.diaries),
            "last": min(diary.last for diary in self.diaries),
            "furthest": max(diary.last for diary in self.diaries),
            "opened": sum(diary.opened for diary in self.diaries),
            "told": sum(len(diary.seen) for diary in self.diaries),
            "reasons": dict(self.reasons),
            "faults": self.faults[:10],
        }

    def check(self, log):
        """Returns what is wrong with the diaries: each must have every number of the log behind its snapshot, once
        and in order."""
        wrong = list(self.faults)
        for number, diary in enumerate(self.diaries):
            expected = [sequence for sequence in log if sequence > diary.begin]
            seen = [sequence for sequence in diary.seen if sequence <= log[-1]]
            if seen != expected:
                missing, doubled = sorted(set(expected) - set(seen)), len(seen) - len(set(seen))
                wrong.append(f"stream {number}: {len(missing)} missing ({missing[:5]}), {doubled} told twice")
        return wrong

    def first_bodies(self):
        return {sequence: body.decode() for sequence, body in self.bodies.items()}

    def close(self):
        self.closing = True
        for diary in self.diaries:
            diary.leave()


class Diary:
    """One reader over all of its connections."""

    def __init__(self, readers):
        self.readers = readers
        self.begin, self.last, self.seen = None, 0, array("q")
        self.retry, self.opened, self.is_live, self.transport = RETRY, 0, False, None

    def come(self, pause):
        if not self.readers.closing:
            asyncio.get_running_loop().call_later(pause, lambda: self._spawn())

    def _spawn(self):
        # Kept by the diary: the loop itself holds tasks weakly.
        self.task = asyncio.ensure_future(self._open())

    async def _open(self):
        if self.begin is not None:
            return await self._connect()
        async with self.readers.doors:
            await self._connect()

    async def _connect(self):
        loop = asyncio.get_running_loop()
        settled = loop.create_future()
        try:
            await loop.create_connection(lambda: Connection(self, settled), self.readers.host, self.readers.port)
        except OSError as error:
            self.fault(f"no connection: {error!r}")
            return self.come(self.retry)
        await settled

    def fault(self, what):
        self.readers.faults.append(what)

    def leave(self):
        if self.transport:
            self.transport.abort()

    def take(self, block):
        """Takes one block, as the standard has it."""
        fields = {}
        for line in block.split(b"\n"):
            name, _, value = line.partition(b": ")
            fields[name] = value
        if b"retry" in fields:
            self.retry = int(fields[b"retry"]) / 1000
        body, event = fields.get(b"data"), fields.get(b"event")
        if event in (b"snapshot", b"resync", b"bye", b"auth_expired"):
            self.take_control(event, body)
        elif body is not None and b"id" in fields:
            sequence = int(fields[b"id"])
            if self.readers.bodies.setdefault(sequence, body) != body:
                self.fault(f"event {sequence} is told in two ways")
            self.seen.append(sequence)
        if b"id" in fields:
            self.last = int(fields[b"id"])
            self.is_live = True
            if self.begin is None:
                self.begin = self.last

    def take_control(self, event, body):
        if event == b"bye":
            self.readers.reasons[body.decode().split('"reason":"')[1].split('"')[0]] += 1
        elif event != b"snapshot" or self.begin is not None:
            # Nobody is away for long enough to be told to read again.
            self.fault(f"{event.decode()}: {body[:200].decode()}")


class Connection(asyncio.Protocol):
    """One request for a stream and its answer."""

    def __init__(self, diary, settled):
        self.diary, self.settled = diary, settled
        self.raw, self.text = b"", b""
        self.has_head = self.has_ended = False

    def connection_made(self, transport):
        self.transport = self.diary.transport = transport
        resume = f"Last-Event-ID: {self.diary.last}\r\n" if self.diary.begin is not None else ""
        host = f"{self.diary.readers.host}:{self.diary.readers.port}"
        head = f"GET /api/v1/events HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n{resume}\r\n"
        transport.write(head.encode())

    def data_received(self, data):
        self.raw += data
        if not self.has_head and not self.read_head():
            return
        self.unpack()
        *blocks, self.text = self.text.split(b"\n\n")
        for block in blocks:
            self.diary.take(block)
        if self.diary.is_live:
            self.settle()

    def read_head(self):
        head, found, rest = self.raw.partition(b"\r\n\r\n")
        if not found:
            return False
        self.has_head, self.raw = True, rest
        lower = head.lower()
        if not (lower.startswith(b"http/1.1 200") and b"text/event-stream" in lower):
            # A browser would never come back.
            self.diary.fault(f"no stream: {head[:300].decode()}")
        self.diary.opened += 1
        # Whoever is turned away is told so in one piece.
        self.left = None if b"chunked" in lower else int(lower.split(b"content-length:")[1].split()[0])
        return True

    def unpack(self):
        if self.left is None:
            return self.dechunk()
        self.text, self.raw, self.left = self.text + self.raw, b"", self.left - len(self.raw)
        if self.left <= 0:
            self.end()

    def dechunk(self):
        while (line := self.raw.find(b"\r\n")) >= 0:
            size = int(self.raw[:line].split(b";")[0], 16)
            end = line + 2 + size
            if len(self.raw) < end + 2:
                return
            self.text += self.raw[line + 2 : end]
            self.raw = self.raw[end + 2 :]
            if size == 0:
                return self.end()

    def end(self):
        self.has_ended = True
        self.transport.close()

    def connection_lost(self, error):
        diary = self.diary
        diary.is_live, diary.transport = False, None
        if not diary.readers.closing and not (self.has_ended and not self.text):
            diary.fault(f"cut inside of a stream: {error!r}")
        self.settle()
        diary.come(diary.retry)

    def settle(self):
        if not self.settled.done():
            self.settled.set_result(None)
