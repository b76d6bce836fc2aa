"""The engine: a process that reads a request from standard input, and writes events to standard output.

This is the seam of the runtime side: the starter of an engine (the command line, a sandbox, a test) sees nothing but
messages of :mod:`protocol`. It reads the request from the first line of standard input; when standard input ends later,
the engine stops properly.
"""

from __future__ import annotations

import errno
import os
import select
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from ocivalidate.errors import CannotJudge, ProtocolError
from ocivalidate.rules.clauses import Clause, Selection
from ocivalidate.rules.findings import Outcome
from ocivalidate.runtime import exploring
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.driving.call_times import Times
from ocivalidate.runtime.kernel import inherited, isolation
from ocivalidate.runtime.protocol import (
    MOST_LINE,
    Alive,
    Bailout,
    Begin,
    End,
    Event,
    Plan,
    Request,
    Spent,
    Timing,
    read_request,
    write,
)
from ocivalidate.runtime.run_context import RunContext
from ocivalidate.runtime.running import dump
from ocivalidate.runtime.running.attempt import Attempt, attempt, given_up
from ocivalidate.runtime.running.loading import case_folder, load_cases
from ocivalidate.runtime.running.needs import missing
from ocivalidate.runtime.running.planning import Planned, plan
from ocivalidate.runtime.running.scheduler import Scheduler
from ocivalidate.runtime.running.session import Session, Setup
from ocivalidate.runtime.running.sweeping import Ground
from ocivalidate.runtime.running.watchdog import GRACE, Watchdog, Watched

Emit = Callable[[Event], None]

NOTHING = "no case judges what was selected"
"""Why a run without a case breaks off."""
HUNG = 75
"""The exit code if something other than a case hangs."""
_WHOLE, _FOR_A_CASE = 600.0, 10.0  # seconds for a run, and more for each of its cases
_OPENING = 120.0  # seconds for identifying the runtime, removing leftovers of runs, building the root filesystem


# Why this process cannot have namespaces of its own → what may help.
_HINTS = {
    errno.EPERM: "in a container, CAP_SYS_ADMIN is needed",
}


def planned(request: Request, stage: RunContext) -> list[Planned]:
    """The cases of a request, for a release. Raises :class:`BadCase`."""
    selection = Selection(ignore=request.ignore, level=request.level)
    if request.explore:
        cases = exploring.cases(stage, request.explore, request.seed, missing, done=request.done)
    else:
        cases = load_cases(case_folder(request.cases))
    return plan(cases, stage.subject.release, selection, request.only, patterns=request.select)


def _something(todo: list[Planned]) -> list[Planned]:
    if not todo:
        raise CannotJudge(NOTHING)
    return todo


