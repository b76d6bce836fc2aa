"""A runtime that does all that it should is not blamed for doing it in its own way, or for something else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from fixtures.mutants import Mutant
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.findings import Outcome
from ocivalidate.runtime import run_runtime
from tests.integration.enclosure import why_not_root

RUNTIME = shutil.which(os.environ.get("OCIVALIDATE_RUNTIME", "runc"))
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(why_not_root() is not None, reason=str(why_not_root())),
    pytest.mark.skipif(RUNTIME is None, reason="the runtime is not installed"),
]


def test_late_wordy_and_with_more_in_its_state(tmp_path: Path) -> None:
    assert RUNTIME is not None
    wrapper = Mutant("unusual", "unusual", ()).write(tmp_path, RUNTIME)
    results = list(run_runtime(str(wrapper)))
    assert len(results) > 300
    wrong = [result for result in results if result.outcome in (Outcome.FAIL, Outcome.ERROR, Outcome.XPASS)]
    assert [(result.case, result.clause.id, result.findings, result.reason) for result in wrong] == []


def test_what_is_refused_by_itself_bears_on_nothing_else(tmp_path: Path) -> None:
    assert RUNTIME is not None
    refusing = Mutant("refuses", "refuse-text", (), {"text": "personality"}).write(tmp_path, RUNTIME)
    results = run_runtime(refusing, Selection(select=("values.namespace-twice", "values.personality-*")))
    outcomes = {result.case: result.outcome for result in results}
    # Of that nothing can be said: whatever is in it is refused.
    assert outcomes == {"values.namespace-twice": Outcome.PASS, "values.personality-domain-unknown": Outcome.ERROR}


def test_a_container_that_is_being_created_needs_no_pid(tmp_path: Path) -> None:
    assert RUNTIME is not None
    arguments = {"kind": "createContainer", "how": "other-state", "said": '{"status": "creating", "pid": null}'}
    silent = Mutant("silent", "hooks-around", (), arguments).write(tmp_path, RUNTIME)
    results = run_runtime(silent, Selection(select=("hooks.all-kinds-*",)))
    outcomes = {result.clause.id: result.outcome for result in results}
    assert outcomes["runtime/config.hooks.state-on-stdin"] is Outcome.PASS
