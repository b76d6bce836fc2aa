"""Options about the root filesystem and what is mounted into it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Self

from ocivalidate.generate import units
from ocivalidate.generate.draft import Draft
from ocivalidate.generate.errors import OptionError
from ocivalidate.generate.table import Arguments, option
from ocivalidate.generate.texts import settings
from ocivalidate.generate.tree import Tree
from ocivalidate.generate.units import Number
from ocivalidate.generate.values import boolean

# A drive or a network path of Windows has a backslash; without one, a colon always separates.
_SIDE = r"(?:[A-Za-z]:\\[^:]*|\\\\[^:]*|[^:]*)"
_VOLUME = re.compile(rf"({_SIDE}):({_SIDE}|[A-Za-z]:)(?::([^:]*))?")
_VOLUME_FORM = "SOURCE:DESTINATION[:OPTIONS]"
# Options of docker's -v that ask an engine to do something to the source before the container starts.
_FOR_ENGINES = {
    "z": "relabels files for SELinux",
    "Z": "relabels files for SELinux",
    "U": "changes the owner of files",
    "O": "makes an overlay",
    "nocopy": "is about volumes of an engine",
}
# The type of a mount that shows a folder of the host, where it is not bind.
_BIND_TYPES = {"freebsd": "nullfs", "solaris": "lofs"}
_OPPOSITES = {"exec": "noexec", "suid": "nosuid", "dev": "nodev"}
_TMPFS_DEFAULTS = ("nosuid", "nodev", "noexec")
_SYNONYMS = {"src": "source", "dst": "destination", "target": "destination", "ro": "readonly"}
_IDMAP = re.compile(r"(?:uids|gids)=[0-9-]+(?:#[0-9-]+)*")


def _read_volume(text: str) -> Arguments:
    match = _VOLUME.fullmatch(text)
    if match is None or not match[1] or not match[2]:
        raise OptionError(f"{text!r} is not of the form {_VOLUME_FORM}")
    return match[1], match[2], tuple(word for word in (match[3] or "").split(",") if word)


def _read_tmpfs(text: str) -> Arguments:
    destination, _colon, words = text.partition(":")
    return destination, tuple(word for word in words.split(",") if word)


def _read_mount(text: str) -> Arguments:
    """``type=bind,src=/a,dst=/b,ro`` as destination, type, source, options, uid mappings and gid mappings."""
    named: dict[str, str] = {"type": "bind"}
    options: list[str] = []
    mappings: dict[str, list[Tree]] = {}
    for word, value in settings(text):
        name = _SYNONYMS.get(word, word)
        if name in ("type", "source", "destination"):
            named[name] = value or ""
        elif name == "idmap" and value:
            mappings = _read_idmap(value)
            options.append("idmap")
        else:
            options += _mount_option(name, value, named["type"])
    if not named.get("destination"):
        raise OptionError(f"{text!r} has no dst=PATH")
    return (
        named["destination"],
        named["type"],
        named.get("source", ""),
        tuple(options),
        mappings.get("uids"),
        mappings.get("gids"),
    )


def _mount_option(name: str, value: str | None, kind: str) -> list[str]:
    if name == "readonly":
        return ["ro"] if value is None or boolean(value) else ["rw"]
    if name == "bind-propagation":
        return [value or ""]
    if name == "tmpfs-size":
        return [f"size={units.size(value or '')}"]
    if name == "tmpfs-mode":
        return [f"mode={units.octal(value or ''):04o}"]
    if value is not None and kind == "bind":
        raise OptionError(f"a bind mount takes no {name}={value}")
    if not name:
        raise OptionError("there is nothing between two commas")
    return [name if value is None else f"{name}={value}"]


def _read_idmap(text: str) -> dict[str, list[Tree]]:
    """``uids=0-100000-65536#...;gids=...``: ids in the container, ids on the host, how many."""
    mappings: dict[str, list[Tree]] = {}
    for side in text.split(";"):
        if not _IDMAP.fullmatch(side):
            raise OptionError(f"{text!r} is not of the form uids=CONTAINER-HOST-SIZE;gids=CONTAINER-HOST-SIZE")
        name, _equals, ranges = side.partition("=")
        mappings[name] = [_mapping(entry) for entry in ranges.split("#")]
    return mappings


def _mapping(text: str) -> Tree:
    numbers = [units.count(part) for part in text.split("-")]
    if len(numbers) != 3:
        raise OptionError(f"{text!r} is not of the form CONTAINER-HOST-SIZE")
    return dict(zip(("containerID", "hostID", "size"), numbers, strict=True))


