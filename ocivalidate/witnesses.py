"""Witnesses: for a clause, one change to a valid document that breaks it, and one that keeps it.

They prove that a check finds what it claims to find, and they are the examples that ``explain`` shows. They are data: the files in
``fixtures/witnesses/`` (their schema: ``schemas/output/witnesses.json``), which change the documents in ``fixtures/bases/``. An edit is
an object whose first member says what it does:

``{"set": POINTER, "to": VALUE}``
    replaces a value or adds a member; a pointer that ends in ``-`` adds an entry to an array
``{"remove": POINTER}``
    takes a member or an entry away
``{"rename": POINTER, "to": NAME}``
    gives a member another name; it keeps its place
``{"nest": POINTER, "times": NUMBER}``
    puts a value inside that many arrays
``{"replace": TEXT, "with": TEXT}``
    changes the text of the document, where the text to replace occurs once: for what no JSON value can express
``{"prefix": HEX}``
    puts bytes before the text
``{"folder": {NAME: KIND}}``
    says what stands in the bundle folder under a name: ``absent``, ``file``, ``folder`` or ``socket``

Edits of the text come after those of the value. ``{folder}`` in a document stands for the path of the bundle folder.
"""

from __future__ import annotations

import copy
import functools
import json
import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ocivalidate import resources
from ocivalidate.clauses import load
from ocivalidate.pointers import parse_pointer

Side = Literal["violates", "satisfies"]
Edit = Mapping[str, Any]
Edits = tuple[Edit, ...]

_ON_TEXT = ("replace", "prefix")
_ON_DISK = "folder"
_FOLDER_MARK = b"{folder}"
_BESIDE_LINES = 1


@dataclass(frozen=True, slots=True)
class Witness:
    """The two changes that show what a clause asks for.

    ``kind`` is ``bundle``, ``state`` or ``features``; ``base`` a file name in ``fixtures/bases/``. ``violates`` and ``satisfies`` are
    the edits of either side; none: the base itself shows it. ``also``: the other clauses that the violating change cannot but break.
    ``beside``: pointers of members that are not changed, but without which an example says little. ``platform``, ``spec_version``,
    ``host`` and ``lint`` are how the document has to be judged. ``why``: what the example alone does not tell.
    """

    clause: str
    kind: str
    base: str
    violates: Edits
    satisfies: Edits
    also: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    platform: str | None = None
    spec_version: str | None = None
    host: bool = False
    lint: bool = False
    why: str = ""

    def edits(self, side: Side) -> Edits:
        """The edits of one side."""
        return self.violates if side == "violates" else self.satisfies


def witness_from_json(data: Mapping[str, Any]) -> Witness:
    """Build a witness from one entry of ``fixtures/witnesses/*.json``."""
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    options = fields.pop("options", {})
    return Witness(**fields, **options)


@functools.cache
def witnesses() -> Mapping[str, Witness]:
    """All witnesses by clause. Raises ``resources.MissingResource`` when a file is broken, ``ValueError`` when a clause has two."""
    found: dict[str, Witness] = {}
    for path in sorted((resources.folder("fixtures") / "witnesses").glob("*.json")):
        for entry in resources.read_json("fixtures", f"witnesses/{path.name}")["witnesses"]:
            witness = witness_from_json(entry)
            if witness.clause in found:
                raise ValueError(f"{path.name} has a second witness for {witness.clause}")
            found[witness.clause] = witness
    return found


def witness_for(clause_id: str) -> Witness | None:
    """The witness of a clause, or of the clause that it is ``same_as``; ``None`` when there is none."""
    clause = load().get(clause_id)
    return witnesses().get(clause.same_as if clause and clause.same_as else clause_id)


def base_document(name: str) -> Any:
    """The valid document ``fixtures/bases/<name>``; it is shared and must not be changed."""
    return resources.read_json("fixtures", f"bases/{name}")


# --- Making documents and folders


def apply(base: Any, edits: Iterable[Edit]) -> bytes:
    """The text of a document after some edits, indented by two spaces. ``base`` stays as it is.

    Raises ``ValueError`` or ``LookupError`` when an edit does not fit the document.
    """
    edits = tuple(edits)
    text = _text(_edited(base, edits)[0])
    prefix = b""
    for edit in edits:
        if "replace" in edit:
            text = _replaced(text, edit["replace"], edit["with"])
        elif "prefix" in edit:
            prefix = bytes.fromhex(edit["prefix"])
    return prefix + text.encode()


