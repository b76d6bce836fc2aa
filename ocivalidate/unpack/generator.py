"""Where a runtime configuration starts, and what is done to it once the image has had its say."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ocivalidate.generate.builder import ConfigBuilder, Finished
from ocivalidate.generate.errors import OptionError
from ocivalidate.unpack.attributes import IdRange
from ocivalidate.unpack.errors import UnpackError

Tree = dict[str, Any]
Start = Callable[[str, bool], ConfigBuilder]
Change = Callable[[ConfigBuilder], object]


def default_start(platform: str, rootless: bool) -> ConfigBuilder:  # noqa: FBT001  # one of two arguments, both plain
    """The defaults of ``oci-gen`` for a platform."""
    return ConfigBuilder.start(platform, rootless=rootless)


def unchanged(_builder: ConfigBuilder) -> None:
    """No options."""


@dataclass(frozen=True, slots=True)
class Generator:
    """``start`` gives the configuration that the image is put into, by platform and whether it is for no root.

    ``change`` is what the caller wants on top of what the image says; ``spec_version`` the release to write for, where
    it matters.
    """

    start: Start = default_start
    change: Change = unchanged
    spec_version: str | None = None

    def begin(self, platform: str, *, rootless: bool) -> Tree:
        """The starting document. Raises :class:`UnpackError`."""
        try:
            builder = self.start(platform, rootless and platform == "linux")
            tree = builder.finish().tree
            if builder.get("ociVersion") is None:
                # What follows may need a newer release; in the end the oldest is named that has it all.
                del tree["ociVersion"]
            return tree
        except OptionError as problem:
            raise UnpackError(str(problem)) from problem

    def finish(self, tree: Tree) -> Finished:
        """The configuration as it will be written, judged. Raises :class:`UnpackError`."""
        try:
            builder = ConfigBuilder.template(tree, spec_version=self.spec_version)
            self.change(builder)
            return builder.finish()
        except OptionError as problem:
            raise UnpackError(str(problem)) from problem


def map_ids(tree: Tree, uids: tuple[IdRange, ...], gids: tuple[IdRange, ...]) -> None:
    """Have a container run in a user namespace with these ids."""
    linux = tree.setdefault("linux", {})
    namespaces = linux.setdefault("namespaces", [])
    if not any(entry.get("type") == "user" for entry in namespaces):
        namespaces.append({"type": "user"})
    for name, ranges in (("uidMappings", uids), ("gidMappings", gids)):
        if ranges:
            linux[name] = [{"containerID": inside, "hostID": outside, "size": size} for inside, outside, size in ranges]


def own_ids() -> tuple[tuple[IdRange, ...], tuple[IdRange, ...]]:
    """Root inside is we outside, and there is nobody else."""
    return (IdRange(0, os.geteuid(), 1),), (IdRange(0, os.getegid(), 1),)
