"""How wide text is on a terminal."""

from __future__ import annotations

import unicodedata

# Vowels and final consonants of Hangul stand within the syllable that the letter before them began.
_WITHIN = range(0x1160, 0x1200)


def columns(text: str) -> int:
    """How many columns a text takes on a terminal that is all printable."""
    return len(text) if text.isascii() else sum(map(column, text))


def column(letter: str) -> int:
    """How many columns one printable code point takes: 0, 1 or 2."""
    if letter.isascii():
        return 1
    if unicodedata.category(letter) in ("Mn", "Me", "Mc") or ord(letter) in _WITHIN:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1
