"""Cases that fail on every runtime at hand pass where a wrapper does right the one thing that is wrong there.

Without this nobody would have seen that they can pass.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from fixtures.mutants import Mutant
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.findings import Outcome
from ocivalidate.runtime import run_runtime
from ocivalidate.runtime.options import RuntimeOptions
from tests.integration.enclosure import why_not_root

RUNTIME = shutil.which(os.environ.get("OCIVALIDATE_RUNTIME", "runc"))
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(why_not_root() is not None, reason=str(why_not_root())),
    pytest.mark.skipif(RUNTIME is None, reason="the runtime is not installed"),
]
# Case → what does right what it asks for.
CORRECTED: dict[str, tuple[str, dict[str, Any]]] = {
    "devices.path-with-a-file": ("refuses-devices-that-are-there", {}),
    "devices.rules-on-making-nodes": (
        "writes-in-groups",
        {"controller": "devices", "file": "devices.deny", "texts": ["c *:* m", "b *:* m"]},
    ),
    **{
        f"mount-options.{case}": ("replace-words", {"pointer": "/mounts/*/options", "words": words})
        for case, words in {
            "options-undo-those-of-the-source": {name: f"r{name}" for name in "rw exec suid dev symfollow".split()},
            "access-times-undo-those-of-the-source": {
                name: f"r{name}" for name in "atime diratime nostrictatime".split()
            },
        }.items()
    },
    "root-corners.user-files-that-nobody-writes-to": ("reads-quiet-files", {}),
    "cgroup-paths.group-that-was-there": ("leaves", {"what": "groups"}),
    "cgroups.memory-oom-killer-enabled": (
        "writes-in-groups",
        {"controller": "memory", "file": "memory.oom_control", "texts": ["0"]},
    ),
}


@pytest.mark.parametrize("case", CORRECTED)
def test_what_is_corrected_passes(case: str, tmp_path: Path) -> None:
    assert RUNTIME is not None
    operator, arguments = CORRECTED[case]
    wrapper = Mutant("corrected", operator, (), arguments).write(tmp_path, RUNTIME)
    found = {}
    for runtime in (RUNTIME, str(wrapper)):
        results = list(run_runtime(runtime, Selection(select=(case,)), RuntimeOptions(own_expectations=False)))
        if all(result.outcome is Outcome.SKIP for result in results):
            pytest.skip(results[0].reason)
        # What the runtime does not reach is skipped.
        found[runtime] = {result.outcome for result in results} - {Outcome.SKIP}
    assert found == {RUNTIME: {Outcome.FAIL}, str(wrapper): {Outcome.PASS}}


@pytest.mark.parametrize(
    "case", "with-a-writable-mount user-of-a-user-namespace list-of-the-kernel without-a-list-of-the-kernel".split()
)
def test_a_runtime_that_gives_groups_to_users_as_it_should_passes(case: str, tmp_path: Path) -> None:
    """No runtime at hand does so for every user, which all may leave undone."""
    assert RUNTIME is not None
    wrapper = Mutant("delegates", "delegates", ()).write(tmp_path, RUNTIME)
    selection = Selection(select=(f"cgroup-owners.{case}",), spec_version="1.3.0")
    options = RuntimeOptions(own_expectations=False)
    results = list(run_runtime(str(wrapper), selection, options))
    if all(result.outcome is Outcome.SKIP for result in results):
        pytest.skip(results[0].reason)
    assert {result.outcome for result in results} == {Outcome.PASS}
