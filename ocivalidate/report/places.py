"""Where something stands in the files of a checkout: what code scanning, merge requests and annotations point at."""

from __future__ import annotations

import os
import posixpath
from pathlib import PurePath
from typing import NamedTuple

from ocivalidate.report.options import Options
from ocivalidate.rules.findings import Location, Report


class Spot(NamedTuple):
    """A place in a file.

    ``file`` is relative to the root of the checkout, with ``/`` between its parts; absolute where it lies elsewhere.
    ``inner`` is the path inside it, where it is an archive; lines and columns count from 1, as in :class:`Location`.
    """

    file: str
    inner: str = ""
    line: int | None = None
    column: int | None = None
    end_column: int | None = None


_NOWHERE = Location()
# What is in a registry stands in no checkout.
_REGISTRY = "docker://"


def spot(report: Report, options: Options, location: Location = _NOWHERE) -> Spot:
    """The file and the place in it of what a report says: of a finding, of the results of a case, or of all of it.

    What names no file stands in that of its case, or else in that of the report.
    """
    if not location.file:
        file, line = _source(report, location.case)
        return Spot(in_checkout(file or report.file or report.subject, options), line=line)
    if report.file and location.file.startswith(f"{report.file}:"):
        # Lines are those of the document in the archive, which nobody can open there.
        return Spot(in_checkout(report.file, options), location.file[len(report.file) + 1 :])
    file = in_checkout(location.file, options)
    return Spot(file, "", location.line, location.column, location.end_column)


def _source(report: Report, case: str) -> tuple[str, int | None]:
    """File and line of a case, ``""`` where they are not known."""
    known = report.facts.get("places")
    file, colon, line = str(known.get(case, "") if isinstance(known, dict) and case else "").rpartition(":")
    return (file, int(line)) if colon and line.isascii() and line.isdigit() and int(line[:9]) else ("", None)


def in_checkout(file: str, options: Options) -> str:
    """A path as the caller gave it, from the root of the checkout, where it is below that.

    Of a checkout that is not known, the working directory is the root.
    """
    if file.startswith(_REGISTRY):
        return file
    path = PurePath(file)
    if path.is_absolute():
        text = os.path.normpath(path)
        below = options.root and PurePath(text).is_relative_to(options.root)
        return (PurePath(text).relative_to(options.root) if below else PurePath(text)).as_posix()
    text = posixpath.normpath(posixpath.join(options.within, path.as_posix()))
    if options.root and (text == ".." or text.startswith("../")):
        return PurePath(os.path.normpath(os.path.join(options.root, text))).as_posix()
    return text
