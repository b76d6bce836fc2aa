"""A Dask scheduler and its workers as processes of their own, as a cluster has them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STARTED = 60.0
# A worker that was killed does not answer: Dask would wait for it for half a minute.
SETTINGS = {"PYTHONWARNINGS": "ignore", "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "3s"}


class Cluster:
    """A scheduler at :attr:`name` and its workers, of which the first may be killed."""

    def __init__(self, folder: Path, workers: int, *, nanny: bool = False) -> None:
        self._folder = folder
        port = folder / "scheduler.json"
        # A server of our own port would be a race with the other tests.
        self.scheduler = self._started("scheduler", "--scheduler-file", str(port), "--port", "0", "--no-dashboard")
        self.workers = [
            self._started(
                "worker", "--scheduler-file", str(port), "--nthreads", "1", "--no-dashboard",
                "--nanny" if nanny else "--no-nanny", "--local-directory", str(folder),
            )
            for _number in range(workers)
        ]  # fmt: skip
        self.name = f"dask://{_address(port)}"

    def _started(self, *words: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{words[0]}.log").open("ab") as log:
            command = [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:], "--host", "127.0.0.1"]
            return subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | SETTINGS)

    def close(self) -> None:
        """Kill what is left of it."""
        for process in (*self.workers, self.scheduler):
            process.send_signal(signal.SIGKILL)
            process.wait()


def _address(path: Path) -> str:
    import json

    end = time.monotonic() + STARTED
    while time.monotonic() < end:
        try:
            return str(json.loads(path.read_text())["address"]).removeprefix("tcp://")
        except (OSError, ValueError, KeyError):
            time.sleep(0.05)
    raise TimeoutError("no scheduler has started")


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[Cluster]:
    """A cluster that ends with the block."""
    started = Cluster(folder, workers)
    try:
        yield started
    finally:
        started.close()
