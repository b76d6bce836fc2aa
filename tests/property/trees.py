"""JSON as it is written: trees that can hold what no value can.

A tree is what ``json.loads`` gives, but for two things: an object is a :class:`Members`, in which a name may stand
twice, and a :class:`Raw` is written as it is, JSON or not.
"""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


class Members(list[tuple[str, Any]]):
    """The members of an object, in order."""


@dataclass(frozen=True, slots=True)
class Raw:
    """A piece of text that stands where a value should."""

    text: str


Tree = Any
Container = Members | list[Any]


def tree_of(value: Any) -> Tree:
    """The tree of a JSON value."""
    if isinstance(value, dict):
        return Members((name, tree_of(member)) for name, member in value.items())
    return [tree_of(item) for item in value] if isinstance(value, list) else value


def written(tree: Tree, indent: str = "", *, ascii_only: bool = True, around: str = "\n") -> str:
    """The text of a tree, on one line unless there is an ``indent``."""
    if isinstance(tree, Raw):
        return tree.text
    if not isinstance(tree, list) or not tree:
        return "{}" if isinstance(tree, Members) else json.dumps(tree, ensure_ascii=ascii_only)
    inner = around + indent if indent else ""
    deeper = functools.partial(written, indent=indent, ascii_only=ascii_only, around=inner or around)
    if isinstance(tree, Members):
        parts = [f"{json.dumps(name, ensure_ascii=ascii_only)}: {deeper(member)}" for name, member in tree]
    else:
        parts = [deeper(item) for item in tree]
    text = ("," if indent else ", ").join(inner + part for part in parts) + (around if indent else "")
    return f"{{{text}}}" if isinstance(tree, Members) else f"[{text}]"


def shuffled(tree: Tree, dice: random.Random) -> Tree:
    """The same tree with the members of each object in another order; those of one name stay in theirs."""
    if not isinstance(tree, list):
        return tree
    if not isinstance(tree, Members):
        return [shuffled(item, dice) for item in tree]
    groups: dict[str, Members] = {}
    for name, member in tree:
        groups.setdefault(name, Members()).append((name, shuffled(member, dice)))
    names = list(groups)
    dice.shuffle(names)
    slots = dice.sample([name for name in names for _ in groups[name]], k=len(tree))
    return Members(groups[name].pop(0) for name in slots)


def containers(tree: Tree) -> Iterator[Container]:
    """Every object and array, the outermost first."""
    if isinstance(tree, list):
        yield tree
        for item in tree:
            yield from containers(item[1] if isinstance(tree, Members) else item)
