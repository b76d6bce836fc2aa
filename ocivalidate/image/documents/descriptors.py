"""Checks of descriptors, wherever they occur (image-spec descriptor.md; manifest.md on the empty descriptor)."""

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
# The clause on a blake3 digest in releases that do not register it.
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
    """Only the form: unknown types are legal."""
    if not is_media_type(node.value):
        yield node.breaks(MEDIA_TYPE, f"{node.place} is not a valid RFC 6838 media type", want=WANT_MEDIA_TYPE)


@on_descriptors("/artifactType", ARTIFACT_TYPE)
def artifact_type_is_one(node: Node, context: CheckContext) -> Iterator[Violation]:
    """As for media types, whose form it has."""
    if not is_media_type(node.value):
        yield node.breaks(ARTIFACT_TYPE, f"{node.place} is not a valid RFC 6838 media type", want=WANT_MEDIA_TYPE)


@on_descriptors("/digest", DIGEST_GRAMMAR, *FORMATS.values(), *UPPERCASE.values(), BLAKE3)
def digest_is_one(node: Node, context: CheckContext) -> Iterator[Violation]:
    """The grammar first, then the encoded part as the registered algorithm requires it."""
    problem = digests.grammar_problem(node.value)
    if problem:
        want = "such as sha256: and 64 hexadecimal digits"
        yield node.breaks(DIGEST_GRAMMAR, f"{node.place} is not a valid digest: {problem}", want=want)
        return
    problem = digests.encoded_problem(node.value)
    algorithm, _, encoded = node.value.partition(":")
    if problem:
        only_case = encoded != encoded.lower() and not digests.encoded_problem(f"{algorithm}:{encoded.lower()}")
        clause = UPPERCASE.get(algorithm) if only_case else None
        yield node.breaks(clause or FORMATS[algorithm], f"{node.place} is not a valid digest: {problem}")


@on_descriptors("/digest", SHA256)
def digest_is_sha256(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Another registered algorithm is a note: it is as good, but fewer tools support it."""
    digest = digests.split(node.value)
    if digest is not None and digest.algorithm != "sha256":
        severity = Severity.NOTE if digest.algorithm in digests.HEX_LENGTHS else None
        message = f"{node.place} uses {digest.algorithm}, which fewer tools support than sha256"
        yield node.breaks(SHA256, message, severity=severity)


@on_descriptors("/urls/*", URI, HTTP)
def url_is_one(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A reference without a scheme has no base in a blob."""
    scheme = uri_scheme(node.value)
    if not scheme:
        yield node.breaks(URI, f"{node.place} is not a valid RFC 3986 URI", want="such as https://example.com/layer")
    elif scheme not in ("http", "https"):
        yield node.breaks(HTTP, f"{node.place} uses neither http nor https")


# Before the check of data: a violation here may be the cause of one there (causes.py).
@on_descriptors("/mediaType", EMPTY)
def empty_descriptor_is_empty(node: Node, context: CheckContext) -> Iterator[Violation]:
    """The content of the empty media type is ``{}``."""
    if node.value != media_types.EMPTY:
        return
    around = parent(node, context)
    size, digest = _size_and_digest(around)
    message = f"{around.place} has the empty media type, whose content is {{}}, but"
    if size is not None and size != len(_EMPTY_CONTENT):
        yield around.breaks(EMPTY, f"{message} another size", got=str(size), want=str(len(_EMPTY_CONTENT)))
    elif digest and digests.of(_EMPTY_CONTENT, digest.algorithm) != digest:
        want = str(digests.of(_EMPTY_CONTENT, digest.algorithm))
        yield around.breaks(EMPTY, f"{message} another digest", got=str(digest), want=want)


@on_descriptors("/data", BASE64, IDENTICAL)
def data_is_the_content(node: Node, context: CheckContext) -> Iterator[Violation]:
    """The content must match the size and the digest of the descriptor."""
    content = base64_bytes(node.value)
    if content is None:
        yield node.breaks(BASE64, f"{node.place} is not valid base64 (RFC 4648, section 4)")
        return
    around = parent(node, context)
    size, digest = _size_and_digest(around)
    if size is not None and size != len(content):
        yield node.breaks(IDENTICAL, f"{node.place} holds {len(content)} bytes, but size is {size}")
    elif digest and digests.of(content, digest.algorithm) != digest:
        yield node.breaks(IDENTICAL, f"{node.place} does not match the digest of its descriptor", want=str(digest))


def _size_and_digest(descriptor: Node) -> tuple[int | None, digests.Digest | None]:
    """A digest to compare content with: a valid one, of an algorithm that is computed here."""
    digest = digests.parse(descriptor.text("digest") or "")
    return descriptor.number("size"), digest if digest and not digests.unverifiable(digest) else None
