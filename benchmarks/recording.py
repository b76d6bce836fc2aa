"""What benchmarks have measured, in ``benchmarks/recorded.json``: the documentation takes its numbers from there.

A benchmark that is called with ``--record`` writes its figures below its name, with the day and the machine, and leaves
those of the others alone. ``python -m fixtures.numbers`` then brings the pages up to date.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path

FILE = Path(__file__).with_name("recorded.json")


def record(benchmark: str, figures: Mapping[str, float]) -> None:
    """Keep the figures of a benchmark, of which it says in their names what they are and in which unit."""
    kept = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    kept[benchmark] = {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d"),
        "host": {
            "machine": platform.machine(),
            "kernel": platform.release(),
            "processors": len(os.sched_getaffinity(0)),
            "python": platform.python_version(),
        },
        "figures": dict(sorted(figures.items())),
    }
    FILE.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n", encoding="utf-8")
