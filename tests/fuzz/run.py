"""Coverage-guided fuzzing (atheris) of whatever takes text or bytes from strangers.

    python tests/fuzz/run.py SECONDS [TARGET ...]

Each target runs in a process of its own. What may not happen: an exception, an exit code that is none, one input that
takes longer than ten seconds. ``memory`` is no fuzzer: it judges 10,000 images in one process, whose memory stays as it
is.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ("documents", "images", "archives", "options", "settings")
LONGEST_INPUT = 10


def main() -> int:
    """Run the targets; 1 when one of them found something, 2 when there is no such target."""
    seconds, *names = sys.argv[1:] or ["60"]
    strays = [name for name in names if name not in (*TARGETS, "memory")]
    problem = f"no target is called {strays[0]}; known are {', '.join(TARGETS)}, memory" if strays else ""
    problem = problem if seconds.isdecimal() else f"{seconds} is no number of seconds"
    if problem:
        sys.stderr.write(f"run.py: {problem}\n")
        return 2
    found = [name for name in names or [*TARGETS, "memory"] if not run(name, seconds)]
    print(f"found something: {', '.join(found)}" if found else "nothing found")
    return 1 if found else 0


def run(name: str, seconds: str) -> bool:
    """Run one target for so long; whether nothing was found."""
    with tempfile.TemporaryDirectory(prefix="ocivalidate-fuzz.") as folder:
        limits = [
            f"-max_total_time={seconds}",
            f"-timeout={LONGEST_INPUT}",
            "-rss_limit_mb=1000",
            "-print_final_stats=1",
        ]
        seeds = seeded(Path(folder, "seeds"), name)
        command = [sys.executable, str(ROOT / "tests" / "fuzz" / "target.py"), name]
        done = subprocess.run([*command, str(seeds), *limits] if name != "memory" else command, cwd=folder, check=False)
    print(f"{name}: {'ok' if done.returncode == 0 else f'exit code {done.returncode}'}", flush=True)
    return done.returncode == 0


def seeded(folder: Path, name: str) -> Path:
    """A folder with inputs to begin with."""
    folder.mkdir()
    samples = [path.read_bytes() for path in sorted((ROOT / "fixtures" / "bases").glob("*.json"))]
    if name == "options":
        samples = [
            b"--cpus\n2",
            b"--mount\ntype=bind,source=/a,target=/b",
            b"--set\n/process/cwd=/a",
            b"-e\nA=B\n--rootless",
        ]
    elif name == "settings":
        samples = [
            b'format = "json"\nignore = ["lint"]\nmax-findings = 3\n',
            b'select = ["runtime/config", "*cwd*"]\noutput = ["json=report.json", "tap=a/b"]\nverbose = 0x2\n',
            b'max-size = "1M"\nhost = true\nlevel = "must"\ntap-version = "13"\nspec-version = "1.0.2"\n',
        ]
    for number, sample in enumerate(samples):
        (folder / str(number)).write_bytes(sample)
    return folder


if __name__ == "__main__":
    sys.exit(main())
