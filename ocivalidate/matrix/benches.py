"""What ``ocivalidate bench`` measured, as plain data: each operation of each phase, with a spread for each runtime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ocivalidate.errors import Unreadable
from ocivalidate.report.escape import visible

SCHEMA = "urn:ocivalidate:bench-1"
_LONGEST, _LONGEST_NOTE = 120, 300
_MOST_RUNTIMES, _MOST_MEASUREMENTS, _MOST_NOTES = 50, 100, 20
_MOST = 1e15  # seconds or bytes
UNITS = ("s", "bytes")


class Spread(NamedTuple):
    """A median and the quartiles around it, of so many rounds."""

    rounds: int
    median: float
    low: float
    high: float


class Ratio(NamedTuple):
    """A runtime beside the first one: below 1 is less. ``low`` and ``high`` are ``None`` where too few rounds tell."""

    runtime: int
    median: float
    low: float | None
    high: float | None
    verdict: str


class Measurement(NamedTuple):
    """An operation in a phase, in seconds or bytes; ``None`` for a runtime that could not be measured."""

    phase: str
    operation: str
    unit: str
    runtimes: tuple[Spread | None, ...]
    ratios: tuple[Ratio, ...]


@dataclass(frozen=True, slots=True)
class Bench:
    """A document of ``ocivalidate bench``. ``labels``: the runtimes, in the order of the measurements."""

    date: str
    kernel: str
    machine: str
    labels: tuple[str, ...]
    measurements: tuple[Measurement, ...]
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """When and where it was measured."""
        return ", ".join(filter(None, (self.date, " ".join(filter(None, (self.kernel, self.machine))))))


def bench_in(document: Mapping[str, Any]) -> Bench:
    """The measurements in a document that anybody may have written. Raises :class:`Unreadable`."""
    if document.get("complete") is not True:
        raise Unreadable("this measurement was cut off: its last member is not there")
    host, runtimes = document.get("host"), document.get("runtimes")
    host = host if isinstance(host, dict) else {}
    runtimes = runtimes[:_MOST_RUNTIMES] if isinstance(runtimes, list) else []
    labels = tuple(_text(one.get("label")) or "no name" for one in runtimes if isinstance(one, dict))
    found = tuple(_measurements(document.get("measurements"), len(labels)))
    if not labels or len(labels) != len(runtimes) or not found:
        raise Unreadable("this measurement has no runtimes, or nothing was measured")
    notes = document.get("notes")
    told = [_text(one, _LONGEST_NOTE) for one in notes[:_MOST_NOTES]] if isinstance(notes, list) else []
    return Bench(
        _text(document.get("date")),
        _text(host.get("kernel")),
        _text(host.get("machine")),
        labels,
        found,
        tuple(filter(None, told)),
    )


def _text(value: object, limit: int = _LONGEST) -> str:
    return visible(value, limit) if isinstance(value, str) else ""


def _measurements(told: object, runtimes: int) -> Iterator[Measurement]:
    for one in told[:_MOST_MEASUREMENTS] if isinstance(told, list) else ():
        if not isinstance(one, dict) or one.get("unit") not in UNITS or not isinstance(one.get("runtimes"), list):
            continue
        spreads = tuple(map(_spread, one["runtimes"][:runtimes]))
        ratios = one.get("ratios")
        found = map(_ratio, ratios[:_MOST_RUNTIMES]) if isinstance(ratios, list) else ()
        kept = tuple(ratio for ratio in found if ratio and 0 < ratio.runtime < runtimes)
        if len(spreads) == runtimes:
            yield Measurement(_text(one.get("phase")), _text(one.get("operation")), one["unit"], spreads, kept)


def _spread(told: object) -> Spread | None:
    values = [told.get(name) for name in ("count", "median", "low", "high")] if isinstance(told, dict) else [None]
    if not all(map(_is_number, values)):
        return None
    count, *others = values
    return Spread(int(count), *map(float, others))  # type: ignore[arg-type]  # asked above


def _ratio(told: object) -> Ratio | None:
    if not isinstance(told, dict) or not _is_number(told.get("median")) or type(told.get("runtime")) is not int:
        return None
    low, high = (float(told[name]) if _is_number(told.get(name)) else None for name in ("low", "high"))
    return Ratio(told["runtime"], float(told["median"]), low, high, _text(told.get("verdict")))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < _MOST
