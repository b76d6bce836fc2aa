"""Why something could not be done, as the system says it."""

from __future__ import annotations


def reason(error: Exception) -> str:
    """The words of an error as they stand after a colon: ``no such file or directory``."""
    text = str(getattr(error, "strerror", None) or error)
    if isinstance(error, ValueError) and "embedded null" in text:
        # Each release of Python has words of its own for this.
        return "embedded null byte"
    return text[:1].lower() + text[1:]
