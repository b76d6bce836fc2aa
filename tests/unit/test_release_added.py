"""A release is data: an imaginary runtime-spec 1.4.0, added to a copy of the sources by three files and no more."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ocivalidate.vocabulary.versions import NEXT, RUNTIME_RELEASES
from tests.unit.command_line import GOOD

ROOT = Path(__file__).parents[2]
NEW = "1.4.0"
BEFORE = RUNTIME_RELEASES[-1]
VERSIONS, SCHEMA, INVENTORY = (
    "ocivalidate/vocabulary/versions.py",
    "schemas/runtime/config.json",
    "schemas/clauses/runtime.json",
)
CLAUSE = "runtime/config-linux.tides"
_RUN = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); import ocivalidate.cli as c; "
    "name = sys.argv.pop(1); sys.exit(getattr(c, name)(sys.argv[1:]))"
)
_CASES = f'''
"""Cases of somebody who has read the new release."""

from ocivalidate.runtime import CaseContext, case


@case("{CLAUSE}.known")
def tides_are_known(trial: CaseContext) -> None:
    """The runtime knows the tides."""
'''


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def _clause(name: str, level: str, judged: str, subject: str) -> str:
    entry = {"id": f"{CLAUSE}.{name}", "level": level, "summary": f"Of tides: {name}", "judged": judged}
    where = {"subject": subject, "platform": "linux", "document": "config-linux.md", "anchor": "tides", "since": NEW}
    return f"  {json.dumps(entry | where)},\n"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources with the new release; these are all the files that it takes."""
    copy = tmp_path_factory.mktemp("sources")
    for name in ("ocivalidate", "schemas", "fixtures", "conformance"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    # By it a checkout is known.
    shutil.copy(ROOT / "pyproject.toml", copy)
    _edit(copy / VERSIONS, f'"{BEFORE}")\nIMAGE', f'"{BEFORE}", "{NEW}")\nIMAGE')
    schema = json.loads((copy / SCHEMA).read_text(encoding="utf-8"))
    schema["properties"]["linux"]["properties"]["tides"] = {"x-clause": CLAUSE, "x-since": NEW, "type": "string"}
    (copy / SCHEMA).write_text(json.dumps(schema), encoding="utf-8")
    added = (
        _clause("type", "MUST", "static", "config"),
        _clause("optional", "MAY", "static", "config"),
        _clause("known", "MUST", "dynamic", "runtime"),
    )
    _edit(copy / INVENTORY, ' "clauses": [\n', f' "clauses": [\n{"".join(added)}')
    return copy


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tree: Path, tmp_path: Path) -> Run:
    """Run a command of the copy."""

    def run(*words: str, command: str = "main") -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, "-c", _RUN, str(tree), command, *words]
        return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path)

    return run


def _config(folder: Path, version: str, **linux: Any) -> str:
    config = json.loads(Path(GOOD, "config.json").read_text(encoding="utf-8")) | {"ociVersion": version}
    config["linux"] = config.get("linux", {}) | linux
    file = folder / f"{version}.json"
    file.write_text(json.dumps(config), encoding="utf-8")
    return str(file)


def test_three_files_were_touched(tree: Path) -> None:
    touched = {
        str(file.relative_to(tree))
        for file in tree.rglob("*")
        if file.is_file()
        and "__pycache__" not in file.parts
        and file.read_bytes() != (ROOT / file.relative_to(tree)).read_bytes()
    }
    assert touched == {VERSIONS, SCHEMA, INVENTORY}


def test_bundles_are_judged_by_it(run: Run, tmp_path: Path) -> None:
    said = run("bundle", _config(tmp_path, NEW, tides="high"))
    assert (said.returncode, said.stderr) == (0, "")
    assert f"conforms to runtime-spec {NEW} (linux)" in said.stdout
    wrong = run("bundle", _config(tmp_path, NEW, tides=5), "--format", "json")
    (report,) = json.loads(wrong.stdout)["reports"]
    assert [finding["clause"] for finding in report["findings"]] == [f"{CLAUSE}.type"]
    early = run("bundle", _config(tmp_path, BEFORE, tides="high"))
    assert f"linux.tides was added in version {NEW}" in early.stdout
    assert run("bundle", _config(tmp_path, "1.9.0")).stdout.count(f"newer than every version known here ({NEW})") == 1


def test_rules_and_explain_know_it(run: Run) -> None:
    assert f"{CLAUSE}.type" in run("rules", "--spec-version", NEW).stdout
    assert CLAUSE not in run("rules", "--spec-version", BEFORE).stdout
    said = run("rules", "--diff", f"{BEFORE}..{NEW}").stdout
    assert f"runtime-spec {BEFORE} to {NEW}: clauses 3 added, 0 removed, 0 changed; members 1 added" in said
    assert "  + runtime-config /linux/tides\n" in said
    steps = json.loads(run("rules", "--since", BEFORE, "--until", NEXT, "--spec", "runtime", "--format", "json").stdout)
    assert [(step["from"], step["to"]) for step in steps["changes"]] == [(BEFORE, NEW), (NEW, NEXT)]
    explained = run("explain", f"{CLAUSE}.type").stdout
    assert f"from {NEW} on" in explained
    assert f"/runtime-spec/blob/v{NEW}/config-linux.md#tides" in explained


def test_schemas_of_it_are_printed(run: Run) -> None:
    printed = json.loads(run("schema", "runtime-config").stdout)
    assert printed["title"].endswith(f"runtime-spec {NEW}")
    assert printed["properties"]["linux"]["properties"]["tides"]["type"] == "string"
    before = json.loads(run("schema", "runtime-config", "--spec-version", BEFORE).stdout)
    assert "tides" not in before["properties"]["linux"]["properties"]


def test_oci_gen_writes_it(run: Run) -> None:
    made = run("--set", "linux.tides=high", command="generate")
    assert json.loads(made.stdout)["ociVersion"] == NEW
    assert json.loads(made.stdout)["linux"]["tides"] == "high"
    refused = run("--set", "linux.tides=high", "--spec-version", BEFORE, command="generate")
    assert f"linux.tides was added in runtime-spec {NEW}, but this config is for {BEFORE}" in refused.stderr
    (line,) = (line for line in run("--list-paths", command="generate").stdout.splitlines() if "linux.tides" in line)
    assert line.split()[1] == f"{NEW}-{NEW}"


def test_runtimes_are_judged_by_it(run: Run, tree: Path, tmp_path: Path) -> None:
    def cases(release: str, *words: str) -> list[str]:
        said = run("runtime", "--list", "--spec-version", release, "--format", "json", *words)
        assert said.returncode == 0, said.stderr
        return [case["id"] for case in json.loads(said.stdout)["cases"]]

    assert cases(NEW) == cases(BEFORE)
    own = tmp_path / "own"
    own.mkdir()
    (own / "tides.py").write_text(_CASES, encoding="utf-8")
    assert cases(NEW, "--cases", str(own)) == ["tides.tides-are-known"]
    assert run("runtime", "--list", "--spec-version", BEFORE, "--cases", str(own)).returncode == 2
    fake = [sys.executable, "-I", "-S", str(tree / "fixtures/fake_runtime"), "--version"]
    banner = subprocess.run(fake, capture_output=True, text=True, check=True, timeout=60).stdout
    assert banner.endswith(f"spec: {NEW}\n")
