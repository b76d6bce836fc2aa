"""The shapes of facts. Facts of another shape are not judged: the document may come from anybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SETS = tuple(f"Cap{name}" for name in ("Inh", "Prm", "Eff", "Bnd", "Amb"))
_MOUNT = {
    "id": int,
    "parent": int,
    "root": str,
    "point": str,
    "options": [str],
    "propagation": [str],
    "type": str,
    "source": str,
    "super": [str],
}

# Step of the probe → its shape: a type, [shape of entries], {required member: shape}, or {str: shape of members}.
SHAPES: Mapping[str, Any] = {
    "affinity": [int],
    "argv": [str],
    "calls": [{"number": int, "arguments": [int]}],
    "opens": [{"path": str, "how": str}],
    "cwd": str,
    "environ": [str],
    "fds": {str: str},
    # Each kind may be missing, as may each line of status: a sandboxed kernel does not show all of them.
    "idmaps": {str: [[int]]},
    "groups": {"unified": bool, "paths": {str: str}, "files": {str: {str: str}}},
    "hooks": [{"kind": str, "number": int, "argv": [str], "environ": [str], "namespaces": {str: str}}],
    "host": {"namespaces": {str: str}, "joined": {str: str}},
    "ids": {"uids": [int], "gids": [int], "groups": [int], "umask": int, "pid": int},
    "ioprio": {"class": int, "priority": int},
    "label": str,
    "mempolicy": {"mode": int, "nodes": [int]},
    "mountinfo": [_MOUNT],
    "namespaces": {str: str},
    "oom-score-adj": int,
    "paths": {str: {"real": str}},
    "personality": int,
    "rlimits": {str: [int]},
    "sources": {str: {"inode": int, "uid": int, "gid": int}},
    "state": {"id": str, "bundle": str, "annotations": {str: str}},
    "scheduler": dict.fromkeys("policy flags nice priority runtime deadline period".split(), int),
    "status": {str: str},
    "tty": {"terminals": [int]},
    "uname": {"nodename": str, "domainname": str},
}
_NODE = {"kind": str, "mode": int, "uid": int, "gid": int, "major": int, "minor": int}
# What may be missing from the report on a path.
_OF_PATHS: Mapping[str, Any] = {
    "stat": _NODE,
    "target": _NODE,
    "link": str,
    "readonly": bool,
    "entries": [str],
    "text": str,
}


def fits(value: Any, shape: Any) -> bool:
    """Whether plain data has a shape."""
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(entry, shape[0]) for entry in value)
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return False
        if str in shape:
            return all(isinstance(name, str) and fits(member, shape[str]) for name, member in value.items())
        return all(name in value and fits(value[name], member) for name, member in shape.items())
    # In Python, bool is a subclass of int.
    return isinstance(value, shape) and (shape is bool or not isinstance(value, bool))


def usable(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that have the right shape."""
    kept = {
        name: facts[name]
        for name, shape in SHAPES.items()
        if name in facts and fits(facts[name], shape) and _sound(name, facts[name])
    }
    kept["paths"] = {path: said for path, said in kept.get("paths", {}).items() if _is_said(said)}
    return kept


def _is_said(said: Mapping[str, Any]) -> bool:
    return all(said.get(name) is None or fits(said[name], shape) for name, shape in _OF_PATHS.items())


def _sound(name: str, value: Any) -> bool:
    """What a shape cannot express: numbers of entries, digits."""
    if name == "ids":
        return len(value["uids"]) == len(value["gids"]) == 3
    if name == "status":
        return all(_is_mask(value[key]) for key in _SETS if key in value)
    if name == "rlimits":
        return all(len(limits) == 2 for limits in value.values())
    if name == "idmaps":
        return all(len(entry) == 3 for entries in value.values() for entry in entries)
    return True


def _is_mask(text: str) -> bool:
    try:
        return 0 <= int(text, 16) < 2**64
    except ValueError:
        return False
