"""Judges what only a storage has: blobs and links that no image leads to, uploads left behind, and what is odd."""

from __future__ import annotations

from itertools import islice

from ocivalidate.audit.book import Book
from ocivalidate.audit.judging import LINK_TARGET, OF_ABSENCE, SOUND, UNJUDGED, key_of, storage_clauses, wound_of
from ocivalidate.audit.oddities import CLAUSES, LINK_CONTENT, LINK_PATH, NO_DATA, UNREADABLE
from ocivalidate.audit.options import AuditOptions
from ocivalidate.audit.store import Odd, Store
from ocivalidate.image.comparing import judge_content
from ocivalidate.image.context import ImageContext
from ocivalidate.image.found import WalkResult
from ocivalidate.image.sources.opening import LooseSource
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.declared import judged_by_table, judges
from ocivalidate.rules.findings import Finding, Location
from ocivalidate.rules.ledger import Ledger
from ocivalidate.vocabulary import digests

UNREFERENCED = "storage/blob.unreferenced"
LINK_UNREFERENCED = "storage/link.unreferenced"
UPLOAD = "storage/upload.left"
_OF_A_LINK = frozenset({LINK_CONTENT, LINK_PATH})
# A storage in ruins has as many oddities as it has files.
_MOST_ODD = 100_000

judged_by_table("ocivalidate.audit.oddities", "CLAUSES", CLAUSES.values())


def judge_storage(
    store: Store, book: Book, options: AuditOptions, ledger: Ledger, selection: Selection
) -> dict[str, int] | None:
    """Judge what no image shows, once all of them were judged; ``ledger`` takes it, and the book what breaks by it.

    The ``count`` and ``bytes`` of uploads that were left behind; ``None`` where they are not looked for.
    """
    book.merge_absent(OF_ABSENCE)
    _judge_bytes(store, book, ledger)
    _judge_oddities(store, book, options, ledger, selection)
    if options.all and store.complete:
        if store.named:
            _judge_blobs(store, book, ledger)
        _judge_links(store, book, ledger)
        return _judge_uploads(store, ledger)
    return None


class _Holding(LooseSource):
    """A store as the source of blobs by their place in it."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.name, b"")
        self._store = store

    def shown(self, path: str) -> str:
        return self._store.shown(path)


def _judge_bytes(store: Store, book: Book, ledger: Ledger) -> None:
    """Hold blobs that no image holds against their names."""
    context = ImageContext(_Holding(store), WalkResult())
    for held in book.not_judged():
        facts, digest = book.facts(held.path), digests.parse(held.digest)
        if facts is not None and digest is not None:
            judge_content(held.path, digest, facts, context, ledger)


@judges(UNREFERENCED)
def _judge_blobs(store: Store, book: Book, ledger: Ledger) -> None:
    ledger.judged(UNREFERENCED)
    held = "a blob that nothing refers to"
    for one in book.unreferenced():
        ledger.add(UNREFERENCED, Location(store.shown(one.path), digest=one.digest), held, got=f"{one.size} bytes")


@judges(LINK_UNREFERENCED, LINK_TARGET)
def _judge_links(store: Store, book: Book, ledger: Ledger) -> None:
    ledger.judged(LINK_UNREFERENCED, LINK_TARGET)
    for link in book.dangling_links():
        place = Location(store.shown(link.path or f"{link.repository}@{link.digest}"), digest=link.digest)
        ledger.add(LINK_TARGET, place, f"a {link.kind} of {link.repository} is not held")
    for link in book.unreferenced_links():
        place = Location(store.shown(link.path or f"{link.repository}@{link.digest}"), digest=link.digest)
        ledger.add(LINK_UNREFERENCED, place, f"a blob of {link.repository} that none of its manifests refers to")


@judges(UPLOAD)
def _judge_uploads(store: Store, ledger: Ledger) -> dict[str, int]:
    ledger.judged(UPLOAD)
    count = size = 0
    for upload in store.uploads():
        days = f", {upload.age / 86400:.0f} days old" if upload.age >= 0 else ""
        ledger.add(
            UPLOAD, Location(store.shown(upload.path)), "an upload was left behind", got=f"{upload.size} bytes{days}"
        )
        count, size = count + 1, size + max(0, upload.size)
    return {"count": count, "bytes": size}


def _judge_oddities(store: Store, book: Book, options: AuditOptions, total: Ledger, selection: Selection) -> None:
    clauses = storage_clauses(selection, store)
    for odd in islice(store.oddities(), _MOST_ODD):
        if odd.repository and not options.wants_repository(odd.repository):
            continue
        if odd.kind == UNREADABLE:
            total.error(CLAUSES[odd.kind], f"{store.shown(odd.path)}: {odd.text}")
            if odd.tag:
                book.set_state(odd.repository, odd.tag, odd.digest, UNJUDGED)
            continue
        book.set_odd(odd.path)
        if odd.kind in _OF_A_LINK and odd.repository and not odd.tag:
            # What it was meant to name is not known.
            book.leave_open(odd.repository)
        if odd.kind == NO_DATA and book.is_odd_below(odd.path):
            continue
        ledger = Ledger(clauses, selection)
        ledger.add(CLAUSES[odd.kind], Location(store.shown(odd.path), digest=odd.digest), odd.text)
        for finding in ledger.findings():
            _put(book, finding, odd)


def _put(book: Book, finding: Finding, odd: Odd) -> None:
    """Put down an oddity; it is the cause of what is absent by it, unless the absence is what matters."""
    broken: list[tuple[str, str]] = []
    if odd.digest and book.is_absent(odd.repository, odd.digest):
        if not wound_of(finding):
            return
        broken = book.take_absent(odd.repository, odd.digest)
    if odd.tag:
        broken.append((odd.repository, odd.tag))
        book.set_state(odd.repository, odd.tag, odd.digest, wound_of(finding) or SOUND)
    book.tell(key_of(finding), finding, wound_of(finding), broken if wound_of(finding) else [])
