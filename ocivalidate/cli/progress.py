"""How far a run is, on a line of standard error: for a terminal only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from ocivalidate.report.escape import visible
from ocivalidate.rules.findings import Outcome, Result
from ocivalidate.runtime.protocol import Begin, Plan
from ocivalidate.runtime.run import Step

if TYPE_CHECKING:
    from rich.live import Live

_BAD = (Outcome.FAIL, Outcome.ERROR, Outcome.XPASS)


class Progress:
    """Shows steps of a run, one after the other, unless it is ``silent``."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self._live: Live | None = None
        self._planned = self._done = self._bad = 0
        self._current: dict[str, None] = {}

    def __enter__(self) -> Self:
        if not self._silent:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True, redirect_stdout=False)
            self._live.start()
        return self

    def __exit__(self, *_problem: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, step: Step) -> None:
        """Show where the run is now."""
        match step:
            case Plan():
                self._planned = len(step.results)
            case Begin():
                self._current[step.case] = None
            case Result():
                self._done += 1
                self._bad += step.outcome in _BAD
                # Results come in the order of the plan: whatever began before this one is over too.
                self._current.pop(step.case, None)
            case _:
                return
        if self._live is not None:
            from rich.text import Text

            self._live.update(Text(self.line(), no_wrap=True, overflow="ellipsis"), refresh=True)

    def line(self) -> str:
        """The line that is shown."""
        bad = f", {self._bad} not as they should be" if self._bad else ""
        current = ", ".join([visible(case) for case in self._current][-3:])
        return f"{self._done}/{self._planned}{bad}  {current}"
