"""How much memory a runtime needs: its process while it works, and the processes that stand for a container."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from ocivalidate.runtime.kernel import interpreter, kin

_TRACER = Path(__file__).with_name("peak.py")
_SHARE = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
_RESIDENT = re.compile(r"^VmRSS:\s+(\d+) kB", re.MULTILINE)


def traced(file: Path) -> Sequence[str]:
    """A command line in front of that of a runtime, by which the peak of its process is written to a file."""
    return interpreter.bare(str(_TRACER), str(file))


def peak(file: Path) -> float | None:
    """What was written there, in bytes; ``None`` if nothing was."""
    with contextlib.suppress(OSError, ValueError):
        return float(int(file.read_text(encoding="ascii")))
    return None


def descendants() -> set[int]:
    """All processes that descend from us."""
    return {pid for pid in (int(name) for name in os.listdir("/proc") if name.isdecimal()) if kin.descends(pid)}


def resident(processes: set[int]) -> float:
    """What processes have in memory together, in bytes: pages that several have count in shares."""
    return float(sum(_kilobytes(pid) for pid in processes) * 1024)


def _kilobytes(pid: int) -> int:
    """Of one process, in kB: its share, or, where the kernel does not show that, what is resident."""
    for name, pattern in (("smaps_rollup", _SHARE), ("status", _RESIDENT)):
        with contextlib.suppress(OSError):
            found = pattern.search(Path(f"/proc/{pid}/{name}").read_text(encoding="ascii", errors="replace"))
            if found:
                return int(found[1])
    return 0
