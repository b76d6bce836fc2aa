"""The runtime configuration that conversion starts from, and what is changed after the image is applied."""

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
    """``start`` gives the configuration to put the image into, by platform and whether it is rootless.

    ``change`` applies what the caller wants on top of the image; ``spec_version``: the release to write for, if that
    matters.
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
                # Later steps may need a newer release; the end names the oldest one that has everything.
                del tree["ociVersion"]
            return tree
        except OptionError as problem:
            raise UnpackError(str(problem)) from problem

    def finish(self, tree: Tree) -> Finished:
        """The configuration as it will be written, and its verdict. Raises :class:`UnpackError`."""
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
    """Remove the additional groups that the user namespace does not map: no runtime can set them."""
    user = tree.get("process", {}).get("user", {})
    groups = user.get("additionalGids", [])
    kept = [gid for gid in groups if not gids or any(_has(found, gid) for found in gids)]
    if kept != groups:
        yield f"additional groups are left out, because they are not mapped: {sorted(set(groups) - set(kept))}"
        del user["additionalGids"]
        if kept:
            user["additionalGids"] = kept


def unmapped(tree: Tree) -> Iterator[str]:
    """Note that the user of the process is not mapped in its user namespace."""
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
    """Map root inside to the calling user outside, and no other id."""
    return (IdRange(0, os.geteuid(), 1),), (IdRange(0, os.getegid(), 1),)
