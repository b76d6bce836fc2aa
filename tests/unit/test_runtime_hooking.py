"""When hooks ran, judged from what recorders noted."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ocivalidate.runtime.case_helpers import hook_sleepers
from ocivalidate.runtime.case_helpers.hook_containers import judge_end, late_records
from ocivalidate.runtime.case_helpers.hooking import (
    CREATE_CONTAINER,
    CREATE_RUNTIME,
    KINDS,
    POSTSTART,
    PRESTART,
    START_CONTAINER,
    HookTimeline,
    Kind,
    Span,
    create_faults,
    false_statuses,
    follows,
    in_turn,
    poststart_faults,
    poststop_faults,
    prestart_faults,
    start_container_faults,
    without_late,
)
from ocivalidate.runtime.case_helpers.tracing import Record

HOST, ROOTFS = [1, 2], [3, 4]
NAMESPACES = {"pid": "pid:[2]", "mnt": "mnt:[2]", "cgroup": "cgroup:[2]"}
BUILT = {"namespaces": {**NAMESPACES, "cgroup": "cgroup:[1]"}, "root": HOST, "mounts": ["/", "/b/rootfs/proc"]}
RUNNING = {"argv": ["program"]}


def note(name: str, begun: float, **more: Any) -> Record:
    return Record(name, begun, begun + 0.5, **more)


# One hook of each kind, in the order and at the times that the newest release wants.
RECORDS: tuple[Record, ...] = (
    note("prestart/0", 1, process=BUILT),
    note("createRuntime/0", 2, process=BUILT),
    note("createContainer/0", 3, root=HOST),
    note("startContainer/0", 11, root=ROOTFS),
    note("program/0", 12),
    note("poststart/0", 13, process=RUNNING),
    note("poststop/0", 21, there={"/sys/fs/cgroup/x": False}),
)
RECORDS = tuple(replace(record, place=place) for place, record in enumerate(RECORDS))
LIFE = HookTimeline(
    RECORDS,
    {"create": Span(0, 10, 0, 3), "start": Span(10, 20, 3, 6), "delete": Span(20, 30, 6, 7)},
    NAMESPACES,
    ["program"],
    ["/b/rootfs/proc"],
    HOST,
)


def life_with(name: str, **more: Any) -> HookTimeline:
    """The life above, in which one record is another."""
    return replace(LIFE, records=[replace(one, **more) if one.name == name else one for one in RECORDS])


def test_a_right_life_has_no_faults() -> None:
    for kind in (PRESTART, CREATE_RUNTIME, CREATE_CONTAINER):
        assert create_faults(LIFE, kind) == []
    assert start_container_faults(LIFE) == poststart_faults(LIFE) == poststop_faults(LIFE) == []
    assert follows(LIFE, CREATE_RUNTIME, PRESTART)
    assert follows(LIFE, CREATE_CONTAINER, CREATE_RUNTIME)
    assert in_turn(RECORDS)


@pytest.mark.parametrize(
    ("kind", "change", "fault"),
    [
        (PRESTART, {"begun": -1}, "ran before create was called"),
        (PRESTART, {"ended": 10.5}, "ended after create had returned"),
        (PRESTART, {"process": {}}, "its state names no process"),
        (PRESTART, {"process": {**BUILT, "root": ROOTFS}}, "ran after the root was changed"),
        (
            CREATE_RUNTIME,
            {"process": {**BUILT, "namespaces": {"pid": "pid:[1]"}}},
            "ran before the namespaces were made",
        ),
        (CREATE_RUNTIME, {"process": {**BUILT, "mounts": ["/"]}}, "ran before /b/rootfs/proc was mounted"),
        (CREATE_CONTAINER, {"root": ROOTFS}, "ran after the root was changed"),
    ],
)
def test_hooks_of_create(kind: Kind, change: dict[str, Any], fault: str) -> None:
    name = f"{kind.name}/0"
    assert create_faults(life_with(name, **change), kind) == [f"{name}: {fault}"]


def test_hooks_of_start() -> None:
    assert prestart_faults(LIFE) == ["prestart/0: ran before start was called"]
    assert prestart_faults(life_with("prestart/0", begun=10.5, ended=11)) == []
    assert prestart_faults(life_with("prestart/0", begun=12, ended=13)) == [
        "prestart/0: ended after the program had been executed"
    ]
    late = start_container_faults(life_with("startContainer/0", ended=20.5))
    assert late == [
        "startContainer/0: ended after start had returned",
        "startContainer/0: ended after the program had been executed",
    ]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"process": {}}, "ran before the program was executed"),
        ({"begun": 11.2}, "did not wait for startContainer hooks"),
        ({"ended": 20.5}, "ended after start had returned"),
    ],
)
def test_hooks_after_start(change: dict[str, Any], fault: str) -> None:
    assert poststart_faults(life_with("poststart/0", **change)) == [f"poststart/0: {fault}"]


def test_hooks_after_delete() -> None:
    assert poststop_faults(life_with("poststop/0", there={"/a": False, "/b": True})) == [
        "poststop/0: ran before /b was removed"
    ]
    assert poststop_faults(life_with("poststop/0", begun=19)) == ["poststop/0: ran before delete was called"]


def test_hooks_that_did_not_run_are_a_fault() -> None:
    nothing = replace(LIFE, records=())
    assert create_faults(nothing, PRESTART) == poststart_faults(nothing) == ["did not run"]
    assert not follows(nothing, CREATE_RUNTIME, PRESTART)


def test_kinds_follow_each_other() -> None:
    assert not follows(life_with("createRuntime/0", begun=1.2), CREATE_RUNTIME, PRESTART)
    assert not in_turn([note("a/0", 1), note("a/1", 1.2)])


def test_only_the_control_group_namespace_may_come_late() -> None:
    assert without_late(NAMESPACES) == {"pid": "pid:[2]", "mnt": "mnt:[2]"}


@pytest.mark.parametrize(
    ("executed", "want"), [(True, ["creating", "created", "stopped"]), (False, ["creating", "stopped"])]
)
def test_statuses_that_cannot_be_true(executed: bool, want: list[str]) -> None:  # noqa: FBT001  # a parameter
    assert false_statuses(POSTSTART, executed=executed) == want


def test_a_hook_that_is_aborted_before_it_notes_anything_is_unclear() -> None:
    """On a slow machine the operation takes its time, and the hook does not even come to say that it began."""
    trace: Any = SimpleNamespace(wait=lambda *_: None, clock="")
    done = SimpleNamespace(ok=False, seconds=hook_sleepers.LONG, ended="exit")
    container: Any = SimpleNamespace(create=lambda **_: done)
    sleeper = hook_sleepers.Sleeper(PRESTART, container, trace, hook_sleepers.SECONDS)
    hook_sleepers.abort(sleeper)
    assert sleeper.least > hook_sleepers.SECONDS
    assert sleeper.unclear
    assert not sleeper.begun


def test_an_operation_that_a_hook_hangs_is_told_and_only_that_may_hang() -> None:
    trace: Any = SimpleNamespace(wait=lambda *_: None, clock="")
    done = SimpleNamespace(ok=True, seconds=0.0, ended="exit")
    hangs = SimpleNamespace(ok=False, seconds=20.0, ended="timeout")
    container: Any = SimpleNamespace(create=lambda: done, start=lambda *, may_hang: hangs if may_hang else done)
    sleeper = hook_sleepers.Sleeper(POSTSTART, container, trace, hook_sleepers.SECONDS)
    hook_sleepers.abort(sleeper)
    assert sleeper.hung == "start"


def test_a_program_may_note_late_that_it_runs() -> None:
    names = ["startContainer/0", "poststart/0", "poststart/1", "program/0", "poststop/0"]
    assert late_records(POSTSTART, names) == []
    assert late_records(POSTSTART, [*names, "poststart/2"]) == ["poststart/2"]
    names = ["startContainer/0", "startContainer/1", "program/0", "poststop/0"]
    assert late_records(START_CONTAINER, names) == ["program/0"]


# --- a kernel of its own, as in a sandbox, has a clock of its own

SANDBOXED = ("startContainer/0", "program/0")


def sandboxed(*names: str) -> HookTimeline:
    """The life above noted in this order, where what runs in the container sees a clock that began elsewhere."""
    by_name = {record.name: record for record in RECORDS}
    records = [replace(by_name[name], place=place) for place, name in enumerate(names or by_name)]
    records = [in_sandbox(one) if one.name in SANDBOXED else one for one in records]
    return replace(LIFE, records=records, sandboxed=True)


def in_sandbox(record: Record) -> Record:
    begun = 5000.0 + record.place
    return replace(record, begun=begun, ended=begun + 0.5, clock="a sandbox")


def test_a_right_life_in_a_sandbox_has_no_faults() -> None:
    life = sandboxed()
    for kind in (PRESTART, CREATE_RUNTIME, CREATE_CONTAINER):
        assert create_faults(life, kind) == []
    assert start_container_faults(life) == poststart_faults(life) == poststop_faults(life) == []
    assert in_turn(life.records)


def test_what_nobody_sees_outside_of_a_sandbox_is_no_fault_and_not_passed() -> None:
    inside = {"argv": ["kernel"], "root": [1, 1], "namespaces": {}}
    life = sandboxed()
    life = replace(life, records=[replace(one, process=inside) for one in life.records])
    assert create_faults(life, CREATE_RUNTIME) == create_faults(life, PRESTART) == poststart_faults(life) == []
    assert [kind.name for kind in KINDS if life.hidden(kind)] == ["prestart", "createRuntime"]
    until = ("prestart/0", "createRuntime/0", "createContainer/0", "startContainer/0")
    assert sandboxed(*until, "poststart/0", "program/0", "poststop/0").hidden(POSTSTART)
    late = replace(life, spans={**life.spans, "create": Span(0, 1, 0, 3)})
    assert "createRuntime/0: ended after create had returned" in create_faults(late, CREATE_RUNTIME)
    assert not any(LIFE.hidden(kind) for kind in KINDS)


def test_the_order_of_what_was_noted_in_a_sandbox_shows_faults() -> None:
    until = ("prestart/0", "createRuntime/0", "createContainer/0")
    late = sandboxed(*until, "program/0", "startContainer/0", "poststart/0", "poststop/0")
    assert start_container_faults(late) == ["startContainer/0: ended after the program had been executed"]
    early = sandboxed(*until[:2], "startContainer/0", until[2], "program/0", "poststart/0", "poststop/0")
    assert start_container_faults(early) == ["startContainer/0: ran before start was called"]
    after = sandboxed(*until, "program/0", "poststart/0", "poststop/0", "startContainer/0")
    assert "startContainer/0: ended after start had returned" in start_container_faults(after)
    assert poststart_faults(after) == ["poststart/0: did not wait for startContainer hooks"]
    assert not follows(after, POSTSTART, START_CONTAINER)


@pytest.mark.parametrize(("looks", "held"), [(0, True), (3, True), (1000, False)])
def test_a_container_may_take_a_moment_to_be_destroyed(looks: int, *, held: bool) -> None:
    """One that is kept is kept for good: which it is does not depend on when one looks first."""
    left, judged = [looks], dict[str, bool]()

    def waited(_status: str, _seconds: float) -> str:
        left[0] = max(0, left[0] - 10)
        return "stopped" if left[0] else ""

    container: Any = SimpleNamespace(
        pid=0,
        runtime=SimpleNamespace(pace=1.0),
        exists=lambda: left[0] > 0,
        wait_for_status=waited,
        leftovers_of_failure=list,
    )
    trial: Any = SimpleNamespace(expect=lambda _clause, message, *, got, want: judged.update({message: got == want}))
    trace: Any = SimpleNamespace(records=list, names=lambda: ["poststart/1", "poststop/0"])
    judge_end(trial, "clause", POSTSTART, container, trace)
    assert judged.pop("the container still exists") == held
    assert set(judged.values()) == {True}
