"""``--list-paths``: every settable path, one on a line."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.generate.paths import Field, fields
from ocivalidate.generate.values import described
from ocivalidate.vocabulary.versions import NEXT, RUNTIME_RELEASES

_HEAD = ("# path", "type", "releases", "clause")


def listed() -> list[tuple[str, str]]:
    """Path, and releases, type and clause, of every field, in the order of the specification.

    ``[]`` stands for ``[0]``, ``[-1]`` or ``[+]``, and ``*`` for a name.
    """
    rows = [_HEAD, *_rows()]
    width = max(len(releases) for _path, _kind, releases, _clause in rows)
    return [(path, f"{releases:<{width}}  {kind}  {clause}") for path, kind, releases, clause in rows]


def _rows() -> Iterator[tuple[str, str, str, str]]:
    for field in fields():
        yield field.path, described(field.node, field.path), _releases(field), f"{field.node['x-clause']}.type"


def _releases(field: Field) -> str:
    newest = NEXT if field.since == NEXT else RUNTIME_RELEASES[-1]
    return f"{field.since or RUNTIME_RELEASES[0]}-{field.until or newest}"
