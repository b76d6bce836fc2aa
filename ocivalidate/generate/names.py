"""Options about names, namespaces and id mappings."""

from __future__ import annotations

import re
from typing import Self

from ocivalidate.errors import OptionError
from ocivalidate.generate import units
from ocivalidate.generate.defaults import HOST_MQUEUE, HOST_PROC, HOST_SYS
from ocivalidate.generate.mounts import MountOptions
from ocivalidate.generate.table import Arguments, option
from ocivalidate.generate.texts import pair, parts

_SECONDS = re.compile(r"([-+]?[0-9]{1,18})(?:\.([0-9]{1,9}))?")
# The jail parameters that say what a namespace says on Linux.
_JAIL = {"network": "vnet", "uts": "host"}
_METAVAR = "private|host|ns:PATH"
# The file of a namespace below /proc/PID/ns, where it is not called as in the config.
_FILES = {"network": "net", "mount": "mnt"}
# Forms that only engines can resolve: ranges of ids that they allocate, and the calling user.
_ENGINE_USERS = {
    "auto": "allocates ids, which an engine keeps track of; --uidmap 0:100000:65536 names them",
    "keep-id": "maps the ids in /etc/subuid around your own; --uidmap 1000:1000:1 maps only yours",
    "nomap": "maps the ids in /etc/subuid; --uidmap 0:100000:65536 names them",
}


def _read_mapping(text: str) -> Arguments:
    container, host, *size = parts(text, 2, 3, "CONTAINER:HOST[:SIZE]")
    return container, host, *size


def _read_offset(text: str) -> Arguments:
    return pair(text, form="CLOCK=SECONDS")


# A namespace, the mount that shows it, and what shows that of the host.
_SHOWN = {
    "pid": ("/proc", "proc", HOST_PROC),
    "ipc": ("/dev/mqueue", "mqueue", HOST_MQUEUE),
    "network": ("/sys", "sysfs", HOST_SYS),
}


