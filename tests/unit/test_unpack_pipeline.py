"""Handing a layer from thread to thread."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Interrupts come at any time, also in the middle of a handing over; then the writing has to end all the same.
_INTERRUPTED = """
import random, signal
from ocivalidate.unpack.pipeline import Writing

class Consumer:
    def update(self, chunk):
        pass

def stop(number, frame):
    raise KeyboardInterrupt

signal.signal(signal.SIGALRM, stop)
chance = random.Random(1)
for _ in range(1500):
    writing = Writing()
    try:
        signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.0002, 0.002))
        while True:
            writing.feed(Consumer(), b"")
    except KeyboardInterrupt:
        writing.end()
print("ended")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no timers that send signals")
def test_an_interrupt_never_leaves_it_waiting_for_itself() -> None:
    done = subprocess.run([sys.executable, "-c", _INTERRUPTED], capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.stderr) == ("ended\n", "")
