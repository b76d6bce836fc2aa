"""What changes from one release of a specification to a later one: its clauses, and the members of its documents."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from ocivalidate.jsontext.pointers import below
from ocivalidate.rules.clauses import RELEASES, Clause, load
from ocivalidate.rules.schema import KINDS, Node, derive, everything, specification
from ocivalidate.vocabulary.versions import NEXT, holds, order

# Keywords that say what stands inside a value, or say nothing.
_INNER = frozenset({"properties", "items", "additionalProperties", "required", "title"})


class Replaced(NamedTuple):
    """A clause that another one replaces, with a different level, severity or statement."""

    old: Clause
    new: Clause


class Member(NamedTuple):
    """A member of a document that came, went or changed.

    ``document`` is a key of ``schema.KINDS``; ``pointer`` has ``*`` for entries and names, and is empty for a document
    as a whole; ``clause`` is the id of the member without its last part; ``how`` says what changed.
    """

    document: str
    pointer: str
    clause: str
    how: str = ""


class Changes(NamedTuple):
    """What changes from the release ``older`` of a specification to ``newer``."""

    specification: str
    older: str
    newer: str
    added: tuple[Clause, ...]
    removed: tuple[Clause, ...]
    replaced: tuple[Replaced, ...]
    members_added: tuple[Member, ...]
    members_removed: tuple[Member, ...]
    members_changed: tuple[Member, ...]


def choices(of: str) -> tuple[str, ...]:
    """The releases of a specification (``runtime`` or ``image``) and its draft, the oldest first."""
    return (*sorted(RELEASES[of], key=order), NEXT)


def steps(of: str, older: str, newer: str) -> list[Changes]:
    """What each release after ``older`` changes, up to ``newer``."""
    known = choices(of)
    between = known[known.index(older) : known.index(newer) + 1]
    return [changes(of, *pair) for pair in pairwise(between)]


def changes(of: str, older: str, newer: str) -> Changes:
    """What changes between two releases of a specification (``runtime`` or ``image``)."""
    clauses = load(of)
    came = {key: one for key, one in clauses.items() if one.holds_in(newer) and not one.holds_in(older)}
    went = {key: one for key, one in clauses.items() if one.holds_in(older) and not one.holds_in(newer)}
    replaced = [Replaced(went[old], one) for one in came.values() if (old := _origin(one, older)) in went]
    paired = {clause.id for pair in replaced for clause in pair}
    members = list(_members(of, older, newer))
    return Changes(
        f"{of}-spec",
        older,
        newer,
        tuple(one for one in came.values() if one.id not in paired),
        tuple(one for one in went.values() if one.id not in paired),
        tuple(replaced),
        *(tuple(member for how, member in members if how == what) for what in ("added", "removed", "changed")),
    )


def _origin(clause: Clause, release: str) -> str:
    """The clause of a release that this one replaces, directly or through others."""
    clauses = load(clause.family)
    old = clause.replaces
    while old is not None and not clauses[old].holds_in(release):
        old = clauses[old].replaces
    return old or ""


def _members(of: str, older: str, newer: str) -> Iterator[tuple[str, Member]]:
    for kind in KINDS:
        if specification(kind) != of:
            continue
        whole = everything(kind)
        if holds(older, whole.get("x-since"), None):
            yield from _inside(kind, derive(kind, older), derive(kind, newer), "")
        elif holds(newer, whole.get("x-since"), None):
            yield "added", Member(kind, "", whole["x-clause"])


def _inside(kind: str, old: Node, new: Node, pointer: str) -> Iterator[tuple[str, Member]]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in _names(before, after):
        place = below(pointer, name)
        if name not in before:
            yield "added", Member(kind, place, after[name]["x-clause"])
        elif name not in after:
            yield "removed", Member(kind, place, before[name]["x-clause"])
        else:
            how = [*_required(name, old, new), *_different(before[name], after[name])]
            if how:
                yield "changed", Member(kind, place, after[name]["x-clause"], "; ".join(how))
            yield from _inside(kind, before[name], after[name], place)
    for keyword in ("items", "additionalProperties"):
        if keyword in old and keyword in new:
            how = list(_different(old[keyword], new[keyword]))
            if how:
                yield "changed", Member(kind, f"{pointer}/*", new[keyword]["x-clause"], "; ".join(how))
            yield from _inside(kind, old[keyword], new[keyword], f"{pointer}/*")


def _names(before: Node, after: Node) -> list[str]:
    """The names in two maps, those of the later one first."""
    return list(dict.fromkeys((*after, *before)))


def _required(name: str, old: Node, new: Node) -> Iterator[str]:
    was, is_now = name in old.get("required", ()), name in new.get("required", ())
    if was != is_now:
        yield "required" if is_now else "no longer required"


def _different(old: Node, new: Node) -> Iterator[str]:
    """The keywords of the node itself that differ."""
    for keyword in _names(old, new):
        was, is_now = old.get(keyword), new.get(keyword)
        if was != is_now and keyword not in _INNER and not keyword.startswith(("x-", "$")):
            yield f"{keyword} {_said(was)} before, {_said(is_now)} now"


def _said(value: Any) -> str:
    import json

    return "none" if value is None else json.dumps(value, ensure_ascii=False)
