"""Converts an image configuration to a runtime configuration (image-spec conversion.md).

What an image asks for is data of this module (:func:`implied_annotations`, :func:`arguments`, …), so the bundles of
other tools are judged by the same tables.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, NamedTuple

from ocivalidate.errors import UnpackError
from ocivalidate.image.layers.users import User
from ocivalidate.rules.checks import Node

Tree = dict[str, Any]

PREFIX = "org.opencontainers.image."
# Member of the image configuration → suffix of the annotation key (conversion.md#annotation-fields).
ANNOTATIONS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("os",), "os"),
    (("architecture",), "architecture"),
    (("variant",), "variant"),
    (("os.version",), "os.version"),
    (("os.features",), "os.features"),
    (("author",), "author"),
    (("created",), "created"),
    (("config", "StopSignal"), "stopSignal"),
    (("config", "ExposedPorts"), "exposedPorts"),
)
# `os` of an image → platform of a runtime configuration.
PLATFORMS = {name: name for name in ("linux", "windows", "freebsd", "solaris", "zos")}
DEFAULT_CWD = "/"
_SHOWN = 100
VOLUME = {"type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev"]}


class Converted(NamedTuple):
    """A configuration under construction, and notes on it."""

    tree: Tree
    notes: tuple[str, ...]


def platform(image: Node) -> str:
    """The platform whose defaults a runtime configuration starts from. Raises :class:`UnpackError`."""
    os = image.text("os") or ""
    if os not in PLATFORMS:
        raise UnpackError(f"there are no defaults for the os {os!r} of the image: pass a template after --")
    return PLATFORMS[os]


def labels(image: Node) -> dict[str, str]:
    """``Config.Labels``."""
    return {node.name: node.value for node in image.each("config", "Labels") if isinstance(node.value, str)}


def implied_annotations(image: Node) -> dict[str, str]:
    """The annotations that members of the image configuration imply; labels of the same key win over them."""
    found = {f"{PREFIX}{end}": _as_text(image, members) for members, end in ANNOTATIONS}
    return {key: text for key, text in found.items() if text}


def _as_text(image: Node, members: tuple[str, ...]) -> str:
    node = image.get(*members)
    if node is None:
        return ""
    if isinstance(node.value, dict):
        return ",".join(sorted(node.value))
    if isinstance(node.value, list):
        return ",".join(image.texts(*members))
    return node.value if isinstance(node.value, str) else ""


def arguments(image: Node) -> list[str]:
    """``Entrypoint`` followed by ``Cmd``."""
    return image.texts("config", "Entrypoint") + image.texts("config", "Cmd")


def environment(image: Node) -> list[str]:
    """``Config.Env``, as it is."""
    return image.texts("config", "Env")


def volumes(image: Node) -> list[str]:
    """The paths in ``Config.Volumes``, sorted."""
    return sorted(node.name for node in image.each("config", "Volumes"))


def variable(entry: str) -> str:
    """The name of an environment variable."""
    return entry.partition("=")[0]


def convert(image: Node, start: Tree, user: User | None) -> Converted:
    """Put what an image says into a starting document, whose own values stay where the image has none.

    ``user``: ``Config.User``, resolved; ``None`` where it is not set.
    """
    tree = deepcopy(start)
    notes: list[str] = []
    process = tree.setdefault("process", {})
    if image.text("os") == "windows":
        _windows_user(image, process)
    elif user is not None:
        process["user"] = _user(user, process.get("user"))
    _arguments(image, process, notes)
    process["env"] = merged_environment(environment(image), process.get("env", []))
    if not process["env"]:
        del process["env"]
    _working_folder(image, process, notes)
    annotations = tree.get("annotations", {}) | implied_annotations(image) | labels(image)
    if annotations:
        tree["annotations"] = annotations
    mounts = list(_mounts(image, tree.get("mounts", []), notes))
    if mounts:
        tree["mounts"] = tree.get("mounts", []) + mounts
    return Converted(tree, tuple(notes))


def merged_environment(own: list[str], added: list[str]) -> list[str]:
    """The image's own variables, then the defaults that it does not set."""
    names = {variable(entry) for entry in own}
    return own + [entry for entry in added if variable(entry) not in names]


def _user(user: User, before: Any) -> Tree:
    kept = {key: value for key, value in (before or {}).items() if key == "umask"}
    more = {"additionalGids": list(user.additional)} if user.additional else {}
    return {"uid": user.uid, "gid": user.gid, **kept, **more}


def _windows_user(image: Node, process: Tree) -> None:
    name = image.text("config", "User")
    if name:
        process["user"] = {"username": name}


def _arguments(image: Node, process: Tree, notes: list[str]) -> None:
    found = arguments(image)
    if found:
        process["args"] = found
    else:
        command = " ".join(process.get("args", []))
        notes.append(f"the image has neither Entrypoint nor Cmd: {command or 'nothing'} is run")


def working_folder(image: Node) -> str:
    """``Config.WorkingDir``; on Unix, one that is not absolute starts at the root, as in other engines."""
    written = image.text("config", "WorkingDir") or ""
    if not written or image.text("os") == "windows" or written.startswith("/"):
        return written
    return f"/{written}"


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _working_folder(image: Node, process: Tree, notes: list[str]) -> None:
    folder = working_folder(image)
    if folder:
        process["cwd"] = folder
        if folder != image.text("config", "WorkingDir"):
            notes.append(f"WorkingDir is not absolute, as process.cwd must be: {_short(folder)} is used")
    else:
        process.setdefault("cwd", DEFAULT_CWD)


def _mounts(image: Node, existing: list[Tree], notes: list[str]) -> Iterator[Tree]:
    """A mount for each volume, which keeps its data out of the root file system."""
    if image.text("os") != "linux":
        if volumes(image):
            notes.append("volumes of the image get no mounts: this platform has no default mount for them")
        return
    taken = {posixpath.normpath(str(mount.get("destination", ""))) for mount in existing}
    for place in volumes(image):
        destination = place if place.startswith("/") else f"/{place}"
        if posixpath.normpath(destination) not in taken | {"/", "//"}:
            yield {"destination": destination, **deepcopy(VOLUME)}
