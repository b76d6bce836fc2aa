"""What an audit comes to: how each tag fares, totals, what mends it, and the findings with those that break by them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ocivalidate.audit.book import Book
from ocivalidate.audit.judging import SOUND, STATES, UNJUDGED
from ocivalidate.audit.mending import COLLECT, remedy
from ocivalidate.audit.options import AuditOptions, Work
from ocivalidate.audit.rows import Told
from ocivalidate.audit.store import Store
from ocivalidate.rules.findings import BREAKS, Finding, Rows
from ocivalidate.vocabulary.wording import bytes_in_words

_SHOWN = 5


def told(book: Book) -> Iterator[Finding]:
    """The distinct findings; the hint of each says what breaks by it."""
    for one in book.told(_SHOWN):
        yield replace(one.finding, hint="; ".join(filter(None, [_breaks(one), one.finding.hint])))


def _breaks(one: Told) -> str:
    named = _names(one)
    more = f" and {one.others} more" if one.others else ""
    return f"{BREAKS}{', '.join(named)}{more}" if named else ""


def _names(one: Told) -> list[str]:
    return [name_of(repository, name) for repository, name in one.broken]


def name_of(repository: str, name: str) -> str:
    """How a tag or a manifest of a repository is called."""
    return repository + (name if name.startswith("@") else f":{name}" if name else "")


def facts_of(store: Store, book: Book, options: AuditOptions, work: Work) -> dict[str, Any]:
    """The facts for the report."""
    blobs, size = book.held_in_all()
    facts: dict[str, Any] = {
        "form": store.form,
        "repositories": _repositories(book),
        "images": dict.fromkeys(STATES, 0) | book.states(),
        "blobs": blobs,
        "bytes": size,
        "not_sound": Rows(lambda: _images(book, sound=False)),
        "sound": Rows(lambda: _images(book, sound=True)),
        "mend": Rows(lambda: _mending(book, facts)),
        "digests": Rows(lambda: _digests(book)),
    }
    if options.all and store.complete and store.named:
        number, bytes_ = book.unreferenced_in_all()
        facts["unreferenced"] = {"blobs": number, "bytes": bytes_, "certain": not book.is_left_open()}
    return facts | _of_the_work(book, options, work)


def _of_the_work(book: Book, options: AuditOptions, work: Work) -> dict[str, Any]:
    """How much was verified, and of what."""
    ours = [0, 0]
    for digest, size in book.rows("SELECT digest, max(size, 0) FROM held WHERE done > layer"):
        if work.is_ours(digest):
            ours = [ours[0] + 1, ours[1] + size]
    facts: dict[str, Any] = {"verified": {"blobs": ours[0], "bytes": ours[1]}}
    if work.shard is not None:
        facts["shard"] = str(work.shard)
    if not options.all:
        facts["selected"] = {"repositories": [*options.repositories], "tags": [*options.tags]}
    return facts


def _repositories(book: Book) -> dict[str, int]:
    """How many repositories there are, and how many are like the worst of their images."""
    counted = dict.fromkeys(STATES, 0)
    for states in book.states_of_repositories():
        counted[max(states, key=STATES.index)] += 1
    return {"count": sum(counted.values()), **counted}


def _images(book: Book, *, sound: bool) -> Iterator[dict[str, str]]:
    for repository, name, digest, state in book.images(SOUND, same=sound):
        image = {"repository": repository, "name": name, "digest": digest, "state": state}
        problem = book.problem_of(repository, digest) if state == UNJUDGED else ""
        yield image | {"problem": problem} if problem else image


def _digests(book: Book) -> Iterator[dict[str, str]]:
    for sound in (True, False):
        for repository, name, digest, _state in book.images(SOUND, same=sound):
            yield {"name": name_of(repository, name), "digest": digest}


def _mending(book: Book, facts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What to do, the findings in their order; garbage last, as what is mended first may refer to it."""
    for one in book.told(_SHOWN):
        found = remedy(one, _names(one))
        if found is not None:
            yield found
    held = facts.get("unreferenced", {})
    if held.get("blobs"):
        first = "" if held["certain"] else "mend what cannot be read, as it may refer to some of them, then "
        number = f"{held['blobs']:,} blob{'' if held['blobs'] == 1 else 's'}"
        what = f"{first}collect garbage: {number}, {bytes_in_words(held['bytes'])}"
        yield {"do": COLLECT, "what": what, "digest": "", "path": "", "images": [], "others": 0}
