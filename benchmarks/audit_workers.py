"""How many bytes a core verifies in a second, and what two worker processes of Dask gain over one.

    python benchmarks/audit_workers.py [--blobs N] [--rounds N] [--record]

Layers of 8 MB, gzip, of which half of the content compresses away. ``a core`` is measured in processor time, which
other programs do not change; the ratio of the workers is one of wall time, and means something only where nobody else
has the cores: the load is printed.
"""

from __future__ import annotations

import argparse
import gzip
import os
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.recording import record  # noqa: E402  # a script finds its neighbours only now
from fixtures.layouts import Entry, tar  # noqa: E402  # a script finds its neighbours only now
from ocivalidate.audit import dask_cluster  # noqa: E402
from ocivalidate.audit.executors import Task, Threads, Workers, verified  # noqa: E402
from ocivalidate.image.layers.blob import BlobRequest, FilePart  # noqa: E402

AIM = 1.8
_FILES = 200


def tasks(folder: Path, count: int) -> list[Task]:
    """So many blobs, of which every third is a file of its own."""
    dice = random.Random(3)  # noqa: S311  # drawn, not secret
    made = []
    for number in range(max(1, count // 3)):
        entries = [Entry(f"f{each}", _content(dice)) for each in range(_FILES)]
        path = folder / str(number)
        path.write_bytes(gzip.compress(tar(entries), 1))
        made.append(path)
    paths = [made[number % len(made)] for number in range(count)]
    return [
        Task(f"{path.name}-{number}", "", BlobRequest(FilePart(str(path)), layer=True, size=path.stat().st_size))
        for number, path in enumerate(paths)
    ]


def _content(dice: random.Random) -> bytes:
    return b"".join(dice.randbytes(4096) + bytes(4096) for _piece in range(10))


def wall(workers: Workers, given: list[Task]) -> float:
    """The seconds that these workers need."""
    start = time.perf_counter()
    for _done in verified(given, workers):
        pass
    return time.perf_counter() - start


def main() -> int:
    """Measure and print; fails where two workers are not quick enough."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--blobs", type=int, default=72)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--record", action="store_true", help="keep what a core does for the documentation")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        given = tasks(Path(folder), options.blobs)
        size = sum(task.size for task in given)
        with Threads(1) as one:
            before = time.process_time()
            wall(one, given)
            used = time.process_time() - before
        print(f"{len(given)} blobs, {size / 1e6:.0f} MB; a core: {size / 1e6 / used:.0f} MB/s")
        if options.record:
            record("audit_workers", {"megabytes a second of a core": round(size / 1e6 / used)})
        best = {1: float("inf"), 2: float("inf")}
        for _round in range(options.rounds):
            for count in (1, 2):
                with dask_cluster.connected("dask", jobs=count) as workers:
                    wall(workers, given[:count])
                    best[count] = min(best[count], wall(workers, given))
    ratio = best[1] / best[2]
    verdict = "kept" if ratio >= AIM else "NOT kept"
    print(f"one worker {best[1]:.2f} s, two {best[2]:.2f} s: {ratio:.2f}x, aim {AIM}x {verdict}")
    print(f"load {os.getloadavg()[0]:.1f}")
    return 0 if ratio >= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
