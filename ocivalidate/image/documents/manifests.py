"""Checks of an image manifest (image-spec manifest.md)."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.image.documents import media_types
from ocivalidate.image.documents.common import no_media_type
from ocivalidate.image.documents.descriptors import WANT_MEDIA_TYPE
from ocivalidate.image.documents.kinds import has_layers_of_an_image, is_docker
from ocivalidate.image.documents.registry import MANIFEST
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.rules.clauses import Severity
from ocivalidate.vocabulary import digests
from ocivalidate.vocabulary.formats import is_media_type
from ocivalidate.vocabulary.spelling import same_but_for_case

USED = "image/manifest.mediaType.used"
VALUE = "image/manifest.mediaType.value"
ARTIFACT_TYPE = "image/manifest.artifactType.rfc6838"
WITH_EMPTY_CONFIG = "image/manifest.artifactType.with-empty-config"
PORTABLE_IMAGE = "image/manifest.config.mediaType.portable-image"
UNIQUE = "image/manifest.config.unique-imageid"
NON_EMPTY = "image/manifest.layers.non-empty"
PORTABLE_LAYER = "image/manifest.layers.mediaType.portable"
DEPRECATED = "image/media-types.nondistributable-deprecated"
ARTIFACT_CONFIG = "image/manifest.artifact.config-mediaType"
SINGLE_LAYER = "image/manifest.artifact.single-layer"
NO_FILES = "image/manifest.artifact.no-files"
NO_CONFIG = "image/manifest.artifact.no-config"
AMBIGUOUS = "safety/image.manifest.ambiguous"

MEDIA_TYPE = f"{media_types.OCI}manifest.v1+json"
CONFIG_MEDIA_TYPE = f"{media_types.OCI}config.v1+json"
_NONDISTRIBUTABLE = f"{media_types.OCI}layer.nondistributable."
_EMPTY_OBJECT = b"{}"


@MANIFEST.check("", USED)
def media_type_is_used(node: Node, context: CheckContext) -> Iterator[Violation]:
    """The type that the document states."""
    yield from no_media_type(node, USED, MEDIA_TYPE)


@MANIFEST.check("/mediaType", VALUE)
def media_type_is_that_of_a_manifest(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A manifest of Docker is judged as an image manifest, and states its own type."""
    if node.value not in media_types.MANIFESTS:
        yield node.breaks(VALUE, "mediaType is not that of an image manifest", want=MEDIA_TYPE)


@MANIFEST.check("", AMBIGUOUS)
def nothing_of_an_index_is_there(node: Node, context: CheckContext) -> Iterator[Violation]:
    """CVE-2021-41190: two readers of one digest must not see two images."""
    for name in node.value:
        if same_but_for_case(name, "manifests"):
            message = f"a manifest has a member {name}, so some readers take it for an index"
            yield node.breaks(AMBIGUOUS, message, got=name)
            return


# --- Configuration and layers


