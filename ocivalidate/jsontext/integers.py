"""JSON numbers that Python does not keep as they are: integers of any length, and what only looks like an integer."""

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


class Inexact(float):
    """A number that is no integer, though the nearest double is one, as ``1e-400`` and ``1.00000000000000000001``.

    ``literal`` is how it is written.
    """

    literal: str

    def is_integer(self) -> bool:
        """False, whatever the double says."""
        return False


def real(literal: str) -> float:
    """The double nearest to a JSON number with a fraction or an exponent; :class:`Inexact` where it misleads."""
    number = float(literal)
    if not number.is_integer() or _is_whole(literal):
        return number
    inexact = Inexact(number)
    inexact.literal = literal
    return inexact


# More digits than any exponent needs that makes a difference; the rest would only cost time.
_LONGEST_EXPONENT = 12


def _is_whole(literal: str) -> bool:
    """Whether a JSON number is an integer, to its last digit."""
    mantissa, _e, exponent = literal.lstrip("-").lower().partition("e")
    whole, _point, fraction = mantissa.partition(".")
    digits = whole + fraction
    significant = digits.rstrip("0")
    if not significant.strip("0"):
        return True
    sign, power = ("-" if exponent.startswith("-") else ""), exponent.lstrip("+-").lstrip("0") or "0"
    shift = int(sign + power[:_LONGEST_EXPONENT])
    return len(digits) - len(significant) + shift >= len(fraction)
