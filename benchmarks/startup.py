"""How long the commands take to start, as ratios to a bare interpreter, and how long a bundle takes once started.

    python benchmarks/startup.py [--rounds N]

Commands run in turn, round by round, so that changes in machine speed affect all of them. The figure of a command is
the median of its wall time; its ratio is the median of the ratios round by round. Every command first runs once without
being measured, so that byte code is on disk.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "fixtures" / "demo" / "bundle-good"
BUNDLES = 1000

OURS = [sys.executable, "-m", "ocivalidate"]
BARE = "python -c pass"
JSONSCHEMA = 'python -c "import jsonschema"'
VERSION = "ocivalidate --version"
BUNDLE = "ocivalidate bundle BUNDLE"
# As the console script does.
GENERATE = [sys.executable, "-c", "import sys; from ocivalidate.cli import generate; sys.exit(generate())"]
GENERATE_HELP = "oci-gen --help"
GENERATE_CPUS = "oci-gen --cpus 2"
COMMANDS: dict[str, list[str]] = {
    BARE: [sys.executable, "-c", "pass"],
    JSONSCHEMA: [sys.executable, "-c", "import jsonschema"],
    VERSION: [*OURS, "--version"],
    "ocivalidate --help": [*OURS, "--help"],
    BUNDLE: [*OURS, "bundle", str(SAMPLE)],
    GENERATE_HELP: [*GENERATE, "--help"],
    GENERATE_CPUS: [*GENERATE, "--cpus", "2"],
    "ocivalidate explain CLAUSE": [*OURS, "explain", "runtime/config.process.cwd.absolute"],
}
# The largest allowed ratios: command, the command it is compared with, and the aim.
AIMS = (
    (VERSION, BARE, 3.0),
    (BUNDLE, BARE, 10.0),
    (BUNDLE, JSONSCHEMA, 1.6),
    (GENERATE_HELP, BARE, 6.0),
    (GENERATE_CPUS, BARE, 12.0),
)
MILLISECONDS_A_BUNDLE = 5.0


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20, help="how often each command runs")
    rounds = parser.parse_args().rounds
    times = measure(rounds)
    print(f"{rounds} rounds, {sys.executable}, Python {sys.version.split()[0]}")
    for name, seconds in times.items():
        print(f"{statistics.median(seconds) * 1000:8.1f} ms  {ratio(seconds, times[BARE]):5.1f}x bare  {name}")
    print()
    for name, other, aim in AIMS:
        print(f"{ratio(times[name], times[other]):5.2f}x of {other:<28} aim {aim:4.1f}x  {name}")
    each = milliseconds_a_bundle()
    print(f"{each:5.2f} ms for each of {BUNDLES} bundles in one process, aim {MILLISECONDS_A_BUNDLE} ms")
    return 0


def measure(rounds: int) -> dict[str, list[float]]:
    """The wall time of each command in each round, in seconds."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in range(rounds + 1):
        for name, command in COMMANDS.items():
            seconds = wall_time(command)
            if number:
                times[name].append(seconds)
    return times


def wall_time(command: Sequence[str]) -> float:
    """How long a command runs, in seconds."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def ratio(times: Sequence[float], others: Sequence[float]) -> float:
    """The median of the ratios round by round."""
    return statistics.median(mine / other for mine, other in zip(times, others, strict=True))


def milliseconds_a_bundle() -> float:
    """How long one of many different bundles takes in a process that has started, reading and printing included."""
    from ocivalidate.cli import main as ocivalidate

    text = (SAMPLE / "config.json").read_text()
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number in range(BUNDLES):
            bundle = Path(folder, str(number))
            (bundle / "rootfs").mkdir(parents=True)
            (bundle / "config.json").write_text(text.replace('"web"', f'"web{number}"'))
            paths.append(str(bundle))
        with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
            ocivalidate(["bundle", "--no-config", "--quiet", "--output", f"json={folder}/first.json", paths[0]])
        start = time.perf_counter()
        with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
            ocivalidate(["bundle", "--no-config", "--quiet", *paths])
        return (time.perf_counter() - start) / BUNDLES * 1000


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
