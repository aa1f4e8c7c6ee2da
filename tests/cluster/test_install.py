"""The chart on a real API server, the oldest one that it is for. No nodes: objects are taken and kept, no pod runs."""

import json
import re
import subprocess
from functools import partial

import generate
import pytest
import yaml
from rendering import COMBINATIONS, OLDEST, combination

HELM = generate.helm()


def run(cluster, *command):
    answer = subprocess.run(list(map(str, command)), env=cluster, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


class Release:
    """A release in a namespace of its own."""

    def __init__(self, cluster, name, *values):
        self.namespace = name
        self.kubectl = partial(run, cluster, "kubectl", "--namespace", name)
        self.helm = partial(run, cluster, HELM, "--namespace", name)
        files = [part for file in values for part in ("--values", generate.CHART / file)]
        self.options = ["ccm", generate.CHART, *files]
        self.kubectl("create", "namespace", name)

    def install(self, *more):
        return self.helm("install", *self.options, *more)

    def upgrade(self, *more):
        return self.helm("upgrade", *self.options, *more)

    def stored(self, it):
        """Returns an object as the server kept it."""
        group, _, version = it["apiVersion"].rpartition("/")
        kind = f"{it['kind']}.{version}.{group}" if group else it["kind"]
        kept = json.loads(self.kubectl("get", kind, it["metadata"]["name"], "--output", "json"))
        # The server keeps CPU apart from the other metrics, and puts it last.
        kept.get("spec", {}).get("metrics", []).sort(key=lambda metric: metric["type"], reverse=True)
        return kept

    def key(self):
        return self.stored({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "ccm-secrets"}})["data"]["store-key"]


def dropped(sent, kept, path=""):
    """Yields what was sent and is not there any more, or is something else."""
    if isinstance(sent, dict) and isinstance(kept, dict):
        for key, value in sent.items():
            yield from dropped(value, kept.get(key), f"{path}.{key}")
    elif isinstance(sent, list) and isinstance(kept, list) and len(sent) == len(kept):
        for n, (one, other) in enumerate(zip(sent, kept)):
            yield from dropped(one, other, f"{path}[{n}]")
    # The server leaves out what is empty, and writes thousands its own way.
    elif sent not in ({}, [], "", None) and str(sent) != re.sub(r"^(\d+)k$", r"\g<1>000", str(kept)):
        yield f"{path}: {sent!r} became {kept!r}"


def test_what_is_dropped_is_noticed():
    assert list(dropped({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1}], "d": 3})) == [".a[0].c: 2 became None"]


@pytest.mark.parametrize("name", COMBINATIONS)
def test_every_combination_is_installed_and_the_server_keeps_all_of_it(cluster, name):
    release = Release(cluster, f"all-{name}", *COMBINATIONS[name])

    release.install()

    objects = list(yaml.safe_load_all(release.helm("get", "manifest", "ccm")))
    for it in objects:
        kept = release.stored(it)
        losses = [loss for part in ("spec", "data") for loss in dropped(it.get(part), kept.get(part))]
        assert losses == [], it["metadata"]["name"]
    expected = [it for it in combination(name, kubernetes=OLDEST) if it["kind"] != "Pod"]
    assert len(objects) == len(expected)


def test_a_made_key_is_kept_over_upgrade_and_rollback(cluster):
    release = Release(cluster, "key")
    release.install()
    key = release.key()

    release.upgrade("--set", "api.replicas=3")
    assert release.key() == key
    release.helm("rollback", "ccm", "1")

    assert release.key() == key


def test_nothing_is_left_behind(cluster):
    release = Release(cluster, "gone", *COMBINATIONS["ha"])
    release.install()
    release.helm("uninstall", "ccm")

    kinds = "deploy,svc,secret,cm,sa,ingress,networkpolicy,pdb,hpa,servicemonitor,prometheusrule"
    left = release.kubectl("get", kinds, "--selector", "app.kubernetes.io/instance=ccm", "--output", "name")

    assert left == ""


def test_from_trial_to_production_by_an_upgrade(cluster):
    release = Release(cluster, "grow")
    release.install()

    files = [part for file in COMBINATIONS["ha"] for part in ("--values", generate.CHART / file)]
    release.upgrade(*files)

    names = release.kubectl("get", "deploy", "--output", "name").split()
    assert names == [f"deployment.apps/ccm-{it}" for it in ("api", "relay", "scheduler")]


def test_plain_manifests_are_taken(cluster):
    release = Release(cluster, "plain")

    release.kubectl("apply", "--filename", generate.ROOT / "k8s/rendered/minimal.yaml")

    assert len(release.kubectl("get", "deploy", "--output", "name").split()) == 3
