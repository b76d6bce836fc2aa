"""Checks of the bundle folder on disk (runtime-spec bundle.md, config.md#root and #posix-platform-hooks)."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ocivalidate.bundle.registry import CONFIG
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.system.beneath import MOST_LINKS

CONFIG_JSON = "runtime/bundle.config-json.required"
LINK_OUT = "safety/bundle.link-out"
SINGLE_DIRECTORY = "runtime/bundle.single-directory"
ROOT_EXISTS = "runtime/config.root.path.directory-exists"
START_CONTAINER_PATH = "runtime/config.hooks.startContainer.path.container-ns"

# The errors of stat(2) for a path that leads nowhere for any user: a link loop, a name that is too long.
_NO_PATH = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "does not exist",
    errno.ELOOP: "is a link that leads to itself",
    errno.ENAMETOOLONG: "is longer than the system allows",
}


@CONFIG.check("", CONFIG_JSON, needs="folder")
def config_json_is_there(_node: Node, _context: CheckContext) -> Iterator[Violation]:
    """It is: this document was read from it. A bundle without one is handled earlier."""
    yield from ()


@CONFIG.check("", LINK_OUT, needs="folder")
def config_json_stands_in_the_bundle(_node: Node, _context: CheckContext) -> Iterator[Violation]:
    """It does: the target of a link that leads outside is not read."""
    yield from ()


@CONFIG.check("/root/path", ROOT_EXISTS, needs="disk")
def root_is_a_directory(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A relative path is relative to the bundle folder. What cannot be inspected is not judged."""
    root = _on_disk(node, context)
    if root is None:
        return
    try:
        is_folder = stat.S_ISDIR(os.stat(root).st_mode)
    except OSError as error:
        wrong = _NO_PATH.get(error.errno or 0, "")
    else:
        wrong = "" if is_folder else "is not a folder"
    if wrong:
        yield node.breaks(ROOT_EXISTS, f"root.path {wrong}", want="a folder", hint=f"looked at {root}")


@CONFIG.check("/root/path", ROOT_EXISTS)
def root_path_is_one(node: Node, context: CheckContext) -> Iterator[Violation]:
    """The empty path names nothing, whatever the bundle folder holds.

    On Windows the rule on the form of the path covers it.
    """
    if node.value == "" and not context.on("windows"):
        yield node.breaks(ROOT_EXISTS, "root.path is empty", want="the path of a folder")


@CONFIG.check("/root/path", SINGLE_DIRECTORY, needs="disk")
def root_is_in_the_bundle(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A note only: the inventory says why the sentence is contested."""
    root, folder = _on_disk(node, context), context.folder
    if root is None or folder is None:
        return
    inside, outer = os.path.normpath(os.path.abspath(root)), os.path.abspath(folder)
    if os.path.commonpath([inside, outer]) != outer or inside == outer:
        yield node.breaks(SINGLE_DIRECTORY, "root.path is not in the bundle folder")


@CONFIG.check("/hooks/startContainer/*/path", START_CONTAINER_PATH, needs="disk")
def start_container_hook_is_in_the_root(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Judged only where that is possible: the root has content, and no mount covers the path."""
    root_path = context.root.get("root", "path")
    root = _on_disk(root_path, context) if root_path else None
    if (
        root is None
        or not node.value.startswith("/")
        or not _has_content(root)
        or _is_mounted_over(node.value, context)
    ):
        return
    if not _exists_below(root, node.value):
        yield node.breaks(
            START_CONTAINER_PATH, f"{node.place} does not exist in the container", hint=f"looked below {root}"
        )


def _on_disk(path: Node, context: CheckContext) -> Path | None:
    if context.folder is None or not isinstance(path.value, str) or not path.value or "\0" in path.value:
        return None
    return context.folder / path.value


def _has_content(root: Path) -> bool:
    try:
        with os.scandir(root) as entries:
            return next(entries, None) is not None
    except OSError:
        return False


def _is_mounted_over(path: str, context: CheckContext) -> bool:
    destinations = [mount.text("destination") or "" for mount in context.root.each("mounts")]
    covered = f"{os.path.normpath(path)}/"
    return any(
        covered.startswith(f"{os.path.normpath('/' + destination).rstrip('/')}/") for destination in destinations
    )


def _exists_below(root: Path, path: str) -> bool:
    """Whether a path exists with ``root`` as its ``/``, following links inside it. True where that is unknown."""
    here: list[str] = []
    parts, links = [part for part in path.split("/") if part], 0
    while parts:
        part = parts.pop(0)
        if part in (".", ".."):
            here = here[:-1] if part == ".." else here
            continue
        candidate = root.joinpath(*here, part)
        try:
            target = os.readlink(candidate) if candidate.is_symlink() else None
            if target is None and not candidate.exists():
                return False
        except OSError:
            return True
        if target is None:
            here.append(part)
            continue
        links += 1
        if links > MOST_LINKS:
            return False
        here = [] if target.startswith("/") else here
        parts = [step for step in target.split("/") if step] + parts
    return True