def lay_out(witness: Witness, side: Side, folder: Path) -> Path:
    """Write one side of a witness into ``folder``, which has to be empty, and say what is to be judged.

    For a bundle that is a folder below ``folder`` with ``config.json`` and a root filesystem that has the programs of the base's
    startContainer hooks; for another kind, a file. Raises what :func:`apply` raises, and ``OSError``.
    """
    base = base_document(witness.base)
    data = apply(base, witness.edits(side))
    if witness.kind != "bundle":
        file = folder / f"{witness.kind}.json"
        file.write_bytes(data)
        return file
    bundle = folder / "bundle"
    bundle.mkdir()
    _make_root(bundle, base)
    mark = json.dumps(str(bundle.absolute()))[1:-1].encode()
    (bundle / "config.json").write_bytes(data.replace(_FOLDER_MARK, mark))
    for edit in witness.edits(side):
        for name, kind in edit.get(_ON_DISK, {}).items():
            _put(bundle / name, kind)
    return bundle


def _make_root(bundle: Path, config: Any) -> None:
    path = config.get("root", {}).get("path", "/")
    if path.startswith(("/", "\\")):
        return
    (bundle / path).mkdir(parents=True)
    for hook in config.get("hooks", {}).get("startContainer", []):
        program = bundle / path / hook["path"].lstrip("/")
        program.parent.mkdir(parents=True, exist_ok=True)
        program.touch(0o755)


def _put(path: Path, kind: str) -> None:
    """Make that ``kind`` is what stands at ``path``."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    if kind == "folder":
        path.mkdir()
    elif kind == "file":
        path.touch()
    elif kind == "socket":
        # A socket that is bound by its path has room for about a hundred characters only.
        os.mknod(path, stat.S_IFSOCK | 0o600)


def _text(document: Any) -> str:
    return f"{json.dumps(document, indent=2, ensure_ascii=False)}\n"


def _replaced(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        raise ValueError(f"{old!r} occurs {text.count(old)} times, not once")
    return text.replace(old, new)


def _edited(base: Any, edits: Iterable[Edit]) -> tuple[Any, list[list[str]]]:
    """A changed copy of a document, and the tokens of the pointers to what changed (of a removed member: to what it was in)."""
    whole = [copy.deepcopy(base)]
    places = []
    for edit in edits:
        operation = next(iter(edit))
        if operation in _EDITORS:
            # A list around the document makes the whole of it a value like any other.
            places.append(_EDITORS[operation](whole, ["0", *parse_pointer(edit[operation])], edit)[1:])
    return whole[0], places


def _set(whole: Any, tokens: list[str], edit: Edit) -> list[str]:
    parent, key = _reach(whole, tokens)
    if key == "-":
        parent.append(edit["to"])
        return [*tokens[:-1], str(len(parent) - 1)]
    parent[key] = edit["to"]
    return tokens


def _remove(whole: Any, tokens: list[str], _edit: Edit) -> list[str]:
    parent, key = _reach(whole, tokens)
    del parent[key]
    return tokens[:-1]


def _rename(whole: Any, tokens: list[str], edit: Edit) -> list[str]:
    parent, key = _reach(whole, tokens)
    members = {edit["to"] if name == key else name: value for name, value in parent.items()}
    if key not in parent or len(members) != len(parent):
        raise ValueError(f"{edit['rename']} cannot become {edit['to']}")
    parent.clear()
    parent.update(members)
    return [*tokens[:-1], edit["to"]]


def _nest(whole: Any, tokens: list[str], edit: Edit) -> list[str]:
    parent, key = _reach(whole, tokens)
    for _ in range(edit["times"]):
        parent[key] = [parent[key]]
    return tokens


_EDITORS = {"set": _set, "remove": _remove, "rename": _rename, "nest": _nest}


def _reach(whole: Any, tokens: list[str]) -> tuple[Any, Any]:
    """The container that the last token is a name or an index in, and that name or index."""
    parent = whole
    for token in tokens[:-1]:
        parent = parent[int(token) if isinstance(parent, list) else token]
    last = tokens[-1]
    return parent, int(last) if isinstance(parent, list) and last != "-" else last


# --- Examples


def example(witness: Witness, side: Side) -> str:
    """The smallest excerpt of one side's document that still shows the change, a few lines for people.

    Members and entries that have nothing to do with it are left out; ``{…}`` and ``[…]`` stand for what is in containers.
    """
    edits = witness.edits(side)
    about = edits or witness.violates
    on_text = next((edit for edit in about if next(iter(edit)) in _ON_TEXT), None)
    base = base_document(witness.base)
    if on_text is not None:
        return _example_of_text(apply(base, edits), on_text, side)
    document, places = _edited(base, edits)
    removed = [places[index] for index, edit in enumerate(_on_value(edits)) if "remove" in edit]
    shown = [place for place in places if place not in removed] if edits else _places_in(base, about)
    shown += [parse_pointer(pointer) for pointer in witness.beside]
    on_disk = [f"{name}: {kind}" for edit in edits for name, kind in edit.get(_ON_DISK, {}).items()]
    return "\n".join([*on_disk, *([_pretty(_cut(document, shown, removed))] if shown or removed else [])])
