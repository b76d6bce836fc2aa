"""Trying one case: whatever happens becomes one result for each of its clauses."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ocivalidate.errors import ConfigRefused, NotShown, OciValidateError, RuntimeFailed
from ocivalidate.rules.clauses import Clause
from ocivalidate.rules.findings import Outcome, Result
from ocivalidate.runtime.case_context import CaseContext, ControlFailed, ControlRefused, Skipped
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.refusing import NOT_REACHED, REFUSED
from ocivalidate.runtime.run_context import RunContext
from ocivalidate.runtime.running.needs import missing
from ocivalidate.runtime.verdicts import NOT_JUDGED, Unjudged, results


@dataclass(frozen=True, slots=True)
class Attempt:
    """A case that was tried, or skipped.

    ``left``: what could not be removed. ``calls``: how often the runtime was called, ``runtime_seconds`` the time in
    at least one of these calls ran, ``waited`` the time of nothing but waiting for containers, of which ``containers``
    is the number. ``operations``: how long each took that succeeded. ``trial`` is ``None`` for a case that was skipped.
    """

    case: Case
    results: tuple[Result, ...]
    seconds: float = 0.0
    left: tuple[str, ...] = ()
    calls: int = 0
    runtime_seconds: float = 0.0
    waited: float = 0.0
    containers: int = 0
    operations: Mapping[str, Sequence[float]] = field(default_factory=dict)
    trial: CaseContext | None = None


def attempt(stage: RunContext, case: Case, clauses: Sequence[Clause], required: Sequence[str] = ()) -> Attempt:
    """Try a case on some of its clauses. ``required``: needs whose absence is an error instead of a skip."""
    need, reason = missing(case.needs, stage.host, stage.subject)
    if need:
        outcome = Outcome.ERROR if need in required or need.partition(":")[0] in required else Outcome.SKIP
        return _not_tried(case, clauses, Unjudged(outcome, reason))
    unapplied = stage.subject.unapplied(case.sets)
    if unapplied:
        reason = f"the runtime says that it does not apply {', '.join(unapplied)}"
        return _not_tried(case, clauses, Unjudged(Outcome.SKIP, reason))
    start = time.monotonic()
    try:
        trial = CaseContext(stage, case)
    except OSError as problem:
        gone = stage.missing() or f"the folder to work in is gone: {problem.strerror}"
        return given_up(case, clauses, gone)
    unjudged = _run(case, trial)
    # Without the folder, nothing that the runtime did or failed to do is evidence, whatever was seen before.
    gone = stage.missing() or _missing(trial)
    left = trial.clean_up()
    stage.devices.look()
    if gone:
        unjudged = Unjudged(Outcome.ERROR, gone)
        trial.verdicts.clear()
        trial.skips.clear()
    elif left:
        unjudged = Unjudged(Outcome.ERROR, f"could not remove: {', '.join(left)}")
    seconds = time.monotonic() - start
    judged = results(case.id, clauses, trial.verdicts, trial.skips, unjudged)
    return Attempt(
        case=case,
        results=tuple(replace(result, seconds=round(seconds, 3)) for result in judged),
        seconds=seconds,
        left=tuple(left),
        calls=len(trial.runtime.calls),
        runtime_seconds=trial.runtime.call_times.called,
        waited=trial.runtime.call_times.waited,
        containers=len(trial.containers),
        operations=trial.runtime.call_times.operations,
        trial=trial,
    )


def given_up(case: Case, clauses: Sequence[Clause], reason: str) -> Attempt:
    """A case that could not be tried, or not completely."""
    return _not_tried(case, clauses, Unjudged(Outcome.ERROR, reason))


def _not_tried(case: Case, clauses: Sequence[Clause], why: Unjudged) -> Attempt:
    return Attempt(case, results(case.id, clauses, (), {}, why))


def _missing(trial: CaseContext) -> str:
    """Whether the folder of a case was removed, by the runtime or by anybody else."""
    return "" if trial.folder.is_dir() else f"the folder of the case was removed: {trial.folder}"


def _refusal(trial: CaseContext, said: str, failed: str, *, of_control: bool = False) -> Unjudged:
    """What becomes of the clauses of a case when the runtime refused a config, as it may.

    ``of_control``: a config without what the clauses are about, so that this was not refused.
    """
    if trial.stage.strict:
        return Unjudged(Outcome.FAIL, failed)
    return Unjudged(Outcome.SKIP, f"{REFUSED}: {said}", refused="" if of_control else failed)


def _run(case: Case, trial: CaseContext) -> Unjudged:
    """Run the function of a case, and return the outcome of the clauses that it did not judge."""
    try:
        case.run(trial)
    except OciValidateError as problem:
        return _unjudged(trial, problem)
    except Exception as problem:  # noqa: BLE001  # a user's case may raise anything
        where = traceback.extract_tb(problem.__traceback__)[-1]
        place = f"{where.filename.rpartition('/')[2]}:{where.lineno}"
        return Unjudged(Outcome.ERROR, f"the case broke: {type(problem).__name__}: {problem} ({place})")
    if trial.not_shown:
        missing = ", ".join(dict.fromkeys(trial.not_shown))
        return Unjudged(Outcome.SKIP, f"{NOT_REACHED}: the kernel in the container does not show {missing}")
    return NOT_JUDGED


def _unjudged(trial: CaseContext, problem: OciValidateError) -> Unjudged:
    """What becomes of the clauses that a case has not judged when it ends so."""
    match problem:
        case Skipped():
            return Unjudged(Outcome.SKIP, str(problem))
        case ConfigRefused() if trial.may_refuse(problem.config):
            return _refusal(trial, problem.said, str(problem))
        case RuntimeFailed():
            return Unjudged(Outcome.FAIL, str(problem))
        case ControlRefused():
            return _refusal(trial, str(problem), f"the control was refused: {problem}", of_control=True)
        case ControlFailed() | NotShown():
            return Unjudged(Outcome.SKIP, f"{NOT_REACHED}: {problem}")
    return Unjudged(Outcome.ERROR, str(problem))
