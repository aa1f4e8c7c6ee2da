"""The chart where its pods run: what a person sees who installs it, deletes a leader, and scales the API.

The cluster is Kubernetes 1.20 on one node; dev/kubernetes-node has what it is made of. Its CNI plugin knows no
NetworkPolicies, and no registry has a `mongod`, so that the throw-away MongoDB is the server of dev/servers.
"""

import json
import re
import subprocess
import threading
import time

import pytest
import requests
from node import Doors, Forward, Node
from place import eventually
from stream import Stream, is_gap_free, saw_everything_once

CLIENTS = 10
# How long Kubernetes and a busy machine may take for something, seconds.
PATIENCE = 180


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    it = Node(tmp_path_factory.mktemp("cluster"))
    try:
        yield it
    finally:
        it.end()


@pytest.fixture(scope="module")
def product(node):
    """Installs the chart as README.md says."""
    product = Product(node)
    try:
        product.first = node.follow_readme(node.push_others())
        product.way = Forward(node, "deploy/ccm-api")
        yield product
    finally:
        product.show()


@pytest.fixture
def tell(capsys):
    """Prints a figure, also when nothing fails."""

    def show(text):
        with capsys.disabled():
            print(f"\n  {text}")

    return show


class Product:
    """The release, and a way to its API."""

    def __init__(self, node):
        self.node, self.first, self.way = node, None, None

    def kubectl(self, *words):
        return self.node.run("kubectl", "-n", "ccm", *words)

    def follow(self, word):
        """Runs the command that the chart's notes have behind a word."""
        notes = self.node.run("helm", "-n", "ccm", "get", "notes", "ccm")
        (line,) = re.findall(rf"^{word} +(\S.*)$", notes, re.MULTILINE)
        return self.node.run(*line.split(), patience=600)

    def api(self):
        """Returns where the API is; by another pod when the one before is gone."""
        if not self.way.is_open():
            self.way = Forward(self.node, "deploy/ccm-api")
        return f"{self.way.base}/api/v1"

    def get(self, path):
        def answer():
            it = requests.get(self.api() + path, timeout=10)
            it.raise_for_status()
            return it.json()

        # The way ends with its pod, and says so when it is used.
        return eventually(f"an answer to {path}", answer)

    def post(self, path, body=None):
        answer = requests.post(self.api() + path, json=body or {}, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def head(self):
        return self.get("/system")["events"]["head"]

    def leader(self, role):
        return next(it for it in self.get("/system")["leaders"] if it["role"] == role)

    def log(self, after):
        entries = []
        while page := self.get(f"/events/log?after={after}&limit=1000")["items"]:
            entries += page
            after = int(page[-1]["sequence"])
        return entries

    def pods(self):
        return json.loads(self.kubectl("get", "pod", "-o", "json"))["items"]

    def scale(self, replicas):
        self.kubectl("scale", "deploy/ccm-api", f"--replicas={replicas}")
        self.kubectl("rollout", "status", "deploy/ccm-api", f"--timeout={PATIENCE}s")

    def show(self):
        """Prints what helps when a test has failed; pytest shows it then only."""
        for words in (("get", "pod", "-o", "wide"), ("get", "events", "--sort-by=.lastTimestamp")):
            print(subprocess.run(["kubectl", "-n", "ccm", *words], env=self.node.environment, capture_output=True, text=True).stdout)


class Asking(threading.Thread):
    """Pauses and resumes a schedule again and again, each time by another pod; counts what was acknowledged."""

    SCHEDULE = "detect_activity"

    def __init__(self, doors):
        super().__init__(daemon=True)
        self.doors, self.acknowledged, self.over = doors, 0, threading.Event()

    def run(self):
        pausing = True
        while not self.over.wait(0.1):
            wish = f"/api/v1/schedules/{self.SCHEDULE}/{'pause' if pausing else 'resume'}"
            try:
                if requests.post(self.doors.base() + wish, json={}, timeout=10).ok:
                    self.acknowledged += 1
                    pausing = not pausing
            except requests.RequestException:
                # The pod is gone; the next one is asked the same.
                pass

    def end(self):
        self.over.set()
        self.join()


def test_the_commands_of_the_readme_end_with_an_event_in_the_terminal(product, tell):
    event, took = product.first

    assert event["type"].startswith("io.ccm.")
    tell(f"{took:.0f} s from helm install to the first event: {event['type']}")


def test_every_pod_becomes_ready_and_nothing_is_started_twice(product):
    pods = product.pods()

    states = {
        (pod["metadata"]["name"], it["name"]): (it["ready"], it["restartCount"])
        for pod in pods
        for it in pod["status"]["containerStatuses"]
    }
    assert set(states.values()) == {(True, 0)}, states
    parts = sorted(pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in pods)
    assert parts == ["api", "api", "mongodb", "redis", "relay", "relay", "scheduler", "scheduler", "sim"]


def test_helm_test_succeeds(product):
    said = product.follow("Check")

    assert re.search(r"^Phase: +Succeeded$", said, re.MULTILINE), said


def test_what_a_command_does_is_told_on_a_stream_through_port_forward(product):
    stream = Stream(lambda: product.api().removesuffix("/api/v1"))
    try:
        assert stream.connected.wait(30)
        worker = eventually("a worker that is served", lambda: served(product), PATIENCE)[0]
        operation = product.post(f"/workers/{worker['id']}/stop")["operation"]["id"]

        def told():
            return [it for it in stream.durable if it["data"].get("operation", it["data"]).get("id") == operation]

        kinds = eventually("it is told", lambda: told() and [it["type"] for it in told()], PATIENCE)
        eventually("it is done", lambda: product.get(f"/operations/{operation}")["state"] == "succeeded", PATIENCE)
    finally:
        stream.close()
    assert "io.ccm.worker.operation_changed.v1" in kinds


def served(product):
    return [it for it in product.get("/workers?limit=100")["items"] if it["service"] == "available"]


def delete(product, pod):
    product.kubectl("delete", "pod", pod, "--wait=false")


def kill(product, pod):
    """Kills the program in the pod, as a lack of memory would."""
    status = json.loads(product.kubectl("get", "pod", pod, "-o", "json"))["status"]["containerStatuses"][0]
    container = status["containerID"].removeprefix("containerd://")
    product.node.enter("ctr", "-n", "k8s.io", "task", "kill", "--signal", "SIGKILL", container)


@pytest.mark.parametrize("role", ["scheduler", "relay"])
@pytest.mark.parametrize("end", [delete, kill])
def test_another_one_leads_when_the_leader_s_pod_ends(product, tell, end, role):
    before = product.leader(role)
    head = product.head()

    begun = time.monotonic()
    end(product, before["holder"])

    def next_leader():
        now = product.leader(role)
        return now if now["holder"] and now["epoch"] > before["epoch"] else None

    now = eventually(f"another {role} leads", next_leader, PATIENCE)
    took = time.monotonic() - begun
    tell(f"{role}: {end.__name__}, next leader seen after {took:.1f} s, epoch {before['epoch']} → {now['epoch']}")
    eventually("events are told again", lambda: product.head() > head, PATIENCE)
    told = [it["data"]["epoch"] for it in product.log(head) if it["type"] == "io.ccm.system.leader_changed.v1"]
    assert now["epoch"] in told
    product.kubectl("rollout", "status", f"deploy/ccm-{role}", f"--timeout={PATIENCE}s")


def test_no_event_is_lost_while_the_api_is_scaled_from_one_to_three_and_back(product, tell):
    product.scale(1)
    doors = Doors(product.node)
    head = product.head()
    streams = [Stream(doors.base, last=str(head)) for _ in range(CLIENTS)]
    asking = Asking(doors)
    asking.start()
    try:
        everybody_goes_on(product, streams)

        product.scale(3)
        doors.refresh()
        assert len(doors.pods()) == 3
        streams += [Stream(doors.base, last=str(head)) for _ in range(2 * CLIENTS)]
        eventually("each pod has streams", lambda: all(open_streams(way) for way in doors.open.values()), PATIENCE)
        everybody_goes_on(product, streams)
        had = {pod: open_streams(way) for pod, way in doors.open.items()}

        product.scale(1)
        eventually("two pods are gone", lambda: len(api_pods(product)) == 1, PATIENCE)
        moved = sum(count for pod, count in had.items() if f"pod/{pod}" not in api_pods(product))
        everybody_goes_on(product, streams)
    finally:
        asking.end()
    everybody_goes_on(product, streams)
    log = product.log(head)
    for stream in streams:
        stream.close()
    doors.end()

    tell(
        f"{len(log)} events to {len(streams)} streams, {moved} of them moved off the pods that went; "
        f"{asking.acknowledged} commands acknowledged meanwhile"
    )
    is_gap_free(log)
    for stream in streams:
        assert [it for it in stream.control if it[0] == "resync"] == []
        saw_everything_once(stream, log, head)
    changed = [it for it in log if it["type"] == "io.ccm.schedule.changed.v1"]
    assert len(changed) >= asking.acknowledged > 0


def everybody_goes_on(product, streams):
    """Waits until every stream was told what has happened so far."""
    head = product.head()
    behind = lambda: [it for it in streams if int(it.last or 0) < head]
    eventually("all streams have caught up", lambda: not behind(), PATIENCE)


def open_streams(way):
    return len(requests.get(f"{way.base}/api/v1/system/streams", timeout=10).json()["items"])


def api_pods(product):
    return product.kubectl("get", "pod", "-l", "app.kubernetes.io/component=api", "-o", "name").split()
