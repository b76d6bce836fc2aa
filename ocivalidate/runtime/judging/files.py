"""Rules on the files of the container: root, mounts, devices, masked and read-only paths, defaults."""

from __future__ import annotations

import bisect
import itertools
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

from ocivalidate.rules.declared import judges
from ocivalidate.runtime.judging import mounting
from ocivalidate.runtime.judging.judgements import FactContext, Judgement, compare, not_looked, unseen
from ocivalidate.runtime.properties import APPLIES_CONFIG

READONLY = "runtime/config.root.readonly.enforced"
ORDER = "runtime/config.mounts.order"
AVAILABLE = "runtime/config-linux.devices.available"
MASKED = "runtime/config-linux.maskedPaths.masked"
PROTECTED = "runtime/config-linux.readonlyPaths.readonly"
DEVICES = "runtime/config-linux.default-devices"
FILESYSTEMS = "runtime/config-linux.default-filesystems"
SYMLINKS = "runtime/runtime-linux.dev-symlinks"

# config-linux.md, default devices: name → major, minor.
_DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
# runtime-linux.md, dev symbolic links.
_LINKS = {
    "/dev/fd": "/proc/self/fd",
    "/dev/stdin": "/proc/self/fd/0",
    "/dev/stdout": "/proc/self/fd/1",
    "/dev/stderr": "/proc/self/fd/2",
}
# config-linux.md, default filesystems.
_FILESYSTEMS = {"/proc": "proc", "/sys": "sysfs", "/dev/pts": "devpts", "/dev/shm": "tmpfs"}  # noqa: S108  # paths there
_KINDS = {"c": "char", "u": "char", "b": "block", "p": "fifo"}
_NULL = (1, 3)
# The kernel accepts no longer path (PATH_MAX), and nobody stacks so many mounts.
_LONGEST, _DEEPEST = 4096, 256

Mount = Mapping[str, Any]


@judges(APPLIES_CONFIG, READONLY)
def root(context: FactContext) -> Iterator[Judgement]:
    """``root.readonly``."""
    if "readonly" not in context.section("root"):
        return
    want, said = bool(context.section("root")["readonly"]), context.path("/")
    clause = READONLY if want else ""
    if said is None or said.get("readonly") is None:
        yield not_looked("/root/readonly", "/", clause=clause)
    else:
        message = f"the root file system is {'read-only' if said['readonly'] else 'writable'}"
        yield compare("/root/readonly", said["readonly"], want, clause=clause, message=message)


# -------------------------------------------------------------------------------------------------------------- mounts


@judges(APPLIES_CONFIG, ORDER)
def mounts(context: FactContext) -> Iterator[Judgement]:
    """Every mount exists, with its type and its restrictions, above the mounts listed before it."""
    seen: Sequence[Mount] | None = context.facts.get("mountinfo")
    asked: Sequence[Mapping[str, Any]] = context.config.get("mounts") or ()
    if seen is None:
        return
    places = [_place(entry, context) for entry in asked]
    last = {place: number for number, place in enumerate(places)}
    earlier: dict[str, int] = {}
    mounted = _Mounted.of(seen)
    for number, (entry, place) in enumerate(zip(asked, places, strict=True)):
        # Of several mounts at one place, the last covers the others.
        covered = last[place] > number
        here = mounted.at.get(place, ())
        if not here or covered:
            yield from _not_on_top(number, place, covered=bool(here), certain=_is_certain(entry, context))
        else:
            # What is bound with its mounts has them below, but for what the config mounts there itself.
            others = (
                (mount for mount in mounted.below(place) if mount["point"] not in last) if _binds_all(entry) else ()
            )
            yield from _judge_mount(context, number, entry, place, [here[-1], *others])
        if here and not covered:
            # A later mount that covers one of them is not a parent of this one.
            below = {other: at for other, at in _around(place, earlier) if last[other] <= number}
            yield from _judge_order(number, place, below, mounted)
        earlier[place] = number


