"""Options about the root filesystem and what is mounted into it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from ocivalidate.errors import OptionError
from ocivalidate.generate import units
from ocivalidate.generate.draft import Draft
from ocivalidate.generate.mount_forms import (
    ENGINE_TYPES,
    VOLUME_FORM,
    is_path,
    named_volume,
    read_mount,
    read_tmpfs,
    read_volume,
)
from ocivalidate.generate.mount_words import bind_options, kept, root_propagation, tmpfs_options
from ocivalidate.generate.table import Phase, option
from ocivalidate.generate.tree import Tree
from ocivalidate.generate.units import Number
from ocivalidate.system.arguments import StrPath, path_text

# The type of a mount that shows a folder of the host, where it is not bind.
_BIND_TYPES = {"freebsd": "nullfs", "solaris": "lofs"}
SHM = "/dev/shm"  # noqa: S108  # a path in the container
_SHM_OPTIONS = ("bind", "rprivate", "nosuid", "noexec", "nodev")
_WRITABLE = ("/run", "/tmp", "/var/tmp")  # noqa: S108  # paths in the container
# As podman has them: programs may run there, and what the image has there is there at first.
_WRITABLE_OPTIONS = ("exec", "tmpcopyup")


class MountOptions(Draft):
    """``root`` and ``mounts``."""

    _mounted: frozenset[str] = frozenset()
    _propagates = False

    @option(
        "--rootfs", group="mounts", metavar="PATH", help="the root filesystem; relative to the bundle (default: rootfs)"
    )
    def rootfs(self, path: StrPath) -> Self:
        """The root filesystem (``root.path``), relative to the bundle.

        On Windows a volume GUID path, which ends Hyper-V isolation.
        """
        if self._on("windows") and not self._on("linux"):
            self._drop("windows.hyperv")
        return self._put("root.path", path_text(path))

    @option("--read-only", group="mounts", help="make the root filesystem read-only")
    def read_only(self, wanted: bool = True) -> Self:  # noqa: FBT001, FBT002  # the one thing that it says
        """Whether make the root filesystem read-only."""
        return self._put("root.readonly", wanted)

    @option(
        "--read-only-tmpfs",
        group="mounts",
        phase=Phase.LATE,
        help="with --read-only, a tmpfs at /run, /tmp and /var/tmp, with what the image has there",
    )
    def read_only_tmpfs(self, wanted: bool = True) -> Self:  # noqa: FBT001, FBT002  # the one thing that it says
        """With a root that cannot be written: filesystems in memory at the three places where programs write."""
        taken = [entry.get("destination") for entry in self._objects("mounts")]
        if wanted and self._get("root.readonly") is True:
            for path in _WRITABLE:
                if path not in taken:
                    self.tmpfs(path, _WRITABLE_OPTIONS)
        return self

    @option(
        "-v",
        "--volume",
        group="mounts",
        metavar=VOLUME_FORM,
        reads=read_volume,
        help="bind-mount a folder or file of the host: ./data:/data:ro; a relative source is relative to the bundle",
    )
    def volume(
        self,
        source: StrPath,
        destination: str,
        options: Sequence[str] = (),
        uid_mappings: Sequence[Tree] | None = None,
        gid_mappings: Sequence[Tree] | None = None,
    ) -> Self:
        """Show a folder or file of the host in the container.

        As in every config, a relative ``source`` is relative to the bundle. As text it starts with a dot: to engines
        anything else is the name of a volume.
        """
        text = path_text(source, "source")
        if not isinstance(source, str) and not is_path(text):
            text = f"./{text}"
        if not is_path(text):
            raise OptionError(named_volume(text))
        return self.mount(destination, "bind", text, options, uid_mappings, gid_mappings)

    @option(
        "--mount",
        group="mounts",
        metavar="type=TYPE,...",
        reads=read_mount,
        help="a mount of any kind: type=bind,src=/a,dst=/b,ro; type=tmpfs,dst=/t,tmpfs-size=64m; "
        "type=bind,src=/a,dst=/b,idmap=uids=0-1000-1;gids=0-1000-1",
    )
    def mount(
        self,
        destination: str,
        kind: str = "bind",
        source: StrPath = "",
        options: Sequence[str] = (),
        uid_mappings: Sequence[Tree] | None = None,
        gid_mappings: Sequence[Tree] | None = None,
    ) -> Self:
        """A mount of any kind, in place of an earlier one at the same destination.

        The mappings are those of an idmapped mount: objects with ``containerID``, ``hostID`` and ``size``.
        """
        if kind in ENGINE_TYPES:
            raise OptionError(ENGINE_TYPES[kind])
        if not destination:
            raise OptionError("a mount needs a destination")
        entry: Tree = {"destination": destination, **self._kind(kind, path_text(source, "source"), options)}
        if uid_mappings or gid_mappings:
            # Mapping the users alone also means the groups.
            entry |= {
                "uidMappings": list(uid_mappings or gid_mappings or ()),
                "gidMappings": list(gid_mappings or uid_mappings or ()),
            }
        self._mounted |= {destination}
        return self._put_entry("mounts", entry, key="destination")

    def _kind(self, kind: str, source: str, options: Sequence[str]) -> Tree:
        if kind == "tmpfs":
            return {"type": kind, "source": source or kind, "options": tmpfs_options(options)}
        words = kept(options)
        if kind != "bind":
            return {"type": kind, "source": source or kind} | ({"options": words} if words else {})
        if not source:
            raise OptionError("a bind mount needs a source")
        if self._on("linux"):
            words = bind_options(options)
            self._let_through(words)
            return {"type": "bind", "source": source, "options": words}
        named = next(({"type": name} for platform, name in _BIND_TYPES.items() if self._on(platform)), {})
        return {**named, "source": source} | ({"options": words} if words else {})

    def _let_through(self, options: Sequence[str]) -> None:
        """A shared or slave mount below a root that is less would be neither."""
        wanted = root_propagation(options, self._get("linux.rootfsPropagation"))
        if wanted and not self._propagates:
            self._put("linux.rootfsPropagation", wanted)

    @option(
        "--tmpfs",
        group="mounts",
        metavar="PATH[:OPTIONS]",
        reads=read_tmpfs,
        help="mount an empty tmpfs: /run:size=64m,mode=755",
    )
    def tmpfs(self, destination: str, options: Sequence[str] = ()) -> Self:
        """An empty filesystem in memory; nosuid, nodev and noexec unless ``options`` say suid, dev or exec."""
        return self.mount(destination, "tmpfs", "tmpfs", options)

    def _share_shm(self) -> None:
        """Sharing the System V objects of the host means sharing its POSIX ones: they are files in /dev/shm."""
        if SHM not in self._mounted:
            entry = {"destination": SHM, "type": "bind", "source": SHM, "options": list(_SHM_OPTIONS)}
            self._put_entry("mounts", entry, key="destination")

    def _leave_out_shm(self) -> None:
        entries = self._entries("mounts")
        kept_mounts = [entry for entry in entries if not (isinstance(entry, dict) and entry.get("destination") == SHM)]
        if SHM not in self._mounted and len(kept_mounts) < len(entries):
            self._keep("mounts", kept_mounts)

    @option("--shm-size", group="mounts", metavar="SIZE", phase=Phase.LATE, help="the size of /dev/shm (default: 64m)")
    def shm_size(self, size: Number) -> Self:
        """The size of the mount at ``/dev/shm``."""
        for index, entry in enumerate(self._entries("mounts")):
            if isinstance(entry, dict) and entry.get("destination") == SHM:
                if entry.get("source") == SHM:
                    raise OptionError("the size of the host's /dev/shm cannot be set")
                options = self._entries(f"mounts[{index}].options")
                kept = [word for word in options if not str(word).startswith("size=")]
                return self._put(f"mounts[{index}].options", [*kept, f"size={units.size(size)}"])
        raise OptionError("there is no mount at /dev/shm")

    @option(
        "--no-mount",
        group="mounts",
        metavar="PATH",
        help="remove the mount at a destination; all removes every one so far",
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
        help="mount propagation between container and host: private, slave, shared, unbindable",
    )
    def rootfs_propagation(self, mode: str) -> Self:
        """How mounts propagate between the root of the container and the host."""
        self._propagates = True
        return self._put("linux.rootfsPropagation", mode)
