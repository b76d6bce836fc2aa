"""A runtime that does all that it should is not blamed for doing it in its own way."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from fixtures.mutants import Mutant
from ocivalidate.findings import Outcome
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
