"""The media types that an image is made of (image-spec media-types.md; Docker's image manifest v2, schema 2)."""

from __future__ import annotations

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."

INDEXES = frozenset({f"{OCI}index.v1+json", f"{DOCKER}distribution.manifest.list.v2+json"})
MANIFESTS = frozenset({f"{OCI}manifest.v1+json", f"{DOCKER}distribution.manifest.v2+json"})
CONFIGS = frozenset({f"{OCI}config.v1+json", f"{DOCKER}container.image.v1+json"})
# The media type of a config in manifests of Docker 1.10, still in registries: Docker accepts it (moby's
# distribution/registry.go).
CONFIGS_MISNAMED = frozenset({"application/octet-stream", "application/json", "text/html"})
EMPTY = "application/vnd.oci.empty.v1+json"

# Layer media type → the compression that it promises.
LAYERS: dict[str, str] = {
    f"{OCI}layer.v1.tar": "none",
    f"{OCI}layer.v1.tar+gzip": "gzip",
    f"{OCI}layer.v1.tar+zstd": "zstd",
    f"{OCI}layer.nondistributable.v1.tar": "none",
    f"{OCI}layer.nondistributable.v1.tar+gzip": "gzip",
    f"{OCI}layer.nondistributable.v1.tar+zstd": "zstd",
    f"{DOCKER}image.rootfs.diff.tar": "none",
    f"{DOCKER}image.rootfs.diff.tar.gzip": "gzip",
    f"{DOCKER}image.rootfs.diff.tar.zstd": "zstd",
    f"{DOCKER}image.rootfs.foreign.diff.tar": "none",
    f"{DOCKER}image.rootfs.foreign.diff.tar.gzip": "gzip",
}
# Layers that may be missing from a layout, because they are fetched from elsewhere.
FOREIGN = frozenset(name for name in LAYERS if "nondistributable" in name or ".foreign." in name)


def kind_of(media_type: str) -> str:
    """The kind of blob by media type: ``index``, ``manifest``, ``config``, ``layer`` or ``other`` (only hashed)."""
    if media_type in INDEXES:
        return "index"
    if media_type in MANIFESTS:
        return "manifest"
    if media_type in CONFIGS:
        return "config"
    return "layer" if media_type in LAYERS else "other"
