"""Whether the work grows no faster than what is given: every dimension is doubled, and the time may not triple.

    python benchmarks/growth.py [--only WORD] [--quick]

Each row is one dimension: documents, images, archives, unpacking, settings. Sizes grow until a run takes long enough to
be measured (or the input is as large as it may be); then the CPU time of twice as much is compared, the start of the
program being taken off. A row fails when the median of three is more than three times as much. The last lines are on
one megabyte of each of the worst documents. Run it with byte code on disk: unset PYTHONDONTWRITEBYTECODE.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import growth_samples, unpack_growth  # noqa: E402  # a script finds its neighbours only now
from benchmarks.worst_documents import DOCUMENTS  # noqa: E402
from fixtures.layouts import Layout  # noqa: E402

MOST_GROWTH = 3.0
MEASURABLE = 0.3
MOST_SECONDS, MOST_MEMORY = 3.0, 150
MEGABYTE = 1 << 20
# Runs a command in this process, then tells its CPU seconds and the peak of its memory in MB.
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
    """CPU seconds, and the peak of memory in MB."""

    seconds: float
    memory: float


class Row(NamedTuple):
    """A dimension. ``prepare`` makes its input of a size below an empty folder and gives the command line."""

    name: str
    prepare: Callable[[Path, int], list[str]]
    start: int
    largest: int


def main() -> int:
    """Measure and print; 1 when something grows too fast."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="WORD", help="only rows with this in their name")
    parser.add_argument("--quick", action="store_true", help="only the worst megabyte")
    options = parser.parse_args()
    idle = statistics.median(run(["--help"]).seconds for _round in range(3))
    failed = [] if options.quick else [row.name for row in rows() if options.only in row.name and not grows(row, idle)]
    failed += worst(options.only)
    print(f"{len(failed)} failed: {', '.join(failed)}" if failed else "all rows are linear")
    return 1 if failed else 0


def rows() -> Iterator[Row]:
    """Every dimension."""
    for name, (make, command) in DOCUMENTS.items():
        yield Row(name, partial(_document, make, command), 1 << 17, 8 * MEGABYTE)
    for name, make_image in growth_samples.IMAGES.items():
        yield Row(f"image: {name}", partial(_image, make_image), 250, 16_000)
    if os.geteuid() == 0:
        for name, dimension in unpack_growth.DIMENSIONS.items():
            start = max(1, dimension.size // 2)
            yield Row(f"unpack: {name}", partial(_unpack, dimension.make), start, 2 * dimension.size)
    for name, text in SETTINGS.items():
        yield Row(f"settings: {name}", partial(_settings, text), 1 << 14, MEGABYTE)


SETTINGS: dict[str, Callable[[int], str]] = {
    "dotted keys": lambda n: "a" + ".a" * n,
    "keys": lambda n: "".join(f"k{number} = 1\n" for number in range(n // 8)),
    "patterns": lambda n: "ignore = [" + '"lint", ' * (n // 8) + '"lint"]',
    "arrays": lambda n: "a = " + "[" * n,
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
        timeout=300,
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


def grows(row: Row, idle: float) -> bool:
    """Measure a row, print it, and say whether it is linear."""
    size = row.start
    small = cost(row, size)
    while small.seconds - idle < MEASURABLE and size * 4 <= row.largest:
        size *= 2
        small = cost(row, size)
    large = cost(row, size * 2)
    growth = _growth(small, large, idle)
    if growth > MOST_GROWTH:
        # Somebody else may have had the machine.
        again = [(cost(row, size), cost(row, size * 2)) for _round in range(2)]
        growth = statistics.median([growth, *(_growth(*pair, idle) for pair in again)])
    sound = growth <= MOST_GROWTH
    numbers = (
        f"{size:>9}  {small.seconds:6.2f} s  {small.memory:5.0f} MB   {large.seconds:6.2f} s  {large.memory:5.0f} MB"
    )
    print(f"{'ok  ' if sound else 'FAIL'} {growth:5.2f}x  {numbers}  {row.name}", flush=True)
    return sound


def _growth(small: Cost, large: Cost, idle: float) -> float:
    """How many times more the larger one takes; what is too short to be measured has not grown."""
    more = large.seconds - idle
    return more / max(small.seconds - idle, MEASURABLE / 4) if more > MEASURABLE else 1.0


def worst(only: str) -> list[str]:
    """One megabyte of each document; those that cost more than they may."""
    failed, seconds, memory = [], 0.0, 0.0
    for name, (make, command) in DOCUMENTS.items():
        if only not in name:
            continue
        with tempfile.TemporaryDirectory(prefix="ocivalidate-growth.") as folder:
            arguments = _document(make, command, Path(folder), MEGABYTE)
            costs = run(arguments)
            if costs.seconds > MOST_SECONDS:
                costs = min(costs, run(arguments), run(arguments))
        seconds, memory = max(seconds, costs.seconds), max(memory, costs.memory)
        if costs.seconds > MOST_SECONDS or costs.memory > MOST_MEMORY:
            failed.append(f"1 MB of {name}")
            print(f"FAIL {costs.seconds:.2f} s, {costs.memory:.0f} MB for 1 MB of {name}")
    print(f"1 MB of the worst document: {seconds:.2f} s, {memory:.0f} MB (at most {MOST_SECONDS} s, {MOST_MEMORY} MB)")
    return failed


if __name__ == "__main__":
    sys.exit(main())
