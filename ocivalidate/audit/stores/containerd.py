"""containerd's content store: ``blobs/ALGORITHM/HEX``, and in ``ingest`` what is being written.

What names the blobs is in ``io.containerd.metadata.v1.bolt/meta.db`` beside it (containerd, ``metadata/buckets.go``):
in each namespace images by their names, and the blobs that it holds. A namespace is a repository here, an image a tag.
Without that, as for a copy of the content store alone, only the blobs themselves can be judged.

A node fetches the blobs of its own platform, and may drop layers that it has unpacked: only what the namespace says
that it holds is missed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Final

from ocivalidate.audit import oddities
from ocivalidate.audit.store import LAYER, TAG, Held, Link, Odd, Upload
from ocivalidate.audit.stores import naming
from ocivalidate.audit.stores.bare import BareStore
from ocivalidate.audit.stores.bolt import Bolt, Bucket, Damaged
from ocivalidate.audit.stores.files import FILE, Files, join
from ocivalidate.audit.stores.node_names import NodeNames
from ocivalidate.audit.stores.uploads import left_behind
from ocivalidate.errors import Unreadable
from ocivalidate.image.sources.source import BLOBS, Stream
from ocivalidate.vocabulary.wording import shortened

DATABASE: Final = "io.containerd.metadata.v1.bolt/meta.db"
_TRIES = 3


class ContainerdStore(BareStore):
    """A content store. ``base``: where it is in the storage; ``database``: the file with the names, if there is one."""

    form = "containerd"

    def __init__(self, files: Files, base: str = "", database: str = "") -> None:
        super().__init__(files, join(base, BLOBS))
        self._ingest = join(base, "ingest")
        self._database = database
        self._lock = threading.Lock()
        self._names: NodeNames | None = None
        self.named = self.names.known

    @property
    def names(self) -> NodeNames:
        """What names the blobs, read once."""
        with self._lock:
            if self._names is None:
                self._names = self._read() if self._database else NodeNames()
            return self._names

    def _read(self) -> NodeNames:
        """Read the database; again, if containerd has written into it meanwhile."""
        problem = ""
        for tries in range(1, _TRIES + 1):
            names = NodeNames()
            try:
                before, after = _fill(self.files, self._database, names)
            except (Damaged, Unreadable, OSError) as error:
                names.close()
                problem = shortened(str(error))
                continue
            if before == after or tries == _TRIES:
                return names
            names.close()
        self.noted.note(Odd(oddities.UNREADABLE, self._database, f"what names the blobs is not known: {problem}"))
        return NodeNames()

    def repositories(self) -> Iterator[str]:
        """The namespaces."""
        return self.names.namespaces()

    def links(self, repository: str) -> Iterator[Link]:
        """The images of a namespace, and the blobs that it says it holds."""
        for name, digest in self.names.images(repository):
            if not digest:
                text = f"the image {shortened(name)} names no digest"
                place = f"{self._database}/{repository}/{name}"
                self.noted.note(Odd(oddities.LINK_CONTENT, place, text, repository=repository, tag=name))
            yield Link(repository, TAG, digest, name, self._database)
        for digest in self.names.blobs(repository):
            yield Link(repository, LAYER, digest, path=self._database)

    def expects(self, repository: str, digest: str) -> bool:
        """Whether the namespace says that it holds a blob."""
        return self.names.holds(repository, digest)

    def find(self, repository: str, digest: str) -> Held | None:
        """The blob, if the namespace holds it."""
        if repository and self.names.known and not self.names.holds(repository, digest):
            return None
        return super().find(repository, digest)

    def uploads(self) -> Iterator[Upload]:
        """Content that was being written."""
        return left_behind(self.files, self._ingest)

    def close(self) -> None:
        """Close the files."""
        super().close()
        if self._names:
            self._names.close()


def _fill(files: Files, path: str, names: NodeNames) -> tuple[int, int]:
    """Put down what a database names; its transactions before and after that."""
    entry = files.look(path)
    if entry is None or entry.kind != FILE:
        return 0, 0
    stream = files.open(path)
    try:
        if not stream.seekable():
            raise Unreadable("a database is read on disk alone")

        def read(offset: int, length: int) -> bytes:
            stream.seek(offset)
            return _exactly(stream, length)

        base = Bolt(read, entry.size)
        names.known = True
        top = base.below(base.root, b"v1")
        for namespace, found in base.items(top) if top else ():
            if isinstance(found, Bucket):
                _namespace(base, found, _text(namespace), names)
        return base.transaction, Bolt(read, entry.size).transaction
    finally:
        stream.close()


def _namespace(base: Bolt, bucket: Bucket, namespace: str, names: NodeNames) -> None:
    images, blobs = base.below(bucket, b"images"), base.below(bucket, b"content", b"blob")
    if images is None and blobs is None:
        return
    names.put_namespace(namespace)
    for name, image in base.items(images) if images else ():
        target = base.below(image, b"target") if isinstance(image, Bucket) else None
        value = base.get(target, b"digest") if target else None
        names.put_image(namespace, _text(name), naming.link_digest(value if isinstance(value, bytes) else None))
    for digest, _blob in base.items(blobs) if blobs else ():
        if naming.link_digest(digest):
            names.put_blob(namespace, naming.link_digest(digest))


def _text(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")


def _exactly(stream: Stream, length: int) -> bytes:
    """So many bytes, or all that there are."""
    parts: list[bytes] = []
    while length > 0:
        buffer = memoryview(bytearray(min(length, 1 << 20)))
        count = stream.readinto(buffer) or 0
        if not count:
            break
        parts.append(bytes(buffer[:count]))
        length -= count
    return b"".join(parts)
