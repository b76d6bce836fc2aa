"""How values are shown in messages."""

from __future__ import annotations

import json
from json.encoder import encode_basestring
from typing import Any

from ocivalidate.jsontext.integers import Inexact

_LONGEST = 60
_UNITS = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def excerpt(value: Any) -> str:
    """A JSON value in at most a few dozen characters: scalars as JSON, arrays and objects by their kind."""
    if value and isinstance(value, dict):
        return "an object"
    if value and isinstance(value, list):
        return "an array"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**40:
        return "a number of more than 40 digits"
    if isinstance(value, Inexact):
        text = value.literal
    else:
        # What is not shown need not be written.
        text = encode_basestring(value[: _LONGEST + 1]) if isinstance(value, str) else _written(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}…"


def _written(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "{}" if isinstance(value, dict) else "[]"
    return json.dumps(value, ensure_ascii=False)


def shortened(text: str, most: int = 400) -> str:
    """A text of the document, cut to a readable length."""
    return text if len(text) <= most else f"{text[:most]}…"


def bytes_in_words(number: int) -> str:
    """A number of bytes with the largest unit that fits: ``32 MiB``, ``1.5 GiB``, ``512 bytes``."""
    for unit, name in _UNITS:
        if number >= unit:
            return f"{number // unit} {name}" if number % unit == 0 else f"{number / unit:.1f} {name}"
    return f"{number} bytes"
