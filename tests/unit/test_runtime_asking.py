"""What a host cannot do for a process of a container is asked in a child, in a group like that of a container."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocivalidate.runtime.kernel import asking, cgroups
from ocivalidate.runtime.kernel.host import look
from ocivalidate.runtime.running import needs

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may ask for these")
FIFO = {"policy": "SCHED_FIFO", "priority": 1}


@pytest.fixture
def group() -> Iterator[str]:
    where, path = cgroups.layout(), f"/ocivalidate-test-asking-{os.getpid()}"
    if not cgroups.has_real_time_budgets(where):
        pytest.skip("groups have no real-time budgets here")
    folder = Path(f"{where.controllers['cpu']}{path}")
    folder.mkdir()
    yield str(folder)
    cgroups.remove(where, path)


def test_our_own_policy_stays_as_it_is() -> None:
    before = os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0)
    scheduler = {"policy": "SCHED_BATCH", "nice": 3, "flags": ["SCHED_FLAG_RESET_ON_FORK"]}
    assert asking.scheduling_refused(scheduler) == ""
    assert (os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0)) == before


def test_what_the_kernel_refuses_to_anybody_is_told() -> None:
    assert asking.scheduling_refused({"policy": "SCHED_FIFO"}) == "this kernel refuses SCHED_FIFO with EINVAL"


def test_a_group_without_a_budget_is_refused_real_time(group: str) -> None:
    refused = "this kernel refuses SCHED_FIFO in a control group below ours with EPERM"
    assert asking.scheduling_refused(FIFO, [group]) == refused
    try:
        Path(group, cgroups.REAL_TIME_BUDGET).write_text("10000", encoding="ascii")
    except OSError:
        pytest.skip("there is no time left for groups")
    assert asking.scheduling_refused(FIFO, [group]) == ""
    assert Path(group, "cgroup.procs").read_text(encoding="ascii") == ""


def test_where_groups_have_budgets_our_own_group_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Services are in a group without a budget, and the containers that they start are not in that one."""
    monkeypatch.setattr(asking, "scheduling_refused", lambda _scheduler: "this kernel refuses it")
    for budgets, said in ((True, ""), (False, "this kernel refuses it")):
        monkeypatch.setattr(cgroups, "has_real_time_budgets", lambda _layout, budgets=budgets: budgets)
        assert needs.NEEDS["policy"](look(), None, "SCHED_FIFO") == said  # type: ignore[arg-type]  # it is not looked at


def test_forms_of_propagation_are_tried_in_a_child() -> None:
    before = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    assert asking.propagation_refused() == ""
    assert Path("/proc/self/mountinfo").read_text(encoding="utf-8") == before


def test_a_propagation_that_is_refused_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_PROPAGATE", asking._PROPAGATE.replace("1 << 19", "1 << 13"))
    asking.propagation_refused.cache_clear()
    try:
        assert asking.propagation_refused() == "this kernel refuses us the propagation slave with ENOENT"
    finally:
        asking.propagation_refused.cache_clear()


def test_a_child_that_breaks_is_told() -> None:
    assert asking._said("import sys; sys.exit('no such file')") == "no such file"
    assert asking._said("import sys; sys.exit(3)") == "exit status 3"


def test_the_kernel_tells_linux32_of_a_machine_of_its_own() -> None:
    machine = os.uname().machine
    assert asking.machine_of_linux32() in ({"x86_64": "i686"}.get(machine, machine), machine)
    assert os.uname().machine == machine