class MountOptions(Draft):
    """``root`` and ``mounts``."""

    @option(
        "--rootfs", group="mounts", metavar="PATH", help="the root filesystem; relative to the bundle (default: rootfs)"
    )
    def rootfs(self, path: str) -> Self:
        """The root filesystem (``root.path``), relative to the bundle.

        On Windows a volume GUID path, which ends Hyper-V isolation.
        """
        if self._on("windows") and not self._on("linux"):
            self._drop("windows.hyperv")
        return self._put("root.path", path)

    @option("--read-only", group="mounts", help="the root filesystem cannot be written")
    def read_only(self, wanted: bool = True) -> Self:  # noqa: FBT001, FBT002  # the one thing that it says
        """Whether the root filesystem cannot be written."""
        return self._put("root.readonly", wanted)

    @option(
        "-v",
        "--volume",
        group="mounts",
        metavar=_VOLUME_FORM,
        reads=_read_volume,
        help="show a folder or file of the host: ./data:/data:ro; a relative source is in the bundle",
    )
    def volume(self, source: str, destination: str, options: Sequence[str] = ()) -> Self:
        """Show a folder or file of the host in the container.

        As in every config, a relative ``source`` is relative to the bundle.
        """
        for word in options:
            if word in _FOR_ENGINES:
                raise OptionError(
                    f"the option {word} {_FOR_ENGINES[word]}, which is work for an engine, not for a config"
                )
        return self.mount(destination, "bind", source, options)

    @option(
        "--mount",
        group="mounts",
        metavar="type=TYPE,...",
        reads=_read_mount,
        help="a mount of any kind: type=bind,src=/a,dst=/b,ro; type=tmpfs,dst=/t,tmpfs-size=64m; "
        "type=bind,src=/a,dst=/b,idmap=uids=0-1000-1;gids=0-1000-1",
    )
    def mount(
        self,
        destination: str,
        kind: str = "bind",
        source: str = "",
        options: Sequence[str] = (),
        uid_mappings: Sequence[Tree] | None = None,
        gid_mappings: Sequence[Tree] | None = None,
    ) -> Self:
        """A mount of any kind, in place of an earlier one at the same destination.

        The mappings are those of an idmapped mount: objects with ``containerID``, ``hostID`` and ``size``.
        """
        if kind == "volume":
            raise OptionError("volumes belong to an engine; type=bind shows a folder of the host")
        if not destination:
            raise OptionError("a mount needs a destination")
        entry: Tree = {"destination": destination, **self._kind(kind, source, list(options))}
        if uid_mappings or gid_mappings:
            # Who maps the users alone means the groups as well.
            entry |= {
                "uidMappings": list(uid_mappings or gid_mappings or ()),
                "gidMappings": list(gid_mappings or uid_mappings or ()),
            }
        return self._put_entry("mounts", entry, key="destination")

    def _kind(self, kind: str, source: str, options: list[str]) -> Tree:
        if kind != "bind":
            return {"type": kind, "source": source or kind} | ({"options": options} if options else {})
        if not source:
            raise OptionError("a bind mount needs a source")
        if self._on("linux"):
            words = options if {"bind", "rbind"} & set(options) else ["rbind", *options]
            return {"type": "bind", "source": source, "options": words}
        named = next(({"type": name} for platform, name in _BIND_TYPES.items() if self._on(platform)), {})
        return {**named, "source": source} | ({"options": options} if options else {})

    @option(
        "--tmpfs",
        group="mounts",
        metavar="PATH[:OPTIONS]",
        reads=_read_tmpfs,
        help="an empty filesystem in memory: /run:size=64m,mode=755",
    )
    def tmpfs(self, destination: str, options: Sequence[str] = ()) -> Self:
        """An empty filesystem in memory; nosuid, nodev and noexec unless ``options`` say suid, dev or exec."""
        lifted = {_OPPOSITES[word] for word in options if word in _OPPOSITES}
        words = [word for word in _TMPFS_DEFAULTS if word not in lifted and word not in options]
        return self.mount(destination, "tmpfs", "tmpfs", [*words, *options])

    @option("--shm-size", group="mounts", metavar="SIZE", help="the size of /dev/shm (default: 64m)")
    def shm_size(self, size: Number) -> Self:
        """The size of the mount at ``/dev/shm``."""
        for index, entry in enumerate(self._entries("mounts")):
            if isinstance(entry, dict) and entry.get("destination") == "/dev/shm":  # noqa: S108  # a path in the container
                options = self._entries(f"mounts[{index}].options")
                kept = [word for word in options if not str(word).startswith("size=")]
                return self._put(f"mounts[{index}].options", [*kept, f"size={units.size(size)}"])
        raise OptionError("there is no mount at /dev/shm")

    @option(
        "--no-mount",
        group="mounts",
        metavar="PATH",
        help="leave out the mount at a destination; all leaves out every one so far",
    )
    def no_mount(self, destination: str) -> Self:
        """Leave out the mount at a destination (``all``: every one so far)."""
        mounts = self._entries("mounts")
        kept = [
            entry
            for entry in mounts
            if destination != "all" and not (isinstance(entry, dict) and entry.get("destination") == destination)
        ]
        if len(kept) == len(mounts):
            raise OptionError(f"there is no mount at {destination}" if destination != "all" else "there are no mounts")
        return self._keep("mounts", kept)

    @option(
        "--rootfs-propagation",
        group="mounts",
        metavar="MODE",
        help="how mounts propagate between container and host: private, slave, shared, unbindable",
    )
    def rootfs_propagation(self, mode: str) -> Self:
        """How mounts propagate between the root of the container and the host."""
        return self._put("linux.rootfsPropagation", mode)
