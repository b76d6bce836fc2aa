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
STREAMS = "devices.of-the-host-stay-as-they-are"
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(why_not_root() is not None, reason=str(why_not_root())),
    pytest.mark.skipif(RUNTIME is None, reason="the runtime is not installed"),
]


@pytest.mark.slow
def test_late_wordy_and_with_more_in_its_state(tmp_path: Path) -> None:
    assert RUNTIME is not None
    wrapper = Mutant("unusual", "unusual", ()).write(tmp_path, RUNTIME)
    results = list(run_runtime(str(wrapper)))
    assert len(results) > 300
    wrong = [result for result in results if result.outcome in (Outcome.FAIL, Outcome.ERROR, Outcome.XPASS)]
    # The wrapper has streams of its own: what runc does to the devices that it gets as streams cannot show here.
    wrong = [result for result in wrong if (result.case, result.outcome) != (STREAMS, Outcome.XPASS)]
    assert [(result.case, result.clause.id, result.findings, result.reason) for result in wrong] == []


def test_what_is_refused_by_itself_bears_on_nothing_else(tmp_path: Path) -> None:
    assert RUNTIME is not None
    refusing = Mutant("refuses", "refuse-text", (), {"text": "personality"}).write(tmp_path, RUNTIME)
    results = run_runtime(refusing, Selection(select=("values.namespace-twice", "values.personality-*")))
    outcomes = {result.case: result.outcome for result in results}
    # The control is refused too, as it may be: nothing can be said of the other.
    assert outcomes == {"values.namespace-twice": Outcome.PASS, "values.personality-domain-unknown": Outcome.SKIP}


def test_a_container_that_is_being_created_needs_no_pid(tmp_path: Path) -> None:
    assert RUNTIME is not None
    arguments = {"kind": "createContainer", "how": "other-state", "said": '{"status": "creating", "pid": null}'}
    silent = Mutant("silent", "hooks-around", (), arguments).write(tmp_path, RUNTIME)
    results = run_runtime(silent, Selection(select=("hooks.all-kinds-*",)))
    outcomes = {result.clause.id: result.outcome for result in results}
    assert outcomes["runtime/config.hooks.state-on-stdin"] is Outcome.PASS
