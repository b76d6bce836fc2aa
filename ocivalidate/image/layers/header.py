"""The fields of a tar header: their offsets, their numbers, and the checksum (POSIX pax, GNU manual)."""

from __future__ import annotations

import re
import struct
from zlib import adler32

from ocivalidate.errors import Malformed

BLOCK = 512
ZERO = bytes(BLOCK)

# name, mode + uid + gid, size, mtime, checksum, type, link target, magic + version,
# uname + gname + devmajor + devminor, prefix, the rest.
unpack = struct.Struct("100s24s12s12s8sc100s8s80s155s12x").unpack

_OCTAL = re.compile(rb"[0-7]+")
_CHECKSUM = slice(148, 156)
# The checksum field counts as eight spaces; adler32 begins at 1, three times.
_CHECKSUM_BASE = 8 * 0x20 - 3


def number(field: bytes, name: str) -> int:
    """The value of a numeric field: octal digits, or base 256 if the first bit is set; a blank one is 0.

    Raises :class:`Malformed`.
    """
    if field[0] & 0x80:
        bits = 8 * len(field) - 1
        value = int.from_bytes(field, "big") & ((1 << bits) - 1)
        return value - (1 << bits) if value >> (bits - 1) else value
    text = field.strip(b" \0").partition(b"\0")[0]
    if not text:
        return 0
    if not _OCTAL.fullmatch(text):
        raise Malformed(f"the {name} field is not an octal number")
    return int(text, 8)


def is_odd(field: bytes) -> bool:
    """Whether other readers read another number than Go, or none, because of bytes before or after it."""
    if field[0] & 0x80:
        return False
    text, _nul, rest = field.strip(b" \0").partition(b"\0")
    return bool(text) and (b"\0" in field[: field.find(text)] or bool(rest.strip(b" \0")))


def is_blank(field: bytes) -> bool:
    """Whether a numeric field has no value."""
    return not field.strip(b" \0")


def checksum(block: bytes) -> int:
    """The sum of a header's bytes, its checksum field counted as spaces.

    No sum of the three parts reaches the modulus of adler32, so its lower half is exactly the sum plus one.
    """
    parts = adler32(block[:148]) & 0xFFFF, adler32(block[156:404]) & 0xFFFF, adler32(block[404:]) & 0xFFFF
    return parts[0] + parts[1] + parts[2] + _CHECKSUM_BASE


def checksum_holds(block: bytes, field: bytes) -> bool:
    """Whether the checksum field holds the sum of the block's bytes: unsigned, or signed as in old programs."""
    digits = field.strip(b" \0")
    if not digits.isdigit():
        return False
    try:
        declared = int(digits, 8)
    except ValueError:
        return False
    return declared == checksum(block) or declared == _signed_checksum(block)


def _signed_checksum(block: bytes) -> int:
    # As signed, a byte of 128 or more counts 256 less.
    high = sum(byte >> 7 for byte in block) - sum(byte >> 7 for byte in block[_CHECKSUM])
    return checksum(block) - 256 * high


def text(field: bytes) -> bytes:
    """A text field up to its first NUL."""
    return field.partition(b"\0")[0]


def padded(size: int) -> int:
    """``size`` rounded up to whole blocks."""
    return (size + 511) & ~511
