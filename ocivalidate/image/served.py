"""Judges what a registry says beside the content: statuses and headers, and its lists of referrers.

Each answer is held against the bytes that came with it, or that came for the same digest. Headers that only some
proxies and old registries lack are warnings, as distribution-spec 1.1 has them as SHOULD.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ocivalidate.image.context import ImageContext
from ocivalidate.image.documents import kinds
from ocivalidate.image.found import WalkResult
from ocivalidate.image.layers.blob import BlobFacts
from ocivalidate.image.sources.source import BLOBS
from ocivalidate.registry.answers import MANIFEST, REFERRERS, Answer
from ocivalidate.rules.checks import Node
from ocivalidate.rules.declared import judges
from ocivalidate.rules.findings import Location
from ocivalidate.rules.ledger import FOLLOWS, Ledger
from ocivalidate.vocabulary import digests
from ocivalidate.vocabulary.wording import shortened

MANIFEST_DIGEST = "distribution/pull.manifest.digest-header"
MANIFEST_MATCHES = "distribution/pull.manifest.digest-header.matches"
CONTENT_TYPE = "distribution/pull.manifest.content-type.matches"
PARAMETERS = "distribution/pull.manifest.content-type.no-parameters"
BLOB_DIGEST = "distribution/pull.blob.digest-header"
BLOB_MATCHES = "distribution/pull.blob.digest-header.matches"
RANGES = "distribution/pull.blob.range"
PROVIDED = "distribution/pull.provides"
HEAD_STATUS = "distribution/head.status"
HEAD_DIGEST = "distribution/head.digest-header"
HEAD_MATCHES = "distribution/head.digest-header.matches"
HEAD_LENGTH = "distribution/head.content-length"
HEAD_LENGTH_MATCHES = "distribution/head.content-length.matches"
LIST_TYPE = "distribution/referrers.content-type"
LIST_SUBJECT = "distribution/referrers.subject"
LIST_ARTIFACT_TYPE = "distribution/referrers.artifactType"
LIST_ANNOTATIONS = "distribution/referrers.annotations"

_INDEX = "application/vnd.oci.image.index.v1+json"
# Signed manifests of schema 1: their digest is that of the text without the signatures, which nobody can see here.
_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"
_OK = 200
_LONGEST = 100


class _Known(NamedTuple):
    """What is known of the bytes at a path: their digests, and how many there are (``None``: not read)."""

    digests: tuple[str, ...] = ()
    size: int | None = None


def judge_answers(context: ImageContext, facts: Mapping[str, BlobFacts], ledger: Ledger) -> None:
    """Judge all that a registry said about an image: beside documents, and beside the blobs of these facts."""
    if not context.source.served:
        return
    said = [*context.source.answers()]
    said += [(path, answer) for path, one in facts.items() for answer in one.answers]
    known = _known(said, context.found, facts)
    for path, answer in said:
        place = Location(context.shown(path))
        if answer.kind == REFERRERS:
            _judge_list(answer, place, ledger)
        elif answer.method == "HEAD":
            _judge_head(answer, known.get(path, _Known()), place, ledger)
        elif answer.kind == MANIFEST:
            _judge_manifest(path, answer, context, ledger)
        else:
            _judge_blob(answer, known.get(path, _Known()), place, ledger)
    _judge_referrers(context, ledger)


def _known(said: list[tuple[str, Answer]], found: WalkResult, facts: Mapping[str, BlobFacts]) -> dict[str, _Known]:
    """What is known of the bytes at each path."""
    known = {path: _of_facts(one) for path, one in {**found.contents, **facts}.items() if not one.failure}
    for path, answer in said:
        if answer.computed:
            before = known.get(path, _Known())
            known[path] = before._replace(digests=(*before.digests, answer.computed))
    return known


def _of_facts(facts: BlobFacts) -> _Known:
    return _Known(tuple(map(str, facts.digests)), facts.size)


# --- What comes with a manifest


@judges(MANIFEST_DIGEST, MANIFEST_MATCHES)
def _judge_manifest(path: str, answer: Answer, context: ImageContext, ledger: Ledger) -> None:
    place = Location(context.shown(path))
    if not _is_provided(answer, place, ledger):
        return
    ledger.judged(MANIFEST_DIGEST)
    if answer.digest is None:
        _lacks(MANIFEST_DIGEST, answer, place, "a manifest comes without the header Docker-Content-Digest", ledger)
    elif _type_of(answer) != _SIGNED:
        _compare(MANIFEST_MATCHES, answer, (answer.computed,), place, ledger)
    _judge_type(path, answer, context, ledger)


@judges(CONTENT_TYPE, PARAMETERS)
def _judge_type(path: str, answer: Answer, context: ImageContext, ledger: Ledger) -> None:
    place = Location(context.shown(path))
    written = answer.media_type or ""
    ledger.judged(PARAMETERS)
    if ";" in written:
        message = "the Content-Type of a manifest has parameters"
        ledger.add(PARAMETERS, place, message, got=shortened(written, _LONGEST), want=_type_of(answer))
    read = context.found.read_of(path, kinds.INDEX, kinds.MANIFEST)
    stated = read.root.text("mediaType") if read is not None and read.root is not None else None
    if stated is None:
        return
    ledger.judged(CONTENT_TYPE)
    if _type_of(answer) != stated.lower():
        message = "the Content-Type of a manifest is not its mediaType: clients refuse it"
        got = shortened(written, _LONGEST) if written else "no Content-Type"
        ledger.add(CONTENT_TYPE, place, message, got=got, want=shortened(stated, _LONGEST))


def _type_of(answer: Answer) -> str:
    """The media type without parameters, in lower case (RFC 9110, 8.3.1)."""
    return (answer.media_type or "").partition(";")[0].strip().lower()


@judges(PROVIDED)
def _is_provided(answer: Answer, place: Location, ledger: Ledger) -> bool:
    ledger.judged(PROVIDED)
    if answer.status == _OK:
        return True
    message = f"a {answer.kind} that is there according to HEAD is not given"
    ledger.add(PROVIDED, place, message, got=f"status {answer.status}", want="status 200")
    return False


# --- What comes with a blob


@judges(BLOB_DIGEST, BLOB_MATCHES, RANGES)
def _judge_blob(answer: Answer, known: _Known, place: Location, ledger: Ledger) -> None:
    if not _is_provided(answer, place, ledger):
        return
    ledger.judged(BLOB_DIGEST)
    if answer.digest is None:
        _lacks(BLOB_DIGEST, answer, place, "a blob comes without the header Docker-Content-Digest", ledger)
    else:
        _compare(BLOB_MATCHES, answer, known.digests, place, ledger)
    if answer.ranges is not None:
        ledger.judged(RANGES)
        if not answer.ranges:
            ledger.add(RANGES, place, "a part of a blob was asked for, and all of it was sent")


def _lacks(clause: str, answer: Answer, place: Location, message: str, ledger: Ledger) -> None:
    """Tell that a registry leaves a header away; a store to which it redirects knows nothing of digests."""
    if answer.elsewhere:
        ledger.leave_open(clause, "another host answers, to which the registry redirects")
    else:
        ledger.add(clause, place, message)


def _compare(clause: str, answer: Answer, computed: tuple[str, ...], place: Location, ledger: Ledger) -> None:
    """Hold a digest in a header against those of the bytes; one in another algorithm is left open."""
    written = answer.digest or ""
    digest = digests.parse(written)
    if digest is None:
        ledger.judged(clause)
        message = "the header Docker-Content-Digest is not a digest"
        ledger.add(clause, place, message, got=shortened(repr(written), _LONGEST))
        return
    alike = [text for text in computed if text.startswith(f"{digest.algorithm}:")]
    if not alike:
        ledger.leave_open(clause, "no bytes to compare it with, in its algorithm")
    elif written in alike:
        ledger.judged(clause)
    elif written == answer.asked:
        # The content is not what its name says, which is told of the content.
        ledger.leave_open(clause, FOLLOWS)
    else:
        ledger.judged(clause)
        message = "the header Docker-Content-Digest is not the digest of the content"
        ledger.add(clause, place, message, got=written, want=alike[0])


# --- What HEAD says


@judges(HEAD_STATUS, HEAD_DIGEST, HEAD_MATCHES, HEAD_LENGTH, HEAD_LENGTH_MATCHES)
def _judge_head(answer: Answer, known: _Known, place: Location, ledger: Ledger) -> None:
    ledger.judged(HEAD_STATUS)
    if answer.status != _OK:
        message = f"HEAD of a {answer.kind} that is there does not say so"
        ledger.add(HEAD_STATUS, place, message, got=f"status {answer.status}", want="status 200")
        return
    ledger.judged(HEAD_DIGEST, HEAD_LENGTH)
    if answer.digest is None:
        message = f"HEAD of a {answer.kind} has no header Docker-Content-Digest"
        _lacks(HEAD_DIGEST, answer, place, message, ledger)
    elif _type_of(answer) != _SIGNED:
        _compare(HEAD_MATCHES, answer, known.digests or (answer.asked,), place, ledger)
    if answer.length is None:
        ledger.add(HEAD_LENGTH, place, f"HEAD of a {answer.kind} has no header Content-Length")
    elif known.size is not None or answer.length < 0:
        ledger.judged(HEAD_LENGTH_MATCHES)
        if answer.length != known.size:
            message = f"the Content-Length of HEAD is not the size of the {answer.kind}"
            got = "no number" if answer.length < 0 else str(answer.length)
            ledger.add(HEAD_LENGTH_MATCHES, place, message, got=got, want=str(known.size or "a number"))


# --- Lists of referrers


@judges(LIST_TYPE)
def _judge_list(answer: Answer, place: Location, ledger: Ledger) -> None:
    ledger.judged(LIST_TYPE)
    if _type_of(answer) != _INDEX:
        message = "the Content-Type of a list of referrers is not that of an index"
        ledger.add(LIST_TYPE, place, message, got=shortened(answer.media_type or "none", _LONGEST), want=_INDEX)


@judges(LIST_SUBJECT)
def _judge_referrers(context: ImageContext, ledger: Ledger) -> None:
    """Hold the lists of referrers against the manifests that they list."""
    for path, listed in _lists(context.found):
        subject = ":".join(path.split("/")[1:3])
        for entry in listed.elements("manifests"):
            digest = digests.parse(entry.text("digest") or "")
            target = digest and context.found.read_of(
                f"{BLOBS}/{digest.algorithm}/{digest.encoded}", kinds.MANIFEST, kinds.INDEX
            )
            if not target or target.root is None:
                continue
            place = Location(context.shown(path), entry.pointer, digest=str(digest))
            ledger.judged(LIST_SUBJECT)
            named = target.root.text("subject", "digest")
            if named != subject:
                message = "a list of referrers has a manifest with another subject, or with none"
                ledger.add(LIST_SUBJECT, place, message, got=shortened(named or "no subject", _LONGEST), want=subject)
            _judge_entry(entry, target.root, target.kind, place, ledger)


@judges(LIST_ARTIFACT_TYPE, LIST_ANNOTATIONS)
def _judge_entry(entry: Node, manifest: Node, kind: str, place: Location, ledger: Ledger) -> None:
    own = manifest.text("artifactType") or (manifest.text("config", "mediaType") if kind == kinds.MANIFEST else None)
    ledger.judged(LIST_ARTIFACT_TYPE, LIST_ANNOTATIONS)
    written = entry.text("artifactType")
    # One that is there and wrong is told of the descriptor (image/descriptor.artifactType).
    if (own or None) != written and (written is None or own is None):
        message = "an entry in a list of referrers has not the artifactType of its manifest"
        got, want = written or "none", own or "none"
        ledger.add(LIST_ARTIFACT_TYPE, place, message, got=shortened(got, _LONGEST), want=shortened(want, _LONGEST))
    said, real = (_texts(node) for node in (entry, manifest))
    missing = [name for name, text in real.items() if said.get(name) != text]
    if missing:
        message = "an entry in a list of referrers has not the annotations of its manifest"
        ledger.add(LIST_ANNOTATIONS, place, message, want=shortened(", ".join(sorted(missing)), _LONGEST))


def _texts(node: Node) -> dict[str, str]:
    annotations = node.get("annotations")
    value = annotations.value if annotations is not None else None
    return {name: text for name, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}


def _lists(found: WalkResult) -> Iterator[tuple[str, Node]]:
    for (path, _kind), read in found.documents.items():
        if path.startswith(f"{REFERRERS}/") and read.root is not None:
            yield path, read.root
