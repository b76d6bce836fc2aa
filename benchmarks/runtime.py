"""Where the time of ``ocivalidate runtime`` goes: wall time, containers, and the share of the harness.

    python benchmarks/runtime.py [RUNTIME ...] [--rounds N] [--jobs N] [--select CASES]

Each round runs the whole suite on each runtime. The figures are medians of the rounds. The seconds of all cases, which
run in parallel, are divided into calls of the runtime, waiting for containers (their start, and the interpreter in
them), and the harness itself: bundles, verdicts, removal. Run it as root.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocivalidate.runtime.protocol import End

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 20.0  # the aim for a whole run on two processors


def main() -> int:
    """Measure and print; 2 if there is no such runtime or case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runtimes", nargs="*", default=["runc"], help="programs, by path or name")
    parser.add_argument("--rounds", type=int, default=3, help="how often each runtime is judged")
    parser.add_argument("--jobs", type=int, help="cases at a time")
    parser.add_argument("--select", action="append", default=[], help="only these cases")
    options = parser.parse_args()
    problem = misnamed(options.runtimes, options.select)
    if problem:
        sys.stderr.write(f"runtime.py: {problem}\n")
        return 2
    for runtime in options.runtimes:
        rounds = [measure(runtime, options.jobs, tuple(options.select)) for _ in range(options.rounds)]
        print(line(runtime, rounds))
    return 0


def misnamed(runtimes: Sequence[str], select: Sequence[str]) -> str:
    """The part of the command line that does not exist; empty if all of it does."""
    from ocivalidate.rules.clauses import load, unmatched
    from ocivalidate.runtime.running.loading import case_folder, load_cases

    absent = [runtime for runtime in runtimes if shutil.which(runtime) is None]
    if absent:
        return f"{absent[0]} is not there"
    strays = unmatched(select, [*load(), *(case.id for case in load_cases(case_folder(None)))])
    return f"no case and no clause matches {', '.join(strays)}" if strays else ""


def measure(runtime: str, jobs: int | None, select: tuple[str, ...]) -> tuple[End, float]:
    """One run: the last message of the engine, and the wall time around it."""
    from ocivalidate.runtime.launching import run_events
    from ocivalidate.runtime.protocol import End, Request

    start = time.perf_counter()
    *_, last = run_events(Request(runtime, jobs=jobs, select=select))
    if not isinstance(last, End) or not last.complete:
        raise SystemExit(f"{runtime}: {last}")
    return last, time.perf_counter() - start


def line(runtime: str, rounds: list[tuple[End, float]]) -> str:
    """The medians in words."""

    def median(name: str) -> float:
        return float(statistics.median(getattr(end.spent, name) for end, _wall in rounds))

    wall, cases = statistics.median(wall for _end, wall in rounds), median("case_milliseconds")
    shares = {name: median(f"{name}_milliseconds") / cases * 100 for name in ("runtime", "waiting")}
    return (
        f"{runtime}: {wall:.1f} s wall (aim {SECONDS:.0f}), {median('cases'):.0f} cases,"
        f" {median('containers'):.0f} containers, {median('calls'):.0f} calls;"
        f" of the cases' {cases / 1000:.1f} s the runtime has {shares['runtime']:.0f} %,"
        f" containers {shares['waiting']:.0f} %, the harness {100 - sum(shares.values()):.0f} %"
    )


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
