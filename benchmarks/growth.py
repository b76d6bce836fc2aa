"""Checks that work grows linearly with the input: every dimension is doubled, and the time must not triple.

    python benchmarks/growth.py [--only WORD] [--quick | --limit [--record]]

Each row is one dimension: documents, images, archives, unpacking (root), folders, settings. A row starts small and
grows until it takes long enough to measure, net of the cost of a tiny input. Then it is doubled, a few times at most,
until doubling costs at most 2.3 times as much. It fails if doubling costs more than three times as much. A row that
reaches a limit, or its largest size, before it can be measured is reported as bounded. The last line is on one megabyte
of each document.

``--quick`` judges only those megabytes; ``--limit`` the worst of them at 1, 2, 4, 8 and 32 MB, the largest size of a
document. Two processes measure at a time, in CPU seconds; a whole run takes about ten minutes on two cores. Run it with
byte code on disk: unset PYTHONDONTWRITEBYTECODE.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import growth_samples, many_growth, unpack_growth  # noqa: E402  # a script finds its neighbours only now
from benchmarks.recording import record  # noqa: E402
from benchmarks.worst_documents import DOCUMENTS  # noqa: E402
from fixtures.layouts import Layout  # noqa: E402

MOST_GROWTH, FINE_GROWTH = 3.0, 2.3
MEASURABLE = 0.3
# No doubling beyond this: the row has shown its growth.
LONG = 6.0
MOST_DOUBLINGS = 3
PROCESSES = 2
MOST_SECONDS, MOST_MEMORY = 3.0, 150
MEGABYTE = 1 << 20
# Runs a command in this process, then prints its CPU seconds and its peak memory in MB.
_CHILD = """
import resource, sys
from ocivalidate.cli import main
try:
    main(sys.argv[1:])
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
    sys.stderr.write(f"\\n{used.ru_utime + used.ru_stime} {int(peak[0]) / 1024}")
"""


class Cost(NamedTuple):
    """CPU seconds, and peak memory in MB."""

    seconds: float
    memory: float


class Row(NamedTuple):
    """A dimension. ``prepare`` makes an input of a given size below an empty folder and returns the command line."""

    name: str
    prepare: Callable[[Path, int], list[str]]
    start: int
    largest: int


class Grown(NamedTuple):
    """How a row grew: its last two measurements, the ratio of their sizes, and the ratio of their times."""

    name: str
    size: int
    small: Cost
    large: Cost
    worst: float
    last: float

    @property
    def bounded(self) -> bool:
        """Whether it never took long enough to measure."""
        return self.last == 0


def rows() -> Iterator[Row]:
    """Every dimension."""
    for name, (make, command) in DOCUMENTS.items():
        yield Row(name, partial(_document, make, command), 1 << 17, 16 * MEGABYTE)
    for name, make_image in growth_samples.IMAGES.items():
        yield Row(f"image: {name}", partial(_image, make_image), 200, 512_000)
    for name, dimension in unpack_growth.DIMENSIONS.items() if os.geteuid() == 0 else ():
        yield Row(f"unpack: {name}", partial(_unpack, dimension.make), max(1, dimension.size // 8), 8 * dimension.size)
    for name, (make_folder, least, most) in many_growth.FOLDERS.items():
        yield Row(f"many: {name}", partial(_folder, make_folder), least, most)
    for name, text in SETTINGS.items():
        yield Row(f"settings: {name}", partial(_settings, text), 1 << 14, MEGABYTE)


SETTINGS: dict[str, Callable[[int], str]] = {
    "dotted keys": lambda n: "a" + ".a" * n,
    "keys": lambda n: "".join(f"k{number} = 1\n" for number in range(n // 8)),
    "patterns": lambda n: "ignore = [" + '"lint", ' * (n // 8) + '"lint"]',
    "globs": lambda n: "select = [" + '"*a*b", ' * (n // 8) + '"lint"]',
    "outputs": lambda n: "output = [" + '"json=a", ' * (n // 10) + "]",
    "arrays": lambda n: "a = " + "[" * n,
    "one text": lambda n: 'max-size = "' + "1" * n + '"',
    "tables": lambda n: "[[a]]\n" * (n // 6),
}


def _document(make: Callable[[int], bytes], command: str, folder: Path, n: int) -> list[str]:
    file = folder / "document.json"
    file.write_bytes(make(n))
    return [command, "--no-config", str(file)]


def _image(make: growth_samples.Make, folder: Path, n: int) -> list[str]:
    return ["image", "--no-config", str(make(folder, n))]


def _unpack(make: Callable[[int], Layout], folder: Path, n: int) -> list[str]:
    make(n).write(folder / "layout")
    return ["unpack", "-q", str(folder / "layout"), str(folder / "bundle")]


def _folder(make: Callable[[Path, int], list[str]], folder: Path, n: int) -> list[str]:
    return [*make(folder, n), "--no-config"]


def _settings(make: Callable[[int], str], folder: Path, n: int) -> list[str]:
    file = folder / "ocivalidate.toml"
    file.write_text(make(n), encoding="utf-8")
    return ["bundle", "--config", str(file), str(ROOT / "fixtures" / "demo" / "bundle-good")]


def run(arguments: Sequence[str]) -> Cost:
    """What a command costs in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        timeout=1800,
    )
    seconds, memory = done.stderr.rsplit(b"\n", 1)[-1].split()
    return Cost(float(seconds), float(memory))


