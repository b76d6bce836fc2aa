"""What somebody meant who gave a command the wrong thing: an image to ``bundle``, a configuration to ``state``.

Nothing here judges: it looks at names, first bytes and members, and says which command does.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Any, NamedTuple


class _Kind(NamedTuple):
    """What something is called, which command judges it, and the members that only such a document has.

    ``marks``: any of them tells; ``together``: as many of them have to be there.
    """

    what: str
    command: str
    marks: frozenset[str] = frozenset()
    together: int = 1


_PLATFORMS = ("linux", "windows", "solaris", "vm", "zos", "freebsd")
# The surest first: a features structure has members that a configuration has too.
_KINDS: Mapping[str, _Kind] = {
    "bundle": _Kind("a bundle", "bundle"),
    "layout": _Kind("an image layout", "image"),
    "archive": _Kind("an archive, as images are saved in", "image"),
    "runtime-features": _Kind("a features structure", "features", frozenset({"ociVersionMin", "ociVersionMax"})),
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
    "runtime-features": frozenset({"ociVersionMin", "ociVersionMax"}),
}
# Offset → how what is there begins: tar, gzip, zstd, xz, bzip2.
_MAGICS = ((257, b"ustar"), (0, b"\x1f\x8b"), (0, b"\x28\xb5\x2f\xfd"), (0, b"\xfd7zXZ\x00"), (0, b"BZh"))
_HEAD = 512


def of_value(value: Any) -> str:
    """The kind of document that a JSON value has the members of; empty when nothing tells."""
    if not isinstance(value, dict):
        return ""
    return next(
        (name for name, kind in _KINDS.items() if kind.marks and len(kind.marks & set(value)) >= kind.together), ""
    )


def of_bytes(data: bytes) -> str:
    """``archive``, if these first bytes of a file are those of one."""
    return "archive" if any(data.startswith(magic, offset) for offset, magic in _MAGICS) else ""


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
        pass  # whoever judges the path says why it cannot be read
    return ""


def _of_folder(path: str) -> str:
    there = {name for name in ("config.json", "oci-layout", "index.json", "blobs") if os.path.lexists(f"{path}/{name}")}
    is_layout = "oci-layout" in there or {"index.json", "blobs"} <= there
    if "config.json" in there:
        return "" if is_layout else "bundle"
    return "layout" if is_layout else ""


def instead(wanted: str, found: str, value: Any = None) -> str:
    """One line for whoever gave something else than what is wanted, or an empty text if that is not sure.

    ``wanted`` and ``found`` are kinds; ``value`` is the document in which ``found`` was seen.
    """
    if not found or found == wanted:
        return ""
    if isinstance(value, dict) and _OWN.get(wanted, frozenset()) & set(value):
        return ""
    kind = _KINDS[found]
    return f"this is {kind.what}: ocivalidate {kind.command} judges it"
