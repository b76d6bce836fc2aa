"""Unpacking images that tests put together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fixtures.layouts import Entry, Image, Index, Layer, Layout, tars
from ocivalidate.unpack import Unpacked, UnpackOptions, unpack_image

Entries = Sequence[Entry | bytes]


def image(*layers: Entries, compression: str = "gzip", **members: Any) -> Layout:
    """An image of these layers; ``members`` are those of its ``config``."""
    made = tuple(Layer(tars.tar(entries), compression) for entries in layers)
    config = {"config": {"Cmd": ["/bin/sh"], **members}}
    return Layout(Index((Image(made, config=config),)))


def unpack(layout: Layout, work: Path, **options: Any) -> Unpacked:
    """Write the image and unpack it to ``bundle``, both in the folder ``work``."""
    source = layout.write(work / "image")
    return unpack_image(str(source), str(work / "bundle"), UnpackOptions(**options))


def rootfs(work: Path) -> Path:
    """Where its root file system is."""
    return work / "bundle" / "rootfs"


def mine(entry: Entry) -> Entry:
    """The entry with an owner that the user who runs the tests can give."""
    return replace(entry, uid=os.geteuid(), gid=os.getegid())
