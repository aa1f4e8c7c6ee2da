"""Renderings of the chart as a test asks for them: objects by kind and name, and what is inside a pod."""

import base64
from functools import cache

import generate
import yaml

OLDEST, NEWEST = "1.20.0", "1.37.0"
SERVICES = generate.SERVICES
# The smallest values with which people log in and nothing is thrown away.
SITE = ["values-ha.yaml", "ci/ha-values.yaml"]

COMBINATIONS = {
    **generate.RENDERINGS,
    # As `helm install` alone has it: with a key that is made.
    "bare": [],
    "everything": [*SITE, "ci/everything-values.yaml"],
}


class Rendering(list):
    """The objects of one rendering."""

    def all(self, kind):
        return [it for it in self if it["kind"] == kind]

    def one(self, kind, name):
        found = [it for it in self.all(kind) if it["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} times {kind} {name}"
        return found[0]

    def has(self, kind, name):
        return any(it["metadata"]["name"] == name for it in self.all(kind))

    def pods(self):
        """Returns name and pod spec of everything that makes pods."""
        specs = {it["metadata"]["name"]: it["spec"]["template"]["spec"] for it in self.all("Deployment")}
        return {**specs, **{it["metadata"]["name"]: it["spec"] for it in self.all("Pod")}}

    def pod(self, name):
        return self.pods()[name]

    def config(self, service):
        return self.one("ConfigMap", f"ccm-{service}")["data"]["ccm.toml"]

    def secret_values(self):
        """Returns what the Secrets of the rendering hold, by name and key."""
        return {
            (it["metadata"]["name"], key): base64.b64decode(value).decode()
            for it in self.all("Secret")
            for key, value in it["data"].items()
        }


@cache
def _text(files, sets, kubernetes):
    more = [part for one in sets for part in ("--set", one)]
    return generate.render(*files, kubernetes=kubernetes, more=more)


def render(*files, sets=(), kubernetes=generate.KUBERNETES):
    """Renders the chart for values files and `--set` words; fails as helm does."""
    text = _text(tuple(files), tuple(sets), kubernetes)
    return Rendering(it for it in yaml.load_all(text, Loader=yaml.CSafeLoader) if it)


def combination(name, **options):
    return render(*COMBINATIONS[name], **options)


def container(pod, name):
    return next(it for it in pod["containers"] if it["name"] == name)


def variables(pod, name):
    return {it["name"]: it.get("value") for it in container(pod, name).get("env", [])}
