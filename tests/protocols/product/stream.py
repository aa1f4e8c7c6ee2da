"""An event stream as a browser would hold it: reconnects with the last id, keeps what it saw."""

import json
import threading

import requests


class Stream:
    """Reads `/api/v1/events` in a thread until it is closed.

    `base` is where the API is, or what is asked for that before each connection.
    """

    def __init__(self, base, last=None):
        self.base = base if callable(base) else lambda: base
        self.last = last
        self.durable = []
        self.ephemeral = []
        self.control = []
        self.closed = threading.Event()
        self.connected = threading.Event()
        self.answer = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def close(self):
        self.closed.set()
        if self.answer is not None:
            self.answer.close()
        self.thread.join(timeout=10)

    def _run(self):
        while not self.closed.is_set():
            headers = {"Accept": "text/event-stream"}
            if self.last:
                headers["Last-Event-ID"] = self.last
            try:
                self.answer = requests.get(f"{self.base()}/api/v1/events", headers=headers, stream=True, timeout=(5, 40))
                self.connected.set()
                self._read(self.answer.iter_lines(chunk_size=1, decode_unicode=True))
            except (requests.RequestException, AttributeError, ValueError):
                # Cut off: the same as in a browser, go on behind the last id after a moment.
                self.closed.wait(0.2)

    def _read(self, lines):
        block = {}
        for line in lines:
            if line:
                name, _, value = line.partition(":")
                value = value.removeprefix(" ")
                block[name] = f"{block[name]}\n{value}" if name in block else value
                continue
            self._take(block)
            block = {}

    def _take(self, block):
        # As in the standard: an id counts with the end of its block.
        if "id" in block:
            self.last = block["id"]
        if "data" not in block:
            return
        name, body = block.get("event", "message"), json.loads(block["data"])
        if "specversion" not in body:
            self.control.append((name, body))
        elif "id" in block:
            self.durable.append(body)
        else:
            self.ephemeral.append(body)

    def sequences(self):
        return [int(event["sequence"]) for event in self.durable]


def saw_everything_once(stream, log, after):
    """Asserts that the stream saw each logged event behind `after` exactly once and in order."""
    wanted = [int(entry["sequence"]) for entry in log if int(entry["sequence"]) > after]
    assert stream.sequences()[: len(wanted)] == wanted
    bodies = {entry["sequence"]: entry for entry in log}
    for event in stream.durable:
        if event["sequence"] in bodies:
            assert event == bodies[event["sequence"]]


def is_gap_free(log):
    """Asserts that the log has no hole and no double."""
    numbers = [int(entry["sequence"]) for entry in log]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), numbers
    ids = [entry["id"] for entry in log]
    assert len(set(ids)) == len(ids)
