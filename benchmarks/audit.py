"""How long an audit takes, compared with the layout check over the same bytes.

    python benchmarks/audit.py [--images N] [--size MIB] [--folder DIR] [--rounds N]

The images are those that the tests use, with larger layers. ``image`` judges them as one layout in which every blob is
there once; then ``audit`` judges the same blobs in each form of storage, and over loopback from a real registry, whose
share of the processor is in the time as both share the machine. Rounds alternate, and the median counts. ``work`` is
the ratio of processor times, which other processes do not change. What a form of storage holds more often than once is
read more often than once: bytes are told, and only forms that hold every blob once have an aim.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fixtures.layouts import to_json  # noqa: E402  # a script finds its neighbours only now
from fixtures.layouts.build import OCI, REF_NAME  # noqa: E402
from fixtures.registries import servers  # noqa: E402
from fixtures.registries.content import Content, images  # noqa: E402
from fixtures.registries.storing import FORMS, Bare, Storage  # noqa: E402

AIM_DISK, AIM_HTTP = 1.2, 1.5
MIB = 1 << 20


class OneLayout(Bare):
    """All images in one layout: what `ocivalidate image` judges at once."""

    form = "image"

    def write(self) -> OneLayout:
        super().write()
        manifests = [
            {
                "mediaType": held.manifests[digest],
                "digest": digest,
                "size": len(self.content.blobs[digest]),
                "annotations": {REF_NAME: f"{held.name.replace('/', '-')}-{tag}"},
            }
            for held in self.content.repositories.values()
            for tag, digest in {**held.tags, **_untagged(self.content, held.name)}.items()
        ]
        index = {"schemaVersion": 2, "mediaType": f"{OCI}index.v1+json", "manifests": manifests}
        self.put("index.json", to_json(index))
        self.put("oci-layout", to_json({"imageLayoutVersion": "1.0.0"}))
        return self


def _untagged(content: Content, name: str) -> dict[str, str]:
    """What only refers to another manifest, under names of ours."""
    held = content.repositories[name]
    listed = [entry["digest"] for entries in held.referrers.values() for entry in entries]
    return {f"referrer{number}": digest for number, digest in enumerate(listed)}


@dataclass(frozen=True, slots=True)
class Run:
    """One command: wall and processor seconds, peak memory in bytes."""

    wall: float
    cpu: float
    memory: int


def run(*words: str) -> Run:
    """Run ocivalidate; findings are no failure here, but being unable to judge is."""
    start = time.perf_counter()
    with open(os.devnull, "wb") as nowhere:
        process = subprocess.Popen([sys.executable, "-m", "ocivalidate", *words], cwd=ROOT, stdout=nowhere)
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"{words} cannot be judged: exit {process.returncode}")
    return Run(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def build(folder: Path, count: int, size: int) -> None:
    """Write the images in every form. In a process of its own, whose memory is gone afterwards."""
    content = images(count, size)
    kinds: list[type[Storage]] = [OneLayout, *FORMS.values()]
    for kind in kinds:
        kind(folder / kind.form, content).write()
    (folder / "made").write_text(f"{len(content.blobs)} blobs, {content.size / 1e6:.0f} MB")


@contextlib.contextmanager
def targets(folder: Path, scratch: Path) -> Iterator[dict[str, tuple[list[str], float]]]:
    """Name → the command, and the aim (0: none)."""
    found: dict[str, tuple[list[str], float]] = {
        form: (["audit", str(folder / form)], 0 if form == "layouts" else AIM_DISK) for form in FORMS
    }
    with contextlib.ExitStack() as running:
        for name in ("debian", "distribution"):
            start, program = servers.REGISTRIES[name]
            if not servers.absent(program):
                server = running.enter_context(start(folder / "distribution", scratch))
                found[f"http, {name}"] = ["audit", "--tls-verify=false", f"docker://{server.host}"], AIM_HTTP
        yield found


def measure(folder: Path, rounds: int) -> bool:
    """Measure and print all rows; whether the aims are met."""
    with tempfile.TemporaryDirectory() as scratch, targets(folder, Path(scratch)) as wanted:
        commands = {"image": (["image", str(folder / "image")], 0.0), **wanted}
        runs: dict[str, list[Run]] = {name: [] for name in commands}
        for _round in range(rounds):
            for name, (words, _aim) in commands.items():
                runs[name].append(run(*words))
        print(
            f"{(folder / 'made').read_text()}; {os.cpu_count()} cores, {rounds} rounds, load {os.getloadavg()[0]:.1f}"
        )
        print(f"{'':<20} {'wall':>9} {'ratio':>6} {'CPU':>9} {'work':>6} {'memory':>9}  aim")
        base = _median(runs["image"])
        fine = True
        for name, (_words, aim) in commands.items():
            found = _median(runs[name])
            ratio = found.wall / base.wall
            fine = fine and (not aim or ratio <= aim)
            verdict = f"{aim}x {'kept' if ratio <= aim else 'NOT kept'}" if aim else ""
            print(
                f"{name:<20} {found.wall:7.2f} s {ratio:5.2f}x {found.cpu:7.2f} s {found.cpu / base.cpu:5.2f}x "
                f"{found.memory / MIB:5.0f} MiB  {verdict}"
            )
    return fine


def _median(runs: list[Run]) -> Run:
    middle = statistics.median
    return Run(middle(one.wall for one in runs), middle(one.cpu for one in runs), max(one.memory for one in runs))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--size", type=float, default=4, help="content of a layer in MiB; half of it compresses away")
    parser.add_argument("--folder", type=Path, help="where the samples are kept; a temporary folder without it")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.build:
        build(options.folder, options.images, int(options.size * MIB))
        return 0
    folder = options.folder or Path(tempfile.mkdtemp(prefix="ocivalidate-benchmark-"))
    try:
        if not (folder / "made").is_file():
            folder.mkdir(parents=True, exist_ok=True)
            words = ["--build", "--folder", str(folder), "--images", str(options.images), "--size", str(options.size)]
            subprocess.run([sys.executable, __file__, *words], check=True)
        return 0 if measure(folder, options.rounds) else 1
    finally:
        if options.folder is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
