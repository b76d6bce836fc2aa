"""A record becomes a folder: both files of it, or none."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from ocivalidate.errors import UsageError
from ocivalidate.programme.readme import NAME, readme
from ocivalidate.programme.record import FILE, Record, folder_of, packed
from ocivalidate.system.reasons import reason

FILES = frozenset({FILE, NAME})


def store(record: Record, results: Path) -> Path:
    """Write the folder of a record below ``results``, and return it.

    It is made beside its place and renamed, and replaces an older one. Raises :class:`UsageError`: nothing was
    written then, and what is there already stays.
    """
    place = results / folder_of(record)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".ocivalidate-", dir=place.parent, ignore_cleanup_errors=True) as name:
            staging = Path(name)
            _fill(staging / "new", record)
            _swap(staging, place)
    except OSError as problem:
        raise UsageError(f"cannot write {problem.filename or place}: {reason(problem)}") from problem
    return place


def _fill(folder: Path, record: Record) -> None:
    content = packed(record)
    folder.mkdir()
    (folder / FILE).write_bytes(content)
    (folder / NAME).write_text(readme(record, content), encoding="utf-8", newline="\n")


def _swap(staging: Path, place: Path) -> None:
    """Put what is new in its place; what stood there goes, if it is a record and nothing else."""
    if not os.path.lexists(place):
        os.rename(staging / "new", place)
        return
    if place.is_symlink() or not place.is_dir() or not FILES.issuperset(os.listdir(place)):
        raise UsageError(f"cannot write {place}: what stands there is no record of a run alone")
    os.rename(place, staging / "old")
    try:
        os.rename(staging / "new", place)
    except OSError:
        with contextlib.suppress(OSError):
            os.rename(staging / "old", place)
        raise
    shutil.rmtree(staging / "old", ignore_errors=True)
