"""The users and groups that ``config.User`` of an image names: which of its numbers can be somebody.

image-spec config.md#properties: ``user``, ``uid``, ``user:group``, ``uid:gid``, ``uid:group`` or ``user:gid``.
"""

from __future__ import annotations

# 4294967295 is none to system calls (chown(2), setresuid(2)).
LARGEST_ID = (1 << 32) - 2
_DIGITS = len(str(LARGEST_ID))


def is_number(text: str) -> bool:
    """Whether a user or group is given by its number."""
    return text.isascii() and text.isdigit()


def is_id(text: str) -> bool:
    """Whether a text is the number of a user or a group, with zeros before it or without."""
    significant = text.lstrip("0")
    return is_number(text) and len(significant) <= _DIGITS and int(significant or "0") <= LARGEST_ID