class _Mounted(NamedTuple):
    """The mounts, by place (each list in the kernel's order) and by mount ID."""

    at: Mapping[str, Sequence[Mount]]
    by_id: Mapping[int, Mount]
    points: Sequence[str]

    @classmethod
    def of(cls, seen: Sequence[Mount]) -> Self:
        """Index the mounts that the probe saw."""
        at: dict[str, list[Mount]] = {}
        for mount in seen:
            at.setdefault(mount["point"], []).append(mount)
        return cls(at, {mount["id"]: mount for mount in seen}, sorted(at))

    def below(self, place: str) -> Iterator[Mount]:
        """The mounts on top at places below another; of very many the first."""
        start = place.rstrip("/") + "/"
        first = bisect.bisect(self.points, start)
        some = itertools.islice(self.points, first, first + _DEEPEST)
        return (self.at[point][-1] for point in itertools.takewhile(lambda point: point.startswith(start), some))

    def places_below(self, mount: Mount) -> set[str] | None:
        """The places of the parents of a mount, up to the root; ``None`` if there are too many."""
        found: set[str] = set()
        for _ in range(_DEEPEST):
            parent = self.by_id.get(mount["parent"])
            if parent is None or parent is mount:
                return found
            found.add(parent["point"])
            mount = parent
        return None


