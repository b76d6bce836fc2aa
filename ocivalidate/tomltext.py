"""Parses untrusted TOML, within limits.

``tomllib`` is recursive, and the memory that it takes grows with the square of the parts of a dotted key: a megabyte
of ``a.a.a…`` asks for more than any machine has. So a text is checked first.
"""

from __future__ import annotations

import re
from typing import Any

from ocivalidate.errors import Malformed

MAX_SIZE = 256 * 1024
"""How many bytes a text may have; ours have some ten thousand."""

MAX_DEPTH = 32
"""The maximum nesting of arrays and inline tables."""

MAX_PARTS = 16
"""How many parts a dotted key may have."""

# In this order: what is in a string or a comment is neither a bracket nor a dot. A quote that none of them takes opens
# a string without an end. Nothing is ever tried twice (++, *+), so that the time is that of one walk over the text.
_TOKENS = re.compile(
    r'''"""(?:[^"\\]++|\\[\s\S]|"(?!""))*+"{3,5}'''
    r"""|'''(?:[^']++|'(?!''))*+'{3,5}"""
    r"""|"(?!"")(?:[^"\\\n]++|\\.)*+"|'(?!'')[^'\n]*+'|""(?!")|''(?!')"""
    r"""|\#[^\n]*+|(?P<open>[\[{])|(?P<close>[\]}])|(?P<dot>\.)|(?P<end>[=,\n])|(?P<quote>["'])|[^\[\]{}.=,\n"'#]++"""
)


def loads(data: bytes) -> dict[str, Any]:
    """The content of a TOML text. Raises :class:`Malformed`."""
    import tomllib

    if len(data) > MAX_SIZE:
        raise Malformed(f"has more than {MAX_SIZE} bytes")
    try:
        text = data.decode()
        _refuse_excess(text.replace("\r\n", "\n"))
        content = tomllib.loads(text)
        _refuse_large(content)
        return content
    except Malformed:
        raise
    except (ValueError, RecursionError) as problem:
        raise Malformed(f"is not TOML: {problem}") from problem


def _refuse_excess(text: str) -> None:
    depth = parts = 0
    for token in _TOKENS.finditer(text):
        kind = token.lastgroup
        if kind == "dot":
            parts += 1
            if parts >= MAX_PARTS:
                raise Malformed(f"has a dotted key with more than {MAX_PARTS} parts")
        elif kind == "quote":
            # The parser stops here too.
            return
        elif kind is not None:
            parts = 0
            depth += (kind == "open") - (kind == "close")
            if depth > MAX_DEPTH:
                raise Malformed(f"has values nested more than {MAX_DEPTH} deep")


def _refuse_large(value: Any) -> None:
    """TOML has integers of 64 bits; Python reads them of any size in hexadecimal, and then cannot write them."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            _refuse_large(inner)
    elif isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        raise Malformed("has an integer of more than 64 bits")
