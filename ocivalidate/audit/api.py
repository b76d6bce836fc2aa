"""Auditing many images: the library call behind ``ocivalidate audit``. Nothing here prints or exits."""

from __future__ import annotations

import contextlib
from concurrent.futures import Executor
from itertools import islice

from ocivalidate.audit import workers
from ocivalidate.audit.book import Book
from ocivalidate.audit.journal import Journal
from ocivalidate.audit.judging import Judge, storage_clauses, tell_all
from ocivalidate.audit.options import AuditOptions, Work
from ocivalidate.audit.planning import FAILURES, Planning, plan, problem_of
from ocivalidate.audit.storage import judge_storage
from ocivalidate.audit.store import Store
from ocivalidate.audit.stores.recognising import open_store
from ocivalidate.audit.summing import facts_of, told
from ocivalidate.audit.verifying import Verification
from ocivalidate.audit.walks import Walks
from ocivalidate.errors import UsageError
from ocivalidate.image.api import NO_PLATFORMS, SPECIFICATION, WHOLE
from ocivalidate.rules.clauses import Selection, settled
from ocivalidate.rules.findings import Report
from ocivalidate.rules.judge import active_clauses
from ocivalidate.rules.ledger import Ledger
from ocivalidate.system.arguments import StrPath, given, path_text
from ocivalidate.vocabulary.versions import IMAGE_CHOICES, IMAGE_RELEASES, draft_note

KIND = "audit"


def audit(
    target: StrPath | Store,
    selection: Selection | None = None,
    options: AuditOptions | None = None,
    *,
    executor: Executor | None = None,
    journal: StrPath | None = None,
    work: Work | None = None,
) -> Report:
    """Judge all images of a registry, of its storage, or of a folder of layouts, and what holds them.

    ``target``: the name of one of these, or any :class:`Store`. ``selection``: what is judged; without a
    ``spec_version`` by the newest release of image-spec. ``executor`` verifies the blobs, in other threads, processes
    or machines; the caller keeps it. ``journal``: a file of what was verified, which is gone on with and added to.
    ``work``: how else the long part is done.

    What cannot be read gives a report with a ``problem``. One that was stopped is not ``complete``. Raises
    :class:`OptionError` for an option that makes no sense, :class:`UsageError` for a journal that cannot be used and
    for an executor that cannot read the target, and ``TypeError`` for an argument of another type.
    """
    name = target.name if isinstance(target, Store) else path_text(target, "target")
    chosen = settled(selection, SPECIFICATION, IMAGE_CHOICES)
    asked = given(options, AuditOptions, "options")
    doing = given(work, Work, "work")
    with contextlib.ExitStack() as opened:
        if executor is not None:
            doing = doing._replace(workers=workers.of(executor, doing.pace))
        if journal is not None:
            kept = Journal(path_text(journal, "journal"), asked.layer_limits)
            doing = doing._replace(journal=opened.enter_context(kept))
        try:
            store = target if isinstance(target, Store) else opened.enter_context(open_store(name, asked.registry))
            return _audited(store, chosen, asked, doing)
        except UsageError:
            raise
        except FAILURES as problem:
            facts = {"shard": str(doing.shard)} if doing.shard else {}
            return Report(KIND, name, SPECIFICATION, problem=problem_of(problem), facts=facts)


def _audited(store: Store, selection: Selection, options: AuditOptions, work: Work) -> Report:
    release = selection.spec_version or IMAGE_RELEASES[-1]
    clauses = {**active_clauses(WHOLE, release, NO_PLATFORMS, selection), **storage_clauses(selection, store)}
    total = Ledger(clauses, selection)
    book = Book(options.book)
    verification = Verification(store, book, options, work)
    planning = Planning(store, book, options, work, selection, Walks(), verification.feed, verification.listed)
    judge = Judge(planning, release, total, verification.wait)
    planned, judged, stopped = False, 0, "interrupted"
    with contextlib.suppress(KeyboardInterrupt), verification:
        planned = plan(planning)
        verification.rest()
        if store.served:
            # What was taken to be there may not be, which shows when it is read.
            verification.end()
            if verification.missed:
                planning.walks.clear()
        for unit in book.units():
            judge.judge(unit)
            judged += 1
        stopped = verification.end()
    for unit in islice(book.units(), judged, None):
        judge.judge(unit)
    left = judge_storage(store, book, options, total, selection) if planned else None
    tell_all(total, told(book))
    facts = facts_of(store, book, options, work)
    if left is not None:
        facts["uploads"] = left
    if stopped:
        facts["stopped"] = stopped
    return Report(
        KIND,
        store.name,
        SPECIFICATION,
        release,
        draft_note(release),
        (),
        "",
        *total.verdicts(),
        facts=facts,
        complete=not stopped,
        file=store.name,
    )
