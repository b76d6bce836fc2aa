"""The state that a hook reads on its standard input: valid, of this container, and true at this moment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ocivalidate.rules.clauses import Severity, load
from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.case_helpers.hook_containers import ANNOTATIONS, FinishedContainer
from ocivalidate.runtime.case_helpers.hooking import POSTSTOP, Kind, false_statuses
from ocivalidate.runtime.case_helpers.tracing import Record
from ocivalidate.runtime.driving.documents import judge_document

STATE = "config.hooks.state-on-stdin"


def judge_state(trial: CaseContext, lived: FinishedContainer, kind: Kind, record: Record) -> None:
    """Judge the state that a hook got on its standard input: valid, of this container, and true at that moment.

    ``record`` is what the hook noted, one of the kind ``kind`` (config.md, POSIX-platform hooks).
    """
    state = record.state()
    broken = ["no JSON object"] if state is None else _broken(trial, state)
    trial.expect(STATE, f"{record.name} does not get a valid state", got=broken, want=[])
    if state is None:
        return
    want = {"id": lived.container.id, "bundle": str(lived.container.bundle), "annotations": ANNOTATIONS}
    got = {name: state.get(name) for name in want}
    trial.expect(STATE, f"{record.name} gets the state of another container", got=got, want=want)
    status = state.get("status")
    false = false_statuses(kind, executed=lived.timeline.executed_by(record))
    trial.expect_that(
        STATE, f"{record.name} gets a wrong status", held=status not in false, got=status, want=f"none of {false}"
    )
    pids = _pids(trial, kind, lived.container.pid)
    # Only what is created or runs has to have one.
    if pids and ("pid" in state or status in ("created", "running")):
        trial.expect_that(
            STATE,
            f"{record.name} gets a wrong pid",
            held=state.get("pid") in pids,
            got=state.get("pid"),
            want=str(pids),
        )


def _broken(trial: CaseContext, state: Mapping[str, Any]) -> list[str]:
    key = f"state:{json.dumps(state, sort_keys=True)}"
    if key not in trial.notes:
        file = trial.folder / "state.json"
        file.write_text(json.dumps(state), encoding="utf-8")
        judged = judge_document("state", file, trial.release)
        errors = {name for name, clause in load("runtime").items() if clause.severity is Severity.ERROR}
        trial.notes[key] = [clause for clause, judgement in judged.items() if judgement.broken and clause in errors]
    found: list[str] = trial.notes[key]
    return found


def _pids(trial: CaseContext, kind: Kind, pid: int) -> tuple[int, ...]:
    """The numbers that the container process may have in a state; none for any.

    Up to 1.0.2 the text speaks of the host only, and is not clear on hooks in the container.
    """
    if kind is POSTSTOP:
        return ()
    if not kind.inside or not trial.subject.isolates:
        return (pid,)
    return (1,) if trial.holds("1.1.0") else (1, pid)
