"""Facts about a blob as plain JSON, and back, for what is kept between runs.

What is read may have been written by anybody: it has exactly the types, lengths and ranges that facts have, or it is
:class:`Malformed`. Members with their usual value are left out. Hashes of paths are base64 of eight bytes each, least
significant first; their key is not among them.
"""

from __future__ import annotations

import base64
import sys
from array import array
from collections.abc import Callable
from dataclasses import fields
from typing import Any, NoReturn, TypeVar

from ocivalidate.errors import Malformed
from ocivalidate.image.layers.blob import BlobFacts
from ocivalidate.image.layers.compression import Compression
from ocivalidate.image.layers.facts import Hardlink, TarFacts, Used
from ocivalidate.image.layers.problems import Kind, Problem
from ocivalidate.registry.answers import Answer
from ocivalidate.vocabulary import digests
from ocivalidate.vocabulary.digests import Digest

MEANING = 2
"""Goes up whenever facts get another meaning: what an older release kept is then not what a newer one would find."""

_MOST_NUMBER = (1 << 63) - 1
_MOST_TEXT = 1 << 14
_MOST_ENTRIES = 1 << 20
_T = TypeVar("_T")
_Read = Callable[[Any], Any]


def written(facts: BlobFacts) -> dict[str, Any]:
    """Facts as JSON. Those of a blob that could not be read are none: ``failure`` is not kept."""
    return _members(facts, _BLOB)


def read(value: Any, key: bytes) -> BlobFacts:
    """The facts that this JSON is; ``key`` is that of its hashes of paths. Raises :class:`Malformed`."""
    facts: BlobFacts = _object(BlobFacts, _BLOB, value)
    tar = facts.tar
    if tar is None or tar.used is None:
        return facts
    from dataclasses import replace

    return replace(facts, tar=replace(tar, used=tar.used._replace(key=key)))


def _members(thing: Any, shape: dict[str, tuple[_Read, _Read]]) -> dict[str, Any]:
    usual = type(thing)()
    return {
        name: write(value)
        for name, (write, _read) in shape.items()
        if (value := getattr(thing, name)) != getattr(usual, name)
    }


def _object(kind: Callable[..., _T], shape: dict[str, tuple[_Read, _Read]], value: Any) -> _T:
    if not isinstance(value, dict) or not value.keys() <= shape.keys():
        _refuse("members of facts")
    return kind(**{name: shape[name][1](member) for name, member in value.items()})


def _refuse(wanted: str) -> NoReturn:
    raise Malformed(f"not {wanted}")


def _same(value: Any) -> Any:
    return value


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _MOST_NUMBER:
        _refuse("a number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        _refuse("a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        _refuse("a text")
    return value


def _flag(value: Any) -> bool:
    return value if isinstance(value, bool) else _refuse("a flag")


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > _MOST_ENTRIES:
        _refuse("a list")
    return value


def _row(value: Any, length: int) -> list[Any]:
    row = _list(value)
    return row if len(row) == length else _refuse("a row")


def _kind(value: Any) -> Kind:
    try:
        return Kind(_text(value))
    except ValueError:
        _refuse("a kind of problem")


def _digest(value: Any) -> Digest:
    return digests.parse(_text(value)) or _refuse("a digest")


def _compression(value: Any) -> Compression:
    try:
        return Compression(_text(value))
    except ValueError:
        _refuse("a compression")


def _counts(value: Any, name: Callable[[Any], _T]) -> dict[_T, int]:
    if not isinstance(value, dict) or len(value) > _MOST_ENTRIES:
        _refuse("counts")
    return {name(key): _number(count) for key, count in value.items()}


def _write_problem(problem: Problem) -> list[Any]:
    return [problem.kind.value, problem.message, problem.offset, problem.member]


def _problem(value: Any) -> Problem:
    kind, message, offset, member = _row(value, 4)
    return Problem(_kind(kind), _text(message), _number(offset), None if member is None else _text(member))


def _write_link(link: Hardlink) -> list[Any]:
    return [link.member, link.target, link.offset, link.later]


def _link(value: Any) -> Hardlink:
    member, target, offset, later = _row(value, 4)
    return Hardlink(_text(member), _text(target), _number(offset), _flag(later))


def _write_hashes(hashes: array[int]) -> str:
    return base64.b64encode(_little(hashes).tobytes()).decode("ascii")


def _hashes(value: Any) -> array[int]:
    try:
        data = base64.b64decode(value, validate=True) if isinstance(value, str) else _refuse("hashes")
        found = array("Q")
        found.frombytes(data)
    except ValueError:
        _refuse("hashes")
    return _little(found)


def _little(hashes: array[int]) -> array[int]:
    if sys.byteorder == "big":
        hashes = hashes[:]
        hashes.byteswap()
    return hashes


def _write_used(used: Used) -> list[Any]:
    return [_write_hashes(used.solid), _write_hashes(used.above), used.folders]


def _used(value: Any) -> Used:
    solid, above, folders = _row(value, 3)
    return Used(_hashes(solid), _hashes(above), _number(folders))


def _answer(value: Any) -> Answer:
    row = _row(value, len(Answer._fields))
    for member, (kinds, optional) in zip(row, _ANSWER, strict=True):
        if not (member is None and optional) and type(member) is not kinds:
            _refuse("an answer")
        if isinstance(member, str):
            _text(member)
        elif type(member) is int and not -1 <= member <= _MOST_NUMBER:
            _refuse("an answer")
    return Answer(*row)


# The types of the members of an answer, and whether they may be absent.
_ANSWER = (
    *((str, False), (str, False), (str, False), (int, False)),
    *((str, True), (str, True), (int, True), (int, True)),
    *((str, False), (bool, True), (bool, False)),
)


def _tuple(write: _Read, read_one: _Read) -> tuple[_Read, _Read]:
    return lambda found: [write(one) for one in found], lambda value: tuple(read_one(one) for one in _list(value))


_NUMBER, _DIGESTS, _PROBLEMS = (_same, _number), _tuple(str, _digest), _tuple(_write_problem, _problem)
# Member → how it is written and read.
_TAR: dict[str, tuple[_Read, _Read]] = {
    **dict.fromkeys("entries content size xattrs whiteouts opaque_whiteouts hardlinks_unknown".split(), _NUMBER),
    "types": (_same, lambda value: _counts(value, _text)),
    "hardlinks": _tuple(_write_link, _link),
    "ended": (_same, _flag),
    "problems": _PROBLEMS,
    "counts": (
        lambda counts: {kind.value: count for kind, count in counts.items()},
        lambda value: _counts(value, _kind),
    ),
    "used": (_write_used, _used),
}
_BLOB: dict[str, tuple[_Read, _Read]] = {
    "size": _NUMBER,
    "digests": _DIGESTS,
    "compression": (lambda found: found.value, _compression),
    "diff_ids": _DIGESTS,
    "inflated": _NUMBER,
    "problems": _PROBLEMS,
    "answers": _tuple(list, _answer),
    "tar": (lambda tar: _members(tar, _TAR), lambda value: _object(TarFacts, _TAR, value)),
}


def shape() -> list[str]:
    """The names of all that facts are made of, for a test that holds :data:`MEANING` against them."""
    kinds = (BlobFacts, TarFacts, Hardlink, Problem)
    members = [f"{kind.__name__}.{one.name}" for kind in kinds for one in fields(kind)]
    for rows in (Used, Answer):
        members += [f"{rows.__name__}.{name}" for name in rows._fields]
    return [*members, *sorted(kind.value for kind in Kind)]
