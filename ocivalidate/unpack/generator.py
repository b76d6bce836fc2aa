"""Where a runtime configuration starts, and what is done to it once the image has had its say."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ocivalidate.errors import OptionError, UnpackError
from ocivalidate.generate.builder import ConfigBuilder, Finished
from ocivalidate.unpack.attributes import IdRange

Tree = dict[str, Any]
_MAPPING = ("containerID", "hostID", "size")
Start = Callable[[str, bool], ConfigBuilder]
Change = Callable[[ConfigBuilder], object]


def default_start(platform: str, rootless: bool) -> ConfigBuilder:  # noqa: FBT001  # one of two arguments, both plain
    """The defaults of ``oci-gen`` for a platform."""
    return ConfigBuilder.start(platform, rootless=rootless)


def unchanged(_builder: ConfigBuilder) -> None:
    """No options."""


@dataclass(frozen=True, slots=True)
class ConfigSteps:
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


def leave_out_groups(tree: Tree, gids: tuple[IdRange, ...]) -> Iterator[str]:
    """Take out the additional groups that are nobody in the user namespace: no runtime can set them."""
    user = tree.get("process", {}).get("user", {})
    groups = user.get("additionalGids", [])
    kept = [gid for gid in groups if not gids or any(_has(found, gid) for found in gids)]
    if kept != groups:
        yield f"additional groups are left out, because they are not mapped: {sorted(set(groups) - set(kept))}"
        del user["additionalGids"]
        if kept:
            user["additionalGids"] = kept


def unmapped(tree: Tree) -> Iterator[str]:
    """Say that the process is to be somebody who is nobody in its user namespace."""
    user, linux = tree.get("process", {}).get("user", {}), tree.get("linux", {})
    for what in ("uid", "gid"):
        ranges = [IdRange(*(entry[key] for key in _MAPPING)) for entry in linux.get(f"{what}Mappings", ())]
        number = user.get(what, 0)
        if ranges and not any(_has(found, number) for found in ranges):
            hint = f"--{what}-map or -- --user 0:0"
            yield f"the {what} {number} of the process is not mapped: it cannot run without {hint}"


def _has(found: IdRange, number: int) -> bool:
    return found.inside <= number < found.inside + found.size


def own_ids() -> tuple[tuple[IdRange, ...], tuple[IdRange, ...]]:
    """Root inside is we outside, and there is nobody else."""
    return (IdRange(0, os.geteuid(), 1),), (IdRange(0, os.getegid(), 1),)
