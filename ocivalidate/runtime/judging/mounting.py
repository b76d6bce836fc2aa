"""Rules on the options of mounts, and on how the root filesystem propagates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ocivalidate.rules.declared import judges
from ocivalidate.runtime.judging.judgements import FactContext, Judgement, compare, unseen
from ocivalidate.runtime.properties import APPLIES_CONFIG

Mount = Mapping[str, Any]

# Options that restrict, and the option that undoes each.
OPPOSITES = {
    "ro": "rw",
    "nosuid": "suid",
    "nodev": "dev",
    "noexec": "exec",
    "noatime": "atime",
    "nodiratime": "diratime",
    "nosymfollow": "symfollow",
}
PROPAGATION = ("private", "shared", "slave", "unbindable")
_BINDS = frozenset({"bind", "rbind"})
_TIMES = frozenset({"atime", "noatime", "relatime", "norelatime", "strictatime", "nostrictatime"})
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SIZE = re.compile(r"([0-9]{1,15})([kmg]?)")


def options(
    context: FactContext, pointer: str, place: str, entry: Mapping[str, Any], seen: Sequence[Mount]
) -> Iterator[Judgement]:
    """What the options of one mount ask for. ``seen``: the mount at its place, and then those below, of a bind."""
    asked: Sequence[str] = entry.get("options") or ()
    pointer = f"{pointer}/options"
    yield from _restrictions(pointer, place, asked, seen[0])
    yield from _recursive(pointer, asked, seen)
    yield from _undone(context, pointer, place, asked, seen[0])
    yield from _times(pointer, place, asked, seen[0])
    yield from _propagation(pointer, asked, seen)
    if entry.get("type") == "tmpfs" and not _BINDS & set(asked):
        yield from _data(context, pointer, place, asked, seen[0])


def _flags(mount: Mount) -> set[str]:
    return {*mount["options"], *(set(mount["super"]) & {"ro"})}


def last_of(asked: Sequence[str], *names: str) -> str | None:
    """The last of some options, which counts."""
    return next((option for option in reversed(asked) if option in names), None)


def _restrictions(pointer: str, place: str, asked: Sequence[str], top: Mount) -> Iterator[Judgement]:
    has = _flags(top)
    wanted = [name for name, opposite in OPPOSITES.items() if last_of(asked, name, opposite) == name]
    lacking = [name for name in wanted if name not in has]
    if wanted:
        message = f"the mount at {place} lacks {', '.join(lacking)}"
        yield Judgement(pointer, "", message, not lacking, got=sorted(has), want=wanted)


def _recursive(pointer: str, asked: Sequence[str], seen: Sequence[Mount]) -> Iterator[Judgement]:
    """Options with an r in front hold for what is mounted below too."""
    wanted = [name for name, opposite in OPPOSITES.items() if last_of(asked, f"r{name}", f"r{opposite}") == f"r{name}"]
    for mount in seen if wanted else ():
        lacking = [name for name in wanted if name not in _flags(mount)]
        message = f"the mount at {mount['point']} lacks {', '.join(lacking)}, which is asked for recursively"
        yield Judgement(pointer, "", message, not lacking, got=sorted(_flags(mount)), want=wanted)


def _undone(context: FactContext, pointer: str, place: str, asked: Sequence[str], top: Mount) -> Iterator[Judgement]:
    """What an option undoes is not there, also where the mount that is bound has it."""
    undone = [name for name, opposite in OPPOSITES.items() if last_of(asked, name, opposite) == opposite]
    if not undone:
        return
    if in_own_users(context):
        yield unseen(pointer, "in a user namespace the kernel keeps the restrictions of mounts of others")
        return
    left = [name for name in undone if name in _flags(top)]
    message = f"the mount at {place} has {', '.join(left)}, which its options undo"
    yield Judgement(pointer, "", message, not left, got=sorted(_flags(top)), want=[OPPOSITES[name] for name in undone])


def _times(pointer: str, place: str, asked: Sequence[str], top: Mount) -> Iterator[Judgement]:
    if [option for option in asked if option in _TIMES] == ["strictatime"]:
        weaker = sorted({"relatime", "noatime"} & _flags(top))
        yield compare(pointer, weaker, [], message=f"the mount at {place} is not strictatime")


def _propagation(pointer: str, asked: Sequence[str], seen: Sequence[Mount]) -> Iterator[Judgement]:
    word = last_of(asked, *PROPAGATION, *(f"r{name}" for name in PROPAGATION))
    if word is None:
        return
    name = word if word in PROPAGATION else word[1:]
    for mount in seen if name != word else seen[:1]:
        message = f"the mount at {mount['point']} is not {name}"
        yield compare(pointer, _as_asked(name, mount), name, message=message)


def _as_asked(name: str, mount: Mount) -> str:
    """The word for how a mount takes part in propagation; the one asked for where it is."""
    words = {field.partition(":")[0] for field in mount["propagation"]}
    if name == "slave" and not words & {"shared", "unbindable"}:
        # What had no master stays without one.
        return name
    if "shared" in words:
        return "shared"
    if "master" in words:
        return "slave"
    return "unbindable" if "unbindable" in words else "private"


def _data(context: FactContext, pointer: str, place: str, asked: Sequence[str], top: Mount) -> Iterator[Judgement]:
    """The options of a tmpfs."""
    told = dict(option.partition("=")[::2] for option in top["super"])
    given = dict(option.partition("=")[::2] for option in asked if "=" in option)
    for name in ("size", "nr_inodes", "uid", "gid"):
        if name not in given or (name in ("uid", "gid") and in_own_users(context)):
            continue
        got, want = _number(told.get(name, "0")), _number(given[name])
        if want is not None:
            yield compare(pointer, got, want, message=f"the tmpfs at {place} has another {name}")
    said = context.path(place)
    if re.fullmatch("[0-7]{1,5}", given.get("mode", "")) and said is not None and said.get("target"):
        got, want = said["target"]["mode"], int(given["mode"], 8)
        yield compare(pointer, f"{got:o}", f"{want:o}", message=f"the tmpfs at {place} has another mode")


def _number(text: str) -> int | None:
    match = _SIZE.fullmatch(text.lower())
    return int(match[1]) * _UNITS[match[2]] if match else None


def in_own_users(context: FactContext) -> bool:
    """Whether the container has a user namespace, new or joined."""
    return any(entry.get("type") == "user" for entry in context.section("linux").get("namespaces") or ())


@judges(APPLIES_CONFIG)
def root_propagation(context: FactContext) -> Iterator[Judgement]:
    """``linux.rootfsPropagation``, as mountinfo tells it of the root."""
    seen, word = context.facts.get("mountinfo"), context.section("linux").get("rootfsPropagation")
    top = next((mount for mount in reversed(seen or ()) if mount["point"] == "/"), None)
    if top is None or word not in PROPAGATION:
        return
    message = f"the root filesystem is not {word}"
    yield compare("/linux/rootfsPropagation", _as_asked(word, top), word, message=message)


@judges(APPLIES_CONFIG)
def bound(context: FactContext) -> Iterator[Judgement]:
    """The sources of mounts that bind: what is seen in the container is what the host of the probe says it is."""
    known: Mapping[str, Mount] = context.facts.get("sources") or {}
    every: Sequence[Mapping[str, Any]] = context.config.get("mounts") or ()
    last = {str(entry.get("destination")): number for number, entry in enumerate(every)}
    for number, entry in enumerate(every):
        source, said = known.get(str(entry.get("source"))), context.path(str(entry.get("destination")))
        if source is None or said is None or last[str(entry.get("destination"))] > number:
            continue
        node = said.get("target") or {}
        message = f"at {entry['destination']} there is something else than its source"
        yield compare(f"/mounts/{number}/source", node.get("inode"), source["inode"], message=message)
        yield from _mapped(f"/mounts/{number}", entry, source, node)


def _mapped(pointer: str, entry: Mapping[str, Any], source: Mount, node: Mapping[str, Any]) -> Iterator[Judgement]:
    """Owners, as the mappings of a mount with ``idmap`` have them."""
    if not {"idmap", "ridmap"} & set(entry.get("options") or ()):
        return
    for name in ("uid", "gid"):
        for ranges in entry.get(f"{name}Mappings") or ():
            offset = source[name] - ranges.get("containerID", 0)
            if 0 <= offset < ranges.get("size", 0):
                want, message = ranges["hostID"] + offset, f"the {name} is not mapped at {entry['destination']}"
                yield compare(f"{pointer}/{name}Mappings", node.get(name), want, message=message)


RULES = (root_propagation, bound)
