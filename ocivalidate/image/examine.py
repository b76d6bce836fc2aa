"""The walk over an image: every document that index.json reaches is read, verified and judged once.

Blobs are gathered for verification.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ocivalidate import digests
from ocivalidate.checks import Node, Scene
from ocivalidate.clauses import Selection
from ocivalidate.documents import Document, read_document
from ocivalidate.findings import Location
from ocivalidate.image import kinds
from ocivalidate.image.collect import Collector
from ocivalidate.image.found import Blob, Found, Wanted
from ocivalidate.image.graph import Image, Reference, references
from ocivalidate.image.limits import Limits
from ocivalidate.image.sources import FILE, LEADS_OUT, LINK, OUTSIDE, FolderSource, Source, Unreadable
from ocivalidate.image.subjects import SUBJECTS
from ocivalidate.judge import active_clauses, judge, located, noting
from ocivalidate.wording import excerpt

INDEX_JSON = "index.json"
OCI_LAYOUT = "oci-layout"
CONTENT = "image/image-layout.blobs.content-matches"
SIZE = "image/descriptor.size.matches"
LIMIT = "safety/image.limit"
MEDIA_TYPE = "safety/image.media-type.matches"
ARTIFACT_TYPE = "image/descriptor.artifactType.equals-config-mediaType"
PLATFORM = "safety/image.platform.matches"
DOCUMENT_SIZE = "safety/image.document.size"
BLOB_KIND = "safety/image.blob.kind"
BLOB_LINK = "safety/image.blob.link"
LINK_OUT = "safety/image.link-out"
# distribution-spec: registries may refuse manifests that are larger, and tools do so too.
_PORTABLE_SIZE = 4 << 20
# Role of a descriptor → the kinds of document that are read there; anything else is a blob like any other.
_FOLLOWED = {"manifest": ("index", "manifest"), "subject": ("index", "manifest"), "config": ("config",)}
NO_PLATFORMS: frozenset[str] = frozenset()


class Read(NamedTuple):
    """A document that was read. ``root`` is ``None`` when there is nothing in it to follow."""

    document: Document
    root: Node | None


class Examiner:
    """Walks over one image. ``collector`` takes what it finds; ``release`` is that of image-spec to judge by."""

    def __init__(
        self,
        source: Source,
        collector: Collector,
        selection: Selection,
        release: str,
        wanted: Wanted,
        limits: Limits,
    ) -> None:
        self._source = source
        self._collector = collector
        self._selection = selection
        self._release = release
        self._wanted = wanted
        self._limits = limits
        self._read: dict[tuple[str, str], Read] = {}
        # As what each of them was read first.
        self._first: dict[str, Read] = {}
        self._queue: deque[Reference] = deque()
        self._indexed: set[str] = set()
        self._manifests: dict[str, Image] = {}
        self._links_out: set[str] = set()
        self._diff_ids: dict[str, list[Node] | None] = {}
        self.found = Found()
        self.is_layout = False

    @property
    def documents_read(self) -> set[str]:
        """The paths of all documents that were read."""
        return set(self._first)

    @property
    def top_documents(self) -> int:
        """How many of them are no blobs."""
        return len(self.documents_read & {INDEX_JSON, OCI_LAYOUT})

    # --- Documents

    def document(self, path: str, kind: str, data: bytes) -> Read:
        """Judge a document as what it is said to be, once; give what can be followed."""
        key = (path, kind)
        if key not in self._read:
            document = read_document(
                data, self.shown(path), noting=lambda: noting(SUBJECTS[kind].kind, self._selection)
            )
            self._read[key] = Read(document, self._judge(document, kind))
            self._first.setdefault(path, self._read[key])
            self.found.documents += 1
        return self._read[key]

    def _judge(self, document: Document, kind: str) -> Node | None:
        subject = SUBJECTS[kind]
        clauses = active_clauses(subject, self._release, NO_PLATFORMS, self._selection)
        scene = Scene(Node(None), self._release)
        self._collector.take(judge(subject, document, scene, clauses, self._selection, document.name))
        return Node(document.value) if document.usable and isinstance(document.value, dict) else None

    def shown(self, path: str) -> str:
        """How a path in the image is called: a path below a folder, or a part of an archive."""
        separator = "/" if isinstance(self._source, FolderSource) else ":"
        return f"{self._source.name.rstrip('/')}{separator}{path}"

    def place(self, reference: Reference, *below: str) -> Location:
        """Where a descriptor stands, or a member of it."""
        pointer = "/".join((reference.pointer, *below))
        read = self._first.get(reference.file)
        if read is None:
            return Location(self.shown(reference.file), pointer)
        return located(read.document.name, pointer, read.document.span(pointer), read.document)

    # --- The walk

    def walk(self, roots: Iterable[Reference]) -> None:
        """Follow descriptors, breadth first, until all is seen."""
        self._queue.extend(roots)
        while self._queue:
            if self.found.documents > self._limits.documents:
                self._collector.add(LIMIT, Location(self._source.name), f"more than {self._limits.documents} documents")
                return
            self._visit(self._queue.popleft())

    def _visit(self, reference: Reference) -> None:
        self.found.visited.add(reference.path)
        size = self._size_of(reference)
        if size is None:
            return
        if reference.kind in _FOLLOWED.get(reference.role, ()):
            self._visit_document(reference, size)
        else:
            self.blob(reference, size)

    def _size_of(self, reference: Reference) -> int | None:
        """The size of what stands where a descriptor leads; ``None`` when that is no file, which is told."""
        if self._source.entry(reference.path) is None:
            if reference.role != "subject":
                self.found.absent.setdefault(reference.path, reference)
            return None
        return self.file_size(reference.path, str(reference.digest or ""))

    def is_outside(self, path: str) -> bool:
        """Whether a link leads from here out of the layout, so that nothing is read; each such link is told once."""
        entry = self._source.entry(path)
        if isinstance(self._source, FolderSource) and not self._source.follow_links:
            self._collector.judged(LINK_OUT)
        if entry is None or entry.kind != OUTSIDE:
            return False
        if entry.link not in self._links_out:
            self._links_out.add(entry.link)
            hint = "it is not read; --follow-links reads what links lead to"
            place = Location(self.shown(entry.link))
            self._collector.add(LINK_OUT, place, LEADS_OUT, got=excerpt(entry.target), hint=hint)
        return True

    def file_size(self, path: str, digest: str) -> int | None:
        """The size of a blob that is there; ``None`` when it is no file, which is told."""
        entry = self._source.entry(path)
        if entry is None or self.is_outside(path):
            return None
        self._collector.judged(BLOB_KIND, BLOB_LINK)
        location = Location(self.shown(path), digest=digest)
        if entry.kind not in (FILE, LINK):
            self._collector.add(BLOB_KIND, location, f"a blob is {entry.what or 'a folder'}, not a file")
            return None
        if entry.kind == LINK and isinstance(self._source, FolderSource):
            self._collector.add(BLOB_LINK, location, "a blob is a symbolic link to a file")
        return entry.size

    def blob(self, reference: Reference, size: int) -> None:
        """Note a blob that is to be hashed."""
        blob = self.found.blobs.setdefault(reference.path, Blob(reference.path, size, reference.digest))
        blob.references.append(reference)

    def _visit_document(self, reference: Reference, size: int) -> None:
        kind = kinds.DOCUMENTS[reference.kind]
        known = self._read.get((reference.path, kind))
        read = known or self._verified(reference, size, kind)
        if read is None or read.root is None:
            return
        self._compare(reference, read.root)
        if reference.kind == "index":
            self._enter_index(reference, read.root)
        elif reference.kind == "manifest":
            self._enter_manifest(reference, read.root)

    def _verified(self, reference: Reference, size: int, kind: str) -> Read | None:
        """Read a document whose bytes are those that its descriptor promises; what is not is told, and not followed."""
        if size > self._limits.document:
            message = f"a document has {size} bytes, more than the limit of {self._limits.document}"
            self._collector.add(LIMIT, Location(self.shown(reference.path)), message)
            return None
        try:
            data = self._source.read(reference.path, self._limits.document + 1)
        except Unreadable as problem:
            self._collector.error(CONTENT, str(problem))
            return None
        if reference.digest is not None and not self._has_digest(reference, data):
            return None
        self.judge_size(reference, len(data))
        if kind != kinds.CONFIG:
            self._judge_length(reference, len(data))
        return self.document(reference.path, kind, data)

    def _judge_length(self, reference: Reference, size: int) -> None:
        self._collector.judged(DOCUMENT_SIZE)
        if size > _PORTABLE_SIZE:
            place = Location(self.shown(reference.path), digest=str(reference.digest or ""))
            message = "registries and tools refuse a manifest or an index of this size"
            self._collector.add(DOCUMENT_SIZE, place, message, got=f"{size} bytes", want=f"at most {_PORTABLE_SIZE}")

    def _has_digest(self, reference: Reference, data: bytes) -> bool:
        expected = reference.digest
        if expected is None or not digests.computable(expected.algorithm):
            self._collector.unjudged(CONTENT, f"{expected.algorithm if expected else 'no'} digest: not computed here")
            return True
        hasher = digests.hasher(expected.algorithm)
        hasher.update(data)
        computed = digests.Digest(expected.algorithm, hasher.hexdigest())
        return self.judge_digest(reference, computed, len(data))

    def judge_digest(self, reference: Reference, computed: digests.Digest, size: int) -> bool:
        """Whether content has the digest of its descriptor.

        If not, that is told, with the size where it differs too.
        """
        self._collector.judged(CONTENT)
        if computed == reference.digest:
            return True
        hint = ""
        if reference.size is not None and size != reference.size:
            hint = f"it has {size} bytes where its descriptor says {reference.size}: cut off, or replaced?"
        self._collector.add(
            CONTENT,
            Location(self.shown(reference.path), digest=str(reference.digest)),
            "the content of a blob is not what its digest says",
            got=str(computed),
            want=str(reference.digest),
            hint=hint,
        )
        return False

    def judge_size(self, reference: Reference, size: int) -> None:
        """Compare the size that a descriptor gives with that of the content."""
        if reference.size is None:
            return
        self._collector.judged(SIZE)
        if size != reference.size:
            message = "size is not the length of the content"
            self._collector.add(SIZE, self.place(reference, "size"), message, got=str(reference.size), want=str(size))

    # --- What documents say of each other

    def _compare(self, reference: Reference, root: Node) -> None:
        stated = root.text("mediaType")
        if reference.media_type and stated:
            self._collector.judged(MEDIA_TYPE)
            if stated != reference.media_type:
                message = "the descriptor and the document disagree on the media type"
                place = self.place(reference, "mediaType")
                self._collector.add(MEDIA_TYPE, place, message, got=reference.media_type, want=stated)
        if reference.kind == "manifest" and reference.artifact_type is not None:
            self._compare_artifact_type(reference, root)

    def _compare_artifact_type(self, reference: Reference, root: Node) -> None:
        self._collector.judged(ARTIFACT_TYPE)
        stated = {root.text("artifactType"), root.text("config", "mediaType")} - {None}
        if reference.artifact_type not in stated:
            place = self.place(reference, "artifactType")
            message = "artifactType is neither that of the manifest nor the media type of its config"
            want = " or ".join(sorted(text for text in stated if text))
            self._collector.add(ARTIFACT_TYPE, place, message, got=str(reference.artifact_type), want=want)

    def _enter_index(self, reference: Reference, root: Node) -> None:
        if reference.path in self._indexed:
            return
        self._indexed.add(reference.path)
        if reference.depth >= self._limits.depth:
            message = f"indexes are nested more than {self._limits.depth} deep"
            self._collector.add(LIMIT, Location(self.shown(reference.path)), message)
            return
        self._collector.judged(LIMIT)
        self._queue.extend(self.chosen(references(root, "index", reference.path, reference.depth + 1)))

    def chosen(self, found: Iterable[Reference]) -> Iterator[Reference]:
        """Those of the entries of an index that are for a wanted platform; one that names none is for any."""
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
        known = self._manifests.get(reference.path)
        if known is not None:
            self._compare_platform(reference, known)
            return
        image = self._manifests[reference.path] = Image(reference)
        self.found.images.append(image)
        children = list(references(root, "manifest", reference.path, reference.depth))
        image.config_reference = next((child for child in children if child.role == "config"), None)
        image.layers = [child for child in children if child.role == "layer"]
        for child in children:
            self._visit(child) if child.role != "subject" else self._queue.append(child)
        self._attach_config(image)
        self._compare_platform(reference, image)
        for layer in image.layers:
            self._open_layer(image, layer)

    def enter_saved_image(self, image: Image) -> None:
        """Take in an image of ``docker save``, whose layers have no digest but their diffIDs."""
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
        """The entries of ``rootfs.diff_ids``, once for all images that share a config."""
        if path not in self._diff_ids:
            found = root.get("rootfs", "diff_ids") if root else None
            self._diff_ids[path] = found.children() if found and isinstance(found.value, list) else None
        return self._diff_ids[path]

    def _open_layer(self, image: Image, layer: Reference) -> None:
        """A layer is opened only below an image config: a blob of any other kind of content is not ours to read."""
        blob = self.found.blobs.get(layer.path)
        if blob is None or not image.has_filesystem_layers or layer.kind != "layer":
            return
        blob.layer = True
        entries = image.diff_ids or []
        expected = digests.parse(str(entries[layer.number].value)) if layer.number < len(entries) else None
        blob.diff_algorithms.add(expected.algorithm if expected else "sha256")

    def _compare_platform(self, reference: Reference, image: Image) -> None:
        """The platform of an index entry against the config; attestations say unknown in both places."""
        if reference.platform is None or image.config is None:
            return
        self._collector.judged(PLATFORM)
        for name in ("os", "architecture", "variant"):
            said, real = reference.platform.get(name), image.config.text(name)
            if isinstance(said, str) and real and said != real:
                message = f"the {name} of the platform is not that of the image configuration"
                self._collector.add(PLATFORM, self.place(reference, "platform", name), message, got=said, want=real)

    def root_of(self, path: str) -> Node | None:
        """The root of a document that was read; ``None`` when it was not, or has nothing in it to follow."""
        read = self._first.get(path)
        return read.root if read else None

    def config_place(self, image: Image, pointer: str) -> Location:
        """Where something stands in the config of an image."""
        read = self._read[image.config_file, kinds.CONFIG]
        return located(read.document.name, pointer, read.document.span(pointer), read.document)
