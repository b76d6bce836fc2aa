"""The witnesses as data, what is made of them, and that no clause is without one. That they hold is tested apart."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ocivalidate import resources
from ocivalidate.bundle.api import BUNDLE, CONTAINER_STATE, FEATURES_STRUCTURE
from ocivalidate.bundle.registry import load_checks
from ocivalidate.rules.clauses import Level, load
from ocivalidate.rules.witnesses import (
    Edit,
    Side,
    Witness,
    apply,
    base_document,
    example,
    lay_out,
    witness_for,
    witness_from_json,
    witnesses,
)

FIXTURES = Path(__file__).parents[2] / "fixtures"
FILES = sorted((FIXTURES / "witnesses").glob("*.json"))
CWD = "runtime/config.process.cwd.absolute"


def made(violates: list[dict[str, Any]], satisfies: list[dict[str, Any]] | None = None, **more: Any) -> Witness:
    """A witness for the minimal bundle."""
    entry = {
        "clause": CWD,
        "kind": "bundle",
        "base": "minimal.json",
        "violates": violates,
        "satisfies": satisfies or [],
    }
    return witness_from_json(entry | more)


# --- The data


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_file_is_as_its_schema_says(path: Path) -> None:
    schema = resources.read_json("schemas", "output/witnesses.json")
    Draft202012Validator.check_schema(schema)
    assert list(Draft202012Validator(schema).iter_errors(json.loads(path.read_bytes()))) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_file_has_one_witness_on_a_line(path: Path) -> None:
    start, *lines, end = path.read_text(encoding="utf-8").splitlines()
    assert (start, end) == ('{"witnesses": [', "]}")
    entries = [json.loads(line.removesuffix(",")) for line in lines]
    assert entries == json.loads(path.read_bytes())["witnesses"]


def test_every_clause_that_is_judged_has_a_witness() -> None:
    load_checks()
    claimed = BUNDLE.claimed() | CONTAINER_STATE.claimed() | FEATURES_STRUCTURE.claimed()
    inventory = load()
    without = [clause for clause in claimed if witness_for(clause) is None and inventory[clause].level is not Level.MAY]
    assert sorted(without) == []


def test_witnesses_name_clauses_that_stand_for_themselves() -> None:
    inventory = load()
    named = {clause for witness in witnesses().values() for clause in (witness.clause, *witness.also)}
    assert sorted(named - set(inventory)) == []
    assert [clause for clause in named if inventory[clause].same_as] == []


def test_every_base_is_used() -> None:
    assert {witness.base for witness in witnesses().values()} == {path.name for path in FIXTURES.glob("bases/*.json")}


def test_second_witness_for_a_clause_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    entry = {
        "clause": CWD,
        "kind": "bundle",
        "base": "minimal.json",
        "violates": [{"remove": "/root"}],
        "satisfies": [],
    }
    (tmp_path / "witnesses").mkdir()
    (tmp_path / "witnesses" / "twice.json").write_text(json.dumps({"witnesses": [entry, entry]}), encoding="utf-8")
    monkeypatch.setattr(resources, "folder", lambda _name: tmp_path)
    monkeypatch.setattr(resources, "read_json", lambda _name, path: json.loads((tmp_path / path).read_bytes()))
    with pytest.raises(
        ValueError, match=r"twice\.json has a second witness for runtime/config\.process\.cwd\.absolute"
    ):
        witnesses.__wrapped__()


def test_clause_that_is_told_as_another_has_the_witness_of_that_one() -> None:
    other = load()["runtime/config-linux.resources.cpu.quota.ge-burst"]
    assert other.same_as is not None
    assert witness_for(other.id) is witness_for(other.same_as)


def test_clause_without_witness_and_unknown_clause_have_none() -> None:
    assert witness_for("runtime/config.process.cwd.optional") is None
    assert witness_for("runtime/no.such.clause") is None


# --- Edits

BASE = {"name": "a", "list": [1, 2], "inner": {"first": True, "~/": None}}


@pytest.mark.parametrize(
    ("edit", "changed"),
    [
        ({"set": "/name", "to": "b"}, {**BASE, "name": "b"}),
        ({"set": "/new", "to": {}}, {**BASE, "new": {}}),
        ({"set": "/list/1", "to": 3}, {**BASE, "list": [1, 3]}),
        ({"set": "/list/-", "to": 3}, {**BASE, "list": [1, 2, 3]}),
        ({"set": "/inner/-", "to": 3}, {**BASE, "inner": {"first": True, "~/": None, "-": 3}}),
        ({"set": "/inner/~0~1", "to": 1}, {**BASE, "inner": {"first": True, "~/": 1}}),
        ({"set": "", "to": []}, []),
        ({"remove": "/list/0"}, {**BASE, "list": [2]}),
        ({"remove": "/inner"}, {"name": "a", "list": [1, 2]}),
        ({"rename": "/inner/first", "to": "last"}, {**BASE, "inner": {"last": True, "~/": None}}),
        ({"nest": "/name", "times": 2}, {**BASE, "name": [["a"]]}),
    ],
    ids=str,
)
def test_edit_of_a_value(edit: dict[str, Any], changed: Any) -> None:
    before = json.dumps(BASE)
    # As text: the order of members counts.
    assert apply(BASE, [edit]).decode() == f"{json.dumps(changed, indent=2)}\n"
    assert json.dumps(BASE) == before


def test_edits_follow_each_other_and_leave_their_values_alone() -> None:
    value = {"deep": 1}
    edits: list[Edit] = [{"set": "/new", "to": value}, {"set": "/new/deep", "to": 2}]
    assert json.loads(apply({}, edits)) == {"new": {"deep": 2}}
    assert value == {"deep": 1}


def test_edit_of_the_text_comes_last_and_keeps_what_no_value_can_hold() -> None:
    edits: list[Edit] = [{"prefix": "efbbbf"}, {"replace": "1", "with": "1e400, \\ud800"}, {"set": "/é", "to": 1}]
    assert apply({}, edits) == '\ufeff{\n  "é": 1e400, \\ud800\n}\n'.encode()


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        ({"remove": "/absent"}, KeyError),
        ({"set": "/absent/name", "to": 1}, KeyError),
        ({"set": "/list/7", "to": 1}, IndexError),
        ({"set": "/list/first", "to": 1}, ValueError),
        ({"rename": "/inner/absent", "to": "x"}, ValueError),
        ({"rename": "/name", "to": "list"}, ValueError),
        ({"replace": "absent", "with": ""}, ValueError),
        ({"replace": '"', "with": ""}, ValueError),
        ({"set": "name", "to": 1}, ValueError),
    ],
    ids=str,
)
def test_edit_that_does_not_fit_is_refused(edit: dict[str, Any], problem: type[Exception]) -> None:
    with pytest.raises(problem):
        apply(BASE, [edit])


# --- Folders


def standing(folder: Path) -> Iterator[tuple[str, str]]:
    """What is in a folder, with the kind of each."""
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        kind = next(
            name
            for test, name in ((stat.S_ISDIR, "folder"), (stat.S_ISREG, "file"), (stat.S_ISSOCK, "socket"))
            if test(mode)
        )
        yield path.relative_to(folder).as_posix(), kind


def test_bundle_has_its_document_and_a_root(tmp_path: Path) -> None:
    bundle = lay_out(made([{"set": "/process/cwd", "to": "x"}]), "violates", tmp_path)
    assert dict(standing(tmp_path)) == {"bundle": "folder", "bundle/config.json": "file", "bundle/rootfs": "folder"}
    assert bundle == tmp_path / "bundle"
    assert json.loads((bundle / "config.json").read_bytes())["process"]["cwd"] == "x"


def test_root_has_the_programs_that_hooks_of_the_base_start_in_it(tmp_path: Path) -> None:
    path = "/hooks/startContainer/0/path"
    lay_out(made([{"set": path, "to": "/absent"}], base="linux.json"), "violates", tmp_path)
    assert (
        tmp_path / "bundle/rootfs" / base_document("linux.json")["hooks"]["startContainer"][0]["path"][1:]
    ).is_file()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems let only root make a socket by its path")
def test_folder_edits_say_what_stands_there(tmp_path: Path) -> None:
    kinds = {"config.json": "absent", "rootfs": "file", "agent": "socket", "../beside": "folder", "none": "absent"}
    lay_out(made([{"folder": kinds}]), "violates", tmp_path)
    want = {"bundle": "folder", "bundle/rootfs": "file", "bundle/agent": "socket", "beside": "folder"}
    assert dict(standing(tmp_path)) == want


def test_document_can_name_its_folder(tmp_path: Path) -> None:
    witness = made([{"set": "/process/cwd", "to": "{folder}/x"}])
    folder = tmp_path / 'a "quoted" name'
    folder.mkdir()
    bundle = lay_out(witness, "violates", folder)
    assert json.loads((bundle / "config.json").read_bytes())["process"]["cwd"] == f"{bundle}/x"


@pytest.mark.parametrize("kind", ["state", "features"])
def test_other_kinds_are_files(kind: str, tmp_path: Path) -> None:
    path = lay_out(made([{"remove": "/id"}], kind=kind, base=f"{kind}.json"), "satisfies", tmp_path)
    assert path == tmp_path / f"{kind}.json"
    assert json.loads(path.read_bytes()) == base_document(f"{kind}.json")


# --- Examples

ROOT = '{"root": {"path": "rootfs"}}'


@pytest.mark.parametrize(
    ("witness", "violates", "satisfies"),
    [
        (made([{"set": "/process/cwd", "to": "x"}]), '{"process": {"cwd": "x"}}', '{"process": {"cwd": "/"}}'),
        (
            made([{"set": "/process/cwd", "to": "x"}], [{"set": "/process/cwd", "to": "/y"}], beside=["/ociVersion"]),
            '{"ociVersion": "1.3.0", "process": {"cwd": "x"}}',
            '{"ociVersion": "1.3.0", "process": {"cwd": "/y"}}',
        ),
        (
            made([{"remove": "/process/user"}]),
            '{"process": {"cwd": "/", "args": […]}}',
            '{"process": {"user": {"uid": 1, "gid": 1}}}',
        ),
        (
            made([{"set": "/process/args/-", "to": "x"}]),
            '{"process": {"args": ["x"]}}',
            '{"process": {"args": ["/bin/hello"]}}',
        ),
        (made([{"set": "/root/ro", "to": 1}]), '{"root": {"ro": 1}}', ROOT),
        (made([{"rename": "/root/path", "to": "dir"}]), '{"root": {"dir": "rootfs"}}', ROOT),
        (made([{"nest": "/root/path", "times": 600}]), '{"root": {"path": [[[[[…]]]]]}}', ROOT),
        (made([{"folder": {"rootfs": "absent"}}], beside=["/root"]), f"rootfs: absent\n{ROOT}", ROOT),
        (
            made([{"replace": '"uid": 1,', "with": '"uid": 1,\n      "uid": 2,'}]),
            '"uid": 1,\n"uid": 2,',
            '"uid": 1,',
        ),
        (made([{"prefix": "fffe"}]), "ff fe (bytes), then {", "{"),
        (
            made([{"folder": {"config.json": "absent"}}]),
            "config.json: absent",
            '{"ociVersion": "1.3.0", "root": {…}, "process": {…}}',
        ),
    ],
)
def test_example_shows_the_change_and_little_else(witness: Witness, violates: str, satisfies: str) -> None:
    assert example(witness, "violates") == violates
    assert example(witness, "satisfies") == satisfies


@pytest.mark.parametrize("side", ["violates", "satisfies"])
def test_every_example_is_short(side: Side) -> None:
    for clause, witness in witnesses().items():
        lines = example(witness, side).splitlines()
        assert 1 <= len(lines) <= 21, clause
        # A sha512 digest alone has 135 characters.
        assert max(map(len, lines)) <= 155, clause
