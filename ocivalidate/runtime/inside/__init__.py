"""What runs inside containers, the root filesystem that carries it, and the facts that it reports."""

from __future__ import annotations

from pathlib import Path

PROBE_SOURCE = Path(__file__).with_name("probe.py")
"""The source of the probe; it stands alone."""
RECORDER_SOURCE = Path(__file__).with_name("recorder.py")
"""The source of what hooks run; it stands alone."""
