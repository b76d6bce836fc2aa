"""Where a bundle must not be made, and what it must not replace."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from ocivalidate.errors import UnpackError
from ocivalidate.image.layers.problems import shown
from ocivalidate.unpack import places


class Guards:
    """Protects the image, the working directory and mounts from a bundle at ``path``."""

    def __init__(self, path: str, source: str) -> None:
        self._path = path
        self._source = [found for found in map(places.named, _parts(source)) if found is not None]
        self._here = places.named(".")
        self._root = places.named("/")

    def around(self, folder: int) -> None:
        """Check a folder in which something will be made. Raises :class:`UnpackError`."""
        standing = places.place(folder)
        if any(standing.is_in(source) for source in self._source):
            raise UnpackError(f"{self._path}: the bundle would be inside the image itself")

    def replaced(self, folder: int, around: int) -> None:
        """Check an open folder that will be replaced and lies in ``around``. Raises :class:`UnpackError`."""
        standing = places.place(folder)
        for guarded, what in (
            *((source, "the image") for source in self._source),
            (self._root, "the root of the file system"),
            (self._here, "the working directory"),
        ):
            if guarded is not None and guarded.is_in(standing):
                raise UnpackError(f"{self._path}: cannot be replaced: it is or contains {what}")
        number = places.mount_id(folder)
        if number != places.mount_id(around) or os.fstat(folder).st_dev != os.fstat(around).st_dev:
            raise UnpackError(
                f"{self._path}: cannot be replaced: something is mounted there; name a directory inside it"
            )
        point = places.mounted_in(folder)
        if point is not None:
            raise UnpackError(f"{self._path}: cannot be replaced: something is mounted at {shown(os.fsencode(point))}")


def _parts(source: str) -> Iterator[str]:
    """The paths that make up an image: a layout may consist of links."""
    if source == "-":
        if _is_file(0):
            yield "/proc/self/fd/0"
        return
    yield source
    if os.path.isdir(source):
        yield from (os.path.join(source, name) for name in ("index.json", "oci-layout", "blobs"))
        try:
            yield from (os.path.join(source, "blobs", name) for name in sorted(os.listdir(f"{source}/blobs"))[:100])
        except OSError:
            return


def _is_file(descriptor: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return False
