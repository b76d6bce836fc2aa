"""The engine of measurements: it drives one runtime as the engine of cases does, a turn at a time, as it is asked.

Each runtime has an engine of its own, in namespaces of its own, so that two runtimes never see what the other needs.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import traceback
from collections.abc import Iterator

from ocivalidate.bench.lives import Lives
from ocivalidate.errors import CannotJudge, OciValidateError, ProtocolError
from ocivalidate.runtime.protocol import Alive, Bailout, End, Event, Lines, Request, Taken, read_turn
from ocivalidate.runtime.running.engine import HUNG, Emit, emitter, enclosed
from ocivalidate.runtime.running.session import Session, Setup
from ocivalidate.runtime.running.sweeping import Ground
from ocivalidate.runtime.running.watchdog import GRACE, Watchdog, Watched

_OPENING = 120.0  # seconds for the first look, removing leftovers of runs, building the root filesystem
_TURN = 120.0  # seconds for one turn, and as many for each container of it


def main() -> int:
    """Read the request, isolate, measure."""
    return enclosed(_serve)


def _serve(request: Request, descriptor: int, ground: Ground) -> int:
    emit = _unless_alone(emitter(descriptor))
    session = Session(Setup(request, ground, request.jobs or 1))

    def give_up(hung: Watched) -> None:
        emit(Bailout(hung.words()))
        # The starter of this process cleans up what it leaves.
        os._exit(HUNG)

    watchdog = Watchdog(give_up, lambda: emit(Alive()))
    begun = time.monotonic()
    with watchdog.awake():
        try:
            _measure(session, request.jobs or 1, emit, watchdog)
        except OciValidateError as problem:
            emit(Bailout(str(problem), problem.hint if isinstance(problem, CannotJudge) else ""))
            return 2
        except Exception as problem:  # noqa: BLE001  # the runtime may have broken anything on this host
            where = traceback.extract_tb(problem.__traceback__)[-1]
            place = f"{where.filename.rpartition('/')[2]}:{where.lineno}"
            emit(Bailout(f"the run broke: {type(problem).__name__}: {problem} ({place})"))
            return 2
        finally:
            with watchdog.over("cleaning up", GRACE):
                left = session.close()
    emit(End(complete=True, left=tuple(left), seconds=round(time.monotonic() - begun, 3)))
    return 0


def _measure(session: Session, parallel: int, emit: Emit, watchdog: Watchdog) -> None:
    """Take turns until nobody asks for more. Raises :class:`OciValidateError`."""
    with watchdog.over("the first look at the host and the runtime", _OPENING):
        session.open()
    with watchdog.over("the first container", GRACE):
        session.smoke()
    lives = Lives(session.stage, parallel)
    # Only now, so that all runtimes are known to work before the first is measured.
    emit(session.header())
    for phase in _asked():
        if phase not in lives.phases:
            raise ProtocolError(f"unknown phase: {phase}")
        with watchdog.over(phase, _TURN * (1 + parallel) * session.stage.pace):
            values, note = lives.phases[phase]()
        emit(Taken(phase, tuple(values.items()), note))


def _asked() -> Iterator[str]:
    """The phases of the turns that standard input asks for, until it ends. Raises :class:`ProtocolError`."""
    lines = Lines()
    while part := os.read(0, 1 << 16):
        for line in lines.feed(part):
            yield read_turn(line).phase


def _unless_alone(emit: Emit) -> Emit:
    """Emit as long as somebody reads; standard input ends too when nobody does."""

    def tell(event: Event) -> None:
        with contextlib.suppress(BrokenPipeError):
            emit(event)

    return tell


if __name__ == "__main__":
    sys.exit(main())
