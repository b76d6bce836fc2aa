"""What the book of an audit gives back, as plain data."""

from __future__ import annotations

from typing import Any, NamedTuple

from ocivalidate.audit.store import Held
from ocivalidate.rules.findings import Finding


class Wanted(NamedTuple):
    """A blob to verify, and as what: ``layer``: to inflate it; ``diffs``: the algorithms of its diffIDs."""

    held: Held
    layer: bool = False
    diffs: tuple[str, ...] = ()


class Unit(NamedTuple):
    """Something that is judged as one image: a manifest of a repository, or with no digest all of its layout.

    ``old``: a manifest of schema 1, which is no image; ``problem``: why it could not be read.
    """

    repository: str
    digest: str
    old: bool = False
    problem: str = ""


class Told(NamedTuple):
    """A distinct finding, what it does to those that break by it, and the first of these as (repository, name)."""

    finding: Finding
    wound: str
    broken: tuple[tuple[str, str], ...]
    others: int


def wanted_of(row: tuple[Any, ...]) -> Wanted:
    """The blob of a row of the book: path, digest, size, repository, layer, diffs."""
    path, digest, size, repository, layer, diffs = row
    return Wanted(Held(digest, size, path, repository), bool(layer), tuple(filter(None, diffs.split(","))))
