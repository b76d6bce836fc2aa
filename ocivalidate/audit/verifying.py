"""The long part of an audit: every blob that something refers to, or that is held, is read once and verified."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

from ocivalidate.audit.book import Book, Wanted
from ocivalidate.audit.options import AuditOptions, Work
from ocivalidate.audit.repository import Kept
from ocivalidate.audit.store import Store
from ocivalidate.image.layers.blob import BlobRequest
from ocivalidate.image.pool import Job, verify_all
from ocivalidate.vocabulary import digests

# So many blobs are given to the workers at a time: the largest come first, so that few wait for the last of these.
_AT_A_TIME = 10_000


def verify(store: Store, book: Book, options: AuditOptions, work: Work) -> None:
    """Put down the facts about every blob of which they are not known yet."""
    waiting = _waiting(store, book, options, work)
    done, total = 0, book.bytes_unverified()
    while some := dict(islice(waiting, _AT_A_TIME)):
        jobs = [Job(path, request) for path, (_wanted, request) in some.items()]
        tell = None if work.progress is None else partial(_tell, work.progress, done, total)
        for job, facts in verify_all(jobs, workers=options.jobs, executor=work.executor, progress=tell):
            wanted = some[job.key][0]
            book.keep_facts(job.key, facts, layer=wanted.layer)
            work.keep(wanted, facts)
            done += job.size


def _tell(progress: Callable[[int, int], None], before: int, total: int, more: int) -> None:
    progress(before + more, total)


def _waiting(
    store: Store, book: Book, options: AuditOptions, work: Work
) -> Iterator[tuple[str, tuple[Wanted, BlobRequest]]]:
    """What is left to verify here, each under its path, with what is asked of it."""
    for wanted in book.unverified():
        if not work.wants(wanted):
            continue
        request = _request(store, book, wanted, options)
        known = work.recall(wanted, request)
        if known is None:
            yield wanted.held.path, (wanted, request)
        else:
            book.keep_facts(wanted.held.path, known, layer=wanted.layer)


def _request(store: Store, book: Book, wanted: Wanted, options: AuditOptions) -> BlobRequest:
    held = wanted.held
    digest = digests.parse(held.digest)
    algorithms = (digest.algorithm,) if digest and not digests.unverifiable(digest) else ()
    data = book.document(held.path)
    opener = store.opener(held) if data is None else Kept(data)
    size = None if held.size < 0 else held.size
    return BlobRequest(
        opener, algorithms, wanted.layer, wanted.diffs, size, used=wanted.layer, limits=options.layer_limits
    )
