"""Objects of our classes as plain JSON, and back: input must have exactly the types that a class declares.

Strings, numbers, booleans, bytes (as base64), enumeration members, tuples (as arrays), a clause (as its id),
optional values (as null), and dataclasses of these. Every member is written, and none may be missing.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import enum
import functools
import math
import types
import typing
from typing import Any, NoReturn

from ocivalidate.errors import ProtocolError
from ocivalidate.rules.clauses import Clause, load

_LONGEST_EXCERPT = 60  # characters of the input quoted in an error


def members(message: Any) -> dict[str, Any]:
    """The members of an object as plain JSON."""
    return {field.name: _plain(getattr(message, field.name)) for field in dataclasses.fields(message)}


def _plain(value: Any) -> Any:
    """A value of a message as plain JSON."""
    if isinstance(value, Clause):
        return value.id
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    return members(value) if dataclasses.is_dataclass(value) else value


@functools.cache
def types_of(kind: type) -> dict[str, Any]:
    """The members of a class and their types."""
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def read_members(kind: type, value: dict[str, Any], where: str) -> Any:
    """An object of this class; ``value`` must have every member and no other. Raises :class:`ProtocolError`."""
    wanted = types_of(kind)
    if value.keys() != wanted.keys():
        missing, strange = sorted(wanted.keys() - value.keys()), sorted(value.keys() - wanted.keys())
        what = f"{missing[0]} is missing" if missing else f"unknown member {excerpt(strange[0])}"
        raise ProtocolError(f"{where}: {what}")
    return kind(**{name: _read(wanted[name], value[name], f"{where}.{name}") for name in wanted})


def _read(kind: Any, value: Any, where: str) -> Any:
    """A value of this type. Raises :class:`ProtocolError`."""
    if kind in (str, int, bool):
        return value if type(value) is kind else _refuse(kind.__name__, value, where)
    if kind in _SCALARS:
        return _SCALARS[kind](value, where)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        return None if value is None else _read(inner[0], value, where)
    if origin is tuple:
        return _read_tuple(inner, value, where)
    if issubclass(kind, enum.Enum):
        return kind(value) if value in [one.value for one in kind] else _refuse(kind.__name__.lower(), value, where)
    return read_members(kind, value, where) if isinstance(value, dict) else _refuse("object", value, where)


def _read_tuple(inner: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        _refuse("array", value, where)
    if inner[-1] is ...:
        return tuple(_read(inner[0], entry, where) for entry in value)
    if len(value) != len(inner):
        _refuse(f"array of {len(inner)}", value, where)
    return tuple(_read(kind, entry, where) for kind, entry in zip(inner, value, strict=True))


def _read_float(value: Any, where: str) -> float:
    if type(value) not in (int, float) or not -(2**53) <= value <= 2**53 or not math.isfinite(value):
        _refuse("number", value, where)
    return float(value)


def _read_bytes(value: Any, where: str) -> bytes:
    try:
        return binascii.a2b_base64(value, strict_mode=True) if isinstance(value, str) else _refuse("text", value, where)
    except ValueError:
        return _refuse("base64", value, where)


def _read_clause(value: Any, where: str) -> Clause:
    found = load("runtime", "safety").get(value) if isinstance(value, str) else None
    return found or _refuse("id of a clause", value, where)


_SCALARS: dict[Any, Any] = {float: _read_float, bytes: _read_bytes, Clause: _read_clause}


def _refuse(wanted: str, value: Any, where: str) -> NoReturn:
    raise ProtocolError(f"{where}: wanted {wanted}, got {excerpt(value)}")


def excerpt(value: Any) -> str:
    """The beginning of the input, in printable characters."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    text = ascii(value[: _LONGEST_EXCERPT + 1] if isinstance(value, str | bytes) else value)
    return text if len(text) <= _LONGEST_EXCERPT else f"{text[:_LONGEST_EXCERPT]}…"
