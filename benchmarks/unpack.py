"""How long it takes to unpack the image of benchmarks/image.py, against `umoci unpack` and `tar -x`.

    python benchmarks/unpack.py [--scale S] [--rounds N] [--folder DIR]

Everything is made below one folder, on a tmpfs unless ``--folder`` names another place. The programs run in turn, round
by round; the figure of each is the median of its wall and CPU times, and a ratio is the median of the ratios round by
round. `tar -x` gets the layers inflated, one after the other, and verifies nothing. Run it with byte code on disk:
unset PYTHONDONTWRITEBYTECODE. Needs root, because umoci changes owners.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import image_samples as samples  # noqa: E402  # a script finds its neighbours only now

OURS, UMOCI, TAR = "ocivalidate unpack", "umoci unpack", "tar -x of the inflated layers"
AIM = 3.0
MEMORY = "/dev/shm"  # noqa: S108  # a tmpfs on every Linux; a folder of our own is made in it


class Run(NamedTuple):
    """One run: seconds, and peak memory in bytes."""

    wall: float
    cpu: float
    memory: int


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="size of the image; 1 is 1.5 GB compressed")
    parser.add_argument("--rounds", type=int, default=3, help="how often each program runs")
    parser.add_argument("--folder", default=MEMORY, help=f"where everything is made (default: {MEMORY})")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ocivalidate-benchmark-", dir=options.folder) as folder:
        runs = measure(Path(folder), options.scale, options.rounds)
    for name, found in runs.items():
        wall, cpu = (statistics.median(run[field] for run in found) for field in (0, 1))
        print(f"{wall:8.2f} s wall {cpu:8.2f} s CPU {max(run.memory for run in found) >> 20:5} MiB  {name}")
    for other in (UMOCI, TAR):
        if other in runs:
            wall, cpu = (ratio(runs[other], runs[OURS], field) for field in (0, 1))
            print(f"{wall:5.2f}x wall {cpu:5.2f}x CPU: {other}")
    print(f"aim: {AIM}x of {UMOCI}")
    return 0


def measure(folder: Path, scale: float, rounds: int) -> dict[str, list[Run]]:
    """Run every program that is here, in turn."""
    # In a process of its own: otherwise the memory of this one would count for the programs that it starts.
    with ProcessPoolExecutor(1) as process:
        layout = process.submit(samples.build, folder, ("gzip",), scale).result()["gzip"]
        tars = process.submit(inflate, layout, folder).result()
    target = folder / "target"
    commands = {
        OURS: [sys.executable, "-m", "ocivalidate", "unpack", "--quiet", str(layout), str(target)],
        UMOCI: ["umoci", "unpack", "--image", f"{layout}:latest", str(target)],
        TAR: [
            "sh",
            "-c",
            'mkdir "$0" && for layer; do tar -x -p --xattrs -f "$layer" -C "$0"; done',
            str(target),
            *tars,
        ],
    }
    if shutil.which("umoci") is None:
        del commands[UMOCI]
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _round in range(rounds):
        for name, command in commands.items():
            runs[name].append(timed(command))
            subprocess.run(["rm", "-rf", str(target)], check=True)
    return runs


def inflate(layout: Path, folder: Path) -> list[str]:
    """The layers without compression, as files, from the lowest."""
    index = json.loads((layout / "index.json").read_bytes())
    blobs = layout / "blobs" / "sha256"
    manifest = json.loads((blobs / index["manifests"][0]["digest"].partition(":")[2]).read_bytes())
    found = []
    for number, layer in enumerate(manifest["layers"]):
        path = folder / f"layer{number}.tar"
        with gzip.open(blobs / layer["digest"].partition(":")[2]) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        found.append(str(path))
    return found


def timed(command: Sequence[str]) -> Run:
    """Run a command to its end."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL)
    _pid, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"failed: {command}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def ratio(other: list[Run], ours: list[Run], field: int) -> float:
    """How many times as long the other takes, in the median of the rounds."""
    return statistics.median(one[field] / two[field] for one, two in zip(other, ours, strict=True))


if __name__ == "__main__":
    sys.exit(main())
