"""Images that the chart takes from others, made of what this machine has."""

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

# Postgres refuses to run as root; the chart runs both servers as this one.
SERVER = 999

# What is called `mongod` in a cluster where no registry has one: the server of dev/servers. It takes the arguments of
# the real one and heeds none.
MONGOD = """#!/bin/sh
set -e
cp -r /opt/documentdb/template /data/db/engine
chmod -R go= /data/db/engine
mkdir -p /tmp/socket
bin=/opt/documentdb/engine/usr/lib/postgresql/18/bin
"$bin/postgres" -D /data/db/engine -k /tmp/socket -c documentdb.localhost_connection_string=host=/tmp/socket \\
    -c shared_buffers=64MB -c max_connections=60 &
until "$bin/psql" -h /tmp/socket -U postgres -qAtXc 'select 1' >/dev/null 2>&1; do sleep 0.1; done
exec ferretdb --listen-addr 0.0.0.0:27017 --debug-addr= --no-auth --telemetry=disable --log-level=error \\
    --postgresql-url 'postgres://postgres@/postgres?host=/tmp/socket&pool_min_conns=2&pool_max_conns=40' \\
    --state-dir=/data/configdb
"""


class Root:
    """A root file system, as the one layer of an image."""

    def __init__(self, *programs, links=()):
        self.bytes = io.BytesIO()
        self.archive = tarfile.open(fileobj=self.bytes, mode="w")
        self.there = set()
        self.text("/etc/passwd", f"root:x:0:0::/:/\nserver:x:{SERVER}:{SERVER}::/:/\n")
        for name in programs:
            self.program(name)
        for name in links:
            self.link(f"/bin/{name}", self.found("busybox"))

    @staticmethod
    def found(name):
        path = shutil.which(name)
        assert path, f"{name} is missing; `dev/setup cluster` installs it"
        return path

    def program(self, name):
        """Adds a program under its name in /usr/bin, with the libraries that it asks for."""
        path = Path(name if "/" in str(name) else self.found(name)).resolve()
        self.file(f"/usr/bin/{Path(name).name}", path)
        said = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
        for library in {word for word in said.split() if word.startswith("/")}:
            self.file(library, Path(library).resolve())

    def file(self, name, path):
        if name not in self.there:
            self.there.add(name)
            self.archive.add(path, name, recursive=False, filter=owned(0))

    def folder(self, name, path, owner=0):
        self.archive.add(path, name, filter=owned(owner))

    def text(self, name, content, mode=0o644):
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), mode
        self.archive.addfile(entry, io.BytesIO(content.encode()))

    def link(self, name, target):
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        self.archive.addfile(entry)

    def layout(self, folder, command):
        """Writes the image as an OCI layout."""
        self.archive.close()
        blobs = folder / "blobs/sha256"
        blobs.mkdir(parents=True)

        def blob(kind, content):
            digest = hashlib.sha256(content).hexdigest()
            (blobs / digest).write_bytes(content)
            return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(content)}

        def note(kind, **content):
            return blob(kind, json.dumps(content).encode())

        layer = blob("layer.v1.tar", self.bytes.getvalue())
        run = {"Env": ["PATH=/usr/bin:/bin"], "Cmd": command}
        roots = {"type": "layers", "diff_ids": [layer["digest"]]}
        config = note("config.v1+json", architecture="amd64", os="linux", config=run, rootfs=roots)
        manifest = note("manifest.v1+json", schemaVersion=2, config=config, layers=[layer])
        (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def owned(by):
    def change(entry):
        entry.uid = entry.gid = by
        entry.uname = entry.gname = ""
        return entry

    return change


def pause():
    return Root("busybox"), ["busybox", "tail", "-f", "/dev/null"]


def tools():
    return Root("busybox", links=("sh", "wget", "grep", "sleep", "timeout")), ["sh"]


def redis():
    return Root("redis-server"), ["redis-server"]


def mongo(tools):
    root = Root("busybox", "bash", tools / "bin/ferretdb", links=("sh", "cp", "chmod", "mkdir", "dirname", "sleep"))
    root.link("/bin/bash", "/usr/bin/bash")
    root.text("/usr/bin/mongod", MONGOD, mode=0o755)
    root.folder("/usr/share/zoneinfo", "/usr/share/zoneinfo")
    root.folder("/opt/documentdb/engine", tools / "documentdb/engine")
    root.folder("/opt/documentdb/template", tools / "documentdb/template", owner=SERVER)
    return root, ["mongod"]
