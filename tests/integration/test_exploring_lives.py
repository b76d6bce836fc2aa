"""Lives of containers on a real runtime: what is sound has no problem, and what is wrong in a sequence is found."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.mutants.tables.sequences import SEQUENCES
from ocivalidate import Outcome, RuntimeOptions, Selection, check_runtime
from tests.integration.enclosure import why_not_root
from tests.integration.host import snapshot

RUNTIME = os.environ.get("OCIVALIDATE_RUNTIME", "runc")
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(why_not_root() is not None, reason=str(why_not_root())),
    pytest.mark.skipif(shutil.which(RUNTIME) is None, reason=f"{RUNTIME} is not installed"),
]
CHECKOUT = Path(__file__).parents[2]


def lived(count: int) -> RuntimeOptions:
    return RuntimeOptions(explore=count, only=tuple(f"lives.{number + 1:05}" for number in range(count)))


def test_a_sound_runtime_has_no_problem() -> None:
    report = check_runtime(RUNTIME, Selection(), lived(40))
    wrong = [one for one in report.results if one.outcome not in (Outcome.PASS, Outcome.SKIP, Outcome.XFAIL)]
    assert (report.problem, wrong) == ("", [])
    assert sum(one.outcome is Outcome.PASS for one in report.results) > 100


@pytest.mark.slow
def test_each_fault_is_found_within_200_lives() -> None:
    before = snapshot()
    done = subprocess.run(
        [sys.executable, "-m", "fixtures.mutants.living"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(SEQUENCES)} of {len(SEQUENCES)} found" in done.stdout
    assert [thing for thing in snapshot() - before if "living-" in thing] == []


def test_what_fails_is_shrunk_and_reproduced(tmp_path: Path) -> None:
    mutant = next(one for one in SEQUENCES if one.name == "starts again what was killed")
    sound = str(shutil.which(RUNTIME))
    faulty = str(mutant.write(tmp_path, sound))
    options = RuntimeOptions(explore=31, only=("lives.00031",), dump_dir=tmp_path / "kept")
    report = check_runtime(faulty, Selection(), options)
    [failed] = [one for one in report.results if one.outcome is Outcome.FAIL]
    assert failed.clause.id == "runtime/runtime.start.not-created-error"
    assert failed.findings[0].got == "no error after create, kill, start"
    folder = tmp_path / "kept" / "lives.00031"
    assert (folder / "config.json").is_file()
    for runtime, status in ((faulty, 1), (sound, 0)):
        done = subprocess.run(
            ["sh", str(folder / "reproduce.sh"), runtime], capture_output=True, text=True, check=False
        )
        assert done.returncode == status, done.stdout + done.stderr
