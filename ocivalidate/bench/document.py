"""What was measured as the document that ``schemas/output/bench.json`` describes. Pure."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocivalidate import __version__
from ocivalidate.bench import figures
from ocivalidate.bench.turns import PHASES
from ocivalidate.runtime.protocol import Header

SCHEMA = "urn:ocivalidate:bench-1"
_OPERATIONS = ("create", "state", "start", "kill", "delete", "run", "created", "running")
_BUSY = 0.5  # of the processors, for a minute
_CALL = "call"

Rounds = Sequence[Sequence[Mapping[str, Mapping[str, float]]]]
"""Of each round that counts, of each runtime, of each phase: operation → value."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a document tells beside its numbers.

    ``dropped``: rounds to warm up. ``load``: that of the last minute before it began. ``date``: when it began, as ISO
    8601 in UTC. ``notes``: what could not be measured, in words.
    """

    runtimes: tuple[str, ...]
    rounds: int
    dropped: int
    parallel: int
    seed: int
    load: float
    date: str
    seconds: float
    orders: tuple[tuple[int, ...], ...]
    notes: tuple[str, ...] = ()


def document(about: Circumstances, headers: Sequence[Header], rounds: Rounds) -> dict[str, Any]:
    """The document of one round at least."""
    here, names = headers[0].host, labels(about.runtimes, headers)
    asked = [
        (phase, operation, columns)
        for phase in PHASES
        for operation in _OPERATIONS
        if any(columns := [_column(rounds, number, phase, operation) for number in range(len(names))])
    ]
    calls = [value for number in range(len(names)) for value in _column(rounds, number, "alone", _CALL)]
    return {
        "schema": SCHEMA,
        "tool": {"name": "ocivalidate", "version": __version__},
        "date": about.date,
        "host": {
            "kernel": here.release,
            "machine": here.machine,
            "processors": len(here.cpus),
            "cgroup_mode": here.cgroup_mode,
            "root": here.root,
            "load": round(about.load, 2),
        },
        "rounds": {"asked": about.rounds, "measured": len(rounds), "dropped": about.dropped},
        "parallel": about.parallel,
        "seed": about.seed,
        "seconds": round(about.seconds, 3),
        "confidence": figures.CONFIDENCE,
        "call": _spread(calls or [0.0], "s"),
        "runtimes": [
            {
                "label": label,
                "runtime": runtime,
                "name": header.runtime.name,
                "version": header.runtime.version,
                "claim": header.runtime.claim,
                "digest": header.runtime.digest,
                "command": [*header.runtime.command],
            }
            for label, runtime, header in zip(names, about.runtimes, headers, strict=True)
        ],
        "order": [[*order] for order in about.orders],
        "measurements": [_measurement(*one, comparisons=len(asked) * (len(names) - 1)) for one in asked],
        "notes": [*_notes(about, len(here.cpus), len(rounds), len(asked) * (len(names) - 1))],
        "complete": True,
    }


def labels(runtimes: Sequence[str], headers: Sequence[Header]) -> list[str]:
    """What each runtime is called: name and version, with a number where several have the same."""
    plain = [
        f"{header.runtime.name} {header.runtime.version}".strip() or os.path.basename(runtime) or runtime
        for runtime, header in zip(runtimes, headers, strict=True)
    ]
    return [
        f"{label} ({plain[: number + 1].count(label)})" if plain.count(label) > 1 else label
        for number, label in enumerate(plain)
    ]


def _column(rounds: Rounds, number: int, phase: str, operation: str) -> list[float]:
    """The values of one runtime, one for each round; none if a round lacks it, as they could not be paired then."""
    values = [round_[number].get(phase, {}).get(operation) for round_ in rounds]
    return [] if None in values else [value for value in values if value is not None]


def _measurement(phase: str, operation: str, columns: Sequence[Sequence[float]], *, comparisons: int) -> dict[str, Any]:
    unit = "bytes" if phase == "memory" else "s"
    first, *others = columns
    # A runtime may lack what another one has, the first one, too.
    paired = [(number, other) for number, other in enumerate(others, 1) if first and other]
    found = ((number, figures.ratio(other, first, comparisons)) for number, other in paired)
    return {
        "phase": phase,
        "operation": operation,
        "unit": unit,
        "runtimes": [_spread(column, unit) if column else None for column in columns],
        "ratios": [_ratio(number, ratio) for number, ratio in found if ratio],
    }


def _spread(values: Sequence[float], unit: str) -> dict[str, Any]:
    """A spread with as many digits as mean something: microseconds, bytes."""
    found = figures.spread(values)
    digits = 6 if unit == "s" else 0
    numbers = {name: round(getattr(found, name), digits) for name in ("median", "low", "high")}
    return {"count": len(values), **numbers, "values": [round(value, digits) for value in values]}


def _ratio(number: int, found: figures.Ratio) -> dict[str, Any]:
    numbers = {
        name: None if value is None else round(value, 4)
        for name, value in dataclasses.asdict(found).items()
        if name != "verdict"
    }
    return {"runtime": number, "to": 0, **numbers, "verdict": found.verdict}


def _notes(about: Circumstances, processors: int, measured: int, comparisons: int) -> Iterator[str]:
    if about.load > _BUSY * processors:
        yield (
            f"the machine was busy before this began (load {about.load:.1f} on {processors} "
            f"processor{'' if processors == 1 else 's'}): times are longer and spread wider than on an idle one"
        )
    if measured < about.rounds:
        yield f"time was over after {measured} of {about.rounds} rounds"
    if comparisons and measured < (needed := figures.rounds_needed(comparisons)):
        yield f"a difference can be told of {needed} rounds at least"
    yield from about.notes