class Engine:
    """One run: from a request to events."""

    def __init__(self, request: Request, emit: Emit, *, ground: Ground | None = None) -> None:
        self._request = request
        self._emit = emit
        self._jobs = request.jobs or inherited.cases_at_a_time()
        self._setup = Setup(request, ground, self._jobs)
        self._scheduler: Scheduler[Attempt] | None = None
        self._stopped = False
        self._hung = ""
        self._clauses: Mapping[str, Sequence[Clause]] = {}
        self._times = Times()
        self._watchdog = Watchdog(self._give_up, lambda: emit(Alive()))

    def stop(self) -> None:
        """Begin no further case."""
        self._stopped = True
        if self._scheduler is not None:
            self._scheduler.stop()

    def run(self) -> int:
        """Serve the request; the exit code is 0 if the run completed."""
        session = Session(self._setup)
        start = time.monotonic()
        with self._watchdog.awake():
            try:
                spent = self._run(session)
            except CannotJudge as problem:
                self._emit(Bailout(str(problem), problem.hint))
                return 2
            except Exception as problem:  # noqa: BLE001  # the runtime may have broken anything on this host
                where = traceback.extract_tb(problem.__traceback__)[-1]
                place = f"{where.filename.rpartition('/')[2]}:{where.lineno}"
                self._emit(Bailout(f"the run broke: {type(problem).__name__}: {problem} ({place})"))
                return 2
            finally:
                with self._watchdog.over("cleaning up", GRACE):
                    left = session.close()
        self._emit(
            End(
                complete=not self._stopped,
                left=tuple(left),
                seconds=round(time.monotonic() - start, 3),
                spent=spent,
                stopped=self._hung,
                put_back=tuple(session.put_back),
                slow=session.slow,
                own_kernel=session.own_kernel,
                timings=tuple(Timing(name, *one) for name, one in self._times.spreads.items()),
            )
        )
        return 0

    def _run(self, session: Session) -> Spent:
        with self._watchdog.over("the first look at the host and the runtime", _OPENING):
            session.open()
            self._emit(session.header())
        with self._watchdog.over("the first container", GRACE):
            session.smoke()
        todo = _something(planned(self._request, session.stage))
        self._emit(Plan(tuple((one.case.id, clause.id) for one in todo for clause in one.clauses)))
        return self._try_all(session, todo)

    def _give_up(self, hung: Watched) -> None:
        """End a run in which something hangs: a hanging case is an error, and nothing else begins."""
        self._hung = self._hung or hung.words()
        if hung.name in self._clauses and self._scheduler is not None:
            [case] = [one for one in self._scheduler.cases if one.id == hung.name]
            self.stop()
            self._scheduler.abandon(case.id, given_up(case, self._clauses[case.id], hung.words()))
            return
        self._emit(Bailout(hung.words()))
        # The starter of this process cleans up what it leaves.
        os._exit(HUNG)

    def _try_all(self, session: Session, todo: Sequence[Planned]) -> Spent:
        self._clauses = clauses = {one.case.id: one.clauses for one in todo}

        # Cases have deadlines, but a runtime that hangs in each would make a run of hours. Its own pace does not count.
        most = (_WHOLE + _FOR_A_CASE * len(todo)) * session.pace
        until = time.monotonic() + most

        def work(case: Case) -> Attempt:
            self._emit(Begin(case.id))
            if time.monotonic() > until:
                return given_up(case, clauses[case.id], f"not tried: the run has taken more than {most / 60:.0f} min")
            with self._watchdog.over(case.id, (case.timeout + GRACE) * session.stage.pace):
                return attempt(session.stage, case, clauses[case.id], self._request.require)

        spent = Spent()
        for done in self._results([one.case for one in todo], work):
            for piece in dump.pieces(done) if self._request.dump_dir else ():
                self._emit(piece)
            self._tell(done)
            times = (round(seconds * 1000) for seconds in (done.runtime_seconds, done.waited, done.seconds))
            spent += Spent(1, done.calls, done.containers, *times)
            self._times.add(done.operations)
        return spent

    def _tell(self, done: Attempt) -> None:
        for result in done.results:
            try:
                self._emit(result)
            except ProtocolError as problem:
                # A result is over the limit of a message: it cannot be reported, so there is no verdict.
                self._emit(replace(result, outcome=Outcome.ERROR, reason=str(problem), findings=()))

    def _results(self, cases: Sequence[Case], work: Callable[[Case], Attempt]) -> Iterator[Attempt]:
        """The attempts at the cases; the last ones begin when all others have ended."""
        for last in (False, True):
            some = [case for case in cases if case.last is last]
            self._scheduler = Scheduler(some, work, self._jobs)
            if self._stopped:
                self._scheduler.stop()
            yield from self._scheduler.results()


def emitter(descriptor: int) -> Emit:
    """A function that writes events to a file descriptor, each in one piece."""
    lock = threading.Lock()

    def emit(event: Event) -> None:
        line = write(event)
        with lock:
            while line:
                line = line[os.write(descriptor, line) :]

    return emit


def _serve(request: Request, descriptor: int, ground: Ground) -> int:
    emit = emitter(descriptor)

    def tell(event: Event) -> None:
        try:
            emit(event)
        except BrokenPipeError:
            # Nobody reads any more; the running cases must still clean up.
            engine.stop()

    engine = Engine(request, tell, ground=ground)
    threading.Thread(target=_stop_at_end_of_input, args=(engine,), daemon=True).start()
    return engine.run()


def _stop_at_end_of_input(engine: Engine) -> None:
    while True:
        select.select([0], [], [])
        if not os.read(0, 4096):
            engine.stop()
            return


def _read_request() -> Request:
    """The first line of standard input; nothing may follow it. Raises :class:`ProtocolError`."""
    line = b""
    while not line.endswith(b"\n") and len(line) <= MOST_LINE and (more := os.read(0, 65536)):
        line += more
    return read_request(line)


def _stand_somewhere() -> None:
    """Leave a working directory that was removed: runtimes would fail in it, whatever they are asked."""
    try:
        os.getcwd()
    except OSError:
        os.chdir("/")


def main() -> int:
    """Read the request, isolate, run."""
    return enclosed(_serve)


def enclosed(serve: Callable[[Request, int, Ground], int]) -> int:
    """Read a request, and serve it in namespaces of its own; events go to the descriptor that ``serve`` gets."""
    # Accidental output must not get between events.
    descriptor = os.dup(1)
    os.dup2(2, 1)
    emit = emitter(descriptor)
    try:
        request = _read_request()
    except ProtocolError as problem:
        emit(Bailout(f"cannot read the request: {problem}"))
        return 2
    inherited.forget_signals()
    _stand_somewhere()
    # The owners of this run and of others are identified by pid, which cannot be seen inside the namespace.
    try:
        ground = Ground.prepare()
    except OSError as problem:
        emit(Bailout(f"cannot look at this host: {problem}"))
        return 2
    if os.geteuid() != 0:
        return isolation.run_kept(lambda: serve(request, descriptor, ground))
    try:
        return isolation.run_isolated(lambda: serve(request, descriptor, ground))
    except OSError as problem:
        reason = f"cannot create namespaces for the run: {problem.strerror}"
        emit(Bailout(reason, _HINTS.get(problem.errno or 0, "")))
        return 2


if __name__ == "__main__":
    sys.exit(main())
