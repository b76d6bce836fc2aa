"""Why something could not be done, as the system says it."""

from __future__ import annotations


def reason(error: Exception) -> str:
    """The words of an error as they stand after a colon: ``no such file or directory``."""
    text = str(getattr(error, "strerror", None) or error)
    return text[:1].lower() + text[1:]
