"""Running cases concurrently, and returning their results in the order of the plan."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from ocivalidate.runtime.cases import Case

Done = TypeVar("Done")


class Scheduler(Generic[Done]):
    """Runs ``work(case)`` for each case in threads; cases that name the same resource in ``alone`` never overlap."""

    def __init__(self, cases: Sequence[Case], work: Callable[[Case], Done], jobs: int) -> None:
        self.cases = cases
        self._work = work
        self._waiting = list(range(len(cases)))
        self._running: set[int] = set()
        self._busy: set[str] = set()
        self._done: dict[int, Done] = {}
        self._problem: BaseException | None = None
        self._change = threading.Condition()
        self._stopping = False
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(max(1, jobs))]

    def stop(self) -> None:
        """Begin no further case."""
        with self._change:
            self._stopping = True
            self._change.notify_all()

    def abandon(self, case_id: str, done: Done) -> None:
        """Wait no longer for a running case: ``done`` is its result. Its thread is abandoned."""
        with self._change:
            for number in [one for one in self._running if self.cases[one].id == case_id]:
                self._running.discard(number)
                self._done[number] = done
            self._change.notify_all()

    def results(self) -> Iterator[Done]:
        """The result of each case, in order, as soon as it is known; ends early after :meth:`stop`.

        It waits forever for cases that neither end nor are abandoned: see :mod:`watchdog`.
        """
        for thread in self._threads:
            thread.start()
        for number in range(len(self.cases)):
            with self._change:
                self._change.wait_for(lambda wanted=number: self._settled(wanted))  # type: ignore[misc]  # a default
                if self._problem is not None:
                    raise self._problem
                if number not in self._done:
                    break
                done = self._done.pop(number)
            yield done
        with self._change:
            self._change.wait_for(lambda: not self._running)

    def _settled(self, number: int) -> bool:
        if number in self._done or self._problem is not None:
            return True
        # Stopped before it began: it will not run.
        return self._stopping and number in self._waiting

    def _serve(self) -> None:
        while (number := self._take()) is not None:
            case = self.cases[number]
            try:
                done = self._work(case)
            except BaseException as problem:  # noqa: BLE001  # raised again by results()
                with self._change:
                    self._problem = problem
                    self._running.discard(number)
                    self._change.notify_all()
                return
            with self._change:
                if number in self._running:
                    self._done[number] = done
                    self._running.discard(number)
                self._busy -= set(case.alone)
                self._change.notify_all()

    def _take(self) -> int | None:
        """The first case whose resources are free, waiting for one; ``None`` if there will be none."""
        with self._change:
            while self._waiting and not self._stopping:
                for number in self._waiting:
                    if self._busy.isdisjoint(self.cases[number].alone):
                        self._waiting.remove(number)
                        self._running.add(number)
                        self._busy |= set(self.cases[number].alone)
                        return number
                self._change.wait()
            return None
