"""Verifies the blobs of an image, and judges what their bytes mean: digests, diffIDs, layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ocivalidate.image.causes import COMPRESSION
from ocivalidate.image.comparing import CONTENT, judge_content, judge_sizes
from ocivalidate.image.context import ImageContext
from ocivalidate.image.documents.media_types import LAYERS
from ocivalidate.image.found import Blob
from ocivalidate.image.graph import Image, Reference
from ocivalidate.image.layers import judging
from ocivalidate.image.layers.blob import BlobFacts, BlobRequest
from ocivalidate.image.layers.compression import Compression
from ocivalidate.image.layers.limits import LayerLimits
from ocivalidate.image.layers.problems import Kind
from ocivalidate.image.layout import is_outside, judge_blob_file
from ocivalidate.image.pool import Job, verify_all
from ocivalidate.image.sources.litter import is_litter
from ocivalidate.image.sources.source import Source
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.declared import judges
from ocivalidate.rules.findings import Location
from ocivalidate.rules.ledger import Ledger
from ocivalidate.vocabulary import digests

if TYPE_CHECKING:
    from concurrent.futures import Executor

DIFF_ID = "image/config.diffID.uncompressed-tar"
ORDER = "image/config.rootfs.diff_ids.order"
SWAPPED = "rootfs.diff_ids are not in the order of the layers"
NAME_CHARSET = "image/image-layout.blobs.name-charset"
PER_ALGORITHM = "image/image-layout.blobs.directory-per-algorithm"
_UNREAD = "only documents are read (--manifests-only)"
_LITTER = "not a blob: desktops, file systems and tools leave such files anywhere"

Progress = Callable[[int, int], None]
"""Called with how many bytes have been read, and how many there are."""


@judges(PER_ALGORITHM)
def orphans(source: Source, release: str, context: ImageContext, ledger: Ledger) -> list[Blob]:
    """The blobs that nothing refers to; reports names that are not digests in a release."""
    blobs: list[Blob] = []
    for algorithm in source.children("blobs"):
        place = Location(context.shown(f"blobs/{algorithm}"))
        if is_litter(algorithm):
            ledger.add(PER_ALGORITHM, place, _LITTER, severity=Severity.NOTE)
            continue
        entry = source.entry(f"blobs/{algorithm}")
        if not is_outside(entry, context, ledger):
            ledger.judged(PER_ALGORITHM)
            if entry is None or entry.kind != "folder":
                ledger.add(PER_ALGORITHM, place, "an entry of blobs is not a directory for a digest algorithm")
            blobs += _orphans_of(algorithm, source, release, context, ledger)
    return blobs


@judges(NAME_CHARSET)
def _orphans_of(algorithm: str, source: Source, release: str, context: ImageContext, ledger: Ledger) -> Iterator[Blob]:
    for encoded in source.children(f"blobs/{algorithm}"):
        path = f"blobs/{algorithm}/{encoded}"
        ledger.judged(NAME_CHARSET)
        named = f"{algorithm}:{encoded}"
        digest = digests.parse(named, release)
        if digest is None:
            litter = is_litter(encoded)
            problem = digests.problem(named, release)
            message = _LITTER if litter else f"the name of a blob is not a valid digest: {problem}"
            severity = Severity.NOTE if litter else None
            ledger.add(NAME_CHARSET, Location(context.shown(path)), message, severity=severity)
        elif path not in context.found.references:
            size = judge_blob_file(path, source.entry(path), str(digest), context, ledger)
            if size is not None:
                yield Blob(path, size, digest)


def verify(
    source: Source,
    blobs: list[Blob],
    limits: LayerLimits,
    workers: int | None = None,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> dict[str, BlobFacts]:
    """The facts about every blob, by path; an ``executor`` does the work if there is one."""
    jobs = [Job(blob.path, _request(source, blob, limits)) for blob in blobs]
    total = sum(job.size for job in jobs)
    tell = (lambda done: progress(done, total)) if progress else None
    found = verify_all(jobs, workers=workers, executor=executor, progress=tell, interrupt=source.interrupt)
    return {job.key: facts for job, facts in found}


def _request(source: Source, blob: Blob, limits: LayerLimits) -> BlobRequest:
    algorithms = (blob.digest.algorithm,) if blob.digest and not digests.unverifiable(blob.digest) else ()
    wanted = tuple(sorted(name for name in blob.diff_algorithms if digests.computable(name)))
    opener = source.opener(blob.path)
    size = blob.size if blob.size >= 0 else None
    return BlobRequest(opener, algorithms, blob.layer, wanted, size, used=blob.layer, limits=limits)


def judge_presence(blobs: list[Blob], context: ImageContext, ledger: Ledger) -> None:
    """Judge the sizes of blobs that are not read, each against its descriptors."""
    for blob in blobs:
        if blob.size >= 0:
            judge_sizes(blob.path, blob.size, context, ledger)
        ledger.leave_open(CONTENT, _UNREAD)
        context.unverified[blob.path] = _UNREAD


def judge_blob(blob: Blob, facts: BlobFacts, context: ImageContext, ledger: Ledger) -> bool:
    """Judge what a blob alone shows; return whether its content matches its digest, so that it can be used further."""
    # A document that is also referenced as a layer was judged as a document.
    known = blob.path in context.found.contents
    sound = blob.path not in context.found.spoilt
    if not known:
        sound = judge_content(blob.path, blob.digest, facts, context, ledger)
    if sound and blob.layer:
        _judge_layer(blob, facts, context, ledger)
    return sound


def _judge_layer(blob: Blob, facts: BlobFacts, context: ImageContext, ledger: Ledger) -> None:
    ledger.judged(*judging.judged_by(facts))
    digest = str(blob.digest or "")
    for reference in context.found.references.get(blob.path, ()):
        if reference.role == "layer" and reference.media_type in LAYERS:
            _judge_compression(reference, facts, context, ledger)
    for problem in judging.problems_of(facts):
        place = Location(context.shown(blob.path), digest=digest, member=problem.member)
        ledger.add(
            problem.clause,
            place,
            problem.message,
            about=blob.path,
            sign=_sign(problem.kind, facts),
            severity=problem.severity,
            more=problem.more,
        )


def _sign(kind: Kind, facts: BlobFacts) -> Kind:
    """The sign of a problem in the table of causes: bytes that end before the first header are not a tar."""
    nothing = facts.tar is not None and not facts.tar.entries
    return Kind.NOT_TAR if kind is Kind.TRUNCATED and nothing else kind


@judges(*judging.PAYLOAD.values())
def _judge_compression(reference: Reference, facts: BlobFacts, context: ImageContext, ledger: Ledger) -> None:
    promised, found = LAYERS[reference.media_type], facts.compression
    ledger.judged(judging.PAYLOAD[promised])
    # A compression that no layer may have is reported as such, not as a wrong media type.
    if found not in (Compression.NONE, Compression.GZIP, Compression.ZSTD) or found.value == promised:
        return
    garbage = found is Compression.NONE and any(_sign(kind, facts) is Kind.NOT_TAR for kind in facts.counts)
    ledger.add(
        judging.PAYLOAD[promised],
        context.place(reference, "mediaType", digest=str(reference.digest or "")),
        "the compression of a layer does not match its media type",
        about=reference.path,
        sign=COMPRESSION,
        got="neither a tar nor a compressed tar" if garbage else _called(found.value),
        want=f"{_called(promised)}, as {reference.media_type} says",
    )


def _called(compression: str) -> str:
    return "no compression" if compression == "none" else compression


@judges(ORDER, DIFF_ID)
def judge_diff_ids(
    image: Image, facts: dict[str, BlobFacts], sound: set[str], context: ImageContext, ledger: Ledger
) -> None:
    """Compare ``rootfs.diff_ids`` with the layers: number, order, and each with the uncompressed tar."""
    entries = image.diff_ids
    if entries is None:
        return
    place = context.config_place(image, "/rootfs/diff_ids")
    alike = len(entries) == len(image.layers)
    # A blob with another media type than a layer's, such as a statement, may or may not have a diffID.
    if not alike and any(layer.kind == "other" and layer.media_type for layer in image.layers):
        return
    ledger.judged(ORDER)
    if not alike:
        message = "rootfs.diff_ids and the layers of the manifest differ in number"
        got, want = f"{len(entries)} diff_ids", f"{len(image.layers)}, one per layer"
        ledger.add(ORDER, place, message, got=got, want=want)
        return
    wrong = []
    for entry, layer in zip(entries, image.layers, strict=True):
        known = layer.kind == "layer" and layer.path in sound
        computed = _diff_id(layer, facts, str(entry.value), context, ledger) if known else None
        if computed is not None:
            ledger.judged(DIFF_ID)
            if computed != entry.value:
                wrong.append((entry, layer, computed))
    if len(wrong) > 1 and sorted(str(entry.value) for entry, _layer, _computed in wrong) == sorted(
        computed for _entry, _layer, computed in wrong
    ):
        ledger.add(ORDER, place, SWAPPED)
        return
    for entry, layer, computed in wrong:
        where = context.config_place(image, entry.pointer)
        message = f"a diffID does not match the uncompressed layer {layer.digest or layer.path}"
        ledger.add(DIFF_ID, where, message, about=layer.path, got=str(entry.value), want=computed)


def _diff_id(
    layer: Reference, facts: dict[str, BlobFacts], expected: str, context: ImageContext, ledger: Ledger
) -> str | None:
    """The diffID of a layer in the expected algorithm; ``None`` where that is not known."""
    digest = digests.parse(expected)
    reason = digests.unverifiable(digest) if digest else ""
    if reason:
        ledger.leave_open(DIFF_ID, reason)
        context.unverified.setdefault(f"the diffID of {layer.path}", reason)
        return None
    found = facts[layer.path].diff_ids if layer.path in facts else ()
    return next((str(one) for one in found if digest and one.algorithm == digest.algorithm), None)