def cost(row: Row, size: int) -> Cost:
    """What a row costs at a size."""
    name = tempfile.mkdtemp(prefix="ocivalidate-growth.")
    try:
        return run(row.prepare(Path(name), size))
    finally:
        # shutil.rmtree calls itself for each of the thousands of levels that some rows have.
        subprocess.run(["rm", "-rf", name], check=True)


def grown(name: str) -> Grown:
    """Measure a row."""
    row = next(row for row in rows() if row.name == name)
    idle = cost(row, 1).seconds
    size = row.start
    small = cost(row, size)
    while small.seconds - idle < MEASURABLE and size < row.largest:
        # As far as the time requires, but never so far that a row which grows too fast takes forever.
        wanted = MEASURABLE / max(small.seconds - idle, 0.001)
        size = min(size * (2 if wanted <= 2 else 4 if wanted <= 16 else 8), row.largest)
        small = cost(row, size)
    if small.seconds - idle < MEASURABLE:
        return Grown(name, size, small, small, 0.0, 0.0)
    ratios: list[float] = []
    large = small
    for _doubling in range(MOST_DOUBLINGS):
        large = cost(row, size * 2)
        ratio = _ratio(small, large, idle)
        if ratio > FINE_GROWTH:
            # Other processes may have used the machine: the smallest of several times is the most accurate.
            small, large = min(small, cost(row, size)), min(large, cost(row, size * 2))
            ratio = _ratio(small, large, idle)
        ratios.append(ratio)
        if ratio <= FINE_GROWTH or large.seconds > LONG:
            break
        size, small = size * 2, large
    return Grown(name, size, small, large, max(ratios), ratios[-1])


def _ratio(small: Cost, large: Cost, idle: float) -> float:
    return (large.seconds - idle) / (small.seconds - idle)


def measured(name: str, size: int) -> Cost:
    """The cost of a document of this size; the least of three runs if one takes longer than allowed."""
    make, command = DOCUMENTS[name]
    with tempfile.TemporaryDirectory(prefix="ocivalidate-growth.") as folder:
        arguments = _document(make, command, Path(folder), size)
        once = run(arguments)
        return min(once, run(arguments), run(arguments)) if once.seconds > MOST_SECONDS * size / MEGABYTE else once


