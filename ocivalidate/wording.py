"""How values are shown in messages."""

from __future__ import annotations

import json
from typing import Any

from ocivalidate.integers import Inexact

_LONGEST = 60


def excerpt(value: Any) -> str:
    """A JSON value in at most a few dozen characters: scalars as JSON, arrays and objects by their kind."""
    if value and isinstance(value, dict):
        return "an object"
    if value and isinstance(value, list):
        return "an array"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**40:
        return "a number of more than 40 digits"
    text = value.literal if isinstance(value, Inexact) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}…"
