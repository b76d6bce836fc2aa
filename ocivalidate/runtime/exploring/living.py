"""Living the lives of ``lives.py`` on a runtime, and shrinking what fails to the fewest moves."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field

from ocivalidate.errors import OciValidateError, RuntimeFailed
from ocivalidate.rules.clauses import load
from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.case_helpers.tracing import Trace
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.distinct import hint_of
from ocivalidate.runtime.driving.container import Container
from ocivalidate.runtime.driving.driver import Call
from ocivalidate.runtime.driving.journal import Journal
from ocivalidate.runtime.exploring import lives
from ocivalidate.runtime.exploring.lives import ABSENT, CREATED, RUNNING, STOPPED, Config, Wanted
from ocivalidate.runtime.exploring.shrinking import Budget, shrink
from ocivalidate.runtime.exploring.trying import Problem
from ocivalidate.runtime.run_context import RunContext
from ocivalidate.vocabulary.versions import holds

_SECONDS = 120.0  # for a life with all its tries
_MOST_TRIES = 30  # to find the fewest moves
_INSIDE = ("startContainer",)
# One that sleeps waits a moment for what never comes.
_ACTIONS = {"notes": (), "fails": ("exit", "3"), "sleeps": ("await", "0.1", "ocivalidate-nothing")}
_HOOK_PATIENCE = 5.0
HOOKS_SINCE = "1.0.2"
LIFE = "life"
"""The note of a case that holds the fewest words with which it fails."""


def cases(stage: RunContext, count: int, seed: int) -> list[Case]:
    """A case for each of ``count`` lives."""
    release = stage.subject.release
    known = load("runtime", "safety")
    clauses = tuple(clause for clause in lives.CLAUSES if known[clause].holds_in(release))
    hooks = holds(release, HOOKS_SINCE, None)
    found = []
    for number in range(count if stage.subject.isolates and stage.host.root else 0):
        life = lives.draw(seed, number, hooks=hooks)
        run = functools.partial(_try, life)
        found.append(Case(lives.life_name(number), run, clauses, timeout=_SECONDS, summary=", ".join(life)))
    return found


@dataclass(slots=True)
class Lived:
    """What came of a life: the first problem, and the clauses that held."""

    problem: Problem | None = None
    held: set[str] = field(default_factory=set)
    container: Container | None = None


class _Broken(OciValidateError):
    """A clause is broken: the first argument is the :class:`Problem`."""


def _try(life: Sequence[str], trial: CaseContext) -> None:
    lived = live(trial, life)
    if lived.problem is None:
        _tell(trial, lived)
        return
    clause, message = lived.problem.clause, lived.problem.message

    def fails(words: Sequence[str]) -> bool:
        found = live(trial, words).problem
        return found is not None and (found.clause, found.message) == (clause, message)

    fewest = shrink(life, fails, Budget(_MOST_TRIES))
    _begin_anew(trial)
    last = live(trial, fewest)
    if last.problem is None or (last.problem.clause, last.problem.message) != (clause, message):
        trial.skip(f"seen once, and not again: {message}")
    trial.notes[LIFE] = fewest
    if last.container is not None:
        text = (last.container.bundle / "config.json").read_bytes()
        (trial.folder / "config.json").write_bytes(text)
    _tell(trial, last, fewest)


def _begin_anew(trial: CaseContext) -> None:
    """Forget the lives before, so that whoever reproduces it sees the last one alone."""
    for folder in trial.folder.glob("bundle-*"):
        shutil.rmtree(folder, ignore_errors=True)
    if trial.runtime.journal is not None:
        trial.runtime.journal = Journal(trial.folder, trial.stage.rootfs)


def _tell(trial: CaseContext, lived: Lived, fewest: Sequence[str] = ()) -> None:
    problem = lived.problem
    for clause in sorted(lived.held & set(trial.case.clauses)):
        if problem is None or clause != problem.clause:
            trial.expect(clause, "", got=True)
    if problem is not None:
        got = f"{problem.got} after {', '.join(fewest)}".strip()
        hint = hint_of(fewest)
        trial.expect_that(problem.clause, problem.message, held=False, got=got, want=problem.want, hint=hint)
    rest = set(trial.case.clauses) - lived.held - ({problem.clause} if problem else set())
    if rest:
        trial.skip("this life gives no occasion", *sorted(rest))


def live(trial: CaseContext, life: Sequence[str]) -> Lived:
    """Live a life, and stop at the first problem. Raises :class:`CannotJudge`."""
    lived = _Life(trial, lives.config_of(life))
    try:
        for move in lives.moves_of(life):
            lived.step(move)
    except _Broken as broken:
        [lived.lived.problem] = broken.args
    finally:
        for container in lived.containers:
            container.clean_up()
    lived.lived.container = lived.container
    return lived.lived


class _Life:
    """One life while it is lived. The container has a bundle of its own for each time that it is created."""

    def __init__(self, trial: CaseContext, config: Config) -> None:
        self.trial, self.config = trial, config
        self.lived, self.status = Lived(), ABSENT
        self.containers: list[Container] = []
        self._id, self._used = "", False
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
        names = {ABSENT: ""}
        allowed = [names.get(status, status) for status in wants.then]
        now = self.container.status()
        if now not in allowed:
            now = self.container.wait_for_status(allowed[0])
        if now not in allowed:
            said = {"": "unknown to state"}.get(now, now)
            want = " or ".join(wants.then)
            self._break(wants.clause, f"{move} on a container that was {self.status} leads astray", said, want)
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
            self.trace.wait(f"{expected[-1]}/0", _HOOK_PATIENCE * self.trial.stage.pace)
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