def show_growth(pool: ProcessPoolExecutor, names: Sequence[str]) -> list[str]:
    """Measure and print rows and a summary; return those that grow too fast."""
    failed, not_fine, bounded = [], [], []
    for one in pool.map(grown, names):
        if one.bounded:
            bounded.append(one.name)
            print(f"ok   bounded  {one.size:>9}  {one.small.seconds:6.2f} s  {one.small.memory:5.0f} MB", end="")
            print(f"{'':24}{one.name}", flush=True)
            continue
        sound = one.worst <= MOST_GROWTH
        failed += [one.name] * (not sound)
        not_fine += [one.name] * (one.last > FINE_GROWTH)
        costs = f"{one.small.seconds:6.2f} s  {one.small.memory:5.0f} MB   {one.large.seconds:6.2f} s"
        print(
            f"{'ok  ' if sound else 'FAIL'} {one.last:6.2f}x  {one.size:>9}  {costs}  {one.large.memory:5.0f} MB  ",
            end="",
        )
        print(one.name, flush=True)
    print(f"{len(names)} rows, {len(bounded)} of them bounded; ", end="")
    print(f"above {FINE_GROWTH}x at the largest step: {', '.join(not_fine) or 'none'}")
    return failed


def show_worst(pool: ProcessPoolExecutor, names: Sequence[str]) -> list[str]:
    """Measure one megabyte of each document; return those that cost more than allowed."""
    failed = []
    costs = dict(zip(names, pool.map(partial(measured, size=MEGABYTE), names), strict=True))
    for name, one in costs.items():
        if one.seconds > MOST_SECONDS or one.memory > MOST_MEMORY:
            failed.append(f"1 MB of {name}")
            print(f"FAIL {one.seconds:.2f} s, {one.memory:.0f} MB for 1 MB of {name}")
    slowest, largest = max(costs, key=lambda name: costs[name].seconds), max(costs, key=lambda name: costs[name].memory)
    print(f"1 MB of the worst document: {costs[slowest].seconds:.2f} s ({slowest}), ", end="")
    print(f"{costs[largest].memory:.0f} MB ({largest}); at most {MOST_SECONDS} s, {MOST_MEMORY} MB")
    return failed


def show_limit(pool: ProcessPoolExecutor, names: Sequence[str], *, keeping: bool) -> list[str]:
    """Measure the worst documents at sizes up to the largest; return those whose later megabytes cost more."""
    failed = []
    worst: dict[str, float] = {}
    costs = dict(zip(names, pool.map(partial(measured, size=MEGABYTE), names), strict=True))
    by_time, by_memory = (sorted(costs, key=lambda name: costs[name][part])[-3:] for part in (0, 1))
    for name in dict.fromkeys([*by_time, *by_memory]):
        print(name)
        for megabytes in (1, 2, 4, 8, 32):
            # A little less: what is larger than the limit is not read.
            one = measured(name, megabytes * MEGABYTE * 31 // 32)
            print(f"  {megabytes:2} MB: {one.seconds:7.2f} s  {one.memory:6.0f} MB", flush=True)
            for what, value in (("CPU seconds", round(one.seconds, 1)), ("megabytes", round(one.memory))):
                figure = f"{what} for {megabytes} MB"
                worst[figure] = max(value, worst.get(figure, 0))
            if one.seconds / megabytes > FINE_GROWTH * max(costs[name].seconds, MEASURABLE):
                failed.append(f"{megabytes} MB of {name}")
    if keeping:
        record("growth", worst)
    return failed


def main() -> int:
    """Measure and print; 1 if something grows too fast, 2 if there is no such row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="WORD", help="only rows with this in their name")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--quick", action="store_true", help="only the worst megabyte")
    how.add_argument("--limit", action="store_true", help="only the worst documents, up to 32 MB")
    parser.add_argument("--record", action="store_true", help="keep what --limit measures for the documentation")
    options = parser.parse_args()
    names = [] if options.quick or options.limit else [row.name for row in rows() if options.only in row.name]
    documents = [name for name in DOCUMENTS if options.only in name]
    if not names and not documents:
        sys.stderr.write(f"growth.py: no row has {options.only} in its name\n")
        return 2
    begun = time.monotonic()
    with ProcessPoolExecutor(PROCESSES) as pool:
        failed = show_growth(pool, names) if names else []
        if documents:
            failed += (
                show_limit(pool, documents, keeping=options.record) if options.limit else show_worst(pool, documents)
            )
    if os.geteuid() != 0:
        print("no rows for unpack: that needs root")
    ended = f"{time.monotonic() - begun:.0f} s"
    print(f"{len(failed)} failed: {', '.join(failed)} ({ended})" if failed else f"nothing grows too fast ({ended})")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