def _around(place: str, among: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """The entries of ``among`` for a place itself and for the directories above it."""
    at = len(place) if len(place) <= _LONGEST else 0
    while at > 0:
        if place[:at] in among:
            yield place[:at], among[place[:at]]
        at = place.rfind("/", 0, at)
    if "/" in among and place != "/":
        yield "/", among["/"]


def _place(entry: Mapping[str, Any], context: FactContext) -> str:
    """Where a mount ends up: its destination, with links resolved if the probe resolved them."""
    destination = posixpath.normpath("/" + str(entry.get("destination", "")).lstrip("/"))
    said = context.path(destination)
    return str(said["real"]) if said else destination


def _is_certain(entry: Mapping[str, Any], context: FactContext) -> bool:
    return context.path(posixpath.normpath("/" + str(entry.get("destination", "")).lstrip("/"))) is not None


def _binds_all(entry: Mapping[str, Any]) -> bool:
    return "rbind" in (entry.get("options") or ())


def _not_on_top(number: int, place: str, *, covered: bool, certain: bool) -> Iterator[Judgement]:
    """The judgements on a mount that is not there, or that cannot be seen."""
    pointer = f"/mounts/{number}"
    if covered:
        yield unseen(pointer, "a later mount covers it")
    elif certain:
        yield compare(f"{pointer}/destination", "no mount", place, message=f"nothing is mounted at {place}")
    else:
        yield unseen(f"{pointer}/destination", f"the probe did not resolve {place}")


def _judge_mount(
    context: FactContext, number: int, entry: Mapping[str, Any], place: str, seen: Sequence[Mount]
) -> Iterator[Judgement]:
    """``seen``: the mount on top at its place, and those below that belong to it."""
    pointer, options = f"/mounts/{number}", entry.get("options") or ()
    yield compare(f"{pointer}/destination", place, place)
    top, *below = seen
    kind = entry.get("type")
    if kind == "cgroup":
        # In version 1, a directory with all hierarchies below it.
        return
    if kind and not {"bind", "rbind"} & set(options):
        yield compare(
            f"{pointer}/type", top["type"], kind, message=f"the mount at {place} has the wrong file system type"
        )
    yield from mounting.options(context, pointer, place, entry, [top, *below])


def _judge_order(number: int, place: str, below: Mapping[str, int], mounted: _Mounted) -> Iterator[Judgement]:
    """A mount on or below an earlier one has it among its parents; mounted in another order, it would be hidden."""
    listed = sorted((at, other) for other, at in below.items() if other in mounted.at)
    found = mounted.places_below(mounted.at[place][-1]) if listed else set()
    if found is None:
        yield unseen(f"/mounts/{number}", f"more than {_DEEPEST} mounts are stacked there", clause=ORDER)
        return
    for at, other in listed:
        message = f"the mount at {place} is not above the mount at {other}, which is listed before it"
        yield Judgement(f"/mounts/{number}", ORDER, message, other in found, got=place, want=f"above mounts/{at}")


# ------------------------------------------------------------------------------------------------------------- devices


@judges(APPLIES_CONFIG, AVAILABLE)
def devices(context: FactContext) -> Iterator[Judgement]:
    """``linux.devices``."""
    for number, entry in enumerate(context.section("linux").get("devices") or ()):
        pointer, path = f"/linux/devices/{number}", str(entry.get("path"))
        said = context.path(path)
        if said is None:
            yield not_looked(pointer, path, clause=AVAILABLE)
            continue
        node = said.get("stat")
        kind = _KINDS.get(str(entry.get("type")))
        yield compare(
            f"{pointer}/type",
            node and node["kind"],
            kind,
            clause=AVAILABLE,
            message=f"{path} is not the device that linux.devices asks for",
        )
        if node:
            yield from _judge_node(pointer, path, entry, node)


def _judge_node(pointer: str, path: str, entry: Mapping[str, Any], node: Mapping[str, Any]) -> Iterator[Judgement]:
    names = {"major": "major", "minor": "minor"} if entry.get("type") != "p" else {}
    for name, kept in {**names, "fileMode": "mode", "uid": "uid", "gid": "gid"}.items():
        if name in entry:
            want = entry[name] & 0o7777 if name == "fileMode" and isinstance(entry[name], int) else entry[name]
            yield compare(f"{pointer}/{name}", node[kept], want, message=f"{path} has the wrong {name}")


# ------------------------------------------------------------------------------------------- masked and protected paths


@judges(MASKED)
def masked(context: FactContext) -> Iterator[Judgement]:
    """``linux.maskedPaths``: nothing can be read there."""
    for number, path in enumerate(context.section("linux").get("maskedPaths") or ()):
        said = context.path(path)
        if said is None:
            yield not_looked(f"/linux/maskedPaths/{number}", path, clause=MASKED)
            continue
        message = f"{path} can be read"
        got = _readable(said)
        yield compare(f"/linux/maskedPaths/{number}", got, "", clause=MASKED, message=message)


def _readable(said: Mapping[str, Any]) -> str:
    """What can be read at a path; empty if nothing."""
    node = said.get("target")
    if not node:
        return ""
    if node["kind"] in ("file", "dir"):
        return ", ".join(said.get("entries") or ()) or (said.get("text") or "")[:80]
    is_null = node["kind"] == "char" and (node["major"], node["minor"]) == _NULL
    return "" if is_null else f"{node['kind']} {node['major']}:{node['minor']}"


@judges(PROTECTED)
def protected(context: FactContext) -> Iterator[Judgement]:
    """``linux.readonlyPaths``: nothing can be written there."""
    for number, path in enumerate(context.section("linux").get("readonlyPaths") or ()):
        pointer, said = f"/linux/readonlyPaths/{number}", context.path(path)
        if said is None:
            yield not_looked(pointer, path, clause=PROTECTED)
        elif not said.get("target"):
            yield unseen(pointer, f"there is no {path}", clause=PROTECTED)
        else:
            yield compare(pointer, said.get("readonly"), True, clause=PROTECTED, message=f"{path} can be written")


# ------------------------------------------------------------------------------------------------------------ defaults


@judges(DEVICES, "runtime/config-linux.default-devices.ptmx")
def default_devices(context: FactContext) -> Iterator[Judgement]:
    """The default devices, which every container has."""
    if not context.config.get("linux"):
        return
    taken = {entry.get("path") for entry in context.section("linux").get("devices") or ()}
    for name, numbers in _DEVICES.items():
        path = f"/dev/{name}"
        said = context.path(path)
        if said is not None and path not in taken:
            node = said.get("target")
            got = [node["kind"], node["major"], node["minor"]] if node else None
            yield compare("", got, ["char", *numbers], clause=DEVICES, message=f"{path} is not the default device")
    said = context.path("/dev/ptmx")
    if said is not None:
        message = "/dev/ptmx is neither a link to /dev/pts/ptmx nor a bind mount of it"
        yield compare(
            "", _leads_to_ptmx(said, context), True, clause="runtime/config-linux.default-devices.ptmx", message=message
        )


def _leads_to_ptmx(said: Mapping[str, Any], context: FactContext) -> bool:
    bound = [mount for mount in context.facts.get("mountinfo", ()) if mount["point"] == "/dev/ptmx"]
    return said["real"] == "/dev/pts/ptmx" or any(mount["root"] == "/ptmx" for mount in bound)


@judges(SYMLINKS)
def default_links(context: FactContext) -> Iterator[Judgement]:
    """The links in ``/dev`` that every container has, if their targets exist."""
    if not context.config.get("linux"):
        return
    for path, want in _LINKS.items():
        said = context.path(path)
        if said is not None:
            yield compare(
                "", said.get("link"), want, clause=SYMLINKS, message=f"{path} is not a symbolic link to {want}"
            )


@judges(FILESYSTEMS)
def default_filesystems(context: FactContext) -> Iterator[Judgement]:
    """The file systems that every container has."""
    seen = context.facts.get("mountinfo")
    if seen is None or not context.config.get("linux"):
        return
    for place, want in _FILESYSTEMS.items():
        kinds = [mount["type"] for mount in seen if mount["point"] == place]
        got = kinds[-1] if kinds else None
        yield compare("", got, want, clause=FILESYSTEMS, message=f"{place} is not a mount of type {want}")


RULES = (root, mounts, devices, masked, protected, default_devices, default_links, default_filesystems)