@MANIFEST.check("/config/mediaType", PORTABLE_IMAGE)
def image_has_the_config_of_one(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Only if every layer is an image layer and nothing marks it as an artifact."""
    root = context.root
    if node.value not in media_types.CONFIGS and has_layers_of_an_image(root) and not _says_artifact(root):
        message = f"{node.place} is not the media type of an image config, although all layers are image layers"
        yield node.breaks(PORTABLE_IMAGE, message, want=CONFIG_MEDIA_TYPE)


@MANIFEST.check("/config/digest", UNIQUE)
def config_of_an_image_says_something(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Two images with the configuration ``{}`` have one ImageID."""
    if context.root.text("config", "mediaType") in media_types.CONFIGS and _is_of_empty_object(node.value):
        yield node.breaks(UNIQUE, "the configuration of the image is {}, so its ImageID is not unique")


@MANIFEST.check("/layers", NON_EMPTY)
def there_is_a_layer(node: Node, context: CheckContext) -> Iterator[Violation]:
    """An image may start without layers; registries refuse anything else without them."""
    if not node.value:
        is_image = context.root.text("config", "mediaType") in media_types.CONFIGS
        severity = Severity.NOTE if is_image else None
        yield node.breaks(NON_EMPTY, "layers is empty", want="at least one", severity=severity)


@MANIFEST.check("/layers/*/mediaType", PORTABLE_LAYER)
def layers_of_an_image_are_portable(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Artifacts may have any layer type, and Docker has its own types."""
    if context.root.text("config", "mediaType") not in media_types.CONFIGS or node.value in media_types.LAYERS:
        return
    if not is_docker(context.root) and not _says_artifact(context.root):
        yield node.breaks(PORTABLE_LAYER, f"{node.place} is not a layer media type that every tool supports")


@MANIFEST.check("/layers/*/mediaType", DEPRECATED)
def layers_are_distributable(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Since 1.1.0."""
    if node.value.startswith(_NONDISTRIBUTABLE):
        want = node.value.replace("nondistributable.", "")
        yield node.breaks(
            DEPRECATED, f"{node.place} is the media type of a nondistributable layer, which is deprecated", want=want
        )


# --- Artifacts


@MANIFEST.check("/artifactType", ARTIFACT_TYPE)
def artifact_type_is_a_media_type(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Only the form: unknown types are legal."""
    if not is_media_type(node.value):
        yield node.breaks(ARTIFACT_TYPE, "artifactType is not a valid RFC 6838 media type", want=WANT_MEDIA_TYPE)


@MANIFEST.check("/config/mediaType", WITH_EMPTY_CONFIG)
def empty_config_goes_with_a_type(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Otherwise nothing would say what the artifact is."""
    if node.value == media_types.EMPTY and not context.root.has("artifactType"):
        message = "artifactType is missing, though config is the empty descriptor"
        yield context.root.breaks(WITH_EMPTY_CONFIG, message, got="", want="an artifactType member")


@MANIFEST.check("/config/mediaType", ARTIFACT_CONFIG)
def artifact_has_no_config_of_an_image(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A warning if all layers are image layers: it may be an image that was given an artifactType."""
    if context.root.has("artifactType") and node.value in media_types.CONFIGS:
        severity = Severity.WARNING if has_layers_of_an_image(context.root) else None
        message = f"{node.place} is the media type of an image config, but artifactType says that this is not an image"
        want = f"a media type of the artifact's own, or {media_types.EMPTY}"
        yield node.breaks(ARTIFACT_CONFIG, message, want=want, severity=severity)


@MANIFEST.check("/layers", SINGLE_LAYER)
def unused_layer_has_a_size(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Registries are known to refuse empty blobs."""
    layers = node.children()
    if _says_artifact(context.root) and len(node.value) == 1 and layers and layers[0].number("size") == 0:
        yield layers[0].breaks(SINGLE_LAYER, "the only layer of the artifact is empty", got="", want="size 2: {}")


@MANIFEST.check("/layers", NO_FILES)
def artifact_without_files_has_no_config(node: Node, context: CheckContext) -> Iterator[Violation]:
    """An artifact that consists of annotations has nothing but empty descriptors."""
    media_type = context.root.text("config", "mediaType")
    types = [layer.text("mediaType") for layer in node.children()]
    if _says_artifact(context.root) and types == [media_types.EMPTY] and media_type not in (None, media_types.EMPTY):
        message = "the only layer is the empty descriptor, but the configuration is not"
        yield node.breaks(NO_FILES, message, got="", want=media_types.EMPTY)


@MANIFEST.check("/config/digest", NO_CONFIG)
def empty_config_says_so(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Before 1.1.0 there was no media type for it."""
    media_type = context.root.text("config", "mediaType")
    known = (None, media_types.EMPTY, *media_types.CONFIGS)
    if media_type not in known and context.root.has("artifactType") and _is_of_empty_object(node.value):
        message = "the configuration of the artifact is {}, but its media type is not the empty media type"
        yield node.breaks(NO_CONFIG, message, got=media_type, want=media_types.EMPTY)


def _says_artifact(manifest: Node) -> bool:
    return manifest.has("artifactType") or manifest.text("config", "mediaType") == media_types.EMPTY


def _is_of_empty_object(text: str) -> bool:
    digest = digests.parse(text)
    if digest is None or digests.unverifiable(digest):
        return False
    return digests.of(_EMPTY_OBJECT, digest.algorithm) == digest
