"""The scaffold writes what a new clause or case begins with, in a copy of the checkout, and says what is left to do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.scaffold import documents, text, writing
from ocivalidate.bundle.registry import load_checks
from ocivalidate.rules.clauses import load
from ocivalidate.rules.witnesses import base_document
from tests.unit.checkout_copy import CHECKOUT, Copy, Done

MARK = writing.MARK
# What the scaffold writes to, and nothing that speaks of the mark itself.
BEGUN = (
    "CHANGELOG.md",
    "schemas/clauses/*.json",
    "fixtures/witnesses/*.json",
    "fixtures/mutants/tables/*.py",
    "conformance/*.py",
    "ocivalidate/bundle/*.py",
    "ocivalidate/image/**/*.py",
    "ocivalidate/printed/*.py",
)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path / "checkout")


def marked(folder: Path) -> Iterator[str]:
    for pattern in BEGUN:
        for path in sorted(folder.glob(pattern)):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if MARK in line:
                    yield f"{path.relative_to(folder).as_posix()}:{number}: {line.strip()}"


def test_nothing_is_left_to_fill_in() -> None:
    assert "\n".join(marked(CHECKOUT)) == ""


def one_line(done: Done) -> str:
    """The one line of what could not be begun."""
    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    return line.removeprefix("scaffold: ")


# --- A clause

NO_DOTS = "runtime/config.process.cwd.no-dots"
WITNESSES = "tests/unit/test_witnesses_hold.py"


def test_a_clause_is_begun_and_its_tests_say_what_is_left(copy: Copy) -> None:
    before = copy.files()
    shown = copy.scaffold("clause", NO_DOTS, "--dry-run")
    assert (shown.code, shown.err) == (0, "")
    assert copy.files() == before
    done = copy.scaffold("clause", NO_DOTS)
    assert (done.code, done.err) == (0, "")
    changed, after = copy.changed(before), copy.files()
    assert changed == [
        "CHANGELOG.md",
        "fixtures/witnesses/process.json",
        "ocivalidate/bundle/process.py",
        "ocivalidate/printed/unsaid.py",
        "schemas/clauses/runtime.json",
    ]
    # What the dry run has shown is what was written, and each file and line is told.
    added = [line[1:] for line in shown.out.splitlines() if line.startswith("+") and not line.startswith("+++")]
    for name in changed:
        assert f"+++ b/{name}" in shown.out
        new = [line for line in after[name].decode().splitlines() if NO_DOTS in line]
        assert new
        assert set(new) <= set(added)
        number = int(re.search(rf"^{re.escape(name)}:(\d+): ", done.out, re.MULTILINE)[1])  # type: ignore[index]
        assert NO_DOTS in after[name].decode().splitlines()[number - 1]
    copy.lint()
    assert copy.failing("tests/unit/test_scaffold.py", "-k", "left_to_fill_in") == ["test_nothing_is_left_to_fill_in"]
    breaks = f"test_what_breaks_the_clause_is_found_and_nothing_else[{NO_DOTS}]"
    assert copy.failing(WITNESSES, "-k", NO_DOTS) == [breaks]
    assert copy.failing("tests/unit/test_witnesses.py") == []


def test_a_clause_that_is_filled_in_is_judged(copy: Copy) -> None:
    summary = "process.cwd has no component .."
    words = ("--summary", summary, "--breaks", '"/srv/../tides"', "--keeps", '"/srv/tides..x"', "--since", "1.1.0")
    assert copy.scaffold("clause", NO_DOTS, "--level", "SHOULD", *words).code == 0
    module = "ocivalidate/bundle/process.py"
    copy.replace(module, f"{MARK} why it has to be so, and what that rests on.", "Whoever reads it would be misled.")
    copy.replace(
        module, f"held = True  # {MARK} what has to hold of node.value (string)", 'held = "/../" not in node.value'
    )
    copy.replace(module, f"{MARK} what is wrong with it", "has a component ..")
    copy.replace(module, f"{MARK} what was wanted", "a path without ..")
    why = f"{MARK} why no schema can say it, or a row in rows.py"
    copy.replace("ocivalidate/printed/unsaid.py", why, "it is only an example")
    assert list(marked(copy.folder)) == []
    copy.lint()
    tests = (WITNESSES, "tests/property/test_printed_schema.py", "tests/unit/test_scaffold.py")
    assert copy.failing(*tests, "-k", f"{NO_DOTS} or left_to_fill_in") == []
    entry = json.loads(copy.python("-m", "ocivalidate", "rules", NO_DOTS, "--format", "json").out)["clauses"][0]
    assert (entry["level"], entry["summary"], entry["since"]) == ("SHOULD", summary, "1.1.0")
    again = copy.scaffold("clause", NO_DOTS)
    assert one_line(again) == f"{NO_DOTS} already exists: ocivalidate explain {NO_DOTS}"


# A clause of every document type and of every family, and the module and the witnesses that are to have it.
NEIGHBOURS = {
    "runtime/config-linux.resources.pids.limit.even": ("linux_cgroups.py", "linux-resources.json"),
    "safety/config.mounts.source.no-blank": ("mounts.py", "mounts.json"),
    "safety/config.process.cwd.no-dot-dot": ("process.py", "process.json"),
    "lint/config.hostname.short": ("lint.py", "lint.json"),
    "runtime/config-windows.layerFolders.rare": ("windows.py", "platforms.json"),
    "runtime/features.hooks.rare": ("features.py", "state-features.json"),
    "runtime/runtime.state.id.rare": ("state.py", "state-features.json"),
    "image/image-index.manifests.rare": ("indexes.py", "image-index.json"),
    "image/manifest.layers.rare": ("manifests.py", "image-manifest.json"),
    "image/config.config.Env.rare": ("configs.py", "image-config.json"),
    "image/descriptor.size.rare": ("descriptors.py", "image-descriptor.json"),
}


def test_clauses_of_every_document_find_their_neighbours(copy: Copy) -> None:
    for clause, files in NEIGHBOURS.items():
        done = copy.scaffold("clause", clause)
        assert (done.code, done.err) == (0, "")
        told = [line.partition(":")[0] for line in done.out.splitlines() if re.search(r":\d+: ", line)]
        family = clause.partition("/")[0]
        assert {os.path.basename(file) for file in told} == {"CHANGELOG.md", "unsaid.py", f"{family}.json", *files}
    copy.lint()
    # Each has a witness that does not break it yet, and nothing else is amiss.
    failed = copy.failing(WITNESSES, "tests/unit/test_image_clauses.py", "-k", " or ".join(NEIGHBOURS))
    assert sorted(re.findall(r"\[(.*)\]$", name)[0] for name in failed) == sorted(NEIGHBOURS)


def test_a_clause_of_the_draft(copy: Copy) -> None:
    assert copy.scaffold("clause", "runtime/config.process.cwd.rare", "--since", "next").code == 0
    (entry,) = [line for line in copy.files()["schemas/clauses/runtime.json"].splitlines() if b"cwd.rare" in line]
    assert json.loads(entry.rstrip(b","))["since"] == "next"


def test_a_clause_of_the_schema_gets_no_check(copy: Copy) -> None:
    done = copy.scaffold("clause", "runtime/config.process.cwd.pattern", "--schema", "--breaks", '"x"')
    assert done.code == 0
    assert ".py:" not in done.out.partition("\n\n")[0]
    assert "name it in schemas/runtime/config.json at /process/cwd" in done.out


def test_a_clause_that_runtimes_are_driven_for_leads_to_a_case(copy: Copy) -> None:
    done = copy.scaffold("clause", "runtime/runtime.kill.rare", "--summary", "Kill is rare")
    assert done.code == 0
    assert "python -m fixtures.scaffold case AREA.WHAT-IT-SHOWS --judges runtime/runtime.kill.rare" in done.out
    (entry,) = [line for line in copy.files()["schemas/clauses/runtime.json"].splitlines() if b"kill.rare" in line]
    assert json.loads(entry.rstrip(b","))["judged"] == "dynamic"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["clause", "nosuch"], "nosuch is not an id: a family "),
        (["clause", "runtime/config.process.cwd.absolute"], "runtime/config.process.cwd.absolute already exists"),
        (
            ["clause", "runtime/config.process.cwd.x", "--at", "/process/none"],
            "/process/none is not a place in the schema",
        ),
        (["clause", "runtime/config.process.cwd.x", "--since", "9.9.9"], "9.9.9 is not a release: known are 1.0.0"),
        (["clause", "image/layer.x.y"], "image/layer.x.y is not about a single document"),
        (["clause", "safety/layer.x"], "safety/layer.x is not about a single document"),
        (["clause", "runtime/config.process.cwd.x", "--breaks", "x"], "--breaks needs JSON"),
        (["clause", "runtime/config.process.cwd.x", "--judged", "none"], "--judged none needs a --reason"),
        (["clause", "image/layer.rare"], "image/layer.rare"),
        (["case", "nosuch"], "nosuch is not an id of a case"),
        (["case", "signals.running-container-gets-signals"], "signals.running-container-gets-signals already exists"),
        (["case", "signals.x", "--judges", "runtime.nosuch"], "no clause is called runtime.nosuch"),
        (["case", "signals.x", "--judges", "config.process.cwd.absolute"], "config.process.cwd.absolute is static"),
        (["case", "signals.x", "--sets", "/nosuch"], "/nosuch is not a property of config.json on Linux"),
        (["case", "signals.-number"], "signals.-number is not an id of a case"),
        (["other"], "argument clause|case: invalid choice: 'other'"),
        ([], "the following arguments are required: clause|case"),
    ],
)
def test_what_cannot_be_begun_is_one_line(words: list[str], line: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fixtures.scaffold", *words, *(["--dry-run"] if words else [])],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert one_line(Done(done.returncode, done.stdout, done.stderr)).startswith(line)


# --- A case


def test_a_case_is_begun_in_the_module_of_its_area(copy: Copy) -> None:
    before = copy.files()
    done = copy.scaffold(
        "case", "signals.stopped-gets-none", "--judges", "runtime.kill.sends-signal", "--needs", "root"
    )
    assert (done.code, done.err) == (0, "")
    assert copy.changed(before) == ["conformance/signals.py", "fixtures/mutants/tables/operations.py"]
    copy.lint()
    listed = copy.python("-m", "ocivalidate", "runtime", "--list", "-v", "--select", "signals.stopped-gets-none").out
    assert listed.splitlines()[1:] == ["  runtime/runtime.kill.sends-signal", "1 cases, 1 clauses"]
    left = ["test_nothing_is_left_to_fill_in"]
    tests = ("tests/unit/test_runtime_cases.py", "tests/unit/test_runtime_mutants.py")
    assert copy.failing("tests/unit/test_scaffold.py", *tests, "-k", "left_to_fill_in or order") == left
    assert one_line(copy.scaffold("case", "signals.stopped-gets-none")).startswith(
        "signals.stopped-gets-none already exists"
    )


def test_a_case_of_a_new_area_is_a_new_file(copy: Copy) -> None:
    words = ("--judges", "runtime.start.runs-process", "--summary", "What it shows.")
    shown = copy.scaffold("case", "new-area.first-one", *words, "--dry-run").out
    assert "--- /dev/null\n+++ b/conformance/new_area.py\n" in shown
    done = copy.scaffold("case", "new-area.first-one", *words)
    assert done.out.startswith("conformance/new_area.py:1: a module")
    assert "score --case new-area.first-one" in done.out
    copy.lint()
    listed = copy.python("-m", "ocivalidate", "runtime", "--list", "--select", "new-area").out
    assert listed.startswith("new-area.first-one: What it shows.\n")


def test_a_case_on_a_property_has_its_mutants_already(copy: Copy) -> None:
    done = copy.scaffold("case", "process.cwd-again", "--sets", "/process/cwd")
    assert done.code == 0
    assert "mutants/tables" not in done.out
    copy.lint()
    program = (
        "from fixtures.mutants import score, tables",
        "from ocivalidate.runtime.running.loading import case_folder, load_cases",
        "cases = load_cases(case_folder(None))",
        "listed = tables.mutants(cases)",
        "found = score.choose(cases, listed, texts=[], patterns=['process.cwd-again'])[1]",
        "print(*(mutant.name for mutant in found), sep=';')",
    )
    assert "loses /process/cwd" in copy.python("-c", "\n".join(program)).out.strip().split(";")


def test_what_is_written_is_written_whole(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("a\n")
    (tmp_path / "two").mkdir()
    changes = writing.Changes(tmp_path)
    changes.insert("one", 1, ["b"], "")
    changes.insert("new", 0, ["c"], "")
    changes.insert("gone/three", 0, ["d"], "")
    with pytest.raises(writing.CannotScaffold, match="nothing was written"):
        changes.write()
    assert {path.name for path in tmp_path.iterdir()} == {"one", "two"}
    assert (tmp_path / "one").read_text() == "a\n"


# --- Where an id leads


@pytest.mark.parametrize(
    ("clause", "pointer", "rule"),
    [
        ("runtime/config.process.cwd.absolute", "/process/cwd", ("absolute",)),
        ("runtime/config.mounts.destination.absolute", "/mounts/*/destination", ("absolute",)),
        ("runtime/config-linux.resources.cpu.quota.x", "/linux/resources/cpu/quota", ("x",)),
        ("safety/config.devices.x", "/linux/devices", ("x",)),
        ("runtime/config.process", "", ("process",)),
        ("image/manifest.layers.x", "/layers", ("x",)),
        ("runtime/features-linux.seccomp.actions.x", "/linux/seccomp/actions", ("x",)),
    ],
)
def test_an_id_leads_to_its_place(clause: str, pointer: str, rule: tuple[str, ...]) -> None:
    place = documents.place_of(clause)
    assert place is not None
    assert (place.pointer, place.rule) == (pointer, rule)


def test_checks_that_are_there_are_where_their_ids_lead() -> None:
    """Not all: some rules are about several members. But most, or ids lead to the wrong places."""
    load_checks()
    bundle = documents.DOCUMENTS[0]
    found = {clause: check.patterns for check in bundle.registry.checks for clause in check.clauses if clause in load()}
    right = [
        clause
        for clause, patterns in found.items()
        if (place := documents.place_of(clause)) is not None
        and any("/".join(["", *pattern]).startswith(place.pointer) for pattern in patterns)
    ]
    assert len(right) > 0.8 * len(found)


def test_values_of_bases_are_found() -> None:
    base = base_document("linux.json")
    assert documents.value_at(base, "/process/cwd") == ("/process/cwd", base["process"]["cwd"])
    assert documents.value_at(base, "/mounts/*/destination") == (
        "/mounts/0/destination",
        base["mounts"][0]["destination"],
    )
    assert documents.value_at(base, "/process/none") is None
    assert documents.value_at({"a": {"b/c": []}}, "/a") == ("/a/b~1c", [])


def test_text_is_as_ruff_writes_it() -> None:
    assert text.call("f", ["1", "2"]) == ["f(1, 2)"]
    long = ["x" * 60, "y" * 50]
    assert text.call("some_function", long) == ["some_function(", f"    {long[0]}, {long[1]}", ")"]
    longer = ["x" * 70, "y" * 60]
    assert text.call("f", longer, ",", 4) == ["    f(", *(f"        {one}," for one in longer), "    ),"]
    assert text.snake("process.cwd.noDots-at-all") == "process_cwd_no_dots_at_all"
    assert text.shared("runtime/config.a.b", "runtime/config.a.c") == 3
    ids = ["runtime/config.a.x", "safety/config.z", "lint/config.a.b", "safety/config.a.y", "runtime/config.b"]
    assert text.nearest(ids, lambda one: text.nearness("safety/config.a.b", one)) == "safety/config.a.y"
    assert text.nearest(ids[:3], lambda one: text.nearness("safety/config.a.b", one)) == "runtime/config.a.x"
    assert text.nearest(ids, lambda one: text.nearness("lint/config.q", one)) == "lint/config.a.b"
