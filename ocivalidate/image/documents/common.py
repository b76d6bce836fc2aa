"""Checks that several documents share."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.rules.checks import Node, Violation
from ocivalidate.vocabulary.formats import is_date_time


def not_a_date(node: Node, clause: str) -> Iterator[Violation]:
    """A violation unless a member is a date and time (RFC 3339, section 5.6); null counts as absent."""
    if node.value is not None and not is_date_time(node.value):
        message = f"{node.place} is not a valid RFC 3339 date-time"
        yield node.breaks(clause, message, want="such as 2026-01-31T23:59:59Z")


def no_media_type(document: Node, clause: str, want: str) -> Iterator[Violation]:
    """A violation for a document without a mediaType: a note only; the inventory says which tools leave it out."""
    if not document.has("mediaType"):
        yield document.breaks(clause, "mediaType is missing", got="", want=want)
