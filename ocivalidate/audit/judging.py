"""Judges every image of an audit as ``ocivalidate image`` judges it, and says which tags break by what is found.

All that the images share was read before: documents and facts come from the book.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import partial

from ocivalidate.audit.breaking import Names, OneName
from ocivalidate.audit.harmless import Harmless
from ocivalidate.audit.planning import FAILURES, Planning, how, problem_of
from ocivalidate.audit.repository import RepositorySource, digest_of, opened
from ocivalidate.audit.rows import Unit
from ocivalidate.audit.store import Store
from ocivalidate.image import blobs
from ocivalidate.image.absent import by_right
from ocivalidate.image.accounts import trail_of
from ocivalidate.image.api import judge_content, survey
from ocivalidate.image.comparing import CONTENT
from ocivalidate.image.context import ImageContext
from ocivalidate.image.found import Blob, WalkResult
from ocivalidate.image.graph import Reference
from ocivalidate.image.layers import judging as layers
from ocivalidate.image.layers.blob import BlobFacts, BlobRequest
from ocivalidate.image.served import judge_answers
from ocivalidate.image.sources.source import INDEX_JSON
from ocivalidate.image.stacks import Trail, Trails
from ocivalidate.rules.clauses import Clause, Selection, Severity, load
from ocivalidate.rules.declared import judges
from ocivalidate.rules.findings import Finding, Location
from ocivalidate.rules.ledger import Ledger

TAG_TARGET = "storage/tag.target"
LINK_TARGET = "storage/link.target"
ABSENT = "storage/blob.absent"
ELSEWHERE = "storage/blob.elsewhere"
SUBJECT = "storage/subject.absent"
SCHEMA1 = "storage/manifest.schema1"
_NO_MANIFEST = "a tag leads to a manifest that its repository does not hold"
SOUND, INCOMPLETE, UNJUDGED, BROKEN = "sound", "incomplete", "unjudged", "broken"
"""How an image fares: all of it is there and right; parts are absent; parts cannot be read; something is wrong."""

STATES = (SOUND, INCOMPLETE, UNJUDGED, BROKEN)
OF_ABSENCE = (TAG_TARGET, ABSENT, ELSEWHERE, LINK_TARGET)
"""The clauses that are broken by what is absent, the gravest first."""

_OF_PARTS = frozenset({ABSENT, ELSEWHERE})


def storage_clauses(selection: Selection, store: Store) -> dict[str, Clause]:
    """The clauses on storage, and on what a registry says if the store is one, that a selection wants."""
    families = ("storage", "distribution") if store.served else ("storage",)
    return {clause.id: clause for clause in load(*families).values() if selection.wants(clause)}


class Judge:
    """Judges the planned images, each by itself; ``total`` gets what there was occasion to judge.

    ``wait`` comes back when all is known of the blob at a path that can be known.
    """

    def __init__(self, planning: Planning, release: str, total: Ledger, wait: Callable[[str], None]) -> None:
        self._walks = planning.walks
        self._store = planning.store
        self._book = planning.book
        self._selection = planning.selection
        self._options = planning.options
        self._work = planning.work
        self._release = release
        self._total = total
        self._wait = wait
        self._clauses = storage_clauses(planning.selection, planning.store)
        self._documents = Harmless()

    def judge(self, unit: Unit) -> None:
        """Judge one image, or one layout."""
        names: Names = OneName(self._book, unit, self._options)
        if unit.problem:
            self._leave(unit, names, unit.problem)
            return
        if unit.old:
            self._judge_old(unit, names)
            return
        try:
            source, found = self._walks.take(unit)
            with source or opened(self._store, self._book, unit.repository, unit.digest) as source:
                self._judge_in(source, unit, found, names)
        except FAILURES as problem:
            self._documents.forget()
            self._book.fail(unit.repository, unit.digest, problem_of(problem))
            self._leave(unit, names, problem_of(problem))

    def _leave(self, unit: Unit, names: Names, problem: str) -> None:
        """Leave an image, or a repository, unjudged, and what an image is made of with it."""
        self._total.error(CONTENT, f"{self._store.shown(unit.repository or unit.digest)}: {problem}")
        self._set_states(names, {}, UNJUDGED)

    def _judge_in(self, source: RepositorySource, unit: Unit, walked: WalkResult | None, names: Names) -> None:
        options = self._options
        selection, image_options = how(self._book, unit, self._selection, options)
        context, ledger = survey(source, self._release, selection, image_options, walked, self._documents.judge)
        found = context.found
        every = list(found.blobs.values())
        if found.is_layout and options.all:
            every += blobs.orphans(source, self._release, context, ledger)
        facts = self._facts(source, every)
        judge_content(source, every, facts, context, ledger, options.layer_limits, self._trails(source))
        judge_answers(context, facts, ledger)
        if not unit.digest:
            names = Names(unit.repository, context)
        beside = Ledger(self._clauses, selection, once=True)
        if self._store.named:
            self._judge_absent(unit, names, context, beside)
        failed = [path for path, one in {**found.contents, **facts}.items() if one.failure]
        failed += self._unverified(source, every, facts, ledger)
        states = dict.fromkeys((name for path in failed for name in names.of_path(path)), UNJUDGED)
        if found.absent and not self._store.named:
            # No more than that can be said: what is not there may never have been wanted.
            states = dict.fromkeys(names.every(), INCOMPLETE) | states
        for each in (ledger, beside):
            self._put(each, unit, names, states)
        self._set_states(names, states, SOUND)

    def _facts(self, source: RepositorySource, every: Iterable[Blob]) -> dict[str, BlobFacts]:
        """What is known of blobs, by their paths in the image."""
        known: dict[str, BlobFacts] = {}
        for blob in every:
            held = source.held(blob.path)
            if held is not None and self._work.is_ours(held.digest):
                self._wait(held.path)
            facts = self._book.facts(held.path) if held else None
            if held is not None and facts is not None:
                known[blob.path] = facts
                self._book.set_judged(held.path)
        return known

    def _unverified(
        self, source: RepositorySource, every: Iterable[Blob], facts: dict[str, BlobFacts], ledger: Ledger
    ) -> list[str]:
        """The paths of blobs that were to be verified, and were not; other shards verify the others."""
        unknown = [
            (path, held) for path in (blob.path for blob in every) if path not in facts and (held := source.held(path))
        ]
        if unknown:
            why = "not verified" if self._work.shard is None else "the layers of an image are in several shards"
            for clause in (layers.PARENT, layers.LINK_TARGET):
                ledger.leave_open(clause, why)
        return [path for path, held in unknown if self._work.is_ours(held.digest)]

    def _trails(self, source: RepositorySource) -> Trails:
        """The trails of layers, which images share."""

        def trail(path: str, request: BlobRequest) -> Trail:
            held = source.held(path)
            return self._book.trail(held.path if held else path, partial(trail_of, request))

        return trail

    @judges(SUBJECT, TAG_TARGET)
    def _judge_absent(self, unit: Unit, names: Names, context: ImageContext, ledger: Ledger) -> None:
        """What an image refers to and its repository does not hand out."""
        ledger.judged(TAG_TARGET, ABSENT, ELSEWHERE)
        found = context.found
        for references in found.absent.values():
            wanted = next((one for one in references if not by_right(one)), None)
            if wanted is None:
                continue
            if not wanted.file and unit.digest:
                self._tell_root(unit, names, ledger)
            elif wanted.file == INDEX_JSON and wanted.name:
                place = Location(context.shown(wanted.path), digest=str(wanted.digest or ""))
                ledger.add(TAG_TARGET, place, _NO_MANIFEST)
            elif self._store.expects(unit.repository, str(wanted.digest or "")):
                self._tell_absent(unit, wanted, context, ledger)
        for path, references in found.references.items():
            subject = next((one for one in references if one.role == "subject"), None)
            if subject is None:
                continue
            ledger.judged(SUBJECT)
            if found.entries[path] is None and path not in found.absent:
                place = Location(context.shown(path), digest=digest_of(path))
                message = "the manifest that this one says it belongs to is absent"
                ledger.add(SUBJECT, context.place(subject, digest=place.digest), message, got=place.digest)

    @judges(TAG_TARGET, LINK_TARGET)
    def _tell_root(self, unit: Unit, names: Names, ledger: Ledger) -> None:
        held = self._book.is_held(unit.digest)
        # What no repository holds is one defect, however many of them name it.
        shown = self._store.shown(f"{unit.repository}@{unit.digest}" if held else unit.digest)
        place = Location(shown, digest=unit.digest)
        if any(not name.startswith("@") for name in names.every()):
            got = f"it is held at {self._store.shown(held)}" if held else ""
            ledger.add(TAG_TARGET, place, _NO_MANIFEST, got=got)
        else:
            ledger.add(LINK_TARGET, place, "a manifest of the repository is absent")

    @judges(ABSENT, ELSEWHERE)
    def _tell_absent(self, unit: Unit, wanted: Reference, context: ImageContext, ledger: Ledger) -> None:
        digest = str(wanted.digest or "")
        held = self._book.is_held(digest) if unit.digest else ""
        hint = f"referenced by {context.way_to(wanted)}"
        if held:
            place = Location(context.shown(wanted.path), digest=digest)
            message = f"the blob that a {wanted.role} descriptor refers to is not one of this repository"
            ledger.add(ELSEWHERE, place, message, got=f"it is held at {self._store.shown(held)}", hint=hint)
            return
        shown = self._store.shown(digest) if unit.digest else context.shown(wanted.path)
        message = f"the blob that a {wanted.role} descriptor refers to is absent"
        ledger.add(ABSENT, Location(shown, digest=digest), message, hint=hint)

    @judges(SCHEMA1)
    def _judge_old(self, unit: Unit, names: Names) -> None:
        ledger = Ledger(self._clauses, self._selection)
        held = self._store.find(unit.repository, unit.digest)
        place = Location(self._store.shown(held.path if held else unit.digest), digest=unit.digest)
        ledger.add(SCHEMA1, place, "a manifest of schema 1, which today's clients do not pull")
        self._put(ledger, unit, names, {})
        self._set_states(names, {}, SOUND)

    # --- What it comes to

    def _put(self, ledger: Ledger, unit: Unit, names: Names, states: dict[str, str]) -> None:
        """Put the findings of a ledger into the book, and what they make of the tags into ``states``."""
        ledger.pass_on(self._total)
        for finding in ledger.findings():
            wound = wound_of(finding)
            broken = names.of(finding)
            for name in broken if wound else ():
                states[name] = max(states.get(name, SOUND), wound, key=STATES.index)
            told = broken if wound else ()
            key = key_of(finding)
            self._book.tell(key, finding, wound, [(unit.repository, name) for name in told])
            if finding.clause.id in OF_ABSENCE:
                self._book.set_absent(unit.repository, finding.location.digest, finding.clause.id, key)
        for finding, _kind in ledger.hidden():
            self._book.tell(key_of(finding), finding, "", [])

    def _set_states(self, names: Names, states: dict[str, str], otherwise: str) -> None:
        for name in names.every():
            state = states.get(name, states.get("", otherwise))
            self._book.set_state(names.repository, name, names.digest_of(name), state)


def wound_of(finding: Finding) -> str:
    """What a finding makes of an image; empty if it leaves it sound."""
    if finding.severity is not Severity.ERROR:
        return ""
    return INCOMPLETE if finding.clause.id in _OF_PARTS else BROKEN


def key_of(finding: Finding) -> bytes:
    """What a finding has in common with the same one of another image that shares the blob or the document."""
    place = finding.location
    parts = (finding.clause.id, finding.severity, finding.message, place.file, place.pointer, place.member, finding.got)
    return hashlib.sha256("\0".join(map(str, parts)).encode(errors="surrogatepass")).digest()


def tell_all(ledger: Ledger, findings: Iterable[Finding]) -> None:
    """Put findings that were told by other ledgers into this one."""
    for one in findings:
        details = {"severity": one.severity, "got": one.got, "want": one.want, "hint": one.hint}
        ledger.add(one.clause.id, one.location, one.message, more=one.more, **details)  # type: ignore[arg-type]
