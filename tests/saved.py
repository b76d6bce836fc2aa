"""Archives as ``docker save`` and those write them who write its form: crane, jib, kaniko, Bazel, Nix."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fixtures.layouts import Entry, tar, to_json
from fixtures.layouts.tars import compress

NAMES = ("Config", "RepoTags", "Layers")
ONE, TWO = tar([Entry("one", b"1\n")]), tar([Entry("two", b"2\n")])
NOTHING = tar([])


def sha256(data: bytes) -> str:
    """The hex digits of the digest."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Part:
    """A layer in an archive: its tar, the name of its file, and how that is compressed. ``there``: it is in it."""

    data: bytes = ONE
    name: str = "layer.tar"
    compression: str = "none"
    there: bool = True


@dataclass(frozen=True)
class Saved:
    """An image in an archive.

    ``named``: the name of the config, ``{}`` for its digest. ``config``: more members of it, ``entry`` of its row.
    """

    parts: Sequence[Part] = (Part(),)
    tags: Sequence[str] | None = ("app:latest",)
    named: str = "{}.json"
    config: Mapping[str, Any] = field(default_factory=dict)
    entry: Mapping[str, Any] = field(default_factory=dict)
    there: bool = True

    def document(self) -> bytes:
        """The config."""
        rootfs = {"type": "layers", "diff_ids": [f"sha256:{sha256(part.data)}" for part in self.parts]}
        return to_json(
            {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/one"]}, "rootfs": rootfs, **self.config}
        )

    @property
    def path(self) -> str:
        """Where the config stands."""
        return self.named.format(sha256(self.document()))

    def row(self, names: Sequence[str] = NAMES) -> dict[str, Any]:
        """The entry of manifest.json, its members named like this."""
        values = (self.path, self.tags, [part.name for part in self.parts])
        return {**dict(zip(names, values, strict=True)), **self.entry}

    def files(self) -> dict[str, bytes]:
        """Its files by path."""
        found = {part.name: compress(part.data, part.compression) for part in self.parts if part.there}
        return found | ({self.path: self.document()} if self.there else {})


def archive(
    *images: Saved,
    names: Sequence[str] = NAMES,
    more: Sequence[Entry | bytes] = (),
    manifest: Any = None,
    files: Mapping[str, bytes] | None = None,
) -> bytes:
    """An archive of images, with further entries and files; ``manifest`` replaces manifest.json."""
    found = {path: data for image in images for path, data in image.files().items()} | dict(files or {})
    written = [image.row(names) for image in images] if manifest is None else manifest
    found["manifest.json"] = written if isinstance(written, bytes) else to_json(written)
    return tar([*(Entry(path, data) for path, data in found.items()), *more])
