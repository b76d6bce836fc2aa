"""All rules together, the paths that they need, and what no rule can see."""

from __future__ import annotations

import functools
import posixpath
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from ocivalidate.rules.declared import FUNCTIONS
from ocivalidate.runtime.judging import calls, capabilities, device_rules, files, mounting, outside, process, world
from ocivalidate.runtime.judging.judgements import FactContext, Judgement, property_of, unseen
from ocivalidate.runtime.judging.shapes import usable
from ocivalidate.runtime.properties import properties, property_clause

_RULES = (
    *process.RULES,
    *capabilities.RULES,
    *world.RULES,
    *files.RULES,
    *mounting.RULES,
    *calls.RULES,
    *device_rules.RULES,
    *outside.RULES,
)
_OUTSIDE = "cannot be seen from inside the container"
_EFFECT = "can only be seen by its effects"
# What a config may contain but no rule judges, why, and the facts of the host by which one does.
_UNSEEN: Mapping[str, tuple[str, str]] = {
    "/hooks": (_OUTSIDE, "hooks"),
    "/annotations": (_OUTSIDE, "state"),
    "/root/path": (_OUTSIDE, ""),
    "/linux/namespaces": ("whether a namespace is new or was joined cannot be seen from inside", "host"),
    "/linux/resources": ("control groups are judged from the host, by ocivalidate runtime", "groups"),
    "/linux/cgroupsPath": (_OUTSIDE, "groups"),
    "/linux/intelRdt": (_OUTSIDE, ""),
    "/linux/mountLabel": (_EFFECT, ""),
    "/linux/netDevices": ("judged from the host, by ocivalidate runtime", ""),
}
# Place in the config → the facts without which it cannot be judged.
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "/process/user": ("ids",),
    "/process/cwd": ("cwd",),
    "/process/env": ("environ",),
    "/process/args": ("argv",),
    "/process/terminal": ("tty",),
    "/process/consoleSize": ("tty",),
    "/process/noNewPrivileges": ("status",),
    "/process/capabilities": ("status", "ids"),
    "/process/rlimits": ("rlimits",),
    "/process/oomScoreAdj": ("oom-score-adj",),
    "/process/scheduler": ("scheduler",),
    "/process/ioPriority": ("ioprio",),
    "/hostname": ("uname",),
    "/domainname": ("uname",),
    "/mounts": ("mountinfo",),
    "/linux/uidMappings": ("idmaps",),
    "/linux/gidMappings": ("idmaps",),
    "/linux/seccomp": ("status",),
    "/linux/personality": ("personality",),
    "/linux/rootfsPropagation": ("mountinfo",),
    "/linux/memoryPolicy": ("mempolicy",),
    "/linux/namespaces": ("namespaces",),
}


def seen_from_host(pointer: str) -> bool:
    """Whether a place in the config is judged by what is seen from outside of the container, and by nothing else."""
    return not needed(pointer) and any(f"{pointer}/".startswith(f"{place}/") for place in _UNSEEN)


def judge(
    config: Mapping[str, Any], facts: Mapping[str, Any], release: str, *, grantable: Collection[str] | None = None
) -> list[Judgement]:
    """Judge what a probe saw against the config of its container.

    ``config`` has passed its schema; ``facts`` (as returned by ``Facts.looks``) may be anything. ``grantable``: the
    capabilities, without ``CAP_``, that a process there can have at all; ``None`` if unknown.
    """
    context = FactContext(config, usable(facts), release, grantable)
    found = [judgement for rule in _RULES for judgement in _judged_by(rule, context)]
    every = [*found, *_not_reported(context), *_not_seen(context)]
    return [judgement for judgement in every if _exists(property_of(judgement.pointer), release)]


def _judged_by(rule: Callable[[FactContext], Iterator[Judgement]], context: FactContext) -> Iterator[Judgement]:
    """The judgements of a rule; each must be on a clause that the rule declares."""
    for judgement in rule(context):
        clause = judgement.clause or property_clause(property_of(judgement.pointer))
        if judgement.held is not None and clause not in FUNCTIONS[rule]:
            raise AssertionError(f"{rule.__name__} does not declare {clause}")
        yield judgement


@functools.cache
def _exists(place: str, release: str) -> bool:
    """Whether a release has the property at a place of the config, or one below it."""
    leaves = [leaf for leaf in properties() if leaf.pointer == place or leaf.pointer.startswith(f"{place}/")]
    return not leaves or any(leaf.holds_in(release) for leaf in leaves)


def _not_reported(context: FactContext) -> Iterator[Judgement]:
    for pointer, looks in _NEEDED.items():
        absent = [look for look in looks if look not in context.facts]
        if absent and _has(context.config, pointer):
            yield unseen(pointer, f"the facts have no valid {', '.join(absent)}")


def _not_seen(context: FactContext) -> Iterator[Judgement]:
    for pointer, (reason, facts) in _UNSEEN.items():
        if facts not in context.facts and _has(context.config, pointer):
            yield unseen(pointer, reason)


def _has(config: Mapping[str, Any], pointer: str) -> bool:
    value: Any = config
    for token in pointer.split("/")[1:]:
        if not isinstance(value, Mapping) or token not in value:
            return False
        value = value[token]
    return True


def wanted_paths(config: Mapping[str, Any]) -> list[str]:
    """The paths that the probe must look at to judge this config."""
    linux = config.get("linux") or {}
    cwd = (config.get("process") or {}).get("cwd")
    destinations = [entry.get("destination") for entry in config.get("mounts") or ()]
    paths = [
        *([cwd] if cwd else []),
        *(posixpath.normpath("/" + str(path).lstrip("/")) for path in destinations),
        *(str(entry.get("path")) for entry in linux.get("devices") or ()),
        *(linux.get("maskedPaths") or ()),
        *(linux.get("readonlyPaths") or ()),
        *(world.sysctl_path(name) for name in linux.get("sysctl") or ()),
        *([world.TIME_OFFSETS] if linux.get("timeOffsets") else ()),
    ]
    return list(dict.fromkeys(paths))


def needed(pointer: str) -> tuple[str, ...]:
    """The steps of the probe that a place in the config is judged by; empty where that depends on the path."""
    return next((steps for place, steps in _NEEDED.items() if f"{pointer}/".startswith(f"{place}/")), ())
