"""A config as a tree of plain JSON values: reaching places in it, its order, and the releases that have all of it."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

from ocivalidate.errors import OptionError
from ocivalidate.generate.paths import Node, Place, Step, child, root, said
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES, holds, order

Tree = dict[str, Any]
_ABSENT: Any = object()


def concrete(tree: Tree, place: Place) -> Place:
    """``place`` with ``[+]`` and ``[-1]`` as the indexes that they mean now.

    Raises :class:`OptionError` beyond the end of an array.
    """
    at: Any = tree
    steps: list[Step] = []
    for step in place.steps:
        found: Step = step
        if not isinstance(step, str):
            if at is not _ABSENT and not isinstance(at, list):
                raise OptionError(f"{said(tuple(steps))} is not an array in this config")
            found = _index(step, 0 if at is _ABSENT else len(at), (*steps, step))
        at = _member(at, found, steps)
        steps.append(found)
    return Place(tuple(steps), place.nodes)


def _index(step: int | None, length: int, steps: tuple[Step, ...]) -> int:
    index = length if step is None else length - 1 if step == -1 else step
    if not 0 <= index <= length:
        raise OptionError(f"there is no {said(steps)}: the array has {length} {'entry' if length == 1 else 'entries'}")
    return index


def _member(at: Any, step: Step, around: list[Step]) -> Any:
    if at is _ABSENT:
        return _ABSENT
    if isinstance(step, str):
        if not isinstance(at, dict):
            raise OptionError(f"{said(tuple(around)) or 'the config'} is not an object in this config")
        return at.get(step, _ABSENT)
    return at[step] if isinstance(step, int) and step < len(at) else _ABSENT


def put(tree: Tree, place: Place, value: Any) -> None:
    """Write a value at a concrete place; what it stands in comes about on the way."""
    at: Any = tree
    for step, following, node in zip(place.steps, place.steps[1:], place.nodes, strict=False):
        if _missing(at, step):
            _write(at, step, {} if isinstance(following, str) and node.get("type") != "array" else [])
        at = at[step]
    _write(at, place.steps[-1], value)


def _missing(at: Any, step: Step) -> bool:
    return step not in at if isinstance(step, str) else step == len(at)


def _write(at: Any, step: Step, value: Any) -> None:
    if isinstance(at, list) and step == len(at):
        at.append(value)
    else:
        at[step] = value


def get(tree: Tree, place: Place, default: Any = None) -> Any:
    """The value at a concrete place."""
    at: Any = tree
    for index, step in enumerate(place.steps):
        at = _member(at, step, list(place.steps[:index]))
    return default if at is _ABSENT else at


def drop(tree: Tree, place: Place) -> None:
    """Remove what is at a concrete place, and nothing else; that there is nothing is fine."""
    if get(tree, place, _ABSENT) is _ABSENT:
        return
    at: Any = tree
    for step in place.steps[:-1]:
        at = at[step]
    del at[place.steps[-1]]


# --- The order of the specification


def ordered(value: Any, node: Node | None = None) -> Any:
    """A copy with members in the order in which the specification describes them.

    Unknown ones follow in their own order.
    """
    node = root() if node is None else node
    if isinstance(value, dict):
        known = [name for name in node.get("properties", {}) if name in value]
        names = known + [name for name in value if name not in node.get("properties", {})]
        return {name: ordered(value[name], child(node, name) or {}) for name in names}
    if isinstance(value, list):
        return [ordered(entry, node.get("items", {})) for entry in value]
    return value


def rendered(tree: Tree) -> bytes:
    """The text of a config: UTF-8, two spaces deeper at each level, a newline at the end.

    Raises :class:`OptionError`.
    """
    try:
        return (json.dumps(tree, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()
    except UnicodeEncodeError as problem:
        broken = problem.object[problem.start : problem.start + 1]
        raise OptionError(f"a string of the config is not valid UTF-8: it contains {broken!a}") from None
    except (TypeError, ValueError) as problem:
        # Only reached from programs, with values that JSON cannot express.
        raise OptionError(f"a value of the config cannot be written as JSON: {problem}") from None


# --- Releases


def bounds(tree: Tree) -> list[tuple[str, str | None, str | None]]:
    """Place, first and last release of every member that not every release has."""
    return list(_bounds(tree, root(), ()))


def _bounds(value: Any, node: Node, steps: tuple[Step, ...]) -> Iterator[tuple[str, str | None, str | None]]:
    since, until = node.get("x-since"), node.get("x-until")
    if since or until:
        yield said(steps), since, until
    parts: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, part in parts:
        found = child(node, step)
        if found is not None:
            yield from _bounds(part, found, (*steps, step))


def releases_with_all(tree: Tree, oldest: str) -> list[str]:
    """The releases from ``oldest`` on that have every member of the tree.

    Raises :class:`OptionError` when there is none.
    """
    limits = bounds(tree)
    found = [
        release
        for release in RUNTIME_RELEASES
        if holds(release, oldest, None) and all(holds(release, since, until) for _place, since, until in limits)
    ]
    if not found:
        gone = next(f"{place} was removed after {until}" for place, _since, until in limits if until)
        came = [(since, place) for place, since, _until in limits if since]
        since, place = max(came, key=lambda pair: (order(pair[0]), pair[1]))
        raise OptionError(f"no release of runtime-spec has all of it: {gone}, and {place} was added in {since}")
    return found


def only_in(tree: Tree, release: str) -> Tree:
    """A copy without the members that the release does not have: how defaults are made for an older release."""
    copy: Tree = _only_in(tree, root(), release)
    return copy


def _only_in(value: Any, node: Node, release: str) -> Any:
    if isinstance(value, dict):
        pairs = ((name, member, child(node, name)) for name, member in value.items())
        return {
            name: _only_in(member, found, release)
            for name, member, found in pairs
            if found is not None and holds(release, found.get("x-since"), found.get("x-until"))
        }
    if isinstance(value, list):
        return [_only_in(entry, node.get("items", {}), release) for entry in value]
    return value


@functools.lru_cache(maxsize=8)
def section_since(platform: str) -> str | None:
    """The first release that has the section of a platform."""
    since: str | None = root()["properties"][platform].get("x-since")
    return since
