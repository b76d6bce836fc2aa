"""Recognises input meant for another command: an image for ``bundle``, a configuration for ``state``.

Nothing here judges: it looks at names, first bytes and members, and says what the input is and which command judges it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple


class _Kind(NamedTuple):
    """What something is called, which command judges it, and the members that only such a document has.

    ``marks``: any of them tells; ``together``: as many of them have to be there.
    """

    what: str
    command: str
    marks: frozenset[str] = frozenset()
    together: int = 1


# How a member hooks is called here that is a list of names, as only a features structure has it.
_HOOK_NAMES = "hooks[]"
_PLATFORMS = ("linux", "windows", "solaris", "vm", "zos", "freebsd")
_OF_FEATURES = frozenset({"ociVersionMin", "ociVersionMax", "mountOptions", "potentiallyUnsafeConfigAnnotations"})
# Most specific first: a features structure has members that a configuration has too.
_KINDS: Mapping[str, _Kind] = {
    "bundle": _Kind("a bundle", "bundle"),
    "layout": _Kind("an image layout", "image"),
    "saved": _Kind("an image in the format of docker save", "image"),
    "archive": _Kind("an archive, as images are saved in", "image"),
    "runtime-features": _Kind("a features structure", "features", _OF_FEATURES),
    "image-layout": _Kind("the oci-layout file of an image", "image", frozenset({"imageLayoutVersion"})),
    "image-index": _Kind("an image index", "image", frozenset({"schemaVersion", "manifests"}), 2),
    "image-manifest": _Kind("an image manifest", "image", frozenset({"config", "layers"}), 2),
    "image-config": _Kind("an image configuration", "image", frozenset({"rootfs", "architecture", "os"}), 2),
    "image-descriptor": _Kind("a descriptor", "image", frozenset({"mediaType", "digest", "size"}), 3),
    "runtime-config": _Kind(
        "the configuration of a container",
        "bundle",
        frozenset({"process", "root", "mounts", "hooks", "hostname", "ociVersion", *_PLATFORMS}),
        2,
    ),
    "runtime-state": _Kind("the state of a container", "state", frozenset({"id", "status", "pid", "bundle"}), 2),
}
# A document with any of these is what it is taken for, however much is missing.
_OWN: Mapping[str, frozenset[str]] = {
    "runtime-config": frozenset({"process", "root", "mounts"}),
    "runtime-state": frozenset({"id", "status", "pid", "bundle"}),
    "runtime-features": _OF_FEATURES | {_HOOK_NAMES},
}
# How the members are written that nearly every container has, and how many of them tell one.
_OF_CONTAINERS: Mapping[str, type] = {"process": dict, "root": dict, "mounts": list}
_ENOUGH = 2
# What no command judges, and what can be done about it.
_OTHERS: Mapping[str, str] = {
    "old-save": "this was saved by Docker before 1.10, without manifest.json: load and save it again with a newer "
    "Docker",
    "directory": "this is a skopeo dir: folder, not an image layout: write dir: in front of its path",
    "storage": "this is the image store of an engine or a registry: save an image from it first",
    "blobs": "these are the blobs of a layout: name the folder that contains blobs",
    "windows-layer": "this is a Windows layer, not an image",
    "chart": "this is a Helm chart, not an image",
    "source": "this is a source tree, not an image: build one first",
    "root": "this is a root filesystem, not an image",
}
_ROOT = "bin boot dev etc home lib lib32 lib64 media mnt opt proc root run sbin srv sys tmp usr var"
_SOURCE = "Containerfile Dockerfile Makefile CMakeLists.txt Cargo.toml go.mod package.json pom.xml pyproject.toml .git"


# What names of images begin with that are read here, as skopeo and podman write them (containers-transports(5)).
TRANSPORTS = ("docker://", "oci:", "oci-archive:", "docker-archive:", "dir:")
# Names that begin like this are not read, and what to write.
_UNREAD = (
    ("docker-daemon:", "images of a daemon are not read here; use docker save IMAGE | ocivalidate image -"),
    ("containers-storage:", "images of podman are not read here; use podman save IMAGE | ocivalidate image -"),
    ("oci://", "write docker:// instead of oci://"),
    ("https://", "write docker://HOST/NAME:TAG for an image in a registry"),
    ("http://", "write docker://HOST/NAME:TAG for an image in a registry, and --tls-verify=false"),
)


def transport(name: str) -> tuple[str, str]:
    """What the name of an image begins with, one of ``TRANSPORTS`` or nothing, and what stands behind it."""
    if name.startswith("oci://"):
        return "", name
    # As docker buildx calls it.
    name = re.sub(r"^oci-layout:(?://)?", "oci:", name)
    prefix = next((prefix for prefix in TRANSPORTS if name.startswith(prefix)), "")
    return prefix, name[len(prefix) :]


class _Names(NamedTuple):
    """A kind of folder or archive, and how many of which names in it tell that it is one."""

    kind: str
    marks: frozenset[str]
    together: int


def _named(kind: str, marks: str, together: int = 1) -> _Names:
    return _Names(kind, frozenset(marks.split()), together)


# Most specific first.
_NAMED = (
    _named("layout", "oci-layout"),
    _named("layout", "index.json blobs", 2),
    _named("directory", "version manifest.json", 2),
    _named("saved", "manifest.json repositories", 2),
    _named("bundle", "config.json rootfs", 2),
    _named("storage", "overlay-images overlay-layers"),
    _named("storage", "blobs ingest", 2),
    _named("storage", "blobs repositories", 2),
    _named("storage", "image containers buildkit overlay2 volumes", 3),
    _named("windows-layer", "Files Hives", 2),
    _named("blobs", "sha256 sha512 blake3"),
    _named("chart", "Chart.yaml"),
    _named("root", ".dockerenv"),
    _named("source", _SOURCE),
    _named("root", _ROOT, 2),
    _named("old-save", "repositories"),
    _named("old-save", "VERSION json layer.tar", 3),
    _named("bundle", "config.json"),
)
# With any of these at its top something is judged as an image, however broken it is.
OF_IMAGES = ("oci-layout", "index.json", "blobs", "manifest.json")
_OF_FOLDERS = ("config.json", "rootfs", "repositories", *OF_IMAGES)
# Beside manifest.json: what docker save, jib and their like name configs and layers.
_SAVED_PART = re.compile(r".*\.tar(?:\.gz)?|(?:sha256:)?[0-9a-f]{64}(?:\.json)?")
_MOST_TOLD, _LONGEST = 3, 60
# Offset → how what is there begins: tar, gzip, zstd, xz, bzip2.
_MAGICS = ((257, b"ustar"), (0, b"\x1f\x8b"), (0, b"\x28\xb5\x2f\xfd"), (0, b"\xfd7zXZ\x00"), (0, b"BZh"))
_HEAD = 512
_TAR = _MAGICS[0]
_FOREIGN = (
    (b"\xfd7zXZ\x00", "this is compressed with xz: archives must be uncompressed, or compressed with gzip or zstd"),
    (b"BZh", "this is compressed with bzip2: archives must be uncompressed, or compressed with gzip or zstd"),
    (b"PK\x03\x04", "this is a zip archive, not an image"),
    (b"hsqs", "this is a squashfs, not an image layout"),
    (b"#!/usr/bin/env run-singularity", "this is a Singularity image, not an OCI image"),
    (b"\x7fELF", "this is a program, not an image"),
)
_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ufffd]")
_LONGEST_CHARACTER = 4


def of_value(value: Any) -> str:
    """The kind of document that a JSON value has the members of; empty when nothing tells."""
    if not isinstance(value, dict):
        return ""
    there = _members(value)
    return next((name for name, kind in _KINDS.items() if kind.marks and len(kind.marks & there) >= kind.together), "")


def is_container(value: Any) -> bool:
    """Whether a JSON value is the config of a container that forgot its release: two of its members, in their form."""
    there = value if isinstance(value, dict) else {}
    return sum(isinstance(there.get(name), kind) for name, kind in _OF_CONTAINERS.items()) >= _ENOUGH


def _members(document: Mapping[str, Any]) -> set[str]:
    """The members of a document; one of the same name in two kinds is told apart by its form."""
    names = set(document)
    if isinstance(document.get("hooks"), list):
        names = names - {"hooks"} | {_HOOK_NAMES}
    return names


def of_bytes(data: bytes) -> str:
    """``archive``, if these first bytes of a file are those of one."""
    return "archive" if any(data.startswith(magic, offset) for offset, magic in _MAGICS) else ""


def foreign(head: bytes) -> str:
    """One line on a file with these first bytes, if they are neither those of an archive that is read nor of JSON."""
    if not head or head[_TAR[0] :].startswith(_TAR[1]):
        return ""
    known = next((line for magic, line in _FOREIGN if head.startswith(magic)), "")
    return known or ("this is text, neither an archive nor a JSON document" if _is_text(head) else "")


def _is_text(head: bytes) -> bool:
    """Whether these bytes, which may end inside a character, are letters."""
    text = head.decode("utf-8", "ignore")
    return len(head) - len(text.encode()) < _LONGEST_CHARACTER and not _NO_TEXT.search(text)


def of_path(path: str) -> str:
    """What a folder or a file on disk is, as far as names and first bytes tell; empty when they do not.

    Nothing but folders and plain files is opened.
    """
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            return _of_folder(path)
        if stat.S_ISREG(mode):
            with open(path, "rb") as file:
                return of_bytes(file.read(_HEAD))
    except (OSError, ValueError):
        pass  # judging the path reports why it cannot be read
    return ""


def judge_of(path: str) -> str:
    """The command that judges what is at a path; empty when nothing tells."""
    found = of_path(path)
    if not found and os.path.isfile(path) and path.endswith(".json"):
        return "bundle"
    return _KINDS[found].command if found in _KINDS else ""


def _of_folder(path: str) -> str:
    there = {name for name in _OF_FOLDERS if os.path.lexists(f"{path}/{name}")}
    found = of_names(there)
    # Input that is both is what it was given as.
    return (
        found if found in ("bundle", "layout", "saved") and not (found != "bundle" and "config.json" in there) else ""
    )


def of_names(names: Collection[str]) -> str:
    """What a folder or an archive is by the names at its top; empty when they do not tell."""
    there = set(names)
    found = next((row.kind for row in _NAMED if len(row.marks & there) >= row.together), "")
    is_saved = "manifest.json" in there and found in ("", "bundle") and any(map(_SAVED_PART.fullmatch, there))
    return "saved" if is_saved else found


def no_image(names: Collection[str], below: Mapping[str, Collection[str]], path: str, *, packed: bool) -> str:
    """One line on something that is no image: what it is, or where the image is that was meant; empty if nothing tells.

    ``names`` are those at its top, ``below`` those in folders of it, ``path`` is what was given, and ``packed`` says
    that this is an archive.
    """
    own, inner = of_names(names), {name: of_names(there) for name, there in sorted(below.items())}
    # A config.json alone is that of many programs.
    if own == "bundle" and "rootfs" in names:
        return "this is a bundle in an archive: unpack it for ocivalidate bundle" if packed else instead("layout", own)
    if own not in ("directory", "storage", "blobs"):
        images = [name for name, kind in inner.items() if kind in ("layout", "saved")]
        bundles = [name for name, kind in inner.items() if kind == "bundle" and "rootfs" in below[name]]
        if images or bundles:
            return _one_down(images or bundles, "image" if images else "bundle", path, packed=packed)
    if own == "bundle" and not packed:
        return instead("layout", own)
    if own not in _OTHERS and len(set(inner.values())) == 1:
        own = next(iter(inner.values()))
    return _OTHERS.get(own, "")


def _one_down(hits: list[str], command: str, path: str, *, packed: bool) -> str:
    what = "one" if command == "image" else "a bundle"
    places = ", ".join(name[:_LONGEST] for name in hits[:_MOST_TOLD]) + (" …" if len(hits) > _MOST_TOLD else "")
    if packed:
        return f"not an image, but there is {what} in {places}: unpack the archive, and give that folder to {command}"
    place = f"{path.rstrip('/')}/{hits[0]}"
    return f"not an image, but there is {what} in {places}: " + (
        f"name {place}" if command == "image" else f"ocivalidate bundle {place} judges it"
    )


def instead(wanted: str, found: str, value: Any = None) -> str:
    """One line on input of another kind than the wanted one, or an empty text if that is unclear.

    ``wanted`` and ``found`` are kinds; ``value`` is the document in which ``found`` was seen.
    """
    if not found or found == wanted:
        return ""
    if isinstance(value, dict) and _OWN.get(wanted, frozenset()) & _members(value):
        return ""
    if found in _OTHERS:
        return _OTHERS[found]
    kind = _KINDS[found]
    return f"this is {kind.what}: ocivalidate {kind.command} judges it"


def of_address(name: str) -> str:
    """One line on a path that is not there, if it is the address of an image, or an empty text.

    Other tools write a name behind the path, as in ``./layout:latest``, or an image in a registry as ``alpine:3.19``.
    """
    unread = next((told for prefix, told in _UNREAD if name.startswith(prefix)), "")
    if unread:
        return f"no such file or directory: {unread}"
    ends = [place.start() for place in re.finditer(":", name)][:_MOST_TOLD]
    path = next((name[:end] for end in ends if name[:end] and os.path.exists(name[:end])), "")
    if path:
        ref = name[len(path) + 1 :]
        return f"no such file or directory, but there is {path}: use that" + (f", with --ref {ref}" if ref else "")
    return ""
