"""Witnesses: for a clause, one change to a valid document that breaks it, and one that keeps it.

They prove that a check finds what it claims to find, and they are the examples that ``explain`` shows. They are data:
the files in ``fixtures/witnesses/`` (their schema: ``schemas/output/witnesses.json``), which change the documents in
``fixtures/bases/``. An edit is an object whose first member says what it does:

``{"set": POINTER, "to": VALUE}``
    replaces a value or adds a member; a pointer that ends in ``-`` adds an entry to an array
``{"remove": POINTER}``
    takes a member or an entry away
``{"rename": POINTER, "to": NAME}``
    gives a member another name; it keeps its place
``{"nest": POINTER, "times": NUMBER}``
    puts a value inside that many arrays
``{"replace": TEXT, "with": TEXT}``
    changes the text of the document, in which ``TEXT`` occurs once: for what no JSON value can express
``{"prefix": HEX}``
    puts bytes before the text
``{"folder": {NAME: KIND}}``
    says what stands in the bundle folder under a name: ``absent``, ``file``, ``folder``, ``socket`` or ``link-out``
    (it is moved out of the bundle, and linked to)

Edits of the text come after those of the value. ``{folder}`` in a document stands for the path of the bundle folder.
"""

from __future__ import annotations

import copy
import functools
import json
import os
import shutil
import stat
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ocivalidate import resources
from ocivalidate.jsontext.excerpts import AROUND, Place, cut, pretty
from ocivalidate.jsontext.pointers import parse_pointer
from ocivalidate.rules.clauses import load

Side = Literal["violates", "satisfies"]
Edit = Mapping[str, Any]
Edits = tuple[Edit, ...]

_FOLDER_MARK = b"{folder}"


@dataclass(frozen=True, slots=True)
class Witness:
    """The two changes that show what a clause asks for.

    ``kind`` is ``bundle``, ``state``, ``features``, a document of an image that is judged alone (``image-index`` …), or
    ``image-conversion``: an image configuration, the runtime configuration made of it, and what else its conversion
    rests on, as members of one document. ``base`` is a file name in ``fixtures/bases/``. ``violates`` and ``satisfies``
    are the edits of either side; none: the base itself shows it. ``also``: the other clauses that the violating change
    cannot but break. ``beside``: pointers to what is not changed, but without which an example says little.
    ``platform``, ``host`` and ``lint``: how the document has to be judged. ``why``: what the example alone does not
    tell.
    """

    clause: str
    kind: str
    base: str
    violates: Edits
    satisfies: Edits
    also: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    platform: str | None = None
    host: bool = False
    lint: bool = False
    why: str = ""

    def edits(self, side: Side) -> Edits:
        """The edits of one side."""
        return self.violates if side == "violates" else self.satisfies


def witness_from_json(data: Mapping[str, Any]) -> Witness:
    """Build a witness from one entry of ``fixtures/witnesses/*.json``."""
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    options = fields.pop("options", {})
    return Witness(**fields, **options)


@functools.cache
def witnesses() -> Mapping[str, Witness]:
    """All witnesses by clause.

    Raises ``ValueError`` when a clause has two, and ``CannotJudge`` when a file cannot be read.
    """
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


# --- Documents and folders


