"""Judging images: the library call behind ``ocivalidate image``. Nothing here prints or exits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from ocivalidate import meanings
from ocivalidate.errors import NotMeant, TooLarge, Unreadable
from ocivalidate.image import blobs, comparing
from ocivalidate.image.absent import BLOB_ABSENT, tell_absent
from ocivalidate.image.accounts import Accounts
from ocivalidate.image.collect import Collector, open_ledger
from ocivalidate.image.describe import describe
from ocivalidate.image.documents import kinds, registry
from ocivalidate.image.documents.subjects import SUBJECTS
from ocivalidate.image.found import ImageFilter
from ocivalidate.image.graph import Reference, references
from ocivalidate.image.layers.limits import DEFAULT as DEFAULT_LAYER_LIMITS, LayerLimits
from ocivalidate.image.limits import Limits
from ocivalidate.image.names import meant
from ocivalidate.image.others import refuse_others
from ocivalidate.image.sources import docker_archive
from ocivalidate.image.sources.opening import open_document, open_source
from ocivalidate.image.sources.source import FILE, INDEX_JSON, LINK, MANIFEST_JSON, OCI_LAYOUT, LooseDocument, Source
from ocivalidate.image.stacks import Stacks
from ocivalidate.image.walk import NO_PLATFORMS, Examiner
from ocivalidate.jsontext.documents import Noting, read_document
from ocivalidate.rules.checks import CheckContext, Node, Registry
from ocivalidate.rules.clauses import Selection, Severity
from ocivalidate.rules.findings import Location, Report
from ocivalidate.rules.judge import DocumentType, active_clauses, judge, noting
from ocivalidate.rules.ledger import Ledger
from ocivalidate.vocabulary.versions import IMAGE_RELEASES

if TYPE_CHECKING:
    from concurrent.futures import Executor

SPECIFICATION = "image-spec"
BLOBS_EXIST = "image/image-layout.blobs.exists"
LAYOUT_EXISTS = "image/image-layout.oci-layout.exists"
INDEX_EXISTS = "image/image-layout.index-json.exists"
REPEATED = "safety/image.archive.repeated"

# An image as a whole: the clauses of all its documents, and those on blobs, layers and what documents say of another.
WHOLE = DocumentType(
    "image-index",
    frozenset({"image", "image-layer"}).union(*(subject.subjects for subject in SUBJECTS.values())),
    Registry(),
)


class ImageOptions(NamedTuple):
    """How to look at an image.

    ``complete``: blobs that are absent are errors. ``orphans``: verify blobs that nothing refers to. ``jobs``: how many
    threads (default: one a core). ``kind``: what a document that stands alone is, a key of ``subjects.SUBJECTS``
    (default: by its content). ``follow_links``: links in a layout folder may lead out of it. ``executor``: verify blobs
    there, in other threads or processes; it stays the caller's.
    """

    wanted: ImageFilter = ImageFilter()
    complete: bool = False
    orphans: bool = True
    jobs: int | None = None
    kind: str | None = None
    limits: Limits = Limits()
    layer_limits: LayerLimits = DEFAULT_LAYER_LIMITS
    follow_links: bool = False
    executor: Executor | None = None


def check_image(
    source: str | Source,
    *,
    spec_version: str | None = None,
    selection: Selection | None = None,
    options: ImageOptions | None = None,
    progress: blobs.Progress | None = None,
) -> Report:
    """Judge an image: a layout folder, an archive of a layout or of ``docker save``, or ``-``; or a source of any kind.

    ``spec_version``: a release of image-spec (default: the newest). ``progress`` is told of bytes read. What cannot be
    read gives a report with a ``problem``. Raises ``ValueError`` for an unknown release.
    """
    if spec_version is not None and spec_version not in IMAGE_RELEASES:
        raise ValueError(f"unknown release of image-spec: {spec_version}; known are {', '.join(IMAGE_RELEASES)}")
    options = options or ImageOptions()
    release, chosen = spec_version or IMAGE_RELEASES[-1], selection or Selection()
    registry.load_checks()
    try:
        if not isinstance(source, str):
            return _judge(source, release, chosen, options, progress)
        with _open(source, options) as opened:
            if opened.alone is not None:
                return _judge_document(opened.alone, release, chosen, options.kind)
            return _judge(opened, release, chosen, options, progress)
    except Unreadable as problem:
        name = source if isinstance(source, str) else source.name
        return Report("image", name, SPECIFICATION, problem=str(problem))


def _open(name: str, options: ImageOptions) -> Source:
    if options.kind is not None:
        return open_document(name, options.limits)
    return open_source(name, options.limits, options.layer_limits, follow_links=options.follow_links)


def _judge_document(loose: LooseDocument, release: str, selection: Selection, kind: str | None) -> Report:
    """Judge a document alone, as what it says it is or as what it looks like."""
    document = read_document(loose.data, loose.name, noting=lambda: Noting(most=selection.most))
    found = kind or kinds.guess(document.value)
    if kind is not None or (found is None and document.usable):
        _refuse_other_documents(document.value)
    if found is None:
        if document.usable:
            raise Unreadable("no document of image-spec by its content; --kind says which one it is meant to be")
        found = kinds.MANIFEST
    subject = SUBJECTS[found]
    if document.problems:
        # What they are about depends on what the document is.
        document = read_document(loose.data, loose.name, noting=lambda: noting(subject.kind, selection))
    clauses = active_clauses(subject, release, NO_PLATFORMS, selection)
    ledger = Ledger(clauses, selection)
    judge(subject, document, CheckContext(Node(None), release), ledger)
    note = f"as {found.replace('-', ' ')}"
    return Report(found, loose.name, SPECIFICATION, release, note, (), "", *ledger.verdicts())


def _refuse_other_documents(value: Any) -> None:
    """Raise :class:`Unreadable` for a document that another command judges."""
    found = meanings.of_value(value)
    if found.startswith("runtime-"):
        raise NotMeant(meanings.instead(kinds.MANIFEST, found))
    if docker_archive.is_manifest_json(value):
        raise NotMeant("this is the manifest.json of docker save: ocivalidate image judges the archive around it")


def _judge(
    source: Source, release: str, selection: Selection, options: ImageOptions, progress: blobs.Progress | None
) -> Report:
    examiner, collector = survey(source, release, selection, options)
    wanted = list(examiner.found.blobs.values())
    if options.orphans and options.wanted.all and examiner.is_layout:
        wanted += blobs.orphans(source, examiner, collector)
    facts = blobs.verify(source, wanted, options.layer_limits, options.jobs, progress, options.executor)
    sound = {blob.path for blob in wanted if blobs.judge_blob(blob, facts[blob.path], examiner, collector)}
    stacks = Stacks(source, facts, sound, examiner, collector, options.layer_limits)
    accounts = Accounts(source, facts, sound, examiner, collector, options.layer_limits)
    for image in examiner.found.images:
        blobs.judge_diff_ids(image, facts, sound, examiner, collector)
        stacks.judge(image)
        accounts.judge(image)
    told = tell_absent(examiner, collector, len(wanted), complete=options.complete)
    details = describe(examiner.found, facts) | told
    return _report(source, release, collector, details)


def survey(source: Source, release: str, selection: Selection, options: ImageOptions) -> tuple[Examiner, Collector]:
    """Read and judge the documents of an image, and find its blobs, which are not read yet.

    Raises :class:`Unreadable`.
    """
    registry.load_checks()
    clauses = active_clauses(WHOLE, release, NO_PLATFORMS, _with_complete(selection, options))
    collector = open_ledger(clauses, selection)
    examiner = Examiner(source, collector, selection, release, options.wanted, options.limits)
    examiner.walk(_roots(source, examiner, collector, options))
    comparing.judge_documents(examiner, collector)
    if examiner.is_layout and options.wanted.all:
        docker_archive.compare(source, examiner, collector, options.limits)
    _refuse_empty_choice(examiner, options.wanted)
    return examiner, collector


def _with_complete(selection: Selection, options: ImageOptions) -> Selection:
    """``--complete`` turns on the clause that is off otherwise."""
    return selection if not options.complete else selection.also(BLOB_ABSENT)


def _report(source: Source, release: str, collector: Collector, details: dict[str, Any]) -> Report:
    return Report("image", source.name, SPECIFICATION, release, "", (), "", *collector.verdicts(), facts=details)


def _roots(source: Source, examiner: Examiner, collector: Collector, options: ImageOptions) -> Iterable[Reference]:
    """Where the walk starts: the entries of index.json, or of the manifest.json of ``docker save``."""
    refuse_others(source, options.limits)
    _tell_repeated(source, examiner, collector)
    if source.roots()[0] == MANIFEST_JSON:
        if examiner.is_outside(MANIFEST_JSON):
            return ()
        docker_archive.enter(source, examiner, collector, options.wanted, options.limits)
        return ()
    examiner.is_layout = True
    return _layout_roots(source, examiner, collector, options)


def _tell_repeated(source: Source, examiner: Examiner, collector: Collector) -> None:
    repeats = source.repeats()
    if repeats is None:
        return
    collector.judged(REPEATED)
    for path, alike in repeats:
        message = f"a path stands twice in the archive{', with the same content' if alike else ''}"
        place = Location(examiner.shown(path))
        collector.add(REPEATED, place, message, severity=Severity.NOTE if alike else None)


def _layout_roots(
    source: Source, examiner: Examiner, collector: Collector, options: ImageOptions
) -> Iterable[Reference]:
    entry = source.entry("blobs")
    collector.judged(BLOBS_EXIST)
    if not examiner.is_outside("blobs") and (entry is None or entry.kind != "folder"):
        collector.add(BLOBS_EXIST, Location(examiner.shown("blobs")), "the layout has no folder blobs")
    _read_file(source, examiner, collector, OCI_LAYOUT, LAYOUT_EXISTS, "image-layout", options.limits)
    root = _read_file(source, examiner, collector, INDEX_JSON, INDEX_EXISTS, "image-index", options.limits)
    if root is None:
        return ()
    found = list(references(root, "index", INDEX_JSON, 0))
    if not root.elements("manifests") and docker_archive.is_there(source, options.limits):
        # Some versions of docker save leave an index.json empty beside it.
        docker_archive.enter(source, examiner, collector, options.wanted, options.limits)
        return ()
    examiner.found.names = sorted({name for reference in found for name in reference.names})
    return list(examiner.chosen(_named(found, options.wanted.refs)))


def _named(found: list[Reference], refs: tuple[str, ...]) -> list[Reference]:
    """The entries of index.json that have one of these names; all, if there are none."""
    if not refs:
        return found
    chosen = meant(refs, (name for reference in found for name in reference.names))
    return [reference for reference in found if chosen.intersection(reference.names)]


def _read_file(
    source: Source, examiner: Examiner, collector: Collector, path: str, clause: str, kind: str, limits: Limits
) -> Any:
    """Read one of the two files at the top of a layout; its root, or ``None``."""
    entry = source.entry(path)
    if examiner.is_outside(path):
        collector.unjudged(clause, "leads out of the layout")
        return None
    collector.judged(clause)
    if entry is None or entry.kind not in (FILE, LINK):
        message = f"the layout has no file {path}" if entry is None else f"{path} is {entry.what or 'a folder'}"
        collector.add(clause, Location(examiner.shown(path)), message)
        return None
    data = source.read(path, limits.document + 1)
    if len(data) > limits.document:
        raise TooLarge(f"{path} has more than {limits.document} bytes (--max-size)")
    return examiner.document(path, kind, data).root


def _refuse_empty_choice(examiner: Examiner, wanted: ImageFilter) -> None:
    found = examiner.found
    # An image that no index gives a platform was not the wanted one.
    if wanted.all or (found.matched and (found.images or not found.contradicted)):
        return
    names = ", ".join(found.names) or "none"
    raise Unreadable(f"no image of that name and platform; names are: {names}")
