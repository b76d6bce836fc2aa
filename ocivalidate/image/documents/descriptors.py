"""Checks of descriptors, wherever they stand (image-spec descriptor.md; manifest.md on the empty descriptor)."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.image.documents import media_types
from ocivalidate.image.documents.registry import on_descriptors, parent
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.rules.clauses import Severity
from ocivalidate.vocabulary import digests
from ocivalidate.vocabulary.formats import base64_bytes, is_media_type, uri_scheme

MEDIA_TYPE = "image/descriptor.mediaType.rfc6838"
ARTIFACT_TYPE = "image/descriptor.artifactType.rfc6838"
DIGEST_GRAMMAR = "image/descriptor.digest.grammar"
SHA256 = "image/descriptor.digest.use-sha256"
FORMATS = {
    "sha256": "image/descriptor.digest.sha256-format",
    "sha512": "image/descriptor.digest.sha512-format",
    "blake3": "image/descriptor.digest.blake3-format",
}
UPPERCASE = {
    "sha256": "image/descriptor.digest.sha256-no-uppercase",
    "sha512": "image/descriptor.digest.sha512-no-uppercase",
    "blake3": "image/descriptor.digest.blake3-no-uppercase",
}
# What says so of a blake3 digest in the releases that do not register it.
BLAKE3 = "safety/image.digest.blake3-format"
URI = "image/descriptor.urls.rfc3986"
HTTP = "image/descriptor.urls.http-https"
BASE64 = "image/descriptor.data.base64"
IDENTICAL = "image/descriptor.data.identical"
EMPTY = "image/manifest.empty-descriptor.content"

WANT_MEDIA_TYPE = "such as application/vnd.example.thing.v1+json"
_EMPTY_CONTENT = b"{}"


@on_descriptors("/mediaType", MEDIA_TYPE)
def media_type_is_one(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Whether anybody knows it is not looked at: unknown types are legal."""
    if not is_media_type(node.value):
        yield node.breaks(MEDIA_TYPE, f"{node.place} is no media type of RFC 6838", want=WANT_MEDIA_TYPE)


@on_descriptors("/artifactType", ARTIFACT_TYPE)
def artifact_type_is_one(node: Node, context: CheckContext) -> Iterator[Violation]:
    """As for media types, whose form it has."""
    if not is_media_type(node.value):
        yield node.breaks(ARTIFACT_TYPE, f"{node.place} is no media type of RFC 6838", want=WANT_MEDIA_TYPE)


@on_descriptors("/digest", DIGEST_GRAMMAR, *FORMATS.values(), *UPPERCASE.values(), BLAKE3)
def digest_is_one(node: Node, context: CheckContext) -> Iterator[Violation]:
    """The grammar first; then what a registered algorithm asks of its encoded part."""
    problem = digests.grammar_problem(node.value)
    if problem:
        want = "such as sha256: and 64 hexadecimal digits"
        yield node.breaks(DIGEST_GRAMMAR, f"{node.place} is no digest: {problem}", want=want)
        return
    problem = digests.encoded_problem(node.value)
    algorithm, _, encoded = node.value.partition(":")
    if problem:
        only_case = encoded != encoded.lower() and not digests.encoded_problem(f"{algorithm}:{encoded.lower()}")
        clause = UPPERCASE.get(algorithm) if only_case else None
        yield node.breaks(clause or FORMATS[algorithm], f"{node.place} is no digest: {problem}")


@on_descriptors("/digest", SHA256)
def digest_is_sha256(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Another registered algorithm is a note: it is as sound, only fewer tools know it."""
    digest = digests.split(node.value)
    if digest is not None and digest.algorithm != "sha256":
        severity = Severity.NOTE if digest.algorithm in digests.HEX_LENGTHS else None
        message = f"{node.place} uses {digest.algorithm}: every tool knows sha256"
        yield node.breaks(SHA256, message, severity=severity)


@on_descriptors("/urls/*", URI, HTTP)
def url_is_one(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A reference without a scheme leads nowhere from a blob."""
    scheme = uri_scheme(node.value)
    if not scheme:
        yield node.breaks(URI, f"{node.place} is no URI of RFC 3986", want="such as https://example.com/layer")
    elif scheme not in ("http", "https"):
        yield node.breaks(HTTP, f"{node.place} uses neither http nor https")


# Before the check of data: a violation of this one may be the cause of what that one finds (causes.py).
@on_descriptors("/mediaType", EMPTY)
def empty_descriptor_is_empty(node: Node, context: CheckContext) -> Iterator[Violation]:
    """The content of the empty media type is ``{}``."""
    if node.value != media_types.EMPTY:
        return
    around = parent(node, context)
    size, digest = _size_and_digest(around)
    message = f"{around.place} is of the empty media type, whose content is {{}}, but"
    if size is not None and size != len(_EMPTY_CONTENT):
        yield around.breaks(EMPTY, f"{message} of another size", got=str(size), want=str(len(_EMPTY_CONTENT)))
    elif digest and digests.of(_EMPTY_CONTENT, digest.algorithm) != digest:
        want = str(digests.of(_EMPTY_CONTENT, digest.algorithm))
        yield around.breaks(EMPTY, f"{message} has another digest", got=str(digest), want=want)


@on_descriptors("/data", BASE64, IDENTICAL)
def data_is_the_content(node: Node, context: CheckContext) -> Iterator[Violation]:
    """The content is what has the size and the digest of the descriptor."""
    content = base64_bytes(node.value)
    if content is None:
        yield node.breaks(BASE64, f"{node.place} is not base64 of RFC 4648, section 4")
        return
    around = parent(node, context)
    size, digest = _size_and_digest(around)
    if size is not None and size != len(content):
        yield node.breaks(IDENTICAL, f"{node.place} holds {len(content)} bytes of a content of {size}")
    elif digest and digests.of(content, digest.algorithm) != digest:
        yield node.breaks(IDENTICAL, f"{node.place} has another digest than the content", want=str(digest))


def _size_and_digest(descriptor: Node) -> tuple[int | None, digests.Digest | None]:
    """What can be compared with content: a digest that is sound, and of an algorithm that is computed here."""
    digest = digests.parse(descriptor.text("digest") or "")
    return descriptor.number("size"), digest if digest and not digests.unverifiable(digest) else None
