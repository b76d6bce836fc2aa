"""The schema of one release as a document of its own."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from typing import Any

from ocivalidate.bundle.api import SUBJECTS as RUNTIME_SUBJECTS
from ocivalidate.image.documents.subjects import SUBJECTS as IMAGE_SUBJECTS
from ocivalidate.printed.image_rows import IMAGE_ROWS
from ocivalidate.printed.openlists import OPEN_LISTS
from ocivalidate.printed.row import DEFINITIONS, Keywords, Row
from ocivalidate.printed.rows import RUNTIME_ROWS
from ocivalidate.rules.clauses import Clause, Level, Severity, load
from ocivalidate.rules.judge import DocumentType
from ocivalidate.rules.schema import DIALECT, derive, specification
from ocivalidate.vocabulary.versions import NEXT, draft_note, holds

Node = dict[str, Any]

SUBJECTS: dict[str, DocumentType] = {subject.kind: subject for subject in (*RUNTIME_SUBJECTS, *IMAGE_SUBJECTS.values())}
ROWS: dict[str, tuple[Row, ...]] = {
    **RUNTIME_ROWS,
    **IMAGE_ROWS,
    "runtime-config": (*RUNTIME_ROWS["runtime-config"], *(listed.row() for listed in OPEN_LISTS if listed.until != "")),
}
# How many sentences on a member are enough.
_SENTENCES = 5


def standalone(kind: str, release: str) -> Node:
    """The schema of one release for editors and other validators: no annotations of ours, but descriptions.

    It refuses what judging such a document by this release finds an error in, as far as JSON Schema can say it.
    """
    body = _plain(derive(kind, release), release, bool(SUBJECTS[kind].closed))
    if kind == "runtime-config":
        _put_examples(body, release)
    said = [row for row in ROWS[kind] if says_in(row, release)]
    for row in said:
        _put(body, row)
    draft = draft_note(release)
    title = f"{body.pop('title')}, {specification(kind)}-spec {release}{f' ({draft})' if draft else ''}"
    used = {name: part for name, part in DEFINITIONS.items() if any(row.says == _reference(name) for row in said)}
    return {"$schema": DIALECT, "title": title, **body, **({"$defs": copy.deepcopy(used)} if used else {})}


def says_in(row: Row, release: str) -> bool:
    """Whether a row counts in a release."""
    return stands_in(row.clause, release) and holds(release, row.since, row.until)


def stands_in(clause_id: str, release: str) -> bool:
    """Whether a release has a clause, or one that says the same."""
    return any(clause.holds_in(release) for clause in _alike().get(clause_id, ()))


@functools.cache
def _alike() -> dict[str, list[Clause]]:
    """Clause → it and those that are told as it."""
    found: dict[str, list[Clause]] = {}
    for clause in load().values():
        found.setdefault(clause.same_as or clause.id, []).append(clause)
    return found


def _reference(name: str) -> Keywords:
    return {"$ref": f"#/$defs/{name}"}


# --- Our schemas, without what is ours alone


def _plain(node: Node, release: str, closed: bool) -> Node:  # noqa: FBT001 - handed on as it came
    plain = {key: value for key, value in node.items() if not key.startswith("x-") and not _is_mild(node, key)}
    plain |= _words(node["x-clause"], release) if "$comment" not in plain else {}
    if "properties" in node:
        plain["properties"] = {name: _plain(child, release, closed) for name, child in node["properties"].items()}
        required = [
            name for name in plain.get("required", ()) if _weighs(f"{node['properties'][name]['x-clause']}.required")
        ]
        plain.pop("required", None)
        plain |= {"required": required} if required else {}
        if closed and "additionalProperties" not in node:
            plain["additionalProperties"] = False
    for keyword in ("items", "additionalProperties"):
        if keyword in node:
            inner = _plain(node[keyword], release, closed)
            # The text of an element is that of its member: saying it twice helps nobody.
            if inner.get("$comment") == plain.get("$comment"):
                inner.pop("description", None)
                inner.pop("$comment", None)
            plain[keyword] = inner
    return plain


def _is_mild(node: Node, keyword: str) -> bool:
    """Whether what a keyword refuses is no error to us."""
    clause = node.get("x-clauses", {}).get(keyword)
    return clause is not None and not _weighs(clause)


def _weighs(clause_id: str) -> bool:
    clause = load().get(clause_id)
    return clause is None or clause.severity is Severity.ERROR


def _words(clause_id: str, release: str) -> Keywords:
    """What the clauses say of a member, its type first."""
    own = load().get(f"{clause_id}.type")
    if own is None:
        return {}
    sentences = [own.summary, *(clause.summary for clause in _about(clause_id, release) if clause.id != own.id)][
        :_SENTENCES
    ]
    return {
        "description": " ".join(f"{sentence}." for sentence in sentences),
        "$comment": f"{clause_id} ({own.document}#{own.anchor})",
    }


def _about(clause_id: str, release: str) -> Iterator[Clause]:
    """The clauses that ask something of a member itself, but that it is there; none that only a draft has."""
    for clause in _by_member().get(clause_id, ()):
        drafted = clause.since == NEXT and release != NEXT
        if clause.level is not Level.MAY and not drafted and not clause.id.endswith(".required"):
            yield clause


@functools.cache
def _by_member() -> dict[str, list[Clause]]:
    found: dict[str, list[Clause]] = {}
    for clause in load("runtime", "image").values():
        found.setdefault(clause.id.rpartition(".")[0], []).append(clause)
    return found


# --- What is added


def _put_examples(root: Node, release: str) -> None:
    """The values of open lists: editors offer them, and validators take others where we do."""
    for listed in OPEN_LISTS:
        for node in _reached(root, listed.at):
            values = listed.values(release)
            node["examples"] = values
            if listed.until == "" or not holds(release, None, listed.until):
                node["anyOf"] = [{"enum": values}, {"type": "string"}]


def _put(root: Node, row: Row) -> None:
    """Say what a row says, at its place, or for the whole document where that depends on other parts of it."""
    if not _reached(root, row.at):
        return  # not in this release
    if row.when is None:
        for node in _reached(root, row.at):
            _add(node, row.says, row.clause)
    else:
        said = {"if": row.when, "then": _around(root, row.at.split("/")[1:], row.says)}
        _add(root, said, row.clause)


def _add(node: Node, says: Keywords, clause: str) -> None:
    parts = node.setdefault("allOf", [])
    for part in parts:
        if {key: value for key, value in part.items() if key != "$comment"} == says:
            part["$comment"] = f"{part['$comment']}, {clause}"
            return
    parts.append({"$comment": clause, **copy.deepcopy(says)})


def _reached(root: Node, at: str) -> list[Node]:
    """The node at a pointer pattern; none where the release has no such member."""
    node = root
    for name in at.split("/")[1:]:
        inner = (
            node.get("items") or node.get("additionalProperties")
            if name == "*"
            else node.get("properties", {}).get(name)
        )
        if not isinstance(inner, dict):
            return []
        node = inner
    return [node]


def _around(node: Node, names: list[str], says: Keywords) -> Keywords:
    """What a schema for the document says if one for a part of it says something."""
    if not names:
        return says
    name, *rest = names
    if name != "*":
        return {"properties": {name: _around(node["properties"][name], rest, says)}}
    keyword = "items" if "items" in node else "additionalProperties"
    return {keyword: _around(node[keyword], rest, says)}
