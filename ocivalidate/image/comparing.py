"""Compares each blob with its descriptors, each descriptor by itself, whichever came first.

The walk collects the descriptors of each path and the facts about its bytes; judging comes afterwards. So every
descriptor of a blob is compared with it, not only the first one (image-spec descriptor.md).
"""

from __future__ import annotations

from ocivalidate.image.causes import descriptor_at
from ocivalidate.image.context import ImageContext
from ocivalidate.image.documents import kinds
from ocivalidate.image.documents.reading import Read
from ocivalidate.image.graph import Reference
from ocivalidate.image.layers.blob import BlobFacts
from ocivalidate.rules.declared import judges
from ocivalidate.rules.findings import Location
from ocivalidate.rules.ledger import Ledger
from ocivalidate.vocabulary import digests

CONTENT = "image/image-layout.blobs.content-matches"
SIZE = "image/descriptor.size.matches"
MEDIA_TYPE = "safety/image.media-type.matches"
ARTIFACT_TYPE = "image/descriptor.artifactType.equals-config-mediaType"
PLATFORM = "safety/image.platform.matches"
DOCUMENT_SIZE = "safety/image.document.size"
# distribution-spec: registries may refuse larger manifests, and so do tools.
_PORTABLE_SIZE = 4 << 20
# Type of document → what cannot be judged if it is damaged.
_BELOW = {"index": "what it lists", "manifest": "its config and layers", "config": "what it says about the layers"}
# Roles that refer to a manifest or an index, whatever their media type says.
_OF_DOCUMENTS = ("manifest", "subject")
_INDEX_OR_MANIFEST = (kinds.INDEX, kinds.MANIFEST)


def judge_documents(context: ImageContext, ledger: Ledger) -> None:
    """Compare the descriptors with the documents that the walk has read."""
    for path, facts in context.found.contents.items():
        references = context.found.references.get(path, [])
        digest = references[0].digest if references else None
        if judge_content(path, digest, facts, context, ledger):
            _judge_document_size(path, references, facts, context, ledger)
            for reference in references:
                _judge_reference(reference, context, ledger)


def judge_content(
    path: str, digest: digests.Digest | None, facts: BlobFacts, context: ImageContext, ledger: Ledger
) -> bool:
    """Judge digest and sizes; return whether the content matches its digest, so that it can be used further.

    ``digest`` is ``None`` if the format has none.
    """
    if facts.failure:
        shown = context.shown(path)
        ledger.error(CONTENT, f"{shown}: {_why(facts.failure, (path, shown))}")
        return False
    references = context.found.references.get(path, [])
    if digest is not None and not _has_digest(path, digest, references, facts, context, ledger):
        return False
    judge_sizes(path, facts.size, context, ledger)
    return True


def _why(failure: str, places: tuple[str, ...]) -> str:
    """Why a blob could not be read, without the place, which each of those that handed it on may have put before it."""
    while True:
        said, colon, rest = failure.partition(": ")
        if not colon or not any(place == said or place.endswith(f"/{said}") for place in places):
            return failure
        failure = rest


def judge_sizes(path: str, size: int, context: ImageContext, ledger: Ledger) -> None:
    """Compare the size of a blob with all of its descriptors."""
    for reference in context.found.references.get(path, ()):
        _judge_size(reference, size, context, ledger)


@judges(CONTENT)
def _has_digest(
    path: str,
    digest: digests.Digest,
    references: list[Reference],
    facts: BlobFacts,
    context: ImageContext,
    ledger: Ledger,
) -> bool:
    reason = digests.unverifiable(digest)
    if reason:
        ledger.leave_open(CONTENT, reason)
        context.unverified.setdefault(path, reason)
        return True
    computed = next(found for found in facts.digests if found.algorithm == digest.algorithm)
    ledger.judged(CONTENT)
    if computed == digest:
        return True
    message, got, want = "the content of a blob does not match its digest", str(computed), str(digest)
    sizes = [reference.size for reference in references if reference.size is not None]
    if sizes and facts.size not in sizes:
        message = f"a blob {'is truncated' if facts.size < min(sizes) else 'matches neither its digest nor its size'}"
        got, want = f"{facts.size} bytes, {got}", f"{sizes[0]} bytes, {want}"
    elif not references:
        message = "the content of an unreferenced blob does not match its name"
    place = Location(context.shown(path), digest=str(digest))
    ledger.add(CONTENT, place, message, got=got, want=want, hint=_leading(path, references, context))
    return False


