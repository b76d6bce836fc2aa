"""The official schemas of every release, from the Go module proxy; nothing of them is kept in this repository.

``go mod download`` keeps them in Go's own cache. What comes is held to the hashes recorded here.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs

from ocivalidate.jsontext.pointers import pointer_of

Json = Any
# Document type → specification and file.
FILES = {
    "runtime-config": ("runtime-spec", "config-schema.json"),
    "runtime-state": ("runtime-spec", "state-schema.json"),
    "runtime-features": ("runtime-spec", "features-schema.json"),
    "image-config": ("image-spec", "config-schema.json"),
    "image-descriptor": ("image-spec", "content-descriptor.json"),
    "image-index": ("image-spec", "image-index-schema.json"),
    "image-layout": ("image-spec", "image-layout-schema.json"),
    "image-manifest": ("image-spec", "image-manifest-schema.json"),
}


class Fault(NamedTuple):
    """What an official schema finds wrong: where in the document, and by which keyword."""

    pointer: str
    keyword: str


class Unavailable(Exception):
    """The schemas cannot be had here; the text says why."""


@cache
def folder(specification: str, release: str) -> Path:
    """The folder of a release's schemas. Raises :class:`Unavailable`."""
    if shutil.which("go") is None:
        raise Unavailable("no go here to fetch the official schemas with")
    module = f"github.com/opencontainers/{specification}@v{release}"
    environment = os.environ | {"GOFLAGS": "-modcacherw", "GOSUMDB": "off", "GO111MODULE": "on"}
    done = subprocess.run(
        ["go", "mod", "download", "-json", module],
        cwd=os.path.expanduser("~"),
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    told = json.loads(done.stdout or "{}")
    if done.returncode or "Dir" not in told:
        raise Unavailable(f"{module}: {told.get('Error') or done.stderr.strip()}")
    return Path(told["Dir"]) / "schema"


def checksum(schemas: Path) -> str:
    """One sha256 over the names and contents of all schemas of a folder."""
    total = hashlib.sha256()
    for file in sorted(schemas.glob("*.json")):
        total.update(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n".encode())
    return total.hexdigest()


@cache
def _read(file: Path) -> Json:
    return json.loads(file.read_text(encoding="utf-8"))


def _whole(node: Json, file: Path) -> Json:
    """A schema with all references written out; ids, which name other places than these files, are left out."""
    if isinstance(node, list):
        return [_whole(entry, file) for entry in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        name, _hash, pointer = node["$ref"].partition("#")
        target = file.parent / name if name else file
        found = _read(target)
        for token in pointer.strip("/").split("/") if pointer else ():
            found = found[token]
        return _whole(found, target)
    return {
        name: _whole(value, file) if name != "properties" else {key: _whole(one, file) for key, one in value.items()}
        for name, value in node.items()
        if not (name in ("id", "$schema") and isinstance(value, str))
    }


@cache
def validator(kind: str, release: str) -> jsonschema_rs.Draft4Validator:
    """The official schema of a document type in a release. Raises :class:`Unavailable`."""
    specification, name = FILES[kind]
    file = folder(specification, release) / name
    return jsonschema_rs.Draft4Validator(_whole(_read(file), file), validate_formats=True)


def faults(kind: str, release: str, value: Json) -> set[Fault]:
    """What the official schema of a release finds wrong with a value."""
    return {
        Fault(pointer_of(*error.instance_path), str(error.schema_path[-1]))
        for error in validator(kind, release).iter_errors(value)
    }
