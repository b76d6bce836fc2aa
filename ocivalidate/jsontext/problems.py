"""The problems that a JSON text can have."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple


class Missing(Enum):
    """The type of ``MISSING``: the value of a text that has none (``None`` is the value of ``null``)."""

    MISSING = "missing"

    def __repr__(self) -> str:
        return self.name


MISSING: Final = Missing.MISSING


class Problem(NamedTuple):
    """Something wrong with the text itself.

    ``kind`` is ``encoding``, ``syntax`` or ``depth`` (then the document has no value), or ``duplicate-name``,
    ``number-range`` or ``lone-surrogate`` (then it has). ``message`` is one line of printable ASCII. ``pointer`` is the
    RFC 6901 pointer of the member that it concerns, ``""`` for the whole document; of two members of one name both have
    it, so only ``offset`` tells which is meant. ``offset`` counts characters in ``Document.text`` (``None``: the whole
    text) and ``length`` how many it covers, at least 1. ``got`` is a short excerpt of the text as it stands there
    (unescaped: whoever prints it escapes it), or of its bytes in hexadecimal. ``pattern``: the pattern of its place.
    ``more``: how many others of the same kind, at places of the same pattern, were only counted.
    """

    kind: str
    message: str
    pointer: str
    offset: int | None
    length: int
    got: str = ""
    pattern: str = ""
    more: int = 0
