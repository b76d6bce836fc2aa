"""The walk over an image: every document that index.json reaches is read and judged once, however many lead to it.

Blobs are gathered for verification. What descriptors say of what they lead to is not judged here but afterwards
(``promises.py``), for each of them: on the way it would be judged for whichever came first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from ocivalidate.errors import Unreadable
from ocivalidate.image.collect import Collector, Place
from ocivalidate.image.documents import kinds
from ocivalidate.image.documents.subjects import SUBJECTS
from ocivalidate.image.found import Blob, ImageFilter, WalkResult
from ocivalidate.image.graph import Image, Reference, references
from ocivalidate.image.layers.blob import BlobFacts
from ocivalidate.image.limits import Limits
from ocivalidate.image.sources.source import FILE, INDEX_JSON, LEADS_OUT, LINK, OCI_LAYOUT, OUTSIDE, Source
from ocivalidate.jsontext.documents import Document, read_document
from ocivalidate.rules.checks import CheckContext, Node
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.findings import Location
from ocivalidate.rules.judge import judge, located, noting
from ocivalidate.vocabulary import digests
from ocivalidate.vocabulary.wording import excerpt, shortened

CONTENT = "image/image-layout.blobs.content-matches"
LIMIT = "safety/image.limit"
BLOB_KIND = "safety/image.blob.kind"
BLOB_LINK = "safety/image.blob.link"
LINK_OUT = "safety/image.link-out"
# Role of a descriptor → the kinds of document that are read there; anything else is a blob like any other.
_FOLLOWED = {"manifest": ("index", "manifest"), "subject": ("index", "manifest"), "config": ("config",)}
_SHOWN_DIGEST, _SHOWN_NAME = 19, 60
# Registries take no larger manifests: of content that is called something else, more is not looked at.
_LARGEST_OF_OTHER_TYPES = 4 << 20
NO_PLATFORMS: frozenset[str] = frozenset()


class Read(NamedTuple):
    """A document that was read, as one of this ``kind``. ``root`` is ``None`` when nothing in it can be followed."""

    document: Document
    root: Node | None
    kind: str


class Examiner:
    """Walks over one image. ``collector`` takes what it finds; ``release`` is that of image-spec to judge by."""

    def __init__(
        self,
        source: Source,
        collector: Collector,
        selection: Selection,
        release: str,
        wanted: ImageFilter,
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
        # What content that no descriptor calls an index or a manifest states that it is.
        self._stated: dict[str, str] = {}
        self._sizes: dict[str, int | None] = {}
        self._links_out: set[str] = set()
        self._diff_ids: dict[str, list[Node] | None] = {}
        self.found = WalkResult()
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

    def document(self, path: str, kind: str, data: bytes, *, own: bool = False) -> Read:
        """Judge a document as what it is said to be, once; give what can be followed.

        ``own``: whether it is an index or a manifest, it says itself (:func:`kinds.stated`).
        """
        key = (path, kind)
        if key not in self._read:
            document = read_document(
                data, self.shown(path), noting=lambda: noting(SUBJECTS[kind].kind, self._selection)
            )
            actual = kinds.stated(document.value, kind) if own else kind
            if (path, actual) not in self._read:
                self._read[path, actual] = Read(document, self._judge(document, actual), actual)
                self.found.documents += 1
            self._read[key] = self._read[path, actual]
            self._first.setdefault(path, self._read[key])
        return self._read[key]

    def _judge(self, document: Document, kind: str) -> Node | None:
        subject = SUBJECTS[kind]
        judge(subject, document, CheckContext(Node(None), self._release), self._collector)
        return Node(document.value) if document.usable and isinstance(document.value, dict) else None

    def shown(self, path: str) -> str:
        """How a path in the image is called: a path below a folder, or a part of an archive."""
        return self._source.shown(path)

    def place(self, reference: Reference, *below: str, digest: str = "") -> Place:
        """Where a descriptor stands, or a member of it; ``digest`` is that of the blob which is concerned."""
        pointer = "/".join((reference.pointer, *below))
        return Place(reference.file, pointer, lambda: replace(self._located(reference.file, pointer), digest=digest))

    def config_place(self, image: Image, pointer: str) -> Place:
        """Where something stands in the config of an image."""
        return Place(image.config_file, pointer, lambda: self._located(image.config_file, pointer))

    def _located(self, file: str, pointer: str) -> Location:
        read = self._first.get(file)
        if read is None:
            return Location(self.shown(file), pointer)
        return located(read.document.name, pointer, read.document.span(pointer), read.document)

    def way_to(self, reference: Reference) -> str:
        """By which descriptors an image leads to a blob: from the top, the name of the image with it."""
        steps: list[str] = []
        at: Reference | None = reference
        while at is not None and len(steps) <= self._limits.depth + 1:
            above = self.found.references.get(at.file, ())
            file = shortened(f"{above[0].digest or at.file}", _SHOWN_DIGEST) if above else at.file
            steps.append(f"{file} {at.pointer}" + (f" ({shortened(at.name, _SHOWN_NAME)})" if at.name else ""))
            at = above[0] if above else None
        return " → ".join(reversed(steps))

    # --- The walk

    def walk(self, roots: Iterable[Reference]) -> None:
        """Follow descriptors, breadth first, until all is seen."""
        self._queue.extend(roots)
        self._follow_all()
        # What some descriptor does not call a document, and another does, was read; only layers are read for more.
        blobs, contents = self.found.blobs, self.found.contents
        self.found.blobs = {path: blob for path, blob in blobs.items() if blob.layer or path not in contents}

    def _follow_all(self) -> None:
        while self._queue:
            if self.found.documents > self._limits.documents:
                self._collector.add(LIMIT, Location(self._source.name), f"more than {self._limits.documents} documents")
                return
            self._visit(self._queue.popleft())

    def _visit(self, reference: Reference) -> None:
        path = reference.path
        if not path:
            return
        self.found.references.setdefault(path, []).append(reference)
        if self._source.entry(path) is None:
            if reference.role != "subject":
                self.found.absent.setdefault(path, []).append(reference)
            return
        size = self.file_size(path, str(reference.digest or ""))
        if size is None:
            return
        followed = _FOLLOWED.get(reference.role, ())
        kind = reference.kind if reference.kind in followed else self._kind_stated(reference, size)
        if kind in followed:
            self._follow(reference._replace(kind=kind), size)
        else:
            self.found.blobs.setdefault(path, Blob(path, size, reference.digest))

    def _kind_stated(self, reference: Reference, size: int) -> str:
        """What the content of an entry of an index states that it is, whatever the entry calls it; else nothing.

        An index may list what nobody knows. But a manifest is one to who goes by its own media type.
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

    def is_outside(self, path: str) -> bool:
        """Whether a link leads from here out of the layout, so that nothing is read; each such link is told once."""
        entry = self._source.entry(path)
        if self._source.confined:
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
        """The size of a blob that is there; ``None`` when it is no file, which is told once."""
        if path not in self._sizes:
            self._sizes[path] = self._file_size(path, digest)
        return self._sizes[path]

    def _file_size(self, path: str, digest: str) -> int | None:
        entry = self._source.entry(path)
        if entry is None or self.is_outside(path):
            return None
        self._collector.judged(BLOB_KIND, BLOB_LINK)
        location = Location(self.shown(path), digest=digest)
        if entry.kind not in (FILE, LINK):
            self._collector.add(BLOB_KIND, location, f"a blob is {entry.what or 'a folder'}, not a file")
            return None
        if entry.kind == LINK and self._source.symlinks:
            self._collector.add(BLOB_LINK, location, "a blob is a symbolic link to a file")
        return entry.size

    def _follow(self, reference: Reference, size: int) -> None:
        read = self._read_blob(reference, size)
        if read is None or read.root is None:
            return
        if read.kind == kinds.INDEX:
            self._enter_index(reference, read.root)
        elif read.kind == kinds.MANIFEST:
            self._enter_manifest(reference, read.root)

    def _read_blob(self, reference: Reference, size: int) -> Read | None:
        """The document to which a descriptor leads, if its bytes are those of its digest."""
        path, kind = reference.path, kinds.DOCUMENTS[reference.kind]
        known = self._read.get((path, kind))
        if known is not None or path in self.found.spoilt:
            return known
        data = self._bytes_of(reference, size)
        if data is None:
            return None
        read = self.document(path, kind, data, own=True)
        if read.root is None:
            self.found.spoilt[path] = "is no JSON object"
        return read

    def _bytes_of(self, reference: Reference, size: int) -> bytes | None:
        """Read a document and note what its bytes are; ``None``, and why, when nothing in it is to be believed."""
        path, digest, found = reference.path, reference.digest, self.found
        if size > self._limits.document:
            message = f"a document has {size} bytes, more than the limit of {self._limits.document}"
            self._collector.add(LIMIT, Location(self.shown(path)), message)
            found.spoilt[path] = "is too large"
            return None
        try:
            data = self._source.read(path, self._limits.document + 1)
        except Unreadable as problem:
            found.contents[path] = BlobFacts(failure=str(problem))
            found.spoilt[path] = "cannot be read"
            return None
        verified = digest is not None and not digests.unverifiable(digest)
        computed = (digests.of(data, digest.algorithm),) if digest is not None and verified else ()
        found.contents[path] = BlobFacts(len(data), computed)
        if verified and digest not in computed:
            found.spoilt[path] = "is not what its digest says"
            return None
        return data

    # --- What documents hold

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
        """Those of the entries of an index that may be for a wanted platform; one that names none, its config tells."""
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
            elif child.role == "subject":
                self._queue.append(child)
        for layer in image.layers:
            self._open_layer(image, layer)

    def _is_for_another(self, image: Image) -> bool:
        """Whether the config of an image that no index gives a platform says one that is not wanted."""
        if not self._wanted.platforms or image.manifest.platform is not None or image.config is None:
            return False
        parts = [image.config.text(name) for name in ("os", "architecture", "variant")]
        return not any(
            all(not part or part == want for part, want in zip(parts, wanted.split("/"), strict=False))
            for wanted in self._wanted.platforms
        )

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
        expected = image.diff_id_of(layer)
        blob.diff_algorithms.add(expected.algorithm if expected else "sha256")

    def read_of(self, path: str) -> Read | None:
        """The document at a path, as it was read first."""
        return self._first.get(path)

    def root_of(self, path: str) -> Node | None:
        """The root of a document that was read; ``None`` when it was not, or has nothing in it to follow."""
        read = self._first.get(path)
        return read.root if read else None
