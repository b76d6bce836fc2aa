"""``--list-paths``: every settable path, one on a line."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.generate.paths import Field, fields
from ocivalidate.generate.values import described
from ocivalidate.vocabulary.versions import NEXT, RUNTIME_RELEASES

_HEAD = ("# path", "type", "releases", "clause")


def listed() -> str:
    """Path, type, releases and clause of every field, in columns, in the order of the specification.

    ``[]`` stands for ``[0]``, ``[-1]`` or ``[+]``, and ``*`` for a name.
    """
    rows = [_HEAD, *_rows()]
    widths = [max(len(row[column]) for row in rows) for column in (0, 2)]
    return "".join(
        f"{path:<{widths[0]}}  {releases:<{widths[1]}}  {kind}  {clause}\n" for path, kind, releases, clause in rows
    )


def _rows() -> Iterator[tuple[str, str, str, str]]:
    for field in fields():
        yield field.path, described(field.node, field.path), _releases(field), f"{field.node['x-clause']}.type"


def _releases(field: Field) -> str:
    newest = NEXT if field.since == NEXT else RUNTIME_RELEASES[-1]
    return f"{field.since or RUNTIME_RELEASES[0]}-{field.until or newest}"
