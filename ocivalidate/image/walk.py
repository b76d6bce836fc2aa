"""The walk over an image: every document that its roots reach is read once, however many descriptors refer to it.

It yields facts (:class:`~ocivalidate.image.found.WalkResult`) and judges nothing. Afterwards each descriptor is
compared with its target; during the walk only the first one would be.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from ocivalidate.errors import Unreadable
from ocivalidate.image import signed
from ocivalidate.image.documents import kinds
from ocivalidate.image.documents.reading import NotingOf, Read, read
from ocivalidate.image.found import Blob, ImageFilter, WalkResult
from ocivalidate.image.graph import Image, Reference, references, starting_at
from ocivalidate.image.layers.blob import BlobFacts
from ocivalidate.image.limits import Limits
from ocivalidate.image.sources.source import FILE, LINK, Entry, Source
from ocivalidate.jsontext.documents import read_document
from ocivalidate.rules.checks import Node
from ocivalidate.vocabulary import digests

# Role of a descriptor → the types of document that are read there; anything else is an ordinary blob.
_FOLLOWED = {"manifest": ("index", "manifest"), "subject": ("index", "manifest"), "config": ("config",)}
# Registries accept no larger manifests: content with another media type is not searched beyond this size.
_LARGEST_OF_OTHER_TYPES = 4 << 20


class Walk:
    """Walks over one image. ``noting``: which problems in the text of a document to note."""

    def __init__(self, source: Source, wanted: ImageFilter, limits: Limits, noting: NotingOf) -> None:
        self._source = source
        self._wanted = wanted
        self._limits = limits
        self._noting = noting
        # By path and stated type, which may not be the actual one.
        self._read: dict[tuple[str, str], Read] = {}
        self._queue: deque[Reference] = deque()
        # The type stated by content that no descriptor calls an index or a manifest.
        self._stated: dict[str, str] = {}
        self._diff_ids: dict[str, list[Node] | None] = {}
        self.found = WalkResult()

    def follow(self, roots: Iterable[Reference]) -> None:
        """Follow descriptors, breadth first, until none is left."""
        self._queue.extend(roots)
        self._follow_all()
        # A blob that another descriptor calls a document was read already; only a layer has to be read again.
        blobs, contents = self.found.blobs, self.found.contents
        self.found.blobs = {path: blob for path, blob in blobs.items() if blob.layer or path not in contents}

    def _follow_all(self) -> None:
        while self._queue:
            if len(self.found.documents) > self._limits.documents:
                self.found.exceeded.append(("", f"more than {self._limits.documents} documents"))
                return
            self._visit(self._queue.popleft())

    def look(self, path: str) -> Entry | None:
        """The entry at a path."""
        entries = self.found.entries
        if path not in entries:
            entries[path] = self._source.entry(path)
        return entries[path]

    def document(self, path: str, kind: str, data: bytes, *, own: bool = False) -> Read:
        """Record a document as its stated type; return what can be followed."""
        key = (path, kind)
        if key not in self._read:
            found = read(data, self._source.shown(path), kind, self._noting, own=own)
            self._read[key] = self.found.documents.setdefault((path, found.kind), found)
        return self._read[key]

    def _visit(self, reference: Reference) -> None:
        path = reference.path
        if not path:
            return
        self.found.references.setdefault(path, []).append(reference)
        self._source.meet(path, reference.role, reference.kind, reference.size)
        entry = self.look(path)
        if entry is None:
            if reference.role != "subject":
                self.found.absent.setdefault(path, []).append(reference)
            return
        if entry.kind not in (FILE, LINK):
            return
        followed = _FOLLOWED.get(reference.role, ())
        kind = reference.kind if reference.kind in followed else self._kind_stated(reference, entry.size)
        if kind in followed:
            self._follow(reference._replace(kind=kind), entry.size)
        else:
            self.found.blobs.setdefault(path, Blob(path, entry.size, reference.digest))

    def _kind_stated(self, reference: Reference, size: int) -> str:
        """The type that the content of an index entry states, whatever the entry calls it; else nothing.

        An index may list unknown types. But a manifest is one to a reader that goes by its own media type.
        """
        path = reference.path
        if reference.role in ("config", "layer") or size > _LARGEST_OF_OTHER_TYPES:
            return ""
        if path not in self._stated:
            try:
                data = self._source.read(path, _LARGEST_OF_OTHER_TYPES)
            except Unreadable:
                data = b""
            value = read_document(data).value if data.lstrip()[:1] == b"{" else None
            self._stated[path] = kinds.stated_kind(value)
        return self._stated[path]

    def _follow(self, reference: Reference, size: int) -> None:
        read = self._read_blob(reference, size)
        if read is None or read.root is None:
            return
        known = len(self.found.indexes) + len(self.found.manifests)
        if read.kind == kinds.INDEX:
            self._enter_index(reference, read.root)
        elif read.kind == kinds.MANIFEST:
            self._enter_manifest(reference, read.root)
        if self._source.attaching and len(self.found.indexes) + len(self.found.manifests) > known:
            self._queue.extend(map(starting_at, self._source.attached(reference.path)))

    def _read_blob(self, reference: Reference, size: int) -> Read | None:
        """The target document of a descriptor, if it matches its digest."""
        path, kind = reference.path, kinds.DOCUMENTS[reference.kind]
        known = self._read.get((path, kind))
        if known is not None or path in self.found.spoilt:
            return known
        data = self._bytes_of(reference, size)
        if data is None:
            return None
        read = self.document(path, kind, data, own=True)
        if read.root is None:
            self.found.spoilt[path] = "is not a JSON object"
        return read

    def _bytes_of(self, reference: Reference, size: int) -> bytes | None:
        """Read a document and record facts about its bytes; ``None`` and a noted reason if it cannot be trusted."""
        path, digest, found = reference.path, reference.digest, self.found
        if size > self._limits.document:
            message = f"a document has {size} bytes, more than the limit of {self._limits.document}"
            found.exceeded.append((path, message))
            found.spoilt[path] = "is too large"
            return None
        try:
            data = self._source.read(path, self._limits.document + 1)
        except Unreadable as problem:
            found.contents[path] = BlobFacts(failure=str(problem))
            found.spoilt[path] = "cannot be read"
            return None
        verified = digest is not None and not digests.unverifiable(digest)
        computed = (signed.digest_of(data, digest),) if digest is not None and verified else ()
        found.contents[path] = BlobFacts(len(data), computed)
        if verified and digest not in computed:
            found.spoilt[path] = "does not match its digest"
            return None
        return data

    # --- What documents hold

    def _enter_index(self, reference: Reference, root: Node) -> None:
        path = reference.path
        if path in self.found.indexes:
            return
        self.found.indexes.add(path)
        if self._is_too_deep(reference, "indexes are nested"):
            return
        self._queue.extend(self.chosen(references(root, "index", path, reference.depth + 1)))

    def _is_too_deep(self, reference: Reference, what: str) -> bool:
        """Whether nothing below a document is followed, which is then noted."""
        deepest = self._limits.depth
        if reference.depth < deepest:
            return False
        self.found.exceeded.append((reference.path, f"{what} more than {deepest} deep"))
        return True

    def chosen(self, found: Iterable[Reference]) -> Iterator[Reference]:
        """The entries of an index that may be for a wanted platform; without one in the entry, the config decides."""
        for reference in found:
            if reference.role == "manifest" and self._wanted.platforms and not self._is_wanted(reference):
                continue
            if reference.kind == "manifest":
                self.found.matched = True
            yield reference

    def _is_wanted(self, reference: Reference) -> bool:
        platform = reference.platform
        if platform is None:
            return True
        parts = [str(platform.get(name, "")) for name in ("os", "architecture", "variant")]
        return any(wanted.split("/") == parts[: wanted.count("/") + 1] for wanted in self._wanted.platforms)

    def _enter_manifest(self, reference: Reference, root: Node) -> None:
        if reference.path in self.found.manifests:
            return
        image = self.found.manifests[reference.path] = Image(reference)
        children = list(references(root, "manifest", reference.path, reference.depth))
        image.config_reference = next((child for child in children if child.role == "config" and child.path), None)
        image.layers = [child for child in children if child.role == "layer"]
        for child in children:
            if child.role == "config":
                self._visit(child)
        self._attach_config(image)
        if self._is_for_another(image):
            self.found.contradicted = True
            return
        self.found.images.append(image)
        for child in children:
            if child.role == "layer":
                self._visit(child)
            elif child.role == "subject" and not self._is_too_deep(reference, "subjects are chained"):
                self._queue.append(child._replace(depth=reference.depth + 1))
        for layer in image.layers:
            self._open_layer(image, layer)

    def _is_for_another(self, image: Image) -> bool:
        """Whether an image without a platform in an index has a config for a platform that is not wanted."""
        if not self._wanted.platforms or image.manifest.platform is not None or image.config is None:
            return False
        parts = [image.config.text(name) for name in ("os", "architecture", "variant")]
        return not any(
            all(not part or part == want for part, want in zip(parts, wanted.split("/"), strict=False))
            for wanted in self._wanted.platforms
        )

    def enter_saved_image(self, image: Image) -> None:
        """Record an image of ``docker save``, whose layers have no digest but their diffIDs."""
        self.found.images.append(image)
        for child in (image.config_reference, *image.layers):
            if child is not None:
                self._visit(child)
        self._attach_config(image)
        for layer in image.layers:
            self._open_layer(image, layer)

    def _attach_config(self, image: Image) -> None:
        config = image.config_reference
        if config is not None and config.kind == "config":
            read = self._read.get((config.path, kinds.CONFIG))
            image.config, image.config_file = (read.root if read else None), config.path
            image.diff_ids = self._diff_ids_of(config.path, image.config)

    def _diff_ids_of(self, path: str, root: Node | None) -> list[Node] | None:
        """The entries of ``rootfs.diff_ids``, read once for all images that share a config."""
        if path not in self._diff_ids:
            found = root.get("rootfs", "diff_ids") if root else None
            self._diff_ids[path] = found.children() if found and isinstance(found.value, list) else None
        return self._diff_ids[path]

    def _open_layer(self, image: Image, layer: Reference) -> None:
        """Open a layer only if the manifest has an image config: other content is none of our business."""
        blob = self.found.blobs.get(layer.path)
        if blob is None or not image.has_filesystem_layers or layer.kind != "layer":
            return
        blob.layer = True
        expected = image.diff_id_of(layer)
        blob.diff_algorithms.add(expected.algorithm if expected else "sha256")
