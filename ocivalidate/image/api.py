"""Judging images: the library call behind ``ocivalidate image``. Nothing here prints or exits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

from ocivalidate import meanings
from ocivalidate.errors import NotMeant, Unreadable
from ocivalidate.image import ambiguous, blobs, comparing, layout, served
from ocivalidate.image.absent import BLOB_ABSENT, tell_absent
from ocivalidate.image.accounts import Accounts
from ocivalidate.image.causes import Causes
from ocivalidate.image.context import ImageContext
from ocivalidate.image.describe import describe
from ocivalidate.image.documents import kinds, registry
from ocivalidate.image.documents.judging import judge_read
from ocivalidate.image.documents.reading import Read
from ocivalidate.image.documents.subjects import SUBJECTS
from ocivalidate.image.found import Blob, ImageFilter, WalkResult
from ocivalidate.image.layers.blob import BlobFacts
from ocivalidate.image.layers.limits import DEFAULT as DEFAULT_LAYER_LIMITS, LayerLimits
from ocivalidate.image.limits import Limits
from ocivalidate.image.names import refuse_no_platform
from ocivalidate.image.roots import walk_image
from ocivalidate.image.sources import docker_archive
from ocivalidate.image.sources.opening import open_document, open_source
from ocivalidate.image.sources.source import LooseDocument, Source
from ocivalidate.image.stacks import Stacks, Trails
from ocivalidate.jsontext.documents import Noting, read_document
from ocivalidate.registry.options import RegistryOptions
from ocivalidate.rules.checks import CheckContext, Node, Registry
from ocivalidate.rules.clauses import Selection, settled
from ocivalidate.rules.findings import Report
from ocivalidate.rules.judge import REGISTRY, DocumentType, active_clauses, judge, noting
from ocivalidate.rules.ledger import Ledger
from ocivalidate.system.arguments import StrPath, at_least_one, given, known, limits, path_text, texts
from ocivalidate.vocabulary.versions import IMAGE_CHOICES, IMAGE_RELEASES, draft_note, noted

if TYPE_CHECKING:
    from concurrent.futures import Executor

SPECIFICATION = "image-spec"
NO_PLATFORMS: frozenset[str] = frozenset()

# An image as a whole: the clauses of all its documents, and those on blobs, layers and how documents match.
WHOLE = DocumentType(
    "image-index",
    frozenset({"image", "image-layer"}).union(*(subject.subjects for subject in SUBJECTS.values())),
    Registry(),
)


# The same from a server, with what that says beside the content.
SERVED = DocumentType("image-index", WHOLE.subjects | {REGISTRY}, Registry())


class ImageOptions(NamedTuple):
    """How to judge an image.

    ``complete``: absent blobs are errors. ``orphans``: verify unreferenced blobs too. ``jobs``: the number of threads
    (default: one per core). ``kind``: the type of a standalone document, a key of ``subjects.SUBJECTS`` (default: by
    its content). ``follow_links``: links in a layout folder may lead out of it. ``executor``: verifies blobs, in other
    threads or processes; the caller keeps it and shuts it down. ``manifests_only``: of blobs that are no documents only
    presence and size are judged. ``registry``: how registries are reached.
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
    manifests_only: bool = False
    registry: RegistryOptions = RegistryOptions()


