"""How a registry wants to be asked: the header WWW-Authenticate (RFC 9110, 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_LONGEST, _MOST = 16384, 16
_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_SCHEME = re.compile(rf"[\s,]*({_TOKEN})(?:\s+|$|(?=,))")
_PARAMETER = re.compile(rf'[\s,]*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}))')


class Challenge(NamedTuple):
    """One way to be asked: ``scheme`` in lower case (``basic``, ``bearer``) and its parameters by lower-case name."""

    scheme: str
    parameters: dict[str, str]


def challenges(header: str) -> list[Challenge]:
    """The challenges in a header, in order; what cannot be read ends the list."""
    return [*_read(header[:_LONGEST])]


def _read(text: str) -> Iterator[Challenge]:
    at = 0
    for _number in range(_MOST):
        scheme = _SCHEME.match(text, at)
        if scheme is None:
            return
        at = scheme.end()
        parameters: dict[str, str] = {}
        while (found := _PARAMETER.match(text, at)) and len(parameters) < _MOST:
            quoted, plain = found[2], found[3]
            parameters[found[1].lower()] = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            at = found.end()
        yield Challenge(scheme[1].lower(), parameters)
