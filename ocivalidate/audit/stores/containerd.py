"""containerd's content store: ``blobs/ALGORITHM/HEX``, and in ``ingest`` what is being written.

What names the blobs, images by namespace, is in ``io.containerd.metadata.v1.bolt/meta.db`` beside it. Without that, as
for a copy of the content store alone, only the blobs themselves can be judged.
"""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.audit.store import Upload
from ocivalidate.audit.stores.bare import BareStore
from ocivalidate.audit.stores.files import Files, join
from ocivalidate.audit.stores.uploads import left_behind
from ocivalidate.image.sources.source import BLOBS


class ContainerdStore(BareStore):
    """A content store. ``base``: where it is in the storage."""

    form = "containerd"

    def __init__(self, files: Files, base: str = "") -> None:
        super().__init__(files, join(base, BLOBS))
        self._ingest = join(base, "ingest")

    def uploads(self) -> Iterator[Upload]:
        """Content that was being written."""
        return left_behind(self.files, self._ingest)
