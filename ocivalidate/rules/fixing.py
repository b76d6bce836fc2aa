"""From what would mend a violation to the places in the text that change: candidates, that nobody judged yet."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from ocivalidate.jsontext.documents import Document
from ocivalidate.jsontext.edits import Edit, members, removal, says_the_same
from ocivalidate.jsontext.pointers import Path, place_at, tokens_of
from ocivalidate.rules.checks import Violation
from ocivalidate.rules.findings import Change, Fix
from ocivalidate.rules.remedies import Drop, DropRepeated, Remedy, Rename, Write, WriteInteger
from ocivalidate.vocabulary.spelling import Names
from ocivalidate.vocabulary.wording import excerpt

# A document that people write and mend is a thousand times smaller.
LARGEST = 4 * 1024 * 1024
_STEP = 4096
# What one document may have of them, and one of them of places.
_MOST_FIXES, _MOST_PLACES = 1000, 64
# How much is looked at for them: characters, and members as so many characters.
_MOST_LOOKS, _MEMBER = 16 * 1024 * 1024, 16
# Numbers have no more digits before the point than this in any schema.
_LARGEST_EXPONENT = 30


class Fixer:
    """Makes fixes of violations of one document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._left = _MOST_FIXES if document.usable and len(document.text) <= LARGEST else 0
        self._looks = _MOST_LOOKS
        self._bytes: _Bytes | None = None

    def fix(self, violation: Violation) -> Fix | None:
        """What mends a violation, or ``None``."""
        if violation.remedy is None or self._left <= 0:
            return None
        self._left -= 1
        edits = self._edits(violation, violation.remedy)
        if not edits:
            return None
        if self._bytes is None:
            self._bytes = _Bytes(self._document.text)
        return Fix(_told(violation.remedy, violation.path), tuple(map(self._change, sorted(edits))))

    def _edits(self, violation: Violation, remedy: Remedy) -> list[Edit]:
        if isinstance(remedy, DropRepeated):
            return [*self._without_repeated(violation)]
        document, text = self._document, self._document.text
        place = document.place_of(tokens_of(violation.path))
        if place is None:
            return []
        edit: Edit | None = None
        if isinstance(remedy, Write):
            others = [document.place_of(tokens_of(path)) for path in remedy.others[: _MOST_PLACES + 1]]
            every = [one for one in (place, *others) if one is not None]
            known = len(others) <= _MOST_PLACES and len(every) == 1 + len(others)
            return [Edit(*one.value, remedy.literal) for one in every] if known else []
        if isinstance(remedy, Rename):
            clear = place.name is not None and self._is_clear(violation.path, remedy.name)
            edit = Edit(*place.name, json.dumps(remedy.name)) if clear and place.name else None
        elif isinstance(remedy, Drop):
            edit = removal(text, *place.value)
        elif literal := _as_integer(text[slice(*place.value)]):
            edit = Edit(*place.value, literal)
        return [edit] if edit else []

    def _is_clear(self, path: Path, name: str) -> bool:
        """Whether the object around has no member of this name, and none but this one that means it."""
        *around, own = tokens_of(path)
        value = self._document.value
        for token in around:
            value = value[token]
        names = Names([name])
        self._looks -= len(value) * _MEMBER
        if self._looks < 0 or name in value:
            return False
        return not any(other != own and names.similar(other) for other in value)

    def _without_repeated(self, violation: Violation) -> Iterator[Edit]:
        """Takes a repeated member out, if the first of the name has the same value."""
        *around, name = tokens_of(violation.path)
        text, place = self._document.text, self._document.place_of(around)
        if place is None:
            return
        self._looks -= place.value[1] - place.value[0]
        if self._looks < 0:
            return
        first = None
        for member in members(text, *place.value):
            if member.name != name:
                continue
            first = first or member
            start, end = member.named
            if member is not first and self._document.span_at(start, end - start) == violation.span:
                edit = removal(text, start, member.value[1])
                if edit and says_the_same(text, first.value, member.value):
                    yield edit
                return

    def _change(self, edit: Edit) -> Change:
        assert self._bytes is not None  # noqa: S101  # for the type checker
        span = self._document.span_at(edit.start, edit.end - edit.start)
        places = span.line, span.column, span.end_line, span.end_column
        return Change(self._bytes.before(edit.start), self._bytes.before(edit.end), *places, edit.text)


class _Bytes:
    """How many bytes the characters before a place take in UTF-8."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._marks = array("Q", [0])
        if text.isascii():
            return
        for start, end in pairwise(range(0, len(text) + _STEP, _STEP)):
            self._marks.append(self._marks[-1] + len(text[start:end].encode()))

    def before(self, offset: int) -> int:
        """The offset in bytes."""
        if len(self._marks) == 1:
            return offset
        mark = offset // _STEP
        return self._marks[mark] + len(self._text[mark * _STEP : offset].encode())


def _as_integer(literal: str) -> str:
    number = Decimal(literal)
    if not number.is_finite() or number.adjusted() > _LARGEST_EXPONENT or number != number.to_integral_value():
        return ""
    return str(int(number))


def _told(remedy: Remedy, path: Path) -> str:
    """What is done, in words."""
    where = place_at(path)
    if isinstance(remedy, Rename):
        return f"rename {where} to {excerpt(remedy.name)}"
    if isinstance(remedy, Write):
        return f"write {remedy.literal} for {where}"
    return f"write {where} as an integer" if isinstance(remedy, WriteInteger) else f"remove {where}, which is repeated"
