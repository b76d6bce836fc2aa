"""How long a full check of an image takes, compared with the time that the hardware needs for the unavoidable work.

    python benchmarks/image.py [--scale S] [--folder DIR] [--rounds N] [--no-peers]

The limit is measured in the same run: the CPU seconds of hashing all compressed bytes, of inflating them with the same
library, and of hashing all inflated bytes, over the number of cores. ``--scale 1`` (the default) is an image of about
1.5 GB compressed with more than 130,000 entries; building it takes minutes, and ``--folder`` keeps it for the next
time. On a busy machine the ratio of wall times depends on other processes, that of CPU times (``work``) does not:
``others`` is their share of all cores while the check ran. Run it with byte code on disk: unset
PYTHONDONTWRITEBYTECODE.

No split of the work is finer than one blob's inflation or one of its hashes, each of which runs from the first byte
to the last on one core. ``floor`` is how many times the limit the longest of them takes alone: what a layout of one
layer cannot go below, whatever the number of cores.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import image_samples as samples  # noqa: E402  # a script finds its neighbours only now
from fixtures.layouts import Image, Index, Layer, Layout, zstd_bomb  # noqa: E402
from ocivalidate.image import check_image, pool  # noqa: E402
from ocivalidate.image.layers.blob import BlobRequest, FilePart  # noqa: E402
from ocivalidate.image.layers.buffers import CHUNK, Chunk  # noqa: E402
from ocivalidate.image.layers.compression import detect, inflate  # noqa: E402
from ocivalidate.image.layers.limits import DEFAULT, GIB, MIB  # noqa: E402
from ocivalidate.rules.clauses import Severity  # noqa: E402

AIM, MOST = 1.25, 1.5
MOST_MEMORY = 150 * MIB
TINY_BLOBS = 10_000
# If others take a larger share of the cores than this, wall times are meaningless.
QUIET = 0.05


@dataclass(frozen=True, slots=True)
class Run:
    """One check in a process of its own: wall and CPU seconds, peak memory, and what it found.

    ``others``: the CPU seconds that other processes, and other guests of the host, used meanwhile.
    """

    wall: float
    cpu: float
    others: float
    memory: int
    entries: int
    inflated: int
    problems: list[str]


@dataclass(frozen=True, slots=True)
class Need:
    """The unavoidable CPU seconds, and those of the longest step that cannot be split."""

    total: float = 0.0
    longest: float = 0.0

    def plus(self, *steps: float) -> Need:
        """With the steps of one more blob."""
        return Need(self.total + sum(steps), max(self.longest, *steps))


def jobs(layout: Path) -> Iterator[pool.Job]:
    """The blobs of a layout; the layers of its first manifest are opened."""
    index = json.loads((layout / "index.json").read_bytes())
    manifest = layout / "blobs" / index["manifests"][0]["digest"].replace(":", "/")
    layers = {layer["digest"].partition(":")[2] for layer in json.loads(manifest.read_bytes())["layers"]}
    for blob in (layout / "blobs" / "sha256").iterdir():
        size = blob.stat().st_size
        yield pool.Job(blob.name, BlobRequest(FilePart(str(blob)), layer=blob.name in layers, size=size))


def check(layout: Path) -> None:
    """Judge a layout in this process, as the command does, and print what :func:`run` reads."""
    wall, cpu, busy = time.perf_counter(), time.process_time(), machine_time()
    report = check_image(str(layout))
    wall, cpu, busy = time.perf_counter() - wall, time.process_time() - cpu, machine_time() - busy
    layers = [layer for image in report.facts["images"] for layer in image["layers"]]
    entries = sum(layer.get("entries", 0) for layer in layers)
    inflated = sum(layer.get("inflated", 0) for layer in layers)
    problems = [found.clause.id for found in report.findings if found.severity is Severity.ERROR]
    print(json.dumps([wall, cpu, max(0.0, busy - cpu), peak_memory(), entries, inflated, problems]))


def machine_time() -> float:
    """The CPU seconds that were used on this machine, or kept from it by its host, so far; 0 where none are counted."""
    statistics_file = Path("/proc/stat")
    if not statistics_file.is_file():
        return 0.0
    # user, nice, system, idle, iowait, irq, softirq, steal
    counts = [int(count) for count in statistics_file.read_text().partition("\n")[0].split()[1:9]]
    return (sum(counts) - counts[3] - counts[4]) / os.sysconf("SC_CLK_TCK")


def peak_memory() -> int:
    """The peak memory of this process; unlike in getrusage, that of its parent does not count."""
    status = Path("/proc/self/status")
    if status.is_file():
        return (
            next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM:")) * 1024
        )
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def run(layout: Path) -> Run:
    """Check a layout in a process of its own."""
    command = [sys.executable, __file__, "--check", str(layout)]
    return Run(*json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


def limit(layout: Path) -> Need:
    """The time that the hardware needs for a layout."""
    need = Need()
    for job in jobs(layout):
        data = (layout / "blobs" / "sha256" / job.key).read_bytes()
        hashing = _timed(lambda data=data: hashlib.sha256(data).digest())  # type: ignore[misc]  # its default binds the blob
        need = need.plus(hashing, *(_inflate(data) if job.request.layer else ()))
    return need


def _inflate(data: bytes) -> tuple[float, float]:
    """The seconds of inflating, and those of hashing the result."""
    parts = iter(memoryview(data)[start : start + CHUNK] for start in range(0, len(data), CHUNK))

    def pull() -> Chunk:
        return next(parts, b"")

    stream = inflate(detect(data), pull, DEFAULT, exact=False)
    state = hashlib.sha256()
    inflating = hashing = 0.0
    start = time.thread_time()
    while chunk := stream.read():
        middle = time.thread_time()
        state.update(chunk)
        end = time.thread_time()
        inflating, hashing, start = inflating + middle - start, hashing + end - middle, end
    return inflating + time.thread_time() - start, hashing


def _timed(work: Callable[[], object]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start


def row(name: str, layout: Path, rounds: int) -> bool:
    """Measure and print one layout; return whether it meets the limits."""
    limits, runs = [], []
    for _round in range(rounds):
        limits.append(limit(layout))
        runs.append(run(layout))
    cores = pool.cores()
    need = statistics.median(found.total for found in limits) / cores
    floor = max(1.0, statistics.median(found.longest for found in limits) / need)
    others = statistics.median(found.others / found.wall / cores for found in runs)
    wall = statistics.median(found.wall for found in runs)
    cpu = statistics.median(found.cpu for found in runs)
    memory = max(found.memory for found in runs)
    last = runs[-1]
    size = sum(path.stat().st_size for path in (layout / "blobs" / "sha256").iterdir())
    print(
        f"{name:<34} {size / 1e9:6.2f} GB {last.inflated / 1e9:6.2f} GB {last.entries:7} "
        f"{wall:7.2f} s {cpu:7.2f} s {need:7.2f} s {wall / need:5.2f}x {cpu / cores / need:5.2f}x "
        f"{floor:5.2f}x {others:7.1%} {memory / MIB:5.0f} MiB  "
        f"{', '.join(sorted(set(last.problems))) or 'nothing found'}",
        flush=True,
    )
    if others > QUIET:
        print(f"{'':<34} others had {others:.0%} of the cores: only its work can be compared", flush=True)
    return wall <= need * MOST and memory <= MOST_MEMORY


def tiny(folder: Path, count: int) -> Path:
    """A layout of many tiny blobs beside its one image."""
    layout = folder / "tiny"
    Layout().write(layout)
    for number in range(count):
        data = b"%d" % number * 20
        (layout / "blobs" / "sha256" / hashlib.sha256(data).hexdigest()).write_bytes(data)
    return layout


def bomb(folder: Path, size: int) -> Path:
    """A layout of one layer that inflates to ``size`` bytes."""
    layer = Layer(compression="zstd", blob=zstd_bomb(size))
    return Layout(Index((Image((layer,)),))).write(folder / "bomb")


PEERS: dict[str, Callable[[Path, Path], list[str]]] = {
    "oci-image-tool": lambda layout, _out: ["oci-image-tool", "validate", "--type", "image", str(layout)],
    "skopeo": lambda layout, out: ["skopeo", "copy", "-q", f"oci:{layout}:latest", f"dir:{out}"],
    "umoci": lambda layout, out: ["umoci", "unpack", "--rootless", "--image", f"{layout}:latest", str(out)],
}


def peers(layout: Path, folder: Path) -> None:
    """Time other tools on the same layout, where they are installed. They do less, or more; only for comparison."""
    for name, command in PEERS.items():
        if shutil.which(name):
            out = folder / f"out-{name}"
            start = time.perf_counter()
            done = subprocess.run(command(layout, out), check=False, capture_output=True)
            print(f"{name:<34} {time.perf_counter() - start:50.2f} s, exit {done.returncode}", flush=True)
            shutil.rmtree(out, ignore_errors=True)


def measure(folder: Path, options: argparse.Namespace) -> bool:
    """Build what is missing and measure all rows."""
    scale = options.scale
    if not (folder / "zstd").is_dir():
        print(f"building in {folder}", flush=True)
        samples.build(folder, ("gzip", "zstd"), scale)
        samples.one_huge(folder, "gzip", scale)
        samples.one_huge(folder, "zstd", scale)
        for compression in ("gzip", "zstd"):
            samples.zeros(folder, compression, int(20 * GIB * scale))
        tiny(folder, int(TINY_BLOBS * scale))
        bomb(folder, 100 * GIB)
    print(f"{pool.cores()} cores, Python {sys.version.split()[0]}, {options.rounds} rounds, scale {scale}")
    head = f"{'layout':<34} {'blobs':>9} {'inflated':>9} {'entries':>7} {'wall':>9} {'CPU':>9} {'limit':>9}"
    print(f"{head} {'ratio':>6} {'work':>6} {'floor':>6} {'others':>7} {'memory':>9}  problems")
    fine = [row(f"8 layers, {name}", folder / name, options.rounds) for name in ("gzip", "zstd")]
    # One stream inflates on one core only, whatever the others do: these rows are for comparison.
    for name in ("gzip", "zstd"):
        row(f"one layer, {name}", folder / f"huge-{name}", options.rounds)
        row(f"mostly zeros, {name}", folder / f"zeros-{name}", 1)
    row("tiny blobs", folder / "tiny", options.rounds)
    found = run(folder / "bomb")
    print(f"bomb of 100 GB: {found.wall:.2f} s, {found.memory / MIB:.0f} MiB, {', '.join(found.problems)}")
    if not options.no_peers:
        peers(folder / "gzip", folder)
    print(f"aim {AIM}x, at most {MOST}x and {MOST_MEMORY / MIB:.0f} MiB: {'kept' if all(fine) else 'NOT kept'}")
    return all(fine)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the samples; 1 is 1.5 GB compressed")
    parser.add_argument("--folder", type=Path, help="where the samples are kept; a temporary folder without it")
    parser.add_argument("--rounds", type=int, default=3, help="how often each row is measured")
    parser.add_argument("--no-peers", action="store_true", help="do not time other tools")
    parser.add_argument("--check", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.check:
        check(options.check)
        return 0
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
        return 0 if measure(options.folder, options) else 1
    with tempfile.TemporaryDirectory(prefix="ocivalidate-benchmark-") as name:
        return 0 if measure(Path(name), options) else 1


if __name__ == "__main__":
    sys.exit(main())
