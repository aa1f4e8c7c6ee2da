"""The images: as another program reads them, and as a read-only root file system that runs."""

import json
import re
import shutil
import tarfile

import pytest
import requests

from place import BINARIES, ROOT, Child, eventually, free_port, running
from programs import program, run

USER = 65532
SERVICES = ("ccm-api", "ccm-scheduler", "ccm-relay", "ccm-standalone")
SIMULATORS = ("sim-aws", "sim-cml")
ALL = SERVICES + SIMULATORS
# The split services are told where servers are; none has to answer for a process to be alive.
AWAY = {"CCM_STORE__URL": "mongodb://127.0.0.1:1/ccm", "CCM_BUS__URL": "redis://127.0.0.1:1"}
LOOPBACK = {"CCM_AUTH__MODE": "dev", "CCM_HTTP__LISTEN": "127.0.0.1:0"}
CONFIGURED = {
    "ccm-api": {**AWAY, **LOOPBACK},
    "ccm-scheduler": {**AWAY, "CCM_AWS__REGIONS": "us-east-1"},
    "ccm-relay": AWAY,
    "ccm-standalone": {**LOOPBACK, "CCM_SIMULATE__WORKERS": "3"},
}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    run(BINARIES / "xtask", "images", "--binaries", BINARIES, "--output", folder, cwd=ROOT)
    yield folder
    # They are large, and pytest would keep them for some runs.
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def roots(images, tmp_path_factory):
    """Unpacks the layers of every image as a runtime would."""
    top = tmp_path_factory.mktemp("roots")
    for name in ALL:
        for layer in manifest(images, name)["layers"]:
            with tarfile.open(blob(images / name, layer["digest"])) as archive:
                archive.extractall(top / name, filter="tar")
    yield top
    shutil.rmtree(top)


def blob(layout, digest):
    return layout / "blobs" / digest.replace(":", "/")


def manifest(images, name):
    return json.loads(run("skopeo", "inspect", "--raw", f"oci:{images}/{name}"))


def sandboxed(root, name, state, environment):
    """Returns the command that runs an image: nothing but its root, read-only, no root, no capability."""
    settings = {**CONFIGURED.get(name, {}), **environment}
    command = [program("bwrap"), "--unshare-all", "--share-net", "--die-with-parent", "--clearenv"]
    command += ["--uid", USER, "--gid", USER, "--cap-drop", "ALL", "--ro-bind", root / name, "/"]
    command += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
    if name == "ccm-standalone":
        command += ["--bind", state, "/var/lib/ccm"]
        settings["CCM_STORE__URL"] = "embedded:/var/lib/ccm/ccm.db"
    for variable, value in settings.items():
        command += ["--setenv", variable, value]
    return [*command, f"/usr/bin/{name}"]


@pytest.mark.parametrize("name", ALL)
def test_another_program_reads_the_image_with_its_labels_and_user(images, name):
    config = json.loads(run("skopeo", "inspect", "--config", f"oci:{images}/{name}"))["config"]

    labels = {key.removeprefix("org.opencontainers.image."): text for key, text in config["Labels"].items()}
    assert set(labels) == {"title", "description", "licenses", "version", "revision", "created"}
    assert labels["title"] == name and all(labels.values()), labels
    assert config["User"] == f"{USER}:{USER}"
    assert config["Entrypoint"] == [f"/usr/bin/{name}"]


@pytest.mark.parametrize("form", ["oci", "docker"])
def test_the_archive_is_copied_with_all_digests_checked(images, tmp_path, form):
    """`skopeo copy` reads every blob and compares it with its digest; so do `podman load` and `docker load`."""
    run("skopeo", "copy", "--insecure-policy", f"{form}-archive:{images}/ccm-relay.tar", f"dir:{tmp_path}/copy")

    copied = json.loads((tmp_path / "copy" / "manifest.json").read_text())
    wanted = manifest(images, "ccm-relay")
    assert [one["size"] for one in copied["layers"]] == [one["size"] for one in wanted["layers"]]


def test_the_same_input_gives_the_same_digest_and_images_share_their_base(images, tmp_path):
    command = ("images", "--binaries", BINARIES, "--only", "ccm-relay", "--output", tmp_path)

    said = run(BINARIES / "xtask", *command, cwd=ROOT)

    again = tmp_path / "ccm-relay" / "index.json"
    first = images / "ccm-relay" / "index.json"
    assert again.read_bytes() == first.read_bytes()
    digest = json.loads(first.read_text())["manifests"][0]["digest"]
    assert f"{digest}\n" in said, said
    assert len({manifest(images, name)["layers"][0]["digest"] for name in ALL}) == 1


@pytest.mark.parametrize("name", ALL)
def test_an_image_holds_no_shell_and_nothing_that_gives_rights(roots, name):
    files = [path for path in (roots / name).rglob("*") if path.is_file()]

    programs = {path.name for path in files if path.parent.name in ("bin", "sbin")}
    assert programs == {name}
    assert not [path for path in files if path.stat().st_mode & 0o6022]
    assert not [path for path in (roots / name / "etc").rglob("*") if path.is_file() and path.stat().st_mode & 0o111]


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_checks_its_configuration_read_only_and_without_root(roots, tmp_path, name):
    said = run(*sandboxed(roots, name, tmp_path, {}), "--check")

    assert "can be used" in said


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_runs_read_only_and_without_root(roots, tmp_path, name):
    admin = f"127.0.0.1:{free_port()}"
    state = tmp_path / "state"
    state.mkdir()
    process = Child(sandboxed(roots, name, state, {"CCM_ADMIN__LISTEN": admin}))

    with running(process):
        def is_alive():
            assert process.process.poll() is None or pytest.fail("\n".join(process.lines))
            return requests.get(f"http://{admin}/livez", timeout=5).text.strip() == "ok"

        eventually(f"{name} is alive", is_alive)
        if name == "ccm-standalone":
            eventually("it is ready", lambda: requests.get(f"http://{admin}/readyz", timeout=5).status_code == 200)
            assert (state / "ccm.db").is_file()


@pytest.mark.parametrize("name", SIMULATORS)
def test_a_simulator_runs_read_only_and_without_root(roots, tmp_path, name):
    arguments = ["--listen", "127.0.0.1:0", "--workers", "2"]
    process = Child([*sandboxed(roots, name, tmp_path, {}), *arguments])

    with running(process):
        assert requests.get(process.said("listening"), timeout=5).status_code < 500


def test_the_dockerfile_has_a_target_for_each_image_with_the_same_label_port_and_program(images):
    stages = re.split(r"^FROM base AS ", (ROOT / "docker" / "Dockerfile").read_text(), flags=re.MULTILINE)[1:]
    made = {}
    for stage in stages:
        (name,) = re.findall(r'title="([^"]+)"', stage)
        about = re.search(r'description="([^"]+)"', stage)[1]
        made[name] = (about, set(re.findall(r"^EXPOSE (\S+)", stage, re.MULTILINE)), f"/usr/bin/{name}" in stage)

    for name in ALL:
        config = json.loads(run("skopeo", "inspect", "--config", f"oci:{images}/{name}"))["config"]
        labels = config["Labels"]
        assert made[name] == (labels["org.opencontainers.image.description"], set(config["ExposedPorts"]), True), name
    assert set(made) == set(ALL)
