"""What it takes to judge a folder of many bundles, as ratios to judging each of them by a call.

    python benchmarks/many.py [--bundles N] [--jobs N]

The CPU time of ``ocivalidate bundle FOLDER``, with all its processes, is held against that of as many calls of
``check_bundle`` in one process: what is more is the walk, the way of the reports between processes, and the text. Wall
times depend on what else the machine does, CPU times hardly.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "fixtures" / "demo" / "bundle-good" / "config.json"
OURS = [sys.executable, "-m", "ocivalidate", "bundle", "."]
# The largest allowed ratio of CPU times, and how long 10,000 bundles may take on two cores, in seconds.
AIM_OVERHEAD, AIM_SECONDS, OF_BUNDLES = 1.6, 25.0, 10_000
CALLS = """
import sys, time, gc
from ocivalidate.bundle.api import check_bundle
gc.set_threshold(200_000, 50, 100)
paths = sys.stdin.read().split()
check_bundle(paths[0])
begun = time.process_time()
for path in paths:
    check_bundle(path)
print(time.process_time() - begun)
"""


class Cost(NamedTuple):
    """Seconds of the clock, and of all processors."""

    wall: float
    cpu: float


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundles", type=int, default=OF_BUNDLES, help="how many bundles")
    parser.add_argument("--jobs", type=int, default=2, help="how many processes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ocivalidate-many-") as folder:
        paths = make(Path(folder), options.bundles)
        said = subprocess.run(
            [sys.executable, "-c", CALLS], input=" ".join(paths), capture_output=True, text=True, check=True, cwd=folder
        )
        calls = float(said.stdout)
        cost = measured([*OURS, "--jobs", str(options.jobs)], folder)
        alone = measured([*OURS, "--jobs", "1"], folder)
    least = cost.cpu / min(options.jobs, os.cpu_count() or 1)
    print(f"{options.bundles} bundles, {options.jobs} processes, load {os.getloadavg()[0]:.1f}")
    print(f"{calls:7.2f} s CPU       calls of check_bundle in one process")
    print(f"{alone.cpu:7.2f} s CPU {alone.wall:7.2f} s wall  bundle . --jobs 1")
    print(f"{cost.cpu:7.2f} s CPU {cost.wall:7.2f} s wall  bundle . --jobs {options.jobs}")
    print()
    print(f"{cost.cpu / calls:5.2f}x of the calls, aim {AIM_OVERHEAD}x")
    print(f"{alone.wall / cost.wall:5.2f}x as fast as one process")
    aim = AIM_SECONDS * options.bundles / OF_BUNDLES
    print(f"{cost.wall:5.1f} s, at least {least:.1f} s if nobody else used the processors; aim {aim:.1f} s")
    return 0


def make(folder: Path, number: int) -> list[str]:
    """Write bundles, each with a name of its own in its config, and return their paths from the folder."""
    config = json.loads(SAMPLE.read_text(encoding="utf-8"))
    paths = []
    for one in range(number):
        target = folder / f"{one // 100:03}" / f"{one:05}"
        (target / "rootfs" / "bin").mkdir(parents=True)
        config["hostname"] = f"host-{one}"
        (target / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
        paths.append(str(target.relative_to(folder)))
    return paths


def measured(command: list[str], folder: str) -> Cost:
    """What a command costs in a folder; it has to find nothing."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, "OCIVALIDATE_NO_CONFIG": "1", "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, env=environment)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


if __name__ == "__main__":
    raise SystemExit(main())
