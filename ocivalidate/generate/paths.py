"""Paths to the members of a config: ``linux.resources.cpu.quota``, ``mounts[0].options``, ``annotations["a.b"]``.

The schema says which paths there are, so every field of the specification has one. Array entries are ``[0]``, ``[-1]``
(the last one) and ``[+]`` (a new one). In an object whose names are free and whose values are texts, what follows is
the name as a whole: ``linux.sysctl.net.ipv4.ip_forward``. JSON pointers (``/process/cwd``) are paths too.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ocivalidate.errors import OptionError
from ocivalidate.jsontext.pointers import parse_pointer

KIND = "runtime-config"
LONGEST = 4096

Node = dict[str, Any]
Step = str | int | None
"""A member name, the index of an array entry, or ``None`` for a new entry at the end."""

_NAME = re.compile(r"[^.\[\]\"=/]+")
_QUOTED = re.compile(r'\["(?:[^"\\\x00-\x1f]|\\.)*"\]')
_INDEX = re.compile(r"\[(\+|-1|[0-9]{1,6})?\]")
_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")
_SCALARS = ("string", "integer", "number", "boolean")


class Place(NamedTuple):
    """Where a path leads. ``nodes[i]`` is the schema node of what ``steps[: i + 1]`` lead to."""

    steps: tuple[Step, ...]
    nodes: tuple[Node, ...]

    @property
    def node(self) -> Node:
        """The schema node of the target, with ``x-clause``, ``x-since`` and ``x-until``."""
        return self.nodes[-1]

    @property
    def text(self) -> str:
        """The path in its usual form."""
        return said(self.steps)


def root() -> Node:
    """The schema of all releases together."""
    from ocivalidate.rules.schema import everything  # --help has no use for it

    return everything(KIND)


def said(steps: tuple[Step, ...]) -> str:
    """How a place is called in messages."""
    text = ""
    for step in steps:
        if step is None:
            text += "[+]"
        elif isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step)}]"
    return text


def child(node: Node, step: Step) -> Node | None:
    """The schema node below ``node``; an object that takes anything is itself the node of all below it."""
    if not isinstance(step, str):
        found = node.get("items")
    else:
        found = node.get("properties", {}).get(step, node.get("additionalProperties"))
    if found is None and node.get("x-open"):
        return {"x-clause": node["x-clause"], "x-open": True}
    return found if isinstance(found, dict) else None


def resolve(text: str) -> Place:
    """Read a path. Raises :class:`OptionError`, which names the nearest path there is."""
    place, rest = _read(text)
    if rest:
        raise OptionError(f"{text!r} is not a path: cannot read {rest!r}")
    return place


def resolve_assignment(text: str) -> tuple[Place, str]:
    """Read ``PATH=VALUE``. Raises :class:`OptionError`."""
    place, rest = _read(text)
    if not rest.startswith("="):
        raise OptionError(f"{text!r} is not of the form PATH=VALUE")
    return place, rest[1:]


def _read(text: str) -> tuple[Place, str]:
    if text.startswith("/"):
        pointer, equals, value = text.partition("=")
        return _from_pointer(pointer), equals + value
    steps: list[Step] = []
    nodes = [root()]
    rest = text
    while rest and not rest.startswith("=") and len(steps) < LONGEST:
        step, rest = _step(text, rest, nodes[-1], first=not steps)
        found = child(nodes[-1], step)
        if found is None:
            raise OptionError(_unknown(steps, step, nodes[-1], text))
        steps.append(step)
        nodes.append(found)
    if not steps:
        raise OptionError(f"{text!r} does not start with a path")
    return Place(tuple(steps), tuple(nodes[1:])), rest


def _step(text: str, rest: str, node: Node, *, first: bool) -> tuple[Step, str]:
    index = _INDEX.match(rest)
    if index:
        written = index[1]
        return (None if written in (None, "+") else int(written)), rest[index.end() :]
    quoted = _QUOTED.match(rest)
    if quoted:
        try:
            return str(json.loads(quoted[0][1:-1])), rest[quoted.end() :]
        except ValueError:
            raise OptionError(f"{text!r} is not a path: {quoted[0][1:-1]} is not a JSON string") from None
    if not first:
        if not rest.startswith("."):
            raise OptionError(f"{text!r} is not a path: expected a dot before {rest!r}")
        rest = rest[1:]
    if _has_free_names(node):
        name, equals, value = rest.partition("=")
        if name:
            return name, equals + value
    name_match = _NAME.match(rest)
    if name_match is None:
        raise OptionError(f"{text!r} is not a path: expected a name before {rest!r}")
    return name_match[0], rest[name_match.end() :]


def _has_free_names(node: Node) -> bool:
    """Whether names may hold dots: nothing can follow the value of such a member."""
    values = node.get("additionalProperties")
    return isinstance(values, dict) and values.get("type") in _SCALARS


def _from_pointer(pointer: str) -> Place:
    try:
        tokens = parse_pointer(pointer)
    except ValueError as problem:
        raise OptionError(f"{pointer!r} is not a path: {problem}") from None
    steps: list[Step] = []
    nodes = [root()]
    for token in tokens:
        step = _pointer_step(token) if nodes[-1].get("type") == "array" else token
        found = child(nodes[-1], step)
        if found is None:
            raise OptionError(_unknown(steps, step, nodes[-1], pointer))
        steps.append(step)
        nodes.append(found)
    return Place(tuple(steps), tuple(nodes[1:]))


def _pointer_step(token: str) -> Step:
    """``-`` is the entry after the last one (RFC 6901)."""
    if token == "-":
        return None
    if not re.fullmatch("[0-9]{1,6}", token):
        raise OptionError(f"{token!r} is not the index of an array entry")
    return int(token)


# --- What the schema has


class Field(NamedTuple):
    """One settable path in general form (``mounts[].type``, ``linux.sysctl.*``), with its schema node.

    ``since`` and ``until``: the first and last release that have it (``None``: no bound).
    """

    path: str
    node: Node
    since: str | None
    until: str | None


def fields() -> Iterator[Field]:
    """Every path of every release, in the order of the specification."""
    yield from _below(root(), "", None, None)


def _below(node: Node, path: str, since: str | None, until: str | None) -> Iterator[Field]:
    for name, member in node.get("properties", {}).items():
        yield from _field(member, f"{path}.{name}" if path else name, since, until)
    if "items" in node:
        yield from _field(node["items"], f"{path}[]", since, until)
    if isinstance(node.get("additionalProperties"), dict):
        yield from _field(node["additionalProperties"], f"{path}.*", since, until)


def _field(node: Node, path: str, since: str | None, until: str | None) -> Iterator[Field]:
    # A member cannot be older than what it stands in, and the schema does not repeat that.
    since, until = node.get("x-since", since), node.get("x-until", until)
    yield Field(path, node, since, until)
    yield from _below(node, path, since, until)


# --- Did you mean


def _unknown(steps: list[Step], step: Step, node: Node, text: str) -> str:
    where = said((*steps, step))
    if not isinstance(step, str) or "properties" not in node:
        kind = node.get("type", "value")
        return f"there is no {where}: {said(tuple(steps)) or 'the config'} has type {kind}"
    meant = _near(said(tuple(steps)), step, tuple(node["properties"])) or _elsewhere(_path_only(text))
    return f"there is no field {where}" + (f"; did you mean {meant}?" if meant else "; --list-paths prints all")


def _path_only(text: str) -> str:
    return re.sub(r"\[[^]]*\]", "[]", text.partition("=")[0])


def _near(around: str, name: str, names: tuple[str, ...]) -> str:
    import difflib  # only on errors

    by_lower = {known.lower(): known for known in names}
    close = difflib.get_close_matches(name.lower()[:64], by_lower, n=1, cutoff=0.75)
    if not close:
        return ""
    return f"{around}.{by_lower[close[0]]}" if around else by_lower[close[0]]


@functools.cache
def _all_paths() -> tuple[str, ...]:
    return tuple(field.path for field in fields())


def _elsewhere(text: str) -> str:
    """A field whose path ends as the text does: somebody left out what it stands in, or took the wrong object."""
    import difflib

    wanted = text.lower()[:128]
    ends = [path for path in _all_paths() if path.lower().endswith(f".{wanted}")]
    if ends:
        return min(ends, key=len)
    by_lower = {path.lower(): path for path in _all_paths()}
    close = difflib.get_close_matches(wanted, by_lower, n=1, cutoff=0.8)
    return by_lower[close[0]] if close else ""
