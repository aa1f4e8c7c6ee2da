"""The chart's files: what is made of others is up to date, and helm finds nothing to say."""

import shutil
import subprocess

import generate
import pytest
import yaml
from rendering import COMBINATIONS, NEWEST, OLDEST, combination

HELM = generate.helm()


@pytest.mark.parametrize("name", COMBINATIONS)
def test_lint_has_nothing_to_say(name):
    files = [part for file in COMBINATIONS[name] for part in ("--values", generate.CHART / file)]

    answer = subprocess.run([HELM, "lint", "--strict", "--quiet", generate.CHART, *files], capture_output=True, text=True)

    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("path,make", list(generate.documents()), ids=lambda it: getattr(it, "name", None))
def test_committed_files_are_what_the_generator_makes(path, make):
    assert path.read_text() == make(), f"{path.name} is out of date; run helm/generate.py --write"


def test_a_changed_manifest_is_noticed(tmp_path, monkeypatch):
    """The comparison itself: without it a stale k8s/ would pass."""
    chart = tmp_path / "helm/ccm"
    shutil.copytree(generate.CHART, chart)
    shutil.copytree(generate.ROOT / "k8s", tmp_path / "k8s")
    for service in generate.SERVICES:
        defaults = tmp_path / f"services/{service}/defaults.toml"
        defaults.parent.mkdir(parents=True)
        shutil.copy(generate.ROOT / f"services/{service}/defaults.toml", defaults)
    for source in generate.COPIES.values():
        (tmp_path / source).parent.mkdir(parents=True)
        shutil.copy(generate.ROOT / source, tmp_path / source)
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    monkeypatch.setattr(generate, "CHART", chart)
    assert generate.stale() == []

    changed = tmp_path / "k8s/rendered/minimal.yaml"
    changed.write_text(changed.read_text().replace("replicas: 1", "replicas: 3"))

    assert generate.stale() == [changed]


def test_an_upgrade_changes_nothing_that_kubernetes_keeps_for_ever():
    """Selectors are immutable: a value that moves one would break `helm upgrade`."""
    one, other = combination("default"), combination("default", sets=["image.tag=9.9.9", "api.replicas=5"])

    for deployment in one.all("Deployment"):
        same = other.one("Deployment", deployment["metadata"]["name"])
        assert deployment["spec"]["selector"] == same["spec"]["selector"]


@pytest.mark.parametrize("kubernetes", [OLDEST, NEWEST])
def test_names_are_unique_and_short_enough(kubernetes):
    for name in COMBINATIONS:
        objects = combination(name, kubernetes=kubernetes)
        names = [(it["kind"], it["metadata"]["name"]) for it in objects]
        assert len(set(names)) == len(names), name
        assert all(len(it) <= 63 for _, it in names), name


def test_a_long_release_name_still_gives_names_of_63_characters():
    command = [HELM, "template", "r" * 53, generate.CHART]

    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    objects = [it for it in yaml.safe_load_all(text) if it]
    assert max(len(it["metadata"]["name"]) for it in objects) <= 63


def notes(folder, *files):
    """Renders NOTES.txt, which helm itself prints at an installation only."""
    chart = folder / "ccm"
    shutil.copytree(generate.CHART, chart)
    shutil.move(chart / "templates/NOTES.txt", chart / "NOTES.txt")
    (chart / "templates/notes.yaml").write_text('notes: {{ tpl (.Files.Get "NOTES.txt") . | quote }}')
    values = [part for file in files for part in ("--values", generate.CHART / file)]
    command = [HELM, "template", "ccm", chart, "--namespace", "n", "--show-only", "templates/notes.yaml", *values]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return yaml.safe_load(text)["notes"]


def test_the_notes_of_a_trial_say_the_next_step(tmp_path):
    text = notes(tmp_path)

    assert "kubectl -n n port-forward deploy/ccm-api 8080:8080" in text
    assert "curl -N 'http://127.0.0.1:8080/api/v1/events'" in text
    assert "12 instances, 10 times faster" in text
    assert "FOR TRYING OUT ONLY: MongoDB and Redis" in text


def test_the_notes_of_a_site_say_the_next_step(tmp_path):
    text = notes(tmp_path, *COMBINATIONS["ha"])

    assert "https://ccm.example.com" in text
    assert "authorization: Bearer $TOKEN" in text
    assert "ccm_sse_clients" in text
    assert "simulated" not in text and "TRYING OUT" not in text
