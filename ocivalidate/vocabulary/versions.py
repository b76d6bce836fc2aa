"""Specification versions: the SemVer grammar, and which release a version string is judged by.

Rests on runtime-spec config.md (``ociVersion`` is a SemVer 2.0.0 string) and on https://semver.org (2.0.0, items 2, 9,
10 and 11).
"""

from __future__ import annotations

import re
from typing import NamedTuple

RUNTIME_RELEASES = ("1.0.0", "1.0.1", "1.0.2", "1.1.0", "1.2.0", "1.2.1", "1.3.0")
IMAGE_RELEASES = ("1.0.0", "1.0.1", "1.0.2", "1.1.0", "1.1.1")
DISTRIBUTION_RELEASE = "1.1.1"
# The draft of the release after the newest one; it is used only on request.
NEXT = "next"
NEXT_AS_OF = "August 2026"
# What --spec-version takes.
RUNTIME_CHOICES = (*RUNTIME_RELEASES, NEXT)
IMAGE_CHOICES = (*IMAGE_RELEASES, NEXT)

_NUMBER = r"(?:0|[1-9][0-9]*)"
_PRERELEASE_PART = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
SEMVER = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})"
    rf"(?:-({_PRERELEASE_PART}(?:\.{_PRERELEASE_PART})*))?"
    r"(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)
# A longer version string is nonsense, and int() of a huge text is slow or refused.
LONGEST_VERSION = 256


class Version(NamedTuple):
    """A SemVer 2.0.0 version.

    ``prerelease`` is ``""`` for a release; build metadata is not kept, as it never orders versions.
    """

    major: int
    minor: int
    patch: int
    prerelease: str = ""

    @property
    def core(self) -> tuple[int, int, int]:
        """The three numbers, without the pre-release."""
        return self.major, self.minor, self.patch

    def precedes(self, other: Version) -> bool:
        """Whether this version has lower precedence than ``other`` (SemVer item 11)."""
        if self.core != other.core:
            return self.core < other.core
        return _prerelease_key(self.prerelease) < _prerelease_key(other.prerelease)

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}.{self.patch}"
        return f"{text}-{self.prerelease}" if self.prerelease else text


def _prerelease_key(prerelease: str) -> tuple[int, tuple[tuple[int, int, str], ...]]:
    """A sort key: no pre-release ranks highest, numeric identifiers rank below alphanumeric ones."""
    if not prerelease:
        return 1, ()
    parts = prerelease.split(".")
    return 0, tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)


def parse(text: str) -> Version | None:
    """Read a SemVer 2.0.0 string; ``None`` when it is not one."""
    if len(text) > LONGEST_VERSION:
        return None
    match = SEMVER.fullmatch(text)
    if match is None:
        return None
    major, minor, patch, prerelease, _build = match.groups()
    return Version(int(major), int(minor), int(patch), prerelease or "")


class Judged(NamedTuple):
    """Which release a document is judged by.

    ``release``: the release whose clauses apply. ``standing``: ``"exact"`` (the document names that release, or a
    pre-release or a build of it), ``"patch"`` (an unknown patch of a known minor), ``"newer"`` or ``"older"`` (than
    every release known here), ``"invalid"`` (the document names no version that can be read), ``"asked"`` (the caller
    chose the release).
    """

    release: str
    standing: str


def judged_by(text: str | None, releases: tuple[str, ...]) -> Judged:
    """The release that the version string ``text`` of a document is judged by.

    A pre-release is judged as its release and build metadata is ignored; an unknown patch is the newest known patch of
    its minor; a newer minor or major is the newest known release; a version before the first release is the first; a
    string that is no version, or ``None``, is the newest known.
    """
    version = parse(text) if text is not None else None
    if version is None:
        return Judged(releases[-1], "invalid")
    core = "{}.{}.{}".format(*version.core)
    if core in releases:
        return Judged(core, "exact")
    siblings = [release for release in releases if _core(release)[:2] == version.core[:2]]
    if siblings:
        return Judged(siblings[-1], "patch")
    if version.core < _core(releases[0]):
        return Judged(releases[0], "older")
    if version.core > _core(releases[-1]):
        return Judged(releases[-1], "newer")
    # A minor between two known ones (none is missing today): the newest release that it may build on.
    return Judged([release for release in releases if _core(release) < version.core][-1], "patch")


def holds(release: str, since: str | None, until: str | None) -> bool:
    """Whether something that holds from ``since`` to ``until`` (both inclusive) holds in ``release``.

    ``None``: no bound. :data:`NEXT` comes after every release.
    """
    core = _core(release)
    return (since is None or _core(since) <= core) and (until is None or core <= _core(until))


def order(release: str) -> tuple[int, int, int]:
    """A sort key for releases: that of a later one is greater, and that of :data:`NEXT` is the greatest."""
    return _core(release)


def draft_note(release: str) -> str:
    """What a reader has to know about a verdict by this release: that it is a draft. ``""`` for a release."""
    return f"a draft: the main branch as of {NEXT_AS_OF}" if release == NEXT else ""


def noted(release: str, note: str = "") -> str:
    """The note of a report that is judged by ``release``: :func:`draft_note`, then ``note``."""
    return "; ".join(filter(None, (draft_note(release), note)))


def version_for(release: str, releases: tuple[str, ...]) -> str:
    """The version that a document of a release names. A draft has no number yet: the newest release stands in."""
    return releases[-1] if release == NEXT else release


# The draft sorts as a version that no release will ever have.
_CORES: dict[str, tuple[int, int, int]] = {NEXT: (2**63, 0, 0)}


def _core(release: str) -> tuple[int, int, int]:
    core = _CORES.get(release)
    if core is None:
        major, minor, patch = release.split(".")
        core = _CORES[release] = int(major), int(minor), int(patch)
    return core
