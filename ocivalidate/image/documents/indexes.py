"""Checks of an image index (image-spec image-index.md)."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.image.documents import media_types
from ocivalidate.image.documents.common import no_media_type
from ocivalidate.image.documents.descriptors import WANT_MEDIA_TYPE
from ocivalidate.image.documents.kinds import is_docker
from ocivalidate.image.documents.registry import DESCRIPTOR, INDEX, parent
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.vocabulary.formats import is_media_type
from ocivalidate.vocabulary.spelling import same_but_for_case

USED = "image/image-index.mediaType.used"
VALUE = "image/image-index.mediaType.value"
ARTIFACT_TYPE = "image/image-index.artifactType.rfc6838"
PORTABLE = "image/image-index.manifests.mediaType.portable"
PLATFORM = "image/descriptor.platform.for-manifests"
AMBIGUOUS = "safety/image.index.ambiguous"

MEDIA_TYPE = f"{media_types.OCI}index.v1+json"
MANIFEST_MEDIA_TYPE = f"{media_types.OCI}manifest.v1+json"


@INDEX.check("", USED)
def media_type_is_used(node: Node, context: CheckContext) -> Iterator[Violation]:
    """The type that the document states."""
    yield from no_media_type(node, USED, MEDIA_TYPE)


@INDEX.check("/mediaType", VALUE)
def media_type_is_that_of_an_index(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A manifest list of Docker is judged as an index, and states its own type."""
    if node.value != MEDIA_TYPE and node.value not in media_types.INDEXES:
        yield node.breaks(VALUE, "mediaType is not that of an image index", want=MEDIA_TYPE)


@INDEX.check("/artifactType", ARTIFACT_TYPE)
def artifact_type_is_a_media_type(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Only the form: unknown types are legal."""
    if not is_media_type(node.value):
        yield node.breaks(ARTIFACT_TYPE, "artifactType is not a valid RFC 6838 media type", want=WANT_MEDIA_TYPE)


@INDEX.check("/manifests/*/mediaType", PORTABLE)
def entries_are_portable(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A note only: unknown types are legal."""
    if node.value not in (MEDIA_TYPE, MANIFEST_MEDIA_TYPE) and not is_docker(context.root):
        message = f"{node.place} is the media type of neither a manifest nor an index"
        yield node.breaks(PORTABLE, message, want=f"{MANIFEST_MEDIA_TYPE} or {MEDIA_TYPE}")


@INDEX.check("/manifests/*/mediaType", PLATFORM)
@DESCRIPTOR.check("/mediaType", PLATFORM)
def manifests_have_a_platform(node: Node, context: CheckContext) -> Iterator[Violation]:
    """An artifact has none; one with a subject shares the platform of its subject."""
    descriptor = parent(node, context)
    if node.value == MANIFEST_MEDIA_TYPE and not descriptor.has("platform") and not descriptor.has("artifactType"):
        message = f"{descriptor.place} refers to a manifest but has no platform"
        yield descriptor.breaks(PLATFORM, message, got="", want="a platform member")


@INDEX.check("", AMBIGUOUS)
def nothing_of_a_manifest_is_there(node: Node, context: CheckContext) -> Iterator[Violation]:
    """CVE-2021-41190: two readers of one digest must not see two images."""
    for name in node.value:
        if any(same_but_for_case(name, other) for other in ("config", "layers")):
            message = f"an index has a member {name}, so some readers take it for a manifest"
            yield node.breaks(AMBIGUOUS, message, got=name)
            return