def check_image(
    source: StrPath | Source,
    selection: Selection | None = None,
    options: ImageOptions | None = None,
    *,
    progress: blobs.Progress | None = None,
) -> Report:
    """Judge an image by image-spec, every byte of it.

    ``source``: a layout folder, an archive of a layout or of ``docker save``, a standalone document, ``-`` for standard
    input, a name as skopeo writes it (``docker://HOST/NAME:TAG``, ``oci:DIR:REF`` …), or any :class:`Source`.
    ``selection``: what is judged; without a ``spec_version`` by the newest release.
    ``options``: how to judge. ``progress`` is called with the number of bytes read so far and the total.

    Unreadable input gives a report with a ``problem``. Raises :class:`OptionError` for an option that makes no sense,
    and ``TypeError`` for one of another type.
    """
    name = source.name if isinstance(source, Source) else path_text(source, "source")
    chosen = settled(selection, SPECIFICATION, IMAGE_CHOICES)
    options = _checked(given(options, ImageOptions, "options"))
    release = chosen.spec_version or IMAGE_RELEASES[-1]
    registry.load_checks()
    try:
        if isinstance(source, Source):
            return _judge(source, release, chosen, options, progress)
        with _open(name, options) as opened:
            if opened.alone is not None:
                return _judge_document(opened.alone, release, chosen, options.kind)
            return _judge(opened, release, chosen, options, progress)
    except Unreadable as problem:
        return Report("image", name, SPECIFICATION, problem=str(problem))


def _checked(options: ImageOptions) -> ImageOptions:
    """The validated options. Raises :class:`OptionError`, and ``TypeError`` for a string where a list is wanted."""
    at_least_one(options.jobs, "jobs")
    known(options.kind, tuple(sorted(SUBJECTS)), "kind of document")
    given(options.wanted, ImageFilter, "wanted")
    given(options.layer_limits, LayerLimits, "layer_limits")
    given(options.registry, RegistryOptions, "registry")
    limits(given(options.limits, Limits, "limits")._asdict(), asdict(options.layer_limits))
    texts(options.wanted.refs, "refs")
    for platform in texts(options.wanted.platforms, "platforms"):
        refuse_no_platform(platform)
    return options


def _open(name: str, options: ImageOptions) -> Source:
    if options.kind is not None:
        return open_document(name, options.limits)
    return open_source(
        name, options.limits, options.layer_limits, follow_links=options.follow_links, registry=options.registry
    )


def _judge_document(loose: LooseDocument, release: str, selection: Selection, kind: str | None) -> Report:
    """Judge a standalone document, as the type that it states or that it looks like."""
    document = read_document(loose.data, loose.name, noting=lambda: Noting(most=selection.most))
    found = kind or kinds.guess(document.value)
    if kind is not None or (found is None and document.usable):
        _refuse_other_documents(document.value)
    if found is None:
        if document.usable:
            raise Unreadable("not recognized as an image-spec document by its content; --kind names its type")
        found = kinds.MANIFEST
    subject = SUBJECTS[found]
    if document.problems:
        # Which filters make sense depends on the type of the document.
        document = read_document(loose.data, loose.name, noting=lambda: noting(subject.kind, selection))
    clauses = active_clauses(subject, release, NO_PLATFORMS, selection)
    ledger = Ledger(clauses, selection)
    judge(subject, document, CheckContext(Node(None), release), ledger)
    note = noted(release, f"as {found.replace('-', ' ')}")
    facts = {"digests": [{"name": loose.name, "digest": f"sha256:{hashlib.sha256(loose.data).hexdigest()}"}]}
    verdicts = ledger.verdicts()
    return Report(found, loose.name, SPECIFICATION, release, note, (), "", *verdicts, facts=facts, file=loose.name)


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
    options = _as_asked(source, options)
    context, ledger = survey(source, release, selection, options)
    found = context.found
    wanted = list(found.blobs.values())
    if options.manifests_only:
        blobs.judge_presence(wanted, context, ledger)
        return _finished(source, release, context, ledger, {}, len(wanted), options)
    if options.orphans and options.wanted.all and found.is_layout:
        wanted += blobs.orphans(source, release, context, ledger)
    facts = blobs.verify(source, wanted, options.layer_limits, options.jobs, progress, options.executor)
    judge_content(source, wanted, facts, context, ledger, options.layer_limits)
    return _finished(source, release, context, ledger, facts, len(wanted), options)


