"""Checks of the features structure (runtime-spec features.md)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from ocivalidate.bundle.hooks import KINDS
from ocivalidate.bundle.registry import FEATURES
from ocivalidate.bundle.values import (
    CAPABILITIES,
    LINUX_NAMESPACES,
    MOUNT_OPTIONS,
    SECCOMP_ACTIONS,
    SECCOMP_ARCHITECTURES,
    SECCOMP_FLAGS,
    SECCOMP_OPERATORS,
)
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.rules.schema import everything
from ocivalidate.vocabulary.versions import parse

SEMVER = {
    "ociVersionMin": "runtime/features.ociVersionMin.semver",
    "ociVersionMax": "runtime/features.ociVersionMax.semver",
}
NOT_BELOW_MIN = "runtime/features.ociVersionMax.not-below-min"
NAMES = "safety/features.names"
KEY_EMPTY = "runtime/features.annotations.key-non-empty"


def _policy_names(member: str) -> Collection[str]:
    """What a member of ``linux.memoryPolicy`` can be: the schema of a configuration lists it."""
    policy = everything("runtime-config")["properties"]["linux"]["properties"]["memoryPolicy"]["properties"][member]
    names: Collection[str] = policy.get("items", policy)["enum"]
    return names


# List → the names that it can have, and their common prefix, which people leave out.
_LISTS: dict[str, tuple[Callable[[], Collection[str]], str]] = {
    "hooks": (lambda: KINDS, ""),
    "mountOptions": (lambda: MOUNT_OPTIONS, ""),
    "linux/namespaces": (lambda: LINUX_NAMESPACES, ""),
    "linux/capabilities": (lambda: CAPABILITIES, "CAP_"),
    "linux/memoryPolicy/modes": (lambda: _policy_names("mode"), "MPOL_"),
    "linux/memoryPolicy/flags": (lambda: _policy_names("flags"), "MPOL_F_"),
    "linux/seccomp/actions": (lambda: SECCOMP_ACTIONS, "SCMP_ACT_"),
    "linux/seccomp/operators": (lambda: SECCOMP_OPERATORS, "SCMP_CMP_"),
    "linux/seccomp/archs": (lambda: SECCOMP_ARCHITECTURES, "SCMP_ARCH_"),
    "linux/seccomp/knownFlags": (lambda: SECCOMP_FLAGS, "SECCOMP_FILTER_FLAG_"),
    "linux/seccomp/supportedFlags": (lambda: SECCOMP_FLAGS, "SECCOMP_FILTER_FLAG_"),
}
# Names that other tools use for the same namespaces.
_OTHER_NAMES = {"net": "network", "mnt": "mount"}


@FEATURES.check("/ociVersionMin", SEMVER["ociVersionMin"])
@FEATURES.check("/ociVersionMax", SEMVER["ociVersionMax"])
def version_is_semver(node: Node, context: CheckContext) -> Iterator[Violation]:
    """The runtime has to accept the value as ``ociVersion``, which is a SemVer 2.0.0 string."""
    if parse(node.value) is None:
        message = f"{node.place} is not a SemVer 2.0.0 version"
        yield node.breaks(SEMVER[node.name], message, want="a version such as 1.2.1")


@FEATURES.check("/ociVersionMax", NOT_BELOW_MIN)
def newest_version_is_not_below_oldest(node: Node, context: CheckContext) -> Iterator[Violation]:
    """By precedence of SemVer: 1.2.0-rc.1 is below 1.2.0, and build metadata does not count."""
    lowest = context.root.text("ociVersionMin")
    oldest, newest = parse(lowest or ""), parse(node.value)
    if oldest is not None and newest is not None and newest.precedes(oldest):
        yield node.breaks(NOT_BELOW_MIN, "ociVersionMax is below ociVersionMin", want=f"{lowest} or later")


@FEATURES.check("/annotations/*", KEY_EMPTY)
def annotation_key_is_not_empty(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """Keys are those of a configuration, whose text forbids it."""
    if node.name == "":
        yield node.breaks(KEY_EMPTY, "an annotation key is empty", got='""', at_name=True)


@FEATURES.check(tuple(f"/{path}/*" for path in _LISTS), NAMES)
def name_is_one_of_the_specification(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """Readers compare names letter by letter. A name that resembles no known one may be new."""
    names, start = _LISTS[node.pointer.rpartition("/")[0][1:]]
    known = names()
    if node.value in known:
        return
    meant = {name.casefold(): name for name in known}
    written = node.value.strip().casefold()
    found = meant.get(written) or meant.get(start.casefold() + written) or meant.get(_OTHER_NAMES.get(written, ""))
    if found or not written:
        hint = f"did you mean {found}?" if found else ""
        yield node.breaks(NAMES, f"{node.place} is not a name that the specification defines", hint=hint)
