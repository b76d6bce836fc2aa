"""``reproduce.sh`` of a failure shows it with the faulty runtime, does not with the sound one, and leaves nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fixtures.mutants.tables import mutants
from ocivalidate import Outcome, RuntimeOptions, Selection, check_runtime, resources
from ocivalidate.runtime.running.loading import load_cases
from tests.integration.enclosure import why_not_root
from tests.integration.host import snapshot

RUNTIME = os.environ.get("OCIVALIDATE_RUNTIME", "runc")
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(why_not_root() is not None, reason=str(why_not_root())),
    pytest.mark.skipif(shutil.which(RUNTIME) is None, reason=f"{RUNTIME} is not installed"),
]
# Mutant, and a case that notices: an order of calls, leftovers, state, signals, namespaces, links, devices, seccomp.
MUTANTS = (
    ("deletes what is not stopped", "refusals.running-container"),
    ("leaves control groups", "lifecycle.one-life"),
    ("prints state twice", "state.every-status"),
    ("sends signals twice", "signals.running-container-gets-signals"),
    ("makes a network namespace instead of joining it", "namespaces.network-is-joined-alone"),
    ("follows links at /dev out of the root", "escapes.dev-that-is-a-link-stays-inside"),
    ("has no /dev/null", "defaults.usual-container-has-them"),
    ("loads the filter before chdir", "setup-calls.working-directory"),
)
# What every release of runc does: reasons stand in its expectations.
SHIPPED = ("refusals.created-container-is-not-deleted", "hooks.poststop-failure", "devices.path-with-a-file")


def reproduced(script: Path, runtime: str) -> subprocess.CompletedProcess[str]:
    before = snapshot()
    done = subprocess.run(["sh", str(script), runtime], capture_output=True, text=True, check=False, timeout=200)
    # By the name that all things of this one have: others may run scripts at the same time.
    own = set(re.findall(r"reproduce-\w+", done.stdout))
    assert own, done.stdout
    assert [thing for thing in snapshot() - before if any(name in thing for name in own)] == []
    assert [one.name for one in Path("/tmp").glob("reproduce-*") if str(one) in done.stdout] == []  # noqa: S108
    return done


@pytest.mark.parametrize(("name", "case"), MUTANTS)
def test_mutants_show_what_they_do(name: str, case: str, tmp_path: Path) -> None:
    cases = load_cases(resources.folder("conformance"))
    mutant = next(one for one in mutants(cases) if one.name == name)
    sound = str(shutil.which(RUNTIME))
    faulty = str(mutant.write(tmp_path, sound))
    check_runtime(faulty, Selection(select=(case,)), RuntimeOptions(dump_dir=tmp_path / "kept"))
    script = tmp_path / "kept" / case / "reproduce.sh"
    shown = reproduced(script, faulty)
    assert shown.returncode == 1, shown.stdout + shown.stderr
    not_shown = reproduced(script, sound)
    assert not_shown.returncode == 0, not_shown.stdout + not_shown.stderr


def test_what_a_runtime_ships_is_shown(tmp_path: Path) -> None:
    report = check_runtime(RUNTIME, Selection(select=SHIPPED), RuntimeOptions(dump_dir=tmp_path))
    failed = {one.case for one in report.results if one.outcome in (Outcome.FAIL, Outcome.XFAIL)}
    assert failed
    for case in sorted(failed):
        done = reproduced(tmp_path / case / "reproduce.sh", RUNTIME)
        assert done.returncode == 1, done.stdout + done.stderr