def apply(base: Any, edits: Iterable[Edit]) -> bytes:
    """The text of a document after some edits, indented by two spaces; ``base`` stays as it is.

    Raises ``ValueError``, ``LookupError`` or ``TypeError`` when an edit does not fit the document.
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
    """Write one side of a witness into ``folder``, which is there and empty; the path of what is to be judged.

    For a bundle that is a folder in ``folder``, with ``config.json`` and a root filesystem that has the programs of the
    base's startContainer hooks; for another kind it is a file. Raises what :func:`apply` raises, and ``OSError``.
    """
    base, edits = base_document(witness.base), witness.edits(side)
    data = apply(base, edits)
    if witness.kind != "bundle":
        file = folder / f"{witness.kind}.json"
        file.write_bytes(data)
        return file
    bundle = folder / "bundle"
    bundle.mkdir()
    _make_root(bundle, base)
    path = json.dumps(str(bundle.absolute()))[1:-1].encode()
    (bundle / "config.json").write_bytes(data.replace(_FOLDER_MARK, path))
    for edit in edits:
        for name, kind in edit.get("folder", {}).items():
            _put(bundle / name, kind)
    return bundle


def _make_root(bundle: Path, config: Any) -> None:
    """Make the root filesystem, unless its path leads out of the bundle."""
    path = config.get("root", {}).get("path", "/")
    if path.startswith(("/", "\\")):
        return
    (bundle / path).mkdir(parents=True)
    for hook in config.get("hooks", {}).get("startContainer", []):
        program = bundle / path / hook["path"].lstrip("/")
        program.parent.mkdir(parents=True, exist_ok=True)
        program.touch(0o755)


def _put(path: Path, kind: str) -> None:
    """Make ``kind`` what stands at ``path``."""
    if kind == "link-out":
        outside = path.parent.with_name(path.name)
        path.rename(outside)
        path.symlink_to(outside)
        return
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    if kind == "folder":
        path.mkdir()
    elif kind == "file":
        path.touch()
    elif kind == "socket":
        # The path of a socket that is bound may have about a hundred characters only.
        os.mknod(path, stat.S_IFSOCK | 0o600)


def _text(document: Any) -> str:
    return f"{json.dumps(document, indent=2, ensure_ascii=False)}\n"


def _replaced(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        raise ValueError(f"{old!r} occurs {text.count(old)} times, not once")
    return text.replace(old, new)


# --- Edits of a value

# The last token of a pointer to the entry that an array does not have yet.
_END = "-"


def _edited(base: Any, edits: Iterable[Edit]) -> tuple[Any, list[Place]]:
    """A changed copy of a document, and the places of the changes."""
    # As the entry of a list, the document as a whole can be changed like any other value.
    holder = [copy.deepcopy(base)]
    places = []
    for edit in edits:
        operation = next(iter(edit))
        if operation in _EDITORS:
            tokens = "0", *parse_pointer(edit[operation])
            places.append(_EDITORS[operation](*_reach(holder, tokens), tokens, edit)[1:])
    return holder[0], places


def _reach(holder: Any, tokens: tuple[str, ...]) -> tuple[Any, Any]:
    """The container in which the last token is a name or an index, and that name or index."""
    parent = holder
    for token in tokens[:-1]:
        parent = parent[int(token) if isinstance(parent, list) else token]
    last = tokens[-1]
    return parent, int(last) if isinstance(parent, list) and last != _END else last


def _set(parent: Any, key: Any, tokens: tuple[str, ...], edit: Edit) -> Place:
    value = copy.deepcopy(edit["to"])
    if isinstance(parent, list) and key == _END:
        parent.append(value)
        return *tokens[:-1], str(len(parent) - 1)
    parent[key] = value
    return tokens


def _remove(parent: Any, key: Any, tokens: tuple[str, ...], _edit: Edit) -> Place:
    del parent[key]
    return *tokens[:-1], AROUND


def _rename(parent: Any, key: Any, tokens: tuple[str, ...], edit: Edit) -> Place:
    members = {edit["to"] if name == key else name: value for name, value in parent.items()}
    if key not in parent or len(members) != len(parent):
        raise ValueError(f"{edit['rename']} cannot become {edit['to']}")
    parent.clear()
    parent.update(members)
    return *tokens[:-1], edit["to"]


def _nest(parent: Any, key: Any, tokens: tuple[str, ...], edit: Edit) -> Place:
    for _ in range(edit["times"]):
        parent[key] = [parent[key]]
    return tokens


_EDITORS = {"set": _set, "remove": _remove, "rename": _rename, "nest": _nest}


# --- Examples


def example(witness: Witness, side: Side) -> str:
    """The smallest excerpt of one side's document that still shows the change: a few lines for people.

    What has nothing to do with it is left out; ``{…}`` and ``[…]`` stand for what is cut short.
    """
    base, edits = base_document(witness.base), witness.edits(side)
    document, places = _edited(base, edits)
    if not edits:
        places = [_place_in(base, edit[name]) for edit in witness.violates for name in edit if name in _EDITORS]
    places += [tuple(parse_pointer(pointer)) for pointer in witness.beside]
    parts = [f"{name}: {kind}" for edit in edits for name, kind in edit.get("folder", {}).items()]
    on_text = [edit for edit in edits or witness.violates if "replace" in edit or "prefix" in edit]
    parts += [_lines_of(_text(document), edit, changed=bool(edits)) for edit in on_text]
    if places or not parts:
        parts.append(pretty(cut(document, places or [(AROUND,)])))
    return "\n".join(parts)


def _place_in(document: Any, pointer: str) -> Place:
    """Where in a document that is not changed to look for what a change would concern."""
    tokens = tuple(parse_pointer(pointer))
    try:
        parent, key = _reach([document], ("0", *tokens))
        parent[key]
    except (LookupError, TypeError):
        return *tokens[:-1], AROUND
    return tokens


def _lines_of(text: str, edit: Edit, *, changed: bool) -> str:
    """The lines that an edit of the text concerns, before or after it."""
    if "prefix" in edit:
        first = text.partition("\n")[0]
        return f"{bytes.fromhex(edit['prefix']).hex(' ')} (bytes), then {first}" if changed else first
    before, _, after = text.partition(edit["replace"])
    start, end = before.rpartition("\n")[2], after.partition("\n")[0]
    return textwrap.dedent(f"{start}{edit['with'] if changed else edit['replace']}{end}")
