"""What an interrupt does to a run: the first one ends it in order, the second at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from ocivalidate.cli import owns_process

_SIGNALS = [number for number in signal.Signals if number.name in ("SIGINT", "SIGTERM", "SIGHUP")]


class Stoppable(Protocol):
    """What can be stopped, in order or at once."""

    def stop(self) -> None:
        """End in order."""

    def kill(self) -> None:
        """End at once."""


@dataclass(slots=True)
class Interrupt:
    """Whether there was one."""

    happened: bool = False


@contextmanager
def forward_interrupts(running: Stoppable) -> Iterator[Interrupt]:
    """Hand interrupts to ``running`` as long as the block runs; none is raised as an exception in the midst of it.

    After one, no further one changes how a process of ours ends: what was judged is still to be told.
    """
    interrupt = Interrupt()

    def handle(_number: int, _frame: object) -> None:
        again, interrupt.happened = interrupt.happened, True
        if again:
            running.kill()
        else:
            running.stop()

    # A signal that the parent process ignores, such as nohup does, stays ignored.
    forwarded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in forwarded}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if interrupt.happened and owns_process() else handler)
