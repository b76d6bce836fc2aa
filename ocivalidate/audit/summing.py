"""What an audit comes to: how each tag fares, totals, and the findings with those that break by them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ocivalidate.audit.book import Book, Told
from ocivalidate.audit.judging import SOUND
from ocivalidate.audit.options import AuditOptions
from ocivalidate.audit.store import Store
from ocivalidate.rules.findings import Finding

_SHOWN = 5


def told(book: Book) -> Iterator[Finding]:
    """The distinct findings; the hint of each says what breaks by it."""
    for one in book.told(_SHOWN):
        yield replace(one.finding, hint="; ".join(filter(None, [_breaks(one), one.finding.hint])))


def _breaks(one: Told) -> str:
    named = [name_of(repository, name) for repository, name in one.broken]
    if not named:
        return ""
    more = f" and {one.others} more" if one.others else ""
    return f"breaks {', '.join(named)}{more}"


def name_of(repository: str, name: str) -> str:
    """How a tag or a manifest of a repository is called."""
    return repository + (name if name.startswith("@") else f":{name}" if name else "")


def facts_of(store: Store, book: Book, options: AuditOptions) -> dict[str, Any]:
    """The facts for the report."""
    states = dict(book.rows("SELECT state, count(*) FROM states GROUP BY state"))
    count = book.one("SELECT count(DISTINCT repository) FROM states")
    blobs, size = next(book.rows("SELECT count(*), coalesce(sum(max(size, 0)), 0) FROM held"))
    facts: dict[str, Any] = {
        "form": store.form,
        "repositories": {"count": count},
        "images": {state: states.get(state, 0) for state in (SOUND, "broken", "incomplete", "unjudged")},
        "blobs": blobs,
        "bytes": size,
        "not_sound": [
            {"repository": repository, "name": name, "digest": digest, "state": state}
            for repository, name, digest, state in book.rows(
                "SELECT repository, name, digest, state FROM states WHERE state != ? ORDER BY repository, name", SOUND
            )
        ],
    }
    if options.all and store.complete:
        number, bytes_ = next(
            book.rows("SELECT count(*), coalesce(sum(max(size, 0)), 0) FROM held WHERE listed AND NOT used")
        )
        facts["unreferenced"] = {"blobs": number, "bytes": bytes_, "certain": not book.is_left_open()}
    return facts
