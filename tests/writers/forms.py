"""What a writer's form is in these tests: how it is made, and what may be said of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fixtures.layouts import Layout, digest, tar, to_json
from fixtures.layouts.tars import Entry, gzip

EPOCH = "1970-01-01T00:00:00Z"
Files = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Form:
    """A form in which a known tool writes images.

    ``make`` gives a layout, which is written as a folder, or the bytes of an archive. ``warns`` are the clauses under
    which it gets warnings all the same, each with the reason. ``incomplete``: not all of its blobs are there, and that
    is no fault. ``unpack`` are the options with which it is unpacked; none if it is not.
    """

    make: Callable[[], Layout | bytes]
    warns: Mapping[str, str] = field(default_factory=dict)
    incomplete: bool = False
    unpack: Sequence[str] | None = ()


def written(form: Form, folder: Path) -> Path:
    """Write the image below a folder; its path."""
    made = form.make()
    if isinstance(made, Layout):
        return made.write(folder / "image")
    (folder / "image.tar").write_bytes(made)
    return folder / "image.tar"


def files_tar(files: Mapping[str, bytes | Entry]) -> bytes:
    """An archive of files; an entry in the place of bytes stands as it is."""
    return tar(one if isinstance(one, Entry) else Entry(path, one) for path, one in files.items())


def config(layers: Sequence[bytes], **more: Any) -> bytes:
    """The config of an image with these tars as its layers."""
    return to_json(
        {
            "created": EPOCH,
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/usr/bin:/bin"], "Cmd": ["/bin/sh"]},
            "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
            **more,
        }
    )


def hexadecimal(data: bytes) -> str:
    """The digest of data without its algorithm."""
    return digest(data).partition(":")[2]


def reproducible(data: bytes) -> bytes:
    """A gzip stream as Java and Go write it when no time is to stand in it: no name, and system 0 or 255."""
    return gzip(data, header=b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x00")
