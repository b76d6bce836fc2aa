"""What judged, by a digest: the revision of the suite, and what it has to say of a runtime that claims a release.

A revision is the digest of the cases, the inventory and the code that drives runtimes, the same in a checkout and in a
wheel. Those by which records are kept stand in ``conformance/revisions/``, a file each, so that a later suite knows
which results a record of them has to have.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ocivalidate
from ocivalidate import resources
from ocivalidate.errors import Unreadable
from ocivalidate.programme.reading import document_in
from ocivalidate.programme.record import canonical, compressed
from ocivalidate.rules.clauses import Selection
from ocivalidate.runtime.running.loading import case_folder, load_cases
from ocivalidate.runtime.running.planning import plan
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES

_SCHEMA = "urn:ocivalidate:revision-1"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_YES, _NO = "1", "0"

Key = tuple[str, str]
"""The ids of a case and of a clause."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision of the suite: its digest, the version of ocivalidate, and the results that each release has."""

    digest: str
    version: str
    results: Mapping[str, frozenset[Key]] = field(repr=False)


@functools.cache
def digest() -> str:
    """The digest of this suite."""
    whole = hashlib.sha256()
    for name, file in _files():
        content = file.read_bytes().replace(b"\r\n", b"\n")
        whole.update(f"{name}\n{hashlib.sha256(content).hexdigest()}\n".encode())
    return f"sha256:{whole.hexdigest()}"


def _files() -> Iterator[tuple[str, Path]]:
    """The files that decide on verdicts, each with a name that does not depend on where they stand, in order."""
    conformance, schemas = resources.folder("conformance"), resources.folder("schemas")
    places = (
        ("conformance", conformance, ("*.py", "*.toml", "*.txt")),
        ("runtime", resources.PACKAGE / "runtime", ("**/*.py", "**/*.sh")),
        ("schemas", schemas, ("clauses/*.json", "runtime/*.json")),
    )
    found = {
        f"{name}/{file.relative_to(folder).as_posix()}": file
        for name, folder, patterns in places
        for pattern in patterns
        for file in folder.glob(pattern)
    }
    return iter(sorted(found.items()))


@functools.cache
def current() -> Revision:
    """This suite."""
    cases = load_cases(case_folder(None))
    results = {
        release: frozenset(
            (one.case.id, clause.id) for one in plan(cases, release, Selection(level="may")) for clause in one.clauses
        )
        for release in RUNTIME_RELEASES
    }
    return Revision(digest(), ocivalidate.__version__, results)


@functools.cache
def known(wanted: str) -> Revision | None:
    """The revision of this digest, if it is this suite or one that is kept; ``wanted`` may be anything."""
    if not _DIGEST.fullmatch(wanted):
        return None
    if wanted == digest():
        return current()
    file = _kept() / _name(wanted)
    try:
        found = _read(file)
    except (OSError, Unreadable, KeyError, TypeError, AttributeError, ValueError):
        # A file that somebody hands in beside a record may have anything in it.
        return None
    return found if found.digest == wanted else None


def listed() -> list[str]:
    """The digests of the revisions that are kept."""
    return [_read(file).digest for file in sorted(_kept().glob("*.json.gz"))]


def keep_current(folder: Path | None = None) -> Path:
    """Keep this suite among those that are known; its file."""
    now = current()
    cases: dict[str, dict[str, str]] = {}
    for case, clause in sorted(frozenset().union(*now.results.values())):
        has = (_YES if (case, clause) in results else _NO for results in now.results.values())
        cases.setdefault(case, {})[clause] = "".join(has)
    data = {
        "schema": _SCHEMA,
        "digest": now.digest,
        "version": now.version,
        "releases": [*now.results],
        "cases": cases,
    }
    place = (folder or _kept()) / _name(now.digest)
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(compressed(canonical(data) + b"\n"))
    return place


def _kept() -> Path:
    return resources.folder("conformance") / "revisions"


def _name(wanted: str) -> str:
    return f"{wanted.removeprefix('sha256:')[:16]}.json.gz"


def _read(file: Path) -> Revision:
    data: dict[str, Any] = document_in(file.read_bytes())
    results: dict[str, set[Key]] = {release: set() for release in data["releases"]}
    for case, clauses in data["cases"].items():
        for clause, has in clauses.items():
            for release, yes in zip(data["releases"], has, strict=True):
                if yes == _YES:
                    results[release].add((case, clause))
    return Revision(data["digest"], data["version"], {name: frozenset(keys) for name, keys in results.items()})
