"""Checks of what every config.json has: version, root, text (runtime-spec config.md, glossary.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ocivalidate.bundle.registry import CONFIG
from ocivalidate.jsontext.pointers import Path, place_at
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES, judged_by, parse

SEMVER = "runtime/config.ociVersion.semver"
NEWER = "lint/ociVersion.newer"
OLDER = "lint/ociVersion.older"
ROOT_REQUIRED = "runtime/config.root.required-non-windows"
CONVENTIONAL = "runtime/config.root.path.conventional-rootfs"
PROCESS_REQUIRED = "runtime/config.process.required-for-start"
NUL = "safety/config.text.nul"


@CONFIG.check("/ociVersion", SEMVER)
def version_is_semver(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """A leading v, a missing patch number or leading zeros are the usual slips."""
    if parse(node.value) is None:
        yield node.breaks(SEMVER, "ociVersion is not a SemVer 2.0.0 version", want="a version such as 1.2.1")


@CONFIG.check("/ociVersion", NEWER, OLDER)
def version_is_known(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """A version with an unknown minor is judged by the nearest known one, and the reader has to know that."""
    judged = judged_by(node.value, RUNTIME_RELEASES)
    if judged.standing == "newer":
        yield node.breaks(NEWER, f"ociVersion is newer than every version known here ({RUNTIME_RELEASES[-1]})")
    elif judged.standing == "older":
        yield node.breaks(OLDER, f"ociVersion is older than the first release ({RUNTIME_RELEASES[0]})")


@CONFIG.check("", ROOT_REQUIRED)
def root_is_there(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Only Windows has containers without a root."""
    if not node.has("root") and not context.on("windows"):
        yield node.breaks(ROOT_REQUIRED, "root is missing", got="", want="a member root")


@CONFIG.check("/root/path", CONVENTIONAL)
def root_has_its_conventional_name(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A note only: the inventory says why the sentence is contested."""
    if node.value and not context.on("windows") and node.value.rstrip("/").rpartition("/")[2] != "rootfs":
        yield node.breaks(CONVENTIONAL, "root.path is not the conventional rootfs", want="rootfs")


@CONFIG.check("", PROCESS_REQUIRED)
def process_is_there(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """A container without process can be created but not started."""
    if not node.has("process"):
        yield node.breaks(PROCESS_REQUIRED, "process is missing: the container cannot be started", got="")


@CONFIG.check("", NUL)
def text_has_no_nul(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Strings are passed to system calls, which end them at the first NUL. Annotations are not."""
    # JSON has no other way to write it.
    if context.text and "\\u0000" not in context.text:
        return
    for path in _texts_with_nul(node):
        yield Violation(NUL, path, f"{place_at(path)} contains a NUL character")


def _texts_with_nul(root: Node) -> Iterator[Path]:
    open_values: list[tuple[Path, Any]] = [
        (child.path, child.value) for child in root.children() if child.name != "annotations"
    ]
    while open_values:
        path, value = open_values.pop()
        if isinstance(value, str):
            if "\0" in value:
                yield path
        elif isinstance(value, dict):
            open_values.extend(((path, name), member) for name, member in value.items())
        elif isinstance(value, list):
            open_values.extend(((path, index), entry) for index, entry in enumerate(value))
