"""Exploring real runtimes and the fake: what is drawn runs, faults where features meet are found, shrunk and kept."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fixtures import fake_runtime
from fixtures.mutants import Mutant
from tests.integration.enclosure import why_not_root
from tests.integration.host import snapshot

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(why_not_root() is not None, reason=str(why_not_root())),
]


def explored(folder: Path, runtime: str, count: int, *more: str, code: int | None = None) -> dict[str, Any]:
    """The report of an exploration; nothing of it is left on the host."""
    file = folder / "report.json"
    before = snapshot()
    command = [sys.executable, "-m", "ocivalidate", "runtime", "--no-config", "--runtime", runtime]
    done = subprocess.run(
        [*command, "--explore", str(count), "--output", f"json={file}", *more],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode in ((0, 1) if code is None else (code,)), done.stdout[-3000:] + done.stderr
    report: dict[str, Any] = json.loads(file.read_text())["reports"][0]
    mine = str(report["facts"]["prefix"]).rstrip("-")
    assert [thing for thing in snapshot() - before if mine in thing or thing.startswith("mount")] == []
    return report | {"said": done.stdout}


def outcomes(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["case"], one["clause"], one["outcome"]) for one in report["results"]]


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_all_that_is_drawn_can_be_judged(tmp_path: Path, runtime: str) -> None:
    if shutil.which(runtime) is None:
        pytest.skip(f"{runtime} is not installed")
    report = explored(tmp_path, runtime, 4, "--seed", "3")
    assert [one for one in report["results"] if one["outcome"] == "error"] == []
    cases = [*dict.fromkeys(one["case"] for one in report["results"])]
    assert cases[-4:] == ["explore.00001", "explore.00002", "explore.00003", "explore.00004"]
    assert sum(case.startswith("parts.") for case in cases) > 60
    passed = [one for one in report["results"] if one["outcome"] == "pass"]
    assert len(passed) > 150


def test_a_runtime_that_does_not_isolate_gets_what_it_applies(tmp_path: Path) -> None:
    program = fake_runtime.write(tmp_path / "fake")
    report = explored(tmp_path, str(program), 6, code=0)
    assert {outcome for _case, _clause, outcome in outcomes(report)} <= {"pass", "skip"}
    assert {"parts.annotations.one", "parts.env.many", "explore.00006"} <= {case for case, *_ in outcomes(report)}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A runtime that loses the umask of a container with a terminal."""
    runtime = shutil.which("runc")
    if runtime is None:
        pytest.skip("runc is not installed")
    known = [{"at": "/process/user/umask", "like": None}, {"at": "/process/terminal", "like": "true"}]
    lost = {"features": known, "operator": "drop", "arguments": {"pointer": "/process/user/umask"}}
    mutant = Mutant("no-umask-on-terminals", "where-they-meet", (), lost)
    return str(mutant.write(tmp_path_factory.mktemp("mutant"), runtime))


FEW = ("--select", "parts.umask,parts.terminal,parts.env,explore")


def test_a_fault_where_two_features_meet_is_found_and_shrunk(tmp_path: Path, faulty: str) -> None:
    kept = tmp_path / "kept"
    # What is known of the runtime below is kept, too, and is nothing that was found.
    report = explored(tmp_path, faulty, 10, *FEW, "--dump-dir", str(kept), "--no-expectations", code=1)
    found = [
        (one["location"]["case"], one)
        for one in report["findings"]
        if one["location"].get("pointer") == "/process/user/umask"
    ]
    assert found
    for case, finding in found:
        assert case.startswith("explore.")
        assert finding["got"].startswith("with only process.user.umask ")
        members = finding["got"].removeprefix("with only ").partition(": ")[0].split(", ")
        assert {member.partition(" ")[0] for member in members} == {"process.user.umask", "process.terminal"}
    [of_it] = [one for one in report["facts"]["distinct"] if "umask" in one["message"]]
    assert of_it["cases"] == len({case for case, _ in found})
    smallest = json.loads((kept / of_it["case"] / "config.json").read_text())
    assert smallest["process"]["terminal"] is True
    assert "rlimits" not in smallest["process"]
    # A config that shows it once more may be kept for something else that it is the first to show.
    assert len([*kept.glob("explore.*")]) <= len(report["facts"]["distinct"])


@pytest.mark.slow
def test_the_same_seed_finds_the_same_and_a_run_goes_on(tmp_path: Path, faulty: str) -> None:
    journal = tmp_path / "journal"
    first = explored(tmp_path, faulty, 3, *FEW, "--resume", str(journal))
    assert len(journal.read_text().splitlines()) == 5
    again = explored(tmp_path, faulty, 5, *FEW, "--resume", str(journal), "-j", "1")
    straight = explored(tmp_path, faulty, 5, *FEW)
    drawn = [one for one in outcomes(straight) if one[0].startswith("explore.")]
    assert [one for one in outcomes(again) if one[0].startswith("explore.")] == drawn
    assert [one for one in outcomes(first) if one[0].startswith("explore.")] == [
        one for one in drawn if one[0] <= "explore.00003"
    ]


@pytest.mark.slow
def test_two_runtimes_are_compared(tmp_path: Path, faulty: str) -> None:
    report = explored(tmp_path, "runc", 6, *FEW, "--against", faulty)
    against = report["facts"]["against"]
    assert against["differences"]
    assert all("process.user.umask" in one["other"] for one in against["differences"])
    assert f"# against {against['name']}: {len(against['differences'])} difference" in report["said"]
    own = explored(tmp_path, "runc", 2, *FEW, "--against", "runc")
    assert own["facts"]["against"]["differences"] == []
