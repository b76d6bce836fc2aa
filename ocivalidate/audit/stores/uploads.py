"""Uploads that were neither finished nor given up: how many bytes they hold, and since when."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ocivalidate.audit.store import Upload
from ocivalidate.audit.stores import naming
from ocivalidate.audit.stores.files import FILE, Files, join, pieces, read
from ocivalidate.image.sources.litter import is_litter

# A file in which distribution and containerd write when an upload began.
_STARTED = "startedat"
_LONGEST_TIME = 64


def left_behind(files: Files, folder: str) -> Iterator[Upload]:
    """The uploads in a folder, each one a folder of its own, or a file."""
    for identity, entries in pieces(files.walk(folder), folder, 1, files=True):
        if not identity or is_litter(identity):
            continue
        path, size, latest, started = join(folder, identity), 0, 0.0, 0.0
        for entry in entries:
            latest = max(latest, entry.modified)
            if entry.name == _STARTED and entry.kind == FILE:
                started = naming.seconds(read(files, entry.path, _LONGEST_TIME))
            else:
                size += entry.size
        yield Upload(path, size, max(0.0, time.time() - (started or latest)) if started or latest else -1)
