"""The engine: a process that reads what is asked as one JSON document, and speaks events, one JSON object a line.

This is the seam of the runtime side: whoever starts the engine (the command line, a sandbox, a test) sees nothing but
events. It reads the request from the first line of standard input; when
standard input ends later, the engine stops in order. Events, in this order: ``header``, ``plan``, then ``begin`` and
``result`` for the cases, ``end``; or ``bailout`` where nothing can be judged.
"""

from __future__ import annotations

import errno
import json
import os
import select
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ocivalidate.errors import CannotJudge
from ocivalidate.rules.clauses import Clause, Selection
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.kernel import inherited, isolation
from ocivalidate.runtime.running import dump
from ocivalidate.runtime.running.attempt import Attempt, attempt, given_up
from ocivalidate.runtime.running.events import event_of
from ocivalidate.runtime.running.loading import case_folder, load_cases
from ocivalidate.runtime.running.planning import Planned, plan
from ocivalidate.runtime.running.scheduler import Scheduler
from ocivalidate.runtime.running.session import Session, Setup
from ocivalidate.runtime.running.sweeping import Ground
from ocivalidate.runtime.running.watchdog import GRACE, Watchdog, Watched

Emit = Callable[[Mapping[str, Any]], None]

HUNG = 75
"""The exit code when something hangs that is no case."""
_OPENING = 120.0  # seconds: a runtime is asked who it is, the remains of runs are removed, a root filesystem is built


# What keeps this process from namespaces of its own → what may help.
_HINTS = {
    errno.EPERM: "a container needs CAP_SYS_ADMIN for it",
    errno.EINVAL: "the root is no mount point, as in a plain chroot: mount --bind its folder on itself before",
}


def planned(request: Mapping[str, Any], release: str) -> list[Planned]:
    """What a request asks to be tried, for a release. Raises :class:`BadCase`."""
    selection = Selection(ignore=tuple(request.get("ignore", ())), level=request.get("level", "may"))
    cases = load_cases(case_folder(request.get("cases")))
    return plan(cases, release, selection, request.get("only", ()), patterns=request.get("select", ()))


def _something(todo: list[Planned]) -> list[Planned]:
    if not todo:
        raise CannotJudge("no case judges what was selected")
    return todo


class Engine:
    """One run: from a request to events."""

    def __init__(self, request: Mapping[str, Any], emit: Emit, *, private: bool, ground: Ground | None = None) -> None:
        self._request = request
        self._emit = emit
        self._jobs = request.get("jobs") or inherited.cases_at_a_time()
        self._setup = Setup(
            runtime=request["runtime"],
            extra=tuple(request.get("arguments", ())),
            spec_version=request.get("spec_version"),
            rootfs=request.get("rootfs"),
            private=private,
            dump=bool(request.get("dump_dir")),
            ground=ground,
            jobs=self._jobs,
        )
        self._scheduler: Scheduler[Attempt] | None = None
        self._stopped = False
        self._hung = ""
        self._clauses: Mapping[str, Sequence[Clause]] = {}
        self._watchdog = Watchdog(self._give_up, lambda: emit({"event": "alive"}))

    def stop(self) -> None:
        """Begin no further case."""
        self._stopped = True
        if self._scheduler is not None:
            self._scheduler.stop()

    def run(self) -> int:
        """Do what the request asks; the exit code is 0 when the run came to its end."""
        session = Session(self._setup)
        start = time.monotonic()
        with self._watchdog.awake():
            try:
                counts = self._run(session)
            except CannotJudge as problem:
                self._bail_out(str(problem), problem.hint)
                return 2
            except Exception as problem:  # noqa: BLE001  # the runtime may have broken anything on this host
                where = traceback.extract_tb(problem.__traceback__)[-1]
                place = f"{where.filename.rpartition('/')[2]}:{where.lineno}"
                self._bail_out(f"the run broke: {type(problem).__name__}: {problem} ({place})")
                return 2
            finally:
                with self._watchdog.over("cleaning up", GRACE):
                    left = session.close()
        seconds = round(time.monotonic() - start, 3)
        stopped: dict[str, Any] = {"stopped": self._hung} if self._hung else {}
        stopped |= {"put_back": session.put_back} if session.put_back else {}
        end = {"event": "end", "complete": not self._stopped, "left": left, "seconds": seconds}
        self._emit({**end, **counts, **stopped})
        return 0

    def _run(self, session: Session) -> Counter[str]:
        with self._watchdog.over("the first look at the host and the runtime", _OPENING):
            session.open()
            self._emit({"event": "header", **session.header()})
        with self._watchdog.over("the first container", GRACE):
            session.smoke()
        todo = _something(planned(self._request, session.stage.subject.release))
        self._emit({"event": "plan", "results": [[one.case.id, clause.id] for one in todo for clause in one.clauses]})
        return self._try_all(session, todo)

    def _bail_out(self, reason: str, hint: str = "") -> None:
        self._emit({"event": "bailout", "reason": reason, "hint": hint})

    def _give_up(self, hung: Watched) -> None:
        """End the run in which something hangs: a case is an error, and nothing else is begun."""
        self._hung = self._hung or hung.words()
        if hung.name in self._clauses and self._scheduler is not None:
            [case] = [one for one in self._scheduler.cases if one.id == hung.name]
            self.stop()
            self._scheduler.abandon(case.id, given_up(case, self._clauses[case.id], hung.words()))
            return
        self._bail_out(hung.words())
        # Whoever started this process ends what it leaves.
        os._exit(HUNG)

    def _try_all(self, session: Session, todo: Sequence[Planned]) -> Counter[str]:
        self._clauses = clauses = {one.case.id: one.clauses for one in todo}
        required = tuple(self._request.get("require", ()))

        def work(case: Case) -> Attempt:
            self._emit({"event": "begin", "case": case.id})
            with self._watchdog.over(case.id, case.timeout + GRACE):
                return attempt(session.stage, case, clauses[case.id], required)

        counts: Counter[str] = Counter()
        for done in self._results([one.case for one in todo], work):
            kept = dump.keep(done, self._request.get("dump_dir"), session.umask)
            for result in done.results:
                self._emit(event_of(result, kept))
            counts.update(cases=1, calls=done.calls, containers=done.containers)
            times = {"runtime": done.runtime_seconds, "waiting": done.waited, "case": done.seconds}
            counts.update({f"{name}_milliseconds": round(seconds * 1000) for name, seconds in times.items()})
        return counts

    def _results(self, cases: Sequence[Case], work: Callable[[Case], Attempt]) -> Iterator[Attempt]:
        """What the cases come to; the last ones begin when all others have ended."""
        for last in (False, True):
            some = [case for case in cases if case.last is last]
            self._scheduler = Scheduler(some, work, self._jobs)
            if self._stopped:
                self._scheduler.stop()
            yield from self._scheduler.results()