def _leading(path: str, references: list[Reference], context: ImageContext) -> str:
    """What refers to a damaged blob, and what below it was not judged."""
    if not references:
        return ""
    more = f" and {len(references) - 1} more" if len(references) > 1 else ""
    below = _BELOW.get(references[0].kind) if path in context.found.spoilt else None
    lost = f"; {below} could not be judged" if below else ""
    return f"referenced by {context.way_to(references[0])}{more}{lost}"


@judges(SIZE)
def _judge_size(reference: Reference, size: int, context: ImageContext, ledger: Ledger) -> None:
    if reference.size is None:
        return
    ledger.judged(SIZE)
    if size != reference.size:
        message = "size does not match the length of the content"
        place, about = context.place(reference, "size"), _about(reference, context)
        ledger.add(SIZE, place, message, about=about, got=str(reference.size), want=str(size))


def _about(reference: Reference, context: ImageContext) -> str:
    return descriptor_at(context.shown(reference.file), reference.pointer)


# --- Documents


@judges(DOCUMENT_SIZE)
def _judge_document_size(
    path: str, references: list[Reference], facts: BlobFacts, context: ImageContext, ledger: Ledger
) -> None:
    if context.found.read_of(path, *_INDEX_OR_MANIFEST) is None:
        return
    ledger.judged(DOCUMENT_SIZE)
    if facts.size > _PORTABLE_SIZE:
        place = Location(context.shown(path), digest=str(references[0].digest or ""))
        message = "registries and tools may refuse a manifest or an index of this size"
        got, want = f"{facts.size} bytes", f"at most {_PORTABLE_SIZE}"
        ledger.add(DOCUMENT_SIZE, place, message, got=got, want=want)


def _judge_reference(reference: Reference, context: ImageContext, ledger: Ledger) -> None:
    """Compare a descriptor with a document, read as the type that the descriptor states."""
    if reference.role not in _OF_DOCUMENTS:
        return
    called = kinds.DOCUMENTS.get(reference.kind)
    types = (called, *_INDEX_OR_MANIFEST) if called in _INDEX_OR_MANIFEST else _INDEX_OR_MANIFEST
    read = context.found.read_of(reference.path, *types)
    if read is None or read.root is None:
        return
    _judge_media_type(reference, read, context, ledger)
    if read.kind == kinds.MANIFEST:
        _judge_artifact_type(reference, read, context, ledger)
        _judge_platform(reference, context, ledger)


@judges(MEDIA_TYPE)
def _judge_media_type(reference: Reference, read: Read, context: ImageContext, ledger: Ledger) -> None:
    """A document states its media type, or its members show whether it is an index or a manifest."""
    stated = read.root.text("mediaType") if read.root else None
    called = kinds.DOCUMENTS.get(reference.kind)
    other = called in (kinds.INDEX, kinds.MANIFEST) and called != read.kind
    if not reference.media_type or not (stated or other):
        return
    ledger.judged(MEDIA_TYPE)
    if other or stated != reference.media_type:
        message = "the descriptor and the document disagree on the media type"
        place, want = (
            context.place(reference, "mediaType"),
            stated or f"the media type of an {read.kind.replace('-', ' ')}",
        )
        about = descriptor_at(context.shown(reference.path), "/mediaType")
        ledger.add(MEDIA_TYPE, place, message, about=about, got=reference.media_type, want=want)


@judges(ARTIFACT_TYPE)
def _judge_artifact_type(reference: Reference, read: Read, context: ImageContext, ledger: Ledger) -> None:
    if reference.artifact_type is None or read.root is None:
        return
    ledger.judged(ARTIFACT_TYPE)
    stated = {read.root.text("artifactType"), read.root.text("config", "mediaType")} - {None}
    if reference.artifact_type not in stated:
        message = "artifactType matches neither that of the manifest nor the media type of its config"
        want = " or ".join(sorted(text for text in stated if text))
        place = context.place(reference, "artifactType")
        ledger.add(ARTIFACT_TYPE, place, message, got=reference.artifact_type, want=want)


@judges(PLATFORM)
def _judge_platform(reference: Reference, context: ImageContext, ledger: Ledger) -> None:
    """The platform of an index entry against the config; attestations have "unknown" in both places."""
    image = context.found.manifests.get(reference.path)
    if reference.platform is None or image is None or image.config is None:
        return
    ledger.judged(PLATFORM)
    for name in ("os", "architecture", "variant"):
        said, real = reference.platform.get(name), image.config.text(name)
        if isinstance(said, str) and real and said != real:
            message = f"the {name} of the platform does not match the image configuration"
            place = context.place(reference, "platform", name)
            ledger.add(PLATFORM, place, message, got=said, want=real)
