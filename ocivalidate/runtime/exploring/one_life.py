"""Living one life of ``lives.py`` on a runtime, move by move, and judging each."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field

from ocivalidate.errors import OciValidateError, RuntimeFailed
from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.case_helpers.tracing import Trace
from ocivalidate.runtime.driving.container import Container
from ocivalidate.runtime.driving.driver import Call
from ocivalidate.runtime.driving.journal import Journal
from ocivalidate.runtime.exploring import lives
from ocivalidate.runtime.exploring.lives import ABSENT, CREATED, RUNNING, STOPPED, Config, Wanted
from ocivalidate.runtime.exploring.trying import Problem

STATUS_PATIENCE = 5.0
"""Seconds in which a runtime is to notice what has become of a container."""
_DYING_PATIENCE = 0.5  # seconds in which a process that got SIGKILL has ended
_HOOK_PATIENCE = 5.0
_INSIDE = ("startContainer",)
# One that sleeps waits a moment for what never comes.
_ACTIONS = {"notes": (), "fails": ("exit", "3"), "sleeps": ("await", "0.1", "ocivalidate-nothing")}


@dataclass(slots=True)
class Lived:
    """What came of a life: the first problem, and the clauses that held.

    ``config``: the text of the last container's; ``journal``: of this life alone, where journals are kept.
    """

    problem: Problem | None = None
    held: set[str] = field(default_factory=set)
    config: str = ""
    journal: Journal | None = None


class _Broken(OciValidateError):
    """A clause is broken: the first argument is the :class:`Problem`."""


def _begin_anew(trial: CaseContext) -> None:
    """Forget the lives before, so that whoever reproduces one sees that alone."""
    for folder in trial.folder.glob("bundle-*"):
        shutil.rmtree(folder, ignore_errors=True)
    if trial.runtime.journal is not None:
        trial.runtime.journal = Journal(trial.folder, trial.stage.rootfs)


def live(trial: CaseContext, life: Sequence[str], patience: float = STATUS_PATIENCE) -> Lived:
    """Live a life, and stop at the first problem; ``patience``: seconds that a runtime has to notice something.

    Raises :class:`CannotJudge`.
    """
    _begin_anew(trial)
    lived = _Life(trial, lives.config_of(life), patience)
    try:
        for move in lives.moves_of(life):
            lived.step(move)
    except _Broken as broken:
        [lived.lived.problem] = broken.args
    finally:
        for container in lived.containers:
            container.clean_up()
    lived.lived.config, lived.lived.journal = lived.text, trial.runtime.journal
    return lived.lived


class _Life:
    """One life while it is lived. The container has a bundle of its own for each time that it is created."""

    def __init__(self, trial: CaseContext, config: Config, patience: float) -> None:
        self.trial, self.config, self._patience = trial, config, patience
        self.lived, self.status = Lived(), ABSENT
        self.containers: list[Container] = []
        self._id, self._used, self.text = "", False, ""
        self.container, self.trace = self._new()
        # The hooks that have run since the last create, and whether a delete has to run others.
        self._expected: list[str] = []
        self._poststop_due = False

    def _new(self) -> tuple[Container, Trace]:
        """A container that is not created yet, with the id of the ones before."""
        config = self.trial.config("ids", *([] if self.config.ends else [",", "wait"]))
        if not self.config.pid_namespace:
            config["linux"]["namespaces"] = [one for one in config["linux"]["namespaces"] if one["type"] != "pid"]
            # Only who has a PID namespace of its own may mount proc.
            config["mounts"] = [
                {"destination": "/proc", "type": "none", "source": "/proc", "options": ["rbind"]}
                if one["destination"] == "/proc"
                else one
                for one in config["mounts"]
            ]
        if self.config.mount:
            gone = {"destination": "/mnt", "source": str(self.trial.folder / "nosuch"), "options": ["bind"]}
            tmpfs = {"destination": "/mnt", "type": "tmpfs", "source": "tmpfs"}
            config["mounts"].append(gone if self.config.mount == "missing" else tmpfs)
        if not self._id:
            container = self.trial.container(config)
            self._id = container.id
        else:
            config["linux"]["cgroupsPath"] = f"{self.trial.stage.group}/{self._id}"
            container = self.trial.container(bundle=self.trial.bundle(config), container_id=self._id)
            container.group = config["linux"]["cgroupsPath"]
        trace = Trace(container)
        for kind in lives.HOOKS:
            if kind in self.config.hooks:
                trace.add(kind, *_ACTIONS[self.config.hooks[kind]], inside=kind in _INSIDE)
        trace.write()
        self.text = json.dumps(trace.config, indent=1, ensure_ascii=False) + "\n"
        self.containers.append(container)
        return container, trace

    # ------------------------------------------------------------------------------------------------------ one step

    def step(self, move: str) -> None:
        """Do a move, and judge it. Raises :class:`_Broken`."""
        wants = lives.wanted(move, self.status, self.config)
        if move == "create" and self.status == ABSENT:
            if self._used:
                self.container, self.trace = self._new()
            self._used = True
        before = self.container.snapshot()
        was = self.status
        try:
            done = self._do(move)
            self._judge_result(move, wants, done)
            self._settle(move, wants)
        except RuntimeFailed as problem:
            raise _Broken(Problem(wants.clause, f"{move} on a container that is {was}: {problem}")) from problem
        if not done.ok and wants.result != lives.OPEN:
            self._judge_untouched(move, was, before)
        self._judge_hooks(move, was)
        self._judge_left(move, was)

    def _do(self, move: str) -> Call:
        name, _, other = move.partition("-")
        container, runtime = self.container, self.trial.runtime
        if other:
            words = [f"{container.id}-other", *(["KILL"] if name == "kill" else [])]
            return runtime.invoke(name, *words)
        if name == "create":
            # A second create of the same id must not write over what the first has printed.
            return container.create() if self.status == ABSENT else runtime.create(container.id, container.bundle)
        if name == "state":
            return runtime.state(container.id)
        done: Call = getattr(container, name)()
        return done

    def _break(self, clause: str, message: str, got: str = "", want: str = "") -> None:
        raise _Broken(Problem(clause, message, got, want))

    def _holds(self, *clauses: str) -> None:
        self.lived.held |= set(clauses)

    def _judge_result(self, move: str, wants: Wanted, done: Call) -> None:
        if wants.result == lives.OK and not done.ok:
            self._break(
                wants.clause, f"{move} on a container that is {self.status} fails", done.last_error_line, "no error"
            )
        if wants.result == lives.ERROR and not done.refused:
            got = "no error" if done.ok else done.last_error_line
            self._break(wants.clause, f"{move} on a container that is {self.status} is no error", got, "an error")
        if wants.result != lives.OPEN:
            self._holds(wants.clause)

    def _settle(self, move: str, wants: Wanted) -> None:
        """The status that the container now has, which must be one of those wanted."""
        if move == "start" and self.status == CREATED and wants.then in ((RUNNING,), (STOPPED,)):
            self.container.facts(_HOOK_PATIENCE)
        if wants.then == (STOPPED,):
            self.container.wait_exit()
        then = wants.then
        if self.status == CREATED and then == (CREATED, STOPPED) and self.container.ends(_DYING_PATIENCE):
            # The signal has reached its process: it does so at once or a moment later.
            then = (STOPPED,)
        names = {ABSENT: ""}
        allowed = [names.get(status, status) for status in then]
        now = self.container.status()
        if now not in allowed:
            now = self.container.wait_for_status(allowed[0], self._patience)
        if now not in allowed:
            said = {"": "unknown to state"}.get(now, now)
            want = " or ".join(then)
            self._break(
                wants.clause, f"after {move}, a container that was {self.status} has the wrong status", said, want
            )
        self.status = now or ABSENT

    def _judge_untouched(self, move: str, was: str, before: dict[str, object]) -> None:
        """What is refused changes nothing of a container that is there."""
        name = move.partition("-")[0]
        if was == ABSENT and name == "create":
            left = self.container.leftovers_of_failure()
            if left:
                self._break(
                    lives.NO_SIDE_EFFECTS, "a create that failed leaves things behind", ", ".join(left), "nothing"
                )
            self._holds(lives.NO_SIDE_EFFECTS, lives.NO_CONTAINER)
            return
        after = self.container.snapshot()
        differing = sorted(key for key, value in before.items() if after[key] != value)
        if differing:
            got, want = (", ".join(f"{key} {some[key]}" for key in differing) for some in (after, before))
            self._break(lives.UNTOUCHED[name], f"{move} on a container that is {was} has an effect", got, want)
        self._holds(lives.UNTOUCHED[name])

    # --------------------------------------------------------------------------------------------------------- hooks

    def _judge_hooks(self, move: str, was: str) -> None:
        """Each hook runs once, in order, in the operation that it belongs to."""
        expected = self._hooks_due(move, was)
        names = self._ran(expected)
        got = [name for name in names if name in lives.HOOKS and name != "poststart"]
        for kind in lives.HOOKS:
            if kind in self.config.hooks and kind != "poststart" and got.count(kind) != expected.count(kind):
                times, due = got.count(kind), expected.count(kind)
                said = f"{kind} hooks have run {times} times after {move} on a container that was {was}"
                self._break(lives.INVOKED[kind], said, str(times), str(due))
            if kind in expected:
                self._holds(lives.INVOKED[kind])
        if got != expected:
            said = f"hooks run in another order after {move} on a container that was {was}"
            self._break(lives.INVOKED[next(iter(self.config.hooks))], said, ", ".join(got), ", ".join(expected))

    def _hooks_due(self, move: str, was: str) -> list[str]:
        """The hooks that must have run until now, without those that may have."""
        due = self._expected if not (move == "create" and was == ABSENT) else []
        if move == "create" and was == ABSENT and self.config.mount != "missing":
            due = self.config.ran_at_create()
        if move == "start" and was == CREATED and "startContainer" in self.config.hooks:
            due = [*due, "startContainer"]
        gone = move == "delete" and was != ABSENT and self.status == ABSENT
        if gone and "poststop" in self.config.hooks and self._poststop_due:
            due = [*due, "poststop"]
        self._poststop_due = self.status in (CREATED, RUNNING, STOPPED)
        self._expected = due
        return due

    def _ran(self, expected: Sequence[str]) -> list[str]:
        """The kinds of the hooks that have run."""
        if expected:
            self.trace.wait(f"{expected[-1]}/0", _HOOK_PATIENCE)
        kinds = [record.kind for record in self.trace.records()]
        # Whether poststop hooks run when a container never came to be, or was destroyed by a failure, is told by cases.
        told_elsewhere = "poststop" not in expected and self.status == ABSENT
        return [kind for kind in kinds if not (told_elsewhere and kind == "poststop")]

    # ------------------------------------------------------------------------------------------------- what is left

    def _judge_left(self, move: str, was: str) -> None:
        """Nothing is left of a container that was deleted."""
        if move != "delete" or was == ABSENT or self.status != ABSENT:
            return
        left = self.container.leftovers_of_failure()
        if left:
            said = f"delete of a container that was {was} leaves things behind"
            self._break(lives.REMOVES, said, ", ".join(left), "nothing")
        self._holds(lives.REMOVES)
