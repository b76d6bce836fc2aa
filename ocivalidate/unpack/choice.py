"""Choose the image of a source, and see whether it can be unpacked at all."""

from __future__ import annotations

from typing import NamedTuple

from ocivalidate.errors import UnpackError
from ocivalidate.image.absent import called, is_there
from ocivalidate.image.api import ImageOptions, survey
from ocivalidate.image.context import ImageContext
from ocivalidate.image.found import ImageFilter, WalkResult
from ocivalidate.image.graph import Image
from ocivalidate.image.layers.limits import DEFAULT, LayerLimits
from ocivalidate.image.limits import Limits
from ocivalidate.image.others import refuse_document
from ocivalidate.image.sources.opening import open_source
from ocivalidate.image.sources.source import Source
from ocivalidate.registry.options import RegistryOptions
from ocivalidate.rules.checks import Node
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.ledger import Ledger
from ocivalidate.rules.refusals import Refused
from ocivalidate.unpack.verdict import refusing
from ocivalidate.vocabulary.versions import IMAGE_RELEASES


class Chosen(NamedTuple):
    """The chosen image of a source, and what was found in the documents that lead to it."""

    image: Image
    config: Node
    context: ImageContext
    ledger: Ledger

    @property
    def name(self) -> str:
        """Its name in reports: its digest, or its place in an archive without digests."""
        manifest = self.image.manifest
        return str(manifest.digest or f"{manifest.path}{manifest.pointer}")


def open_image(
    source: str,
    limits: Limits,
    layer_limits: LayerLimits = DEFAULT,
    *,
    follow_links: bool = False,
    registry: RegistryOptions | None = None,
) -> Source:
    """Open a source; parameters as for ``open_source``.

    Raises :class:`Unreadable`, also for a standalone document.
    """
    opened = open_source(source, limits, layer_limits, follow_links=follow_links, registry=registry)
    # What others say of an image does not become part of a bundle.
    opened.attaching = False
    if opened.alone is not None:
        refuse_document(opened.alone.data, source)
    return opened


def choose(source: Source, ref: str | None, platform: str | None, selection: Selection, limits: Limits) -> Chosen:
    """Find the one image that the options select.

    Raises :class:`UnpackError` with the list of candidates unless exactly one matches; :class:`Refused` when its
    documents have errors; and ``Unreadable``.
    """
    wanted = ImageFilter((ref,) if ref else (), (platform,) if platform else ())
    options = ImageOptions(wanted=wanted, orphans=False, limits=limits)
    context, ledger = survey(source, selection.spec_version or IMAGE_RELEASES[-1], selection, options)
    candidates = _candidates(context.found)
    findings = refusing(ledger.findings())
    if len(candidates) != 1:
        if findings:
            raise Refused("the image is not unpacked", findings)
        raise UnpackError(_choice(candidates, context))
    image = candidates[0]
    if findings:
        raise Refused("the image is not unpacked", findings)
    return Chosen(image, _config(image), context, ledger)


def _candidates(found: WalkResult) -> list[Image]:
    """The images with a file system, not the attestations that builders attach for the platform "unknown".

    If some of them are complete, only these count: docker saves the index of all platforms with the blobs that it has.
    """
    images = [
        image
        for image in found.images
        if image.has_filesystem_layers and (image.manifest.platform or {}).get("os") != "unknown"
    ]
    whole = [
        image for image in images if all(is_there(found, part) for part in (image.config_reference, *image.layers))
    ]
    return whole or images


def _choice(candidates: list[Image], context: ImageContext) -> str:
    if candidates:
        listed = "; ".join(_called(image) for image in candidates)
        return f"{len(candidates)} images match, choose one with --ref or --platform: {listed}"
    every = (reference for references in context.found.absent.values() for reference in references)
    absent = next((reference for reference in every if reference.role != "layer"), None)
    return f"the {called(absent)} is absent" if absent else "it has no image with a root file system"


def _called(image: Image) -> str:
    manifest, config = image.manifest, image.config
    parts = [config.text(name) for name in ("os", "architecture", "variant")] if config else []
    return " ".join(filter(None, [manifest.name, "/".join(filter(None, parts)), str(manifest.digest or "")]))


def _config(image: Image) -> Node:
    """The configuration, which says what the layers must be."""
    if image.config is None:
        raise UnpackError("the configuration of the image is absent, or cannot be read")
    kind = image.config.text("rootfs", "type")
    if kind != "layers":
        # image-spec config.md: implementations MUST generate an error for other values when unpacking.
        raise Refused(f"rootfs.type of the image is {kind!r}, want 'layers'")
    diff_ids = image.diff_ids or []
    if len(diff_ids) != len(image.layers):
        raise Refused(f"the image has {len(image.layers)} layers and {len(diff_ids)} diff_ids")
    for layer in image.layers:
        if layer.kind != "layer":
            raise UnpackError(f"layer {layer.number} is not a file system layer: its media type is {layer.media_type}")
    return image.config
