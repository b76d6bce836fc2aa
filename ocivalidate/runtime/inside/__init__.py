"""The programs that run inside containers, their root filesystem, and the facts that they report."""

from __future__ import annotations

from pathlib import Path

PROBE_SOURCE = Path(__file__).with_name("probe.py")
"""The source of the probe, which is self-contained."""
RECORDER_SOURCE = Path(__file__).with_name("recorder.py")
"""The source of the recorder, which hooks run; it is self-contained."""
