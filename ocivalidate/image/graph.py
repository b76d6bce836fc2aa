"""The descriptor graph of an image: which blobs a document refers to, and in which role."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ocivalidate.image.documents import kinds, media_types
from ocivalidate.rules.checks import Node
from ocivalidate.vocabulary import digests

REF_NAME = "org.opencontainers.image.ref.name"
# containerd's annotation, which docker save writes since version 25: the full name, where ref.name is only the tag.
WHOLE_NAME = "io.containerd.image.name"


class Reference(NamedTuple):
    """One descriptor in one document.

    ``file`` and ``pointer`` say where it is, ``role`` what it is for: ``manifest`` (an entry of an index), ``config``,
    ``layer`` (its ``number`` among the layers) or ``subject``. ``kind`` is the kind of blob by its media type
    (:func:`media_types.kind_of`). ``depth`` counts the documents above it: indexes around
    it, and those whose subjects lead to it. ``digest`` is ``None`` where the format has
    none (archives of ``docker save``), and where it is invalid.
    """

    file: str
    pointer: str
    role: str
    media_type: str
    digest: digests.Digest | None
    size: int | None
    kind: str
    depth: int
    number: int = 0
    path_override: str = ""
    platform: dict[str, Any] | None = None
    artifact_type: str | None = None
    name: str = ""
    urls: bool = False
    whole_name: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which it can be selected."""
        return tuple(filter(None, (self.name, self.whole_name)))

    @property
    def path(self) -> str:
        """The path of the blob: that of its digest in a layout, unless ``path_override`` gives another."""
        if self.path_override or self.digest is None:
            return self.path_override
        return f"blobs/{self.digest.algorithm}/{self.digest.encoded}"


def starting_at(path: str, name: str = "") -> Reference:
    """A synthetic descriptor for an index or a manifest that states itself which it is."""
    digest = digests.parse(":".join(path.split("/")[1:])) if path.startswith("blobs/") else None
    return Reference("", "", "manifest", "", digest, None, "manifest", 0, path_override=path, name=name)


def reference(node: Node, file: str, role: str, depth: int, index: int = 0) -> Reference:
    """Read a descriptor. Without a valid digest it leads nowhere: its path is empty."""
    digest = digests.parse(node.text("digest") or "")
    media_type = node.text("mediaType") or ""
    platform = node.get("platform")
    return Reference(
        file,
        node.pointer,
        role,
        media_type,
        digest,
        node.number("size"),
        media_types.kind_of(media_type),
        depth,
        index,
        "",
        platform.value if platform and isinstance(platform.value, dict) else None,
        node.text("artifactType"),
        node.text("annotations", REF_NAME) or "",
        any(isinstance(entry.value, str) for entry in node.elements("urls")),
        node.text("annotations", WHOLE_NAME) or "",
    )


def references(root: Node, kind: str, file: str, depth: int) -> Iterator[Reference]:
    """The descriptors of an index or a manifest, in document order; those of layers all, valid or not."""
    misnamed = kind != "index" and kinds.misnames_its_config(root)
    for node, role, index in _descriptors(root, kind):
        found = reference(node, file, role, depth, index)
        yield found._replace(kind="config") if misnamed and role == "config" else found


def _descriptors(root: Node, kind: str) -> Iterator[tuple[Node, str, int]]:
    subject = root.get("subject")
    if kind == "index":
        for index, node in enumerate(root.elements("manifests")):
            yield node, "manifest", index
    else:
        config = root.get("config")
        if config is not None:
            yield config, "config", 0
        # An invalid descriptor still counts as a layer, so the others keep their numbers.
        for index, node in enumerate(root.elements("layers")):
            yield node, "layer", index
    if subject is not None:
        yield subject, "subject", 0


@dataclass(slots=True)
class Image:
    """One manifest with its config and layers.

    ``config`` is the root of its config document, if that is an image config, and ``diff_ids`` the entries of its
    ``rootfs.diff_ids``; ``None`` if there are none.
    """

    manifest: Reference
    config_reference: Reference | None = None
    config: Node | None = None
    config_file: str = ""
    diff_ids: list[Node] | None = None
    layers: list[Reference] = field(default_factory=list)

    def diff_id_of(self, layer: Reference) -> digests.Digest | None:
        """The diffID of a layer; ``None`` if it is absent or not a valid digest."""
        entries = self.diff_ids or []
        return digests.parse(str(entries[layer.number].value)) if layer.number < len(entries) else None

    @property
    def has_filesystem_layers(self) -> bool:
        """Whether to open the layers: only if the manifest has an image config."""
        return self.config_reference is not None and self.config_reference.kind == "config"