def emitter(descriptor: int) -> Emit:
    """A function that writes events to a file descriptor, each in one piece."""
    lock = threading.Lock()

    def emit(event: Mapping[str, Any]) -> None:
        line = (json.dumps(event) + "\n").encode()
        with lock:
            while line:
                line = line[os.write(descriptor, line) :]

    return emit


def _serve(request: Mapping[str, Any], descriptor: int, ground: Ground, *, private: bool) -> int:
    emit = emitter(descriptor)

    def tell(event: Mapping[str, Any]) -> None:
        try:
            emit(event)
        except BrokenPipeError:
            # Nobody listens any more; the cases that run now are to clean up all the same.
            engine.stop()

    engine = Engine(request, tell, private=private, ground=ground)
    threading.Thread(target=_stop_at_end_of_input, args=(engine,), daemon=True).start()
    return engine.run()


def _stop_at_end_of_input(engine: Engine) -> None:
    while True:
        select.select([0], [], [])
        if not os.read(0, 4096):
            engine.stop()
            return


def _read_request() -> Mapping[str, Any]:
    """The first line of standard input, byte by byte: nothing of what follows may be lost in a buffer."""
    line = b""
    while not line.endswith(b"\n") and (more := os.read(0, 65536)):
        line += more
    request = json.loads(line)
    if not isinstance(request, dict):
        raise TypeError("a request is an object")
    return request


def main() -> int:
    """Read the request, isolate, run."""
    request = _read_request()
    inherited.forget_signals()
    # What anything prints by accident must not stand between events.
    descriptor = os.dup(1)
    os.dup2(2, 1)
    # Who holds this run, and who held others, is seen by their pids: it cannot be told in there.
    try:
        ground = Ground.prepare()
    except OSError as problem:
        emitter(descriptor)({"event": "bailout", "reason": f"cannot look at this host: {problem}", "hint": ""})
        return 2
    if os.geteuid() != 0:
        return isolation.run_kept(lambda: _serve(request, descriptor, ground, private=False))
    try:
        return isolation.run_isolated(lambda: _serve(request, descriptor, ground, private=True))
    except OSError as problem:
        reason = f"cannot make namespaces for the run: {problem.strerror}"
        emitter(descriptor)({"event": "bailout", "reason": reason, "hint": _HINTS.get(problem.errno or 0, "")})
        return 2


if __name__ == "__main__":
    sys.exit(main())
