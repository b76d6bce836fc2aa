"""A runtime that refuses what a case sets has a skip there and no failure: config.md, valid values.

For every property that the specification neither demands nor the runtime claims there is a mutant that refuses it. A
few are tried here, one of each kind; ``python -m tests.integration.test_runtime_refusals RUNTIME`` tries all.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.mutants import Mutant
from fixtures.mutants.operators.configs import places
from ocivalidate.report.summary import closing_line
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.findings import Outcome, Result
from ocivalidate.runtime import refusing, run_runtime
from ocivalidate.runtime.api import check_runtime
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.driving import configs
from ocivalidate.runtime.options import RuntimeOptions
from ocivalidate.runtime.running.loading import case_folder, load_cases
from tests.integration.enclosure import why_not_root

RUNTIME = shutil.which(os.environ.get("OCIVALIDATE_RUNTIME", "runc"))
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(why_not_root() is not None, reason=str(why_not_root())),
    pytest.mark.skipif(RUNTIME is None, reason="the runtime is not installed"),
]
CHOSEN = (
    "/process/user/additionalGids",
    "/process/terminal",
    "/process/rlimits/*/soft",
    "/linux/maskedPaths",
    "/linux/sysctl/*",
    "/linux/rootfsPropagation",
    "/linux/devices/*/path",
    "/linux/resources/cpu/shares",
    "/linux/resources/blockIO/weight",
    "/linux/seccomp/syscalls/*/names",
    "/linux/uidMappings/*/hostID",
)
RELEASE = "1.0.2"
# Areas in which a config has something beside what a case judges.
OTHERS = ("extensibility.", "hooks.", "idmap.", "namespaces.entries-", "propagation.bound-", "terminal.")
# Cases that judge something else than a property that they need, so that they do not declare it.
BESIDE = {
    "/process/user/uid": "root-corners.",
    "/linux/uidMappings/*/hostID": "mount-corners.source-",
}
# About support itself, with nothing beside it.
ASKED = (
    "runtime/config-linux.namespaces.types-supported",
    *(f"runtime/config.mounts.options.linux.{name}" for name in ("idmap", "ridmap")),
)
OURS = "/linux/cgroupsPath"  # every container of a run has one


def optional() -> dict[str, list[Case]]:
    """The properties that a runtime may refuse, with the cases that set them."""
    found: dict[str, list[Case]] = {}
    for case in load_cases(case_folder(None)):
        for pointer in case.sets:
            if pointer != OURS and not any(
                row.speaks_of(refusing.Difference(pointer, None)) for row in refusing._table("demanded")
            ):
                found.setdefault(pointer, []).append(case)
    return found


def failures(runtime: str, cases: list[Case], folder: Path, *pointers: str) -> set[tuple[str, str, str]]:
    """Case, clause and why of what fails or errs on a runtime that refuses some properties."""
    base = configs.base(RELEASE, "wait")
    usual = {pointer: [holder[key] for holder, key in places(base, pointer)] for pointer in pointers}
    folder.mkdir(exist_ok=True)
    mutant = Mutant("refuses values", "refuses-values", (), {"usual": usual}).write(folder, runtime)
    selection = Selection(select=tuple(case.id for case in cases))
    results = run_runtime(str(mutant), selection, RuntimeOptions(own_expectations=False))
    return {told(result) for result in results if result.outcome in (Outcome.FAIL, Outcome.ERROR)}


def told(result: Result) -> tuple[str, str, str]:
    """Case, clause and what was said."""
    said = result.findings[0].message if result.findings else result.reason
    return result.case, result.clause.id, said


@pytest.mark.parametrize("pointer", CHOSEN)
def test_what_is_refused_is_skipped(pointer: str, tmp_path: Path) -> None:
    assert RUNTIME is not None
    cases = optional()[pointer]
    before = {one[:2] for one in failures(RUNTIME, cases, tmp_path / "none")}
    after = failures(RUNTIME, cases, tmp_path / "one", pointer)
    assert [one for one in after if one[:2] not in before and not refusing.demands(one[1])] == []


@pytest.mark.parametrize(("pointer", "area"), BESIDE.items())
def test_what_is_refused_beside_what_is_judged_fails_nothing(pointer: str, area: str, tmp_path: Path) -> None:
    assert RUNTIME is not None
    cases = [case for case in load_cases(case_folder(None)) if case.id.startswith(area)]
    before = {one[:2] for one in failures(RUNTIME, cases, tmp_path / "none")}
    after = failures(RUNTIME, cases, tmp_path / "one", pointer)
    assert cases
    assert [one for one in after if one[:2] not in before] == []


def test_of_all_that_is_refused_nothing_fails_but_what_asks_for_support(tmp_path: Path) -> None:
    assert RUNTIME is not None
    cases = [case for case in load_cases(case_folder(None)) if case.id.startswith(OTHERS)]
    before = {one[:2] for one in failures(RUNTIME, cases, tmp_path / "none")}
    after = failures(RUNTIME, cases, tmp_path / "all", *optional())
    assert [one for one in after if one[:2] not in before and one[1] not in ASKED] == []


def test_who_refuses_all_that_it_may_does_not_look_like_a_pass(tmp_path: Path) -> None:
    """The last line says how much is not known, and with ``--strict`` nothing of it is passed over."""
    base = configs.base(RELEASE, "wait")
    usual = {pointer: [holder[key] for holder, key in places(base, pointer)] for pointer in optional()}
    mutant = str(Mutant("refuses all", "refuses-values", (), {"usual": usual}).write(tmp_path, str(RUNTIME)))
    selection = Selection(select=("names.*", "state.every-status"))
    report = check_runtime(mutant, selection, options=RuntimeOptions(own_expectations=False))
    line = closing_line(report)
    assert ": conforms, where it did not refuse, to runtime-spec " in line
    assert "; INCOMPLETE: the runtime refused what " in line
    strict = check_runtime(mutant, selection, options=RuntimeOptions(own_expectations=False, strict=True))
    skipped = {(one.case, one.clause.id) for one in report.results if one.reason.startswith("refused: ")}
    failed = {(one.case, one.clause.id) for one in strict.results if one.outcome is Outcome.FAIL}
    assert skipped
    assert skipped <= failed


def every(runtime: str) -> Iterator[str]:
    """Try all, and yield a line for each failure: with all properties refused, in all cases, and with each alone."""
    with tempfile.TemporaryDirectory() as folder:
        table, cases = optional(), load_cases(case_folder(None))
        before = {one[:2] for one in failures(runtime, cases, Path(folder, "none"))}
        trials = {"all": (cases, [*table])} | {pointer: (some, [pointer]) for pointer, some in table.items()}
        for number, (what, (some, pointers)) in enumerate(trials.items()):
            for one in sorted(failures(runtime, some, Path(folder, str(number)), *pointers)):
                if one[:2] not in before:
                    yield f"{what}: {' '.join(one)}{' (asks for support)' if refusing.demands(one[1]) else ''}"
        yield f"{len(table)} properties, {len(cases)} cases, {len(before)} known failures"


if __name__ == "__main__":
    for line in every(sys.argv[1]):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
