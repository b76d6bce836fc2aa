"""Splitting what options are given: ``KEY=VALUE``, ``A:B:C``, ``key=value,flag,...``."""

from __future__ import annotations

from ocivalidate.errors import OptionError


def pair(text: str, separator: str = "=", form: str = "KEY=VALUE") -> tuple[str, str]:
    """Both sides of the first separator; the left one is not empty. Raises :class:`OptionError`."""
    left, found, right = text.partition(separator)
    if not left or not found:
        raise OptionError(f"{text!r} is not of the form {form}")
    return left, right


def parts(text: str, least: int, most: int, form: str) -> list[str]:
    """The parts between colons, as many as the form has. Raises :class:`OptionError`."""
    found = text.split(":")
    if not least <= len(found) <= most or not all(found[:least]):
        raise OptionError(f"{text!r} is not of the form {form}")
    return found
