"""JSON integers of any length, which Python converts only up to some thousands of digits."""

from __future__ import annotations

from typing import Final

MAX_DIGITS: Final = 4300
"""The most digits of an integer that are converted: Python's own default, as the time grows with their square."""

HUGE: Final = 10**400
"""Stands for an integer of more digits (and its negative for a negative one): outside of every integer range."""


def integer(literal: str) -> int:
    """The value of a JSON integer; ``HUGE`` or its negative when it has too many digits to be converted."""
    if not too_long(literal):
        try:
            return int(literal)
        except ValueError:  # the user lowered Python's limit (PYTHONINTMAXSTRDIGITS), which cannot go below 640 digits
            pass
    return -HUGE if literal.startswith("-") else HUGE


def too_long(literal: str) -> bool:
    """Whether a JSON integer has more than ``MAX_DIGITS`` digits."""
    return len(literal) - literal.startswith("-") > MAX_DIGITS
