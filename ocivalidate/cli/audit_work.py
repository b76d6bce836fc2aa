"""The long part of ``ocivalidate audit``: its options, its progress, and what an interrupt does to it."""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Self

from ocivalidate.audit import journal, sharding
from ocivalidate.audit.executors import Stopping
from ocivalidate.audit.options import Work
from ocivalidate.audit.pace import Pace
from ocivalidate.audit.showing import Meter, Progress
from ocivalidate.audit.workers import named
from ocivalidate.cli import settings as settings_module
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.interrupts import forward_interrupts
from ocivalidate.cli.streams import errors_on_terminal, tell
from ocivalidate.errors import UsageError
from ocivalidate.image.layers.limits import LayerLimits
from ocivalidate.report.escape import visible

if TYPE_CHECKING:
    from rich.live import Live

_LONG = "Long work"
# A log gets a line so often, in seconds: a registry takes hours, and what takes less than this needs none.
_APART = 30.0
_OF_AUDITS = ("journal", "recheck", "shard", "rate", "executor")


def add_options(parser: DashParser) -> None:
    """The options of long work."""
    group = parser.group(_LONG)
    group.add_argument("--journal", metavar="FILE", help="keep what was verified in FILE, and go on from there")
    group.add_argument("--recheck", metavar="AGE", help="verify again what was verified longer ago, for example 30d")
    group.add_argument("--shard", metavar="N/M", help="verify only share N of M of the blobs")
    group.add_argument("--merge", action="store_true", help="make one report of the JSON reports of all shards")
    group.add_argument("--rate", metavar="SIZE", help="read at most this much a second, for example 200M")
    group.add_argument(
        "--executor",
        metavar="NAME",
        help="who verifies blobs: threads, dask (processes), or dask://HOST:PORT (default: threads)",
    )
    group.add_argument("--jobs", type=int, metavar="N", help="how many blobs to read at a time (default: one per core)")


def refuse_beside_merge(options: argparse.Namespace) -> None:
    """Raise :class:`UsageError` for options that mean nothing where reports are merged."""
    for name in (*_OF_AUDITS, "jobs", "repository", "tag"):
        if getattr(options, name):
            raise UsageError(f"--{name} is of no use with --merge, which reads reports alone")


@contextlib.contextmanager
def working(options: argparse.Namespace, limits: LayerLimits) -> Iterator[Work]:
    """How the work is done, as the options say; an interrupt ends it in order. Raises :class:`UsageError`."""
    if options.recheck is not None and options.journal is None:
        raise UsageError("--recheck needs --journal, which knows when blobs were verified")
    recheck = None if options.recheck is None else journal.age(options.recheck)
    shard = None if options.shard is None else sharding.parse(options.shard)
    pace = None if options.rate is None else Pace(settings_module.size(options.rate))
    jobs = settings_module.at_least_one("--jobs", options.jobs)
    stopping = Stopping()
    with contextlib.ExitStack() as opened:
        kept = None if options.journal is None else opened.enter_context(journal.Journal(options.journal, limits))
        workers = None
        if options.executor is not None and options.executor != "threads":
            workers = opened.enter_context(named(options.executor, jobs=jobs, pace=pace))
        opened.enter_context(forward_interrupts(_Running(stopping)))
        yield Work(workers, pace, kept, recheck, shard, None, stopping)


class _Running:
    """What an interrupt ends: in order, with a report of what was verified, then at once."""

    def __init__(self, stopping: Stopping) -> None:
        self._stopping = stopping

    def stop(self) -> None:
        """Verify no further."""
        self._stopping.stop()

    def kill(self) -> None:
        """End without a report."""
        raise KeyboardInterrupt


@contextlib.contextmanager
def shown(target: str, *, quiet: bool) -> Iterator[Callable[[Progress], None] | None]:
    """Show on standard error how far an audit is: on a line of a terminal, or now and then in a log."""
    if quiet:
        yield None
    elif errors_on_terminal():
        with _Line(target) as line:
            yield line.show
    else:
        yield _Log(target).show


class _Line:
    """One line of a terminal, which leaves nothing behind."""

    def __init__(self, target: str) -> None:
        self._target = visible(target)
        self._meter = Meter()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.live import Live

        self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True, redirect_stdout=False)
        self._live.start()
        return self

    def __exit__(self, *_problem: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, progress: Progress) -> None:
        """Show it."""
        from rich.text import Text

        self._meter.take(progress)
        if self._live is not None:
            line = Text(f"{self._meter.line()}  {self._target}", no_wrap=True, overflow="ellipsis")
            self._live.update(line, refresh=True)


class _Log:
    """A line of a log every half minute; none for what is over before."""

    def __init__(self, target: str) -> None:
        self._target = visible(target)
        self._meter = Meter()
        self._next = time.monotonic() + _APART

    def show(self, progress: Progress) -> None:
        """Show it, if it is time to."""
        self._meter.take(progress)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _APART
            tell(f"ocivalidate: {self._target}: {self._meter.line()}")
