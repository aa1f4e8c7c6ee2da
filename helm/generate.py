#!/usr/bin/env python3
"""Makes what is made of the chart: its schema, its table of values, its alerts, and the manifests in k8s/.

    helm/generate.py --check    fails when a committed file is not what this makes
    helm/generate.py --write    writes them

Needs PyYAML and helm 3 (`dev/setup helm`).
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "helm/ccm"
SERVICES = ("api", "scheduler", "relay")

# Keys that the chart decides, or that are secret and come as files.
NOT_HERE = {
    "http.listen",
    "admin.listen",
    "admin.name",
    "store.url",
    "store.secret_key",
    "bus.url",
    "auth.oidc.client_secret",
    "aws.accounts",
    "cml.password",
    "cml.ca_file",
    "relay.sinks",
    "relay.inbound.secret",
    "relay.inbound.bearer",
}
# Processes that differ in these do not meet.
ALIKE_ONLY = {"bus.namespace"}
ENUMS = {"auth.mode": ["oidc", "dev"], "telemetry.log_format": ["auto", "json", "text"]}
SPAN = r"^([0-9.]+(w|d|h|m|s|ms|us|ns))+$"
# The chart adds these up, with the units that its template reads.
DRAIN_SPAN = r"^(0s|([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$"
SIZE = r"^[0-9]+(GiB|MiB|KiB|GB|MB|kB|B)$"

# A chart may hold nothing from outside its folder, so it holds copies.
COPIES = {"rules/ccm.yaml": "deploy/prometheus/ccm-rules.yaml"}

# The combinations that are committed, and their values files.
RENDERINGS = {
    "default": ["ci/default-values.yaml"],
    "ha": ["values-ha.yaml", "ci/ha-values.yaml"],
    "minimal": ["ci/minimal-values.yaml"],
}
# What the committed manifests are for; the tests render for the oldest and the newest too.
KUBERNETES = "1.31.0"


def helm():
    """Returns the helm to call."""
    cache = Path(os.environ.get("CCM_CACHE") or Path.home() / ".cache/ccm")
    installed = Path(os.environ.get("CCM_TOOLS") or cache / "tools") / "bin/helm"
    return str(installed) if installed.exists() else "helm"


# -- the schema of a service's configuration, from its defaults


def options(service):
    """Yields key, value and meaning of each option; a commented one (`# key = value`) has no default."""
    section, comments = "", []
    for line in (ROOT / f"services/{service}/defaults.toml").read_text().splitlines():
        if match := re.fullmatch(r"\[([a-z0-9_.]+)\]", line):
            section, comments = match[1], []
        elif match := re.fullmatch(r"(?:# )?([a-z0-9_]+) = (.+)", line):
            value = tomllib.loads(f"value = {match[2]}")["value"]
            yield f"{section}.{match[1]}", value, " ".join(comments)
            comments = []
        elif line.startswith("# "):
            comments.append(line[2:])
        else:
            comments = []


def type_of(key, value):
    """Returns what a value of this option may be."""
    if key in ENUMS:
        return {"enum": ENUMS[key]}
    if key.startswith("drain."):
        return {"type": "string", "pattern": DRAIN_SPAN, "minLength": 2}
    if isinstance(value, str) and re.match(SPAN, value):
        return {"type": "string", "pattern": SPAN}
    if isinstance(value, str) and re.match(SIZE, value):
        return {"type": "string", "pattern": SIZE}
    if isinstance(value, list):
        return {"type": "array", "items": {"type": "string"}}
    return plain_type(value)


def plain_type(value):
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return {"type": kinds[type(value)]}


def closed(properties, **more):
    return {"type": "object", "properties": properties, "additionalProperties": False, **more}


def nested(flat):
    """Makes one closed object of dotted keys and their schemas."""
    below, here = {}, {}
    for key, schema in flat.items():
        first, _, rest = key.partition(".")
        if rest:
            below.setdefault(first, {})[rest] = schema
        else:
            here[first] = schema
    return closed({**here, **{key: nested(inner) for key, inner in below.items()}})


def definitions():
    """Returns the schemas that values.yaml refers to."""
    flat = {}
    for service in SERVICES:
        flat[service] = {
            key: {**type_of(key, value), "description": meaning}
            for key, value, meaning in options(service)
            if key not in NOT_HERE
        }
    alike = {
        key: schema
        for key, schema in flat["api"].items()
        if all(key in flat[service] for service in SERVICES) and not key.startswith("drain.")
    }
    result = {"shared": nested(alike)}
    for service in SERVICES:
        own = {key: schema for key, schema in flat[service].items() if key not in ALIKE_ONLY}
        result[service] = nested(own)
        # The grace period of a pod is the sum of them.
        result[service]["required"] = ["drain"]
        result[service]["properties"]["drain"]["required"] = ["delay", "streams", "requests", "jobs"]
    quantity = {"type": ["string", "integer"]}
    amounts = {"type": "object", "additionalProperties": quantity}
    text = {"type": "string"}
    result["secret"] = closed({"value": text, "existingSecret": text, "key": {**text, "minLength": 1}})
    result["resources"] = closed({"requests": amounts, "limits": amounts})
    return result


# -- the chart's values, from values.yaml and its comments


def read_values():
    """Yields path, value, meaning, narrowing and whether it has rows of its own, for each key of values.yaml."""
    text = (CHART / "values.yaml").read_text()
    whole = yaml.safe_load(text)
    path, indents, meaning, narrowing, closed_below = [], [], "", {}, None
    for line in text.splitlines():
        stripped, indent = line.strip(), len(line) - len(line.lstrip())
        if stripped.startswith("# -- "):
            meaning = stripped[5:]
        elif stripped.startswith("# @schema "):
            narrowing = json.loads(stripped[10:])
        elif match := re.match(r"([A-Za-z]+):(.*)", stripped):
            while indents and indents[-1] >= indent:
                indents.pop()
                path.pop()
            path, indents = [*path, match[1]], [*indents, indent]
            if closed_below is not None and indent > closed_below:
                continue
            closed_below = None
            value = whole
            for key in path:
                value = value[key]
            has_rows = isinstance(value, dict) and not match[2].strip() and not narrowing
            if not has_rows:
                closed_below = indent
                if not meaning:
                    sys.exit(f"values.yaml: nobody explained {'.'.join(path)}")
            yield tuple(path), value, meaning, narrowing, has_rows
            meaning, narrowing = "", {}
        elif not stripped:
            meaning, narrowing = "", {}


def schema():
    top = closed({})
    for path, value, meaning, narrowing, has_rows in read_values():
        place = top
        for key in path[:-1]:
            place = place["properties"][key]
        if has_rows:
            place["properties"][path[-1]] = closed({})
        elif "$ref" in narrowing:
            place["properties"][path[-1]] = {"description": meaning, **narrowing}
        else:
            kind = {} if "enum" in narrowing else plain_type(value)
            place["properties"][path[-1]] = {"description": meaning, **kind, **narrowing}
    # Helm hands this down when the chart is part of another one.
    top["properties"]["global"] = {"type": "object"}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart ccm",
        **top,
        "$defs": definitions(),
    }


def schema_text():
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def readme_text():
    rows = []
    for path, value, meaning, _, has_rows in read_values():
        if not has_rows:
            default = json.dumps(value, ensure_ascii=False)
            cells = [f"`{'.'.join(path)}`", f"`{default}`", meaning]
            rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    head = (CHART / "README.head.md").read_text()
    return head + "\n## Values\n\n| Key | Default | Meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"


# -- the manifests


def render(*values, kubernetes=KUBERNETES, more=()):
    """Returns the manifests for these values files of the chart."""
    files = [part for name in values for part in ("--values", str(CHART / name))]
    command = [helm(), "template", "ccm", str(CHART), "--kube-version", kubernetes, *files, *more]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode:
        raise RuntimeError(answer.stderr.strip())
    return answer.stdout


def manifest_text(name):
    head = f"# Made by helm/generate.py of helm/ccm with {', '.join(RENDERINGS[name])}; do not edit.\n"
    return head + render(*RENDERINGS[name], more=["--skip-tests"])


def documents():
    for copy, source in COPIES.items():
        yield CHART / copy, (ROOT / source).read_text
    # In this order: what is rendered holds the alerts and is checked against the schema.
    yield CHART / "values.schema.json", schema_text
    yield CHART / "README.md", readme_text
    for name in RENDERINGS:
        yield ROOT / f"k8s/rendered/{name}.yaml", lambda name=name: manifest_text(name)


def stale():
    """Returns the committed files that are not what this makes."""
    return [path for path, make in documents() if not path.exists() or path.read_text() != make()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", action="store_true")
    mode.add_argument("--write", action="store_true")
    if parser.parse_args().write:
        for path, make in documents():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(make())
    elif paths := stale():
        names = ", ".join(str(path.relative_to(ROOT)) for path in paths)
        sys.exit(f"out of date: {names}; run helm/generate.py --write")


if __name__ == "__main__":
    main()
