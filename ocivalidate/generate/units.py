"""Numbers with units: ``1.5``, ``512m``, ``100ms``. Exact, without floating point."""

from __future__ import annotations

import re

from ocivalidate.errors import OptionError

# Long enough for every number that a field can hold, and short enough that nothing gets slow.
_NUMBER = re.compile(r"(?=\.?[0-9])([0-9]{0,20})(?:\.([0-9]{0,9}))? ?([A-Za-zµ]*)")
_SIGNED = re.compile(r"[-+]?[0-9]{1,20}")
_PREFIXED = re.compile(r"0[xX][0-9a-fA-F]{1,16}|0[oO][0-7]{1,22}")

SIZES = {"": 1, "b": 1}
for _power, _letter in enumerate("kmgtp", start=1):
    SIZES |= dict.fromkeys((_letter, f"{_letter}b", f"{_letter}ib"), 1024**_power)
MICROSECONDS = {"": 1, "us": 1, "µs": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000}
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
_UNLIMITED = ("-1", "unlimited", "max")

Number = int | float | str


def _scaled(written: Number, units: dict[str, int], what: str, example: str) -> int:
    """The number times its unit, rounded down. Raises :class:`OptionError`."""
    text = _plain(written)
    match = _NUMBER.fullmatch(text)
    if match is None or match[3].lower() not in units:
        raise OptionError(f"{written!r} is not {what}; write {example}")
    whole, fraction, unit = match[1], match[2] or "", match[3].lower()
    scaled: int = int(whole + fraction) * units[unit] // 10 ** len(fraction)
    return scaled


def _plain(written: Number) -> str:
    # str() of a float such as 1e-07 or 1e+20 has an exponent, which nobody means.
    return written.strip() if isinstance(written, str) else str(written)


def size(written: Number) -> int:
    """Bytes: ``512m``, ``1.5g``, ``64KiB``; k, m, g, t and p are powers of 1024."""
    return _scaled(written, SIZES, "a size", "bytes, or for example 512m, 1.5g")


def size_or_unlimited(written: Number) -> int:
    """Bytes, or -1 for ``-1``, ``unlimited`` and ``max``."""
    return -1 if _plain(written) in _UNLIMITED else size(written)


def microseconds(written: Number) -> int:
    """A duration in microseconds: ``100ms``, ``1.5s``; without a unit, microseconds."""
    return _scaled(written, MICROSECONDS, "a duration", "microseconds, or for example 100ms, 1.5s")


def seconds(written: Number) -> int:
    """A duration in whole seconds: ``30``, ``5m``."""
    return _scaled(written, SECONDS, "a duration", "seconds, or for example 30s, 5m")


def millionths(written: Number) -> int:
    """A plain number such as ``1.5``, times a million."""
    return _scaled(written, {"": 1_000_000}, "a number", "for example 2 or 1.5")


def count(written: Number) -> int:
    """An integer in decimal, with a sign if need be; also ``0x1f`` and ``0o755``."""
    text = _plain(written)
    if _PREFIXED.fullmatch(text):
        return int(text, 0)
    if not _SIGNED.fullmatch(text):
        raise OptionError(f"{written!r} is not an integer")
    return int(text)


def count_or_unlimited(written: Number) -> int:
    """An integer, or -1 for ``-1``, ``unlimited`` and ``max``."""
    return -1 if _plain(written) in _UNLIMITED else count(written)


def octal(written: Number) -> int:
    """File permission bits: ``0644``, ``644`` and ``0o644`` all mean the same; an ``int`` is taken as it is."""
    if isinstance(written, int):
        return written
    digits = _plain(written).lower().removeprefix("0o")
    if not re.fullmatch("[0-7]{1,6}", digits):
        raise OptionError(f"{written!r} is not an octal file mode; write for example 0644")
    return int(digits, 8)
