"""Pods of a rendering as processes on this machine: their files in a folder, their names on loopback."""

import os
import subprocess
from pathlib import Path

from rendering import container

BINARIES = Path(os.environ.get("CCM_TEST_BIN_DIR", Path(__file__).resolve().parents[2] / "target/debug"))

# What Secrets of a site may hold, by the file that a pod reads. Nothing of it is real.
SITE = {
    "store-url": "mongodb://mongo.example.com:27017/ccm",
    "store-key": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "bus-url": "redis://redis.example.com:6379",
    "oidc-client-secret": "of-the-login-server",
    "cml-password": "of-the-controllers",
    "aws-accounts": '[\n  { role_arn = "arn:aws:iam::123456789012:role/ccm", external_id = "x" },\n]\n',
    "aws-credentials": "[default]\naws_access_key_id = x\naws_secret_access_key = x\n",
    "relay-sinks": '[{ name = "ops", url = "https://hooks.example.com/ccm", types = ["worker.*"] }]\n',
    "inbound-secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "inbound-bearer": '["a-token-of-twenty-xx", "another-token-of-xx"]\n',
}


class Pod:
    """The volumes of a pod in a folder, and its first container's command line."""

    def __init__(self, objects, service, folder):
        self.folder = folder
        self.service = service
        pod = objects.pod(f"ccm-{service}")
        self.container = container(pod, service)
        for volume in pod["volumes"]:
            for path, text in files(objects, volume):
                self.write(mount_of(self.container, volume["name"]) + "/" + path, text)

    def path(self, inside):
        return self.folder / inside.lstrip("/")

    def write(self, inside, text):
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def arguments(self):
        return [self.local(word) for word in self.container["args"]]

    def environment(self):
        """Returns the container's variables, and nothing of ours."""
        values = {it["name"]: it.get("value", f"{self.service}-pod") for it in self.container["env"]}
        return {name: self.local(value) for name, value in values.items()}

    def local(self, text):
        return text.replace("/etc/ccm/", f"{self.folder}/etc/ccm/")

    def config(self):
        return self.path("/etc/ccm/config/ccm.toml")

    def rewrite(self, change):
        """Changes configuration and secrets, as names that mean something in a cluster only must be."""
        for path in (self.folder / "etc/ccm").rglob("*"):
            if path.is_file():
                path.write_text(change(path.read_text()))

    def check(self, **more):
        command = [BINARIES / f"ccm-{self.service}", *self.arguments(), "--check"]
        return subprocess.run(command, env={**self.environment(), **more}, capture_output=True, text=True)


def mount_of(it, volume):
    return next(mount["mountPath"] for mount in it["volumeMounts"] if mount["name"] == volume)


def files(objects, volume):
    """Yields path and text of what a volume holds; what is not in the rendering comes from `SITE`."""
    held = objects.secret_values()
    if "projected" in volume:
        for source in volume["projected"]["sources"]:
            for item in source["secret"]["items"]:
                yield item["path"], held.get((source["secret"]["name"], item["key"]), SITE[item["path"]])
    elif "items" in volume["configMap"]:
        for item in volume["configMap"]["items"]:
            yield item["path"], "-----BEGIN CERTIFICATE-----\n"
    else:
        yield from objects.one("ConfigMap", volume["configMap"]["name"])["data"].items()