class NameOptions(MountOptions):
    """Host and domain name, ``linux.namespaces`` and its kin, id mappings, time offsets."""

    _mapped: frozenset[str] = frozenset()
    _named = False
    _new_users = False

    @option("-h", "--hostname", group="names", metavar="NAME", help="the hostname in the container")
    def hostname(self, name: str) -> Self:
        """The name that the container sees as its host's."""
        self._refuse_shared_names()
        self._named = True
        return self._put("hostname", name)

    @option("--domainname", group="names", metavar="NAME", help="the NIS domain name")
    def domainname(self, name: str) -> Self:
        """The NIS domain name."""
        self._refuse_shared_names()
        self._named = True
        return self._put("domainname", name)

    def _refuse_shared_names(self) -> None:
        if self._on("linux") and self._get("linux") is not None and self._get_namespace("uts") is None:
            raise OptionError(
                "a container in the host's UTS namespace cannot have its own names; --uts private gives it a namespace"
            )

    @option("--pid", group="names", metavar=_METAVAR, help="the pid namespace: a new one, the host's, or one at a path")
    def pid(self, which: str) -> Self:
        """The namespace of processes: ``private``, ``host`` or a path."""
        return self._namespace("pid", which)

    @option(
        "--ipc",
        group="names",
        metavar=_METAVAR,
        help="System V objects and message queues; host shows /dev/shm of the host, none has no /dev/shm",
    )
    def ipc(self, which: str) -> Self:
        """The namespace of System V objects and message queues, and the /dev/shm that belongs to it.

        ``host`` shows that of the host, ``none`` is ``private`` without one. A mount that an option makes at /dev/shm
        stays as it is.
        """
        self._namespace("ipc", "private" if which in ("none", "shareable") else which)
        if which == "host" and self._on("linux"):
            self._share_shm()
        if which == "none":
            self._leave_out_shm()
        return self

    @option("--uts", group="names", metavar=_METAVAR, help="the UTS namespace: host and domain name")
    def uts(self, which: str) -> Self:
        """The namespace of the UTS namespace: host and domain name."""
        if which == "host":
            if self._named:
                raise OptionError("a container in the host's UTS namespace cannot have its own names")
            # What a template has is gone with the namespace that it was for.
            for name in ("hostname", "domainname"):
                self._drop(name)
        return self._namespace("uts", which)

    @option(
        "--net",
        "--network",
        group="names",
        metavar=_METAVAR,
        help="the network namespace; private (or none) has only loopback",
    )
    def net(self, which: str) -> Self:
        """The network namespace; a new one (``private`` or ``none``) has loopback alone."""
        return self._namespace("network", "private" if which == "none" else which)

    @option("--userns", group="names", metavar=_METAVAR, help="the user namespace; a new one needs --uidmap")
    def userns(self, which: str) -> Self:
        """The user namespace; a new one needs mappings."""
        self._new_users = which == "private"
        if which == "host":
            for name in ("uidMappings", "gidMappings"):
                self._drop(f"linux.{name}")
        return self._namespace("user", which)

    @option("--cgroupns", group="names", metavar=_METAVAR, help="control groups")
    def cgroupns(self, which: str) -> Self:
        """The namespace of control groups."""
        return self._namespace("cgroup", which)

    @option("--timens", group="names", metavar=_METAVAR, help="clocks")
    def timens(self, which: str) -> Self:
        """The namespace of the monotonic and the boot clock."""
        return self._namespace("time", which)

    @option("--mountns", group="names", metavar=_METAVAR, help="mounts")
    def mountns(self, which: str) -> Self:
        """The namespace of mounts."""
        return self._namespace("mount", which)

    @option(
        "--time-offset",
        group="names",
        metavar="CLOCK=SECONDS",
        reads=_read_offset,
        help="offset the clock monotonic or boottime, in a new time namespace",
    )
    def time_offset(self, clock: str, seconds: float | str) -> Self:
        """Set a clock (``monotonic`` or ``boottime``) of a new time namespace forward or back."""
        match = _SECONDS.fullmatch(str(seconds))
        if clock not in ("monotonic", "boottime"):
            raise OptionError(f"unknown clock {clock!r}; known are monotonic, boottime")
        if match is None:
            raise OptionError(f"{seconds!r} is not a number of seconds")
        nanoseconds = int((match[2] or "").ljust(9, "0"))
        whole = int(match[1])
        if nanoseconds and match[1].startswith("-"):
            whole, nanoseconds = whole - 1, 1_000_000_000 - nanoseconds
        if self._get_namespace("time") is None:
            self._namespace("time", "private")
        return self._put(f"linux.timeOffsets.{clock}", {"secs": whole, "nanosecs": nanoseconds})

    @option(
        "--uidmap",
        group="names",
        metavar="CONTAINER:HOST[:SIZE]",
        reads=_read_mapping,
        help="map user ids in a new user namespace; without --gidmap, group ids likewise",
    )
    def uidmap(self, container: int | str, host: int | str, size: int | str = 1) -> Self:
        """Map user ids from ``container`` on to those from ``host`` on, ``size`` of them, in a new user namespace."""
        return self._map("uid", container, host, size)

    @option(
        "--gidmap",
        group="names",
        metavar="CONTAINER:HOST[:SIZE]",
        reads=_read_mapping,
        help="map group ids; without --uidmap, user ids likewise",
    )
    def gidmap(self, container: int | str, host: int | str, size: int | str = 1) -> Self:
        """Map group ids, likewise."""
        return self._map("gid", container, host, size)

    def _map(self, kind: str, container: int | str, host: int | str, size: int | str) -> Self:
        path = f"linux.{kind}Mappings"
        if kind not in self._mapped:
            # An existing mapping is a default, not a request.
            self._drop(path)
            self._mapped |= {kind}
        if self._get_namespace("user") is None:
            self._namespace("user", "private")
        entry = {"containerID": units.count(container), "hostID": units.count(host), "size": units.count(size)}
        self._put(f"{path}[+]", entry)
        other = "gid" if kind == "uid" else "uid"
        if other not in self._mapped:
            self._put(f"linux.{other}Mappings", list(self._entries(path)))
        return self

    def _refuse_unmapped_users(self) -> None:
        if self._new_users and self._section() == "linux" and not self._entries("linux.uidMappings"):
            raise OptionError("a new user namespace needs id mappings: --uidmap")

    def _fit_user_namespace(self) -> None:
        """A new user namespace mounts nothing that shows a namespace of the host, and has no groups but mapped ones."""
        users = self._get_namespace("user")
        if not self._on("linux") or not isinstance(users, dict) or users.get("path"):
            return
        for kind, (destination, shown, host) in _SHOWN.items():
            if self._get_namespace(kind) is not None:
                continue
            mounts = [host if _is(entry, destination, shown) else entry for entry in self._entries("mounts")]
            if mounts != self._entries("mounts"):
                # All that is below comes with it.
                below = ("/sys/fs/cgroup", "cgroup") if kind == "network" else ("", "")
                self._keep("mounts", [entry for entry in mounts if not _is(entry, *below)])
        for index, entry in enumerate(self._entries("mounts")):
            if _is(entry, "/dev/pts", "devpts"):
                found = self._entries(f"mounts[{index}].options")
                self._keep(f"mounts[{index}].options", [word for word in found if not self._has_no_group(str(word))])

    def _has_no_group(self, word: str) -> bool:
        name, _equals, gid = word.partition("=")
        ranges = [(entry.get("containerID", 0), entry.get("size", 0)) for entry in self._objects("linux.gidMappings")]
        return name == "gid" and gid.isdigit() and not any(low <= int(gid) < low + size for low, size in ranges)

    def _section(self) -> str:
        return "zos" if self._on("zos") and not self._on("linux") else "linux"

    def _get_namespace(self, kind: str) -> object:
        return next(
            (entry for entry in self._objects(f"{self._section()}.namespaces") if entry.get("type") == kind), None
        )

    def _namespace(self, kind: str, written: str) -> Self:
        which = written.removeprefix("ns:")
        if not which:
            # An empty value, as scripts pass it: engines use their default.
            return self
        if which not in ("private", "host") and not which.startswith("/"):
            by_path = written.startswith("ns:")
            raise OptionError(f"{which!r} is not an absolute path" if by_path else _not_ours(kind, which))
        if self._on("freebsd") and not self._on("linux") and kind in _JAIL and not which.startswith("/"):
            return self._put(f"freebsd.jail.{_JAIL[kind]}", "inherit" if which == "host" else "new")
        path = f"{self._section()}.namespaces"
        if which == "host":
            return self._keep(
                path,
                [entry for entry in self._entries(path) if not isinstance(entry, dict) or entry.get("type") != kind],
            )
        entry = {"type": kind} if which == "private" else {"type": kind, "path": which}
        return self._put_entry(path, entry, key="type")


def _is(entry: object, destination: str, kind: str) -> bool:
    return isinstance(entry, dict) and (entry.get("destination"), entry.get("type")) == (destination, kind)


def _not_ours(kind: str, which: str) -> str:
    """Why a form that engines know is refused, and what to write instead."""
    word = which.partition(":")[0]
    if word in ("container", "pod"):
        file = _FILES.get(kind, kind)
        return f"{word}s belong to an engine; ns:/proc/PID/ns/{file} joins the namespace of any process"
    if kind == "user" and word in _ENGINE_USERS:
        return f"{word} {_ENGINE_USERS[word]}"
    if kind == "network":
        return (
            f"the network {which!r} belongs to an engine; none has only loopback, host is that of the host, and "
            "ns:/run/netns/NAME is one made by ip netns"
        )
    return f"{which!r} is neither private, nor host, nor an absolute path"