def _as_asked(source: Source, options: ImageOptions) -> ImageOptions:
    """The options with what the name of the source asks for. Raises :class:`Unreadable` where both name images."""
    complete = options.complete or source.whole
    if source.served and options.wanted.refs:
        raise Unreadable("a name in a registry says which image: leave out --ref")
    if not source.asked:
        return options._replace(complete=complete)
    if options.wanted.refs not in ((), source.asked):
        raise Unreadable(f"the name says which image already: {', '.join(source.asked)}; leave out --ref")
    return options._replace(complete=complete, wanted=options.wanted._replace(refs=source.asked))


def walk(source: Source, selection: Selection, options: ImageOptions) -> WalkResult:
    """Walk over an image. Raises :class:`Unreadable`."""
    return walk_image(source, options.wanted, options.limits, lambda kind: noting(SUBJECTS[kind].kind, selection))


def survey(
    source: Source,
    release: str,
    selection: Selection,
    options: ImageOptions,
    found: WalkResult | None = None,
    judge_document: Callable[[Read, str, Ledger], None] = judge_read,
) -> tuple[ImageContext, Ledger]:
    """Walk over an image and judge what the walk found: everything but the content of its blobs, not read yet.

    ``found``: what :func:`walk` has found before. ``judge_document``: judges a document by itself, by a release. Raises
    :class:`Unreadable`.
    """
    registry.load_checks()
    options = _as_asked(source, options)
    if found is None:
        found = walk(source, selection, options)
    _refuse_empty_choice(found, options.wanted)
    context = ImageContext(source, found)
    clauses = active_clauses(
        SERVED if source.served else WHOLE, release, NO_PLATFORMS, _with_complete(selection, options)
    )
    ledger = Ledger(clauses, selection, causes=Causes(), once=True)
    layout.judge_files(context, ledger)
    for read in found.documents.values():
        judge_document(read, release, ledger)
    if found.saved is not None:
        ambiguous.judge_saved(found.saved, context, ledger)
    comparing.judge_documents(context, ledger)
    if found.is_layout and options.wanted.all:
        ambiguous.judge_beside_index(context, options.limits, ledger)
    return context, ledger


def judge_content(
    source: Source,
    wanted: Iterable[Blob],
    facts: dict[str, BlobFacts],
    context: ImageContext,
    ledger: Ledger,
    layer_limits: LayerLimits,
    trails: Trails | None = None,
) -> None:
    """Judge what the blobs of an image hold, by the ``facts`` at their paths; without these a blob is left open.

    ``trails`` spare reading layers again.
    """
    known = [blob for blob in wanted if blob.path in facts]
    sound = {blob.path for blob in known if blobs.judge_blob(blob, facts[blob.path], context, ledger)}
    stacks = Stacks(source, facts, sound, context, ledger, layer_limits, trails)
    accounts = Accounts(source, facts, sound, context, ledger, layer_limits, trails)
    for image in context.found.images:
        blobs.judge_diff_ids(image, facts, sound, context, ledger)
        stacks.judge(image)
        accounts.judge(image)


def _with_complete(selection: Selection, options: ImageOptions) -> Selection:
    """``--complete`` turns on a clause that is otherwise off."""
    return selection if not options.complete else selection.also(BLOB_ABSENT)


def _finished(
    source: Source,
    release: str,
    context: ImageContext,
    ledger: Ledger,
    facts: dict[str, BlobFacts],
    present: int,
    options: ImageOptions,
) -> Report:
    """The report, once all that was wanted is judged."""
    served.judge_answers(context, facts, ledger)
    told = tell_absent(context, ledger, present, complete=options.complete)
    details = describe(context.found, facts, whole=options.wanted.all) | told
    note, file = draft_note(release), source.file()
    return Report(
        "image", source.name, SPECIFICATION, release, note, (), "", *ledger.verdicts(), facts=details, file=file
    )


def _refuse_empty_choice(found: WalkResult, wanted: ImageFilter) -> None:
    # An image without a platform in an index turned out to be for another platform.
    if wanted.all or (found.matched and (found.images or not found.contradicted)):
        return
    names = ", ".join(found.names) or "none"
    raise Unreadable(f"no image matches that name and platform; the names are: {names}")
