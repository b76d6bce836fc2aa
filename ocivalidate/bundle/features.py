"""Checks of the features structure (runtime-spec features.md)."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.bundle.registry import FEATURES
from ocivalidate.checks import Node, Scene, Violation
from ocivalidate.versions import parse

_C = "runtime/features."
SEMVER = {"ociVersionMin": f"{_C}ociVersionMin.semver", "ociVersionMax": f"{_C}ociVersionMax.semver"}
NOT_BELOW_MIN = f"{_C}ociVersionMax.not-below-min"


@FEATURES.check("/ociVersionMin", SEMVER["ociVersionMin"])
@FEATURES.check("/ociVersionMax", SEMVER["ociVersionMax"])
def version_is_semver(node: Node, scene: Scene) -> Iterator[Violation]:
    """The runtime has to accept the value as ``ociVersion``, which is a SemVer 2.0.0 string."""
    if parse(node.value) is None:
        message = f"{node.place} is not a SemVer 2.0.0 version"
        yield node.breaks(SEMVER[node.name], message, want="a version such as 1.2.1")


@FEATURES.check("/ociVersionMax", NOT_BELOW_MIN)
def newest_version_is_not_below_oldest(node: Node, scene: Scene) -> Iterator[Violation]:
    """By precedence of SemVer: 1.2.0-rc.1 is below 1.2.0, and build metadata does not count."""
    lowest = scene.root.text("ociVersionMin")
    oldest, newest = parse(lowest or ""), parse(node.value)
    if oldest is not None and newest is not None and newest.precedes(oldest):
        yield node.breaks(NOT_BELOW_MIN, "ociVersionMax is below ociVersionMin", want=f"{lowest} or later")
