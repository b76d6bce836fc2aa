"""Measurements of runtimes (``schemas/output/bench.json``) as lines for people, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ocivalidate.report.escape import visible
from ocivalidate.report.markdown import quoted
from ocivalidate.report.painting import Line

_PHASES = {
    "alone": "one container at a time",
    "cold": "the same, with the program of the runtime read from disk",
    "parallel": "{parallel} containers at a time",
    "memory": "memory",
}
_OPERATIONS = {
    ("memory", "create"): "create, at most",
    ("memory", "start"): "start, at most",
    ("memory", "created"): "stays when created",
    ("memory", "running"): "stays when running",
}
_STYLES = {"less": "good", "more": "bad"}
_SIZES = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def lines(document: Mapping[str, Any]) -> Iterator[Line]:
    """The document as a table: of each phase and operation a line for each runtime."""
    labels = [visible(one["label"]) for one in document["runtimes"]]
    about = [*_about(document)]
    yield [(about[0], "strong")]
    yield from ([(line, "")] for line in about[1:])
    widest = max(map(len, labels))
    for phase, rows in _phases(document):
        names = max(len(_operation(one)) for one in rows)
        yield []
        yield [(_PHASES[phase].format(parallel=document["parallel"]), "name")]
        for one in rows:
            ratios = {each["runtime"]: each for each in one["ratios"]}
            for number, (label, spread) in enumerate(zip(labels, one["runtimes"], strict=True)):
                name = _operation(one) if number == 0 else ""
                row: Line = [(f"  {name:<{names}}  {label:<{widest}}  ", "")]
                row += [(f"{_value(spread, one['unit']):>9}  {_quartiles(spread, one['unit']):<16}", "")]
                yield row + _compared(ratios.get(number))
    for note in document["notes"]:
        yield []
        yield [("note: ", "note"), (visible(note), "")]


def _compared(ratio: Mapping[str, Any] | None) -> Line:
    return [] if ratio is None else [("  ", ""), (_ratio(ratio), _STYLES.get(ratio["verdict"], ""))]


def markdown(document: Mapping[str, Any]) -> Iterator[str]:
    """The document as tables of Markdown, one for each phase."""
    labels = [quoted(one["label"]) for one in document["runtimes"]]
    about = [*_about(document, labels)]
    yield f"## ocivalidate: {about[0]}\n\n"
    yield "".join(f"{line}\n" for line in about[1:])
    heads = [*labels, *(f"{label} / {labels[0]}" for label in labels[1:])]
    for phase, rows in _phases(document):
        title = _PHASES[phase].format(parallel=document["parallel"])
        yield f"\n| {title} | {' | '.join(heads)} |\n|{' --- |' * (len(heads) + 1)}\n"
        for one in rows:
            ratios = {each["runtime"]: each for each in one["ratios"]}
            cells = [" ".join(_cell(each, one["unit"])) for each in one["runtimes"]]
            cells += [_ratio(ratios[number]) if number in ratios else "" for number in range(1, len(labels))]
            yield f"| {_operation(one)} | {' | '.join(cells)} |\n"
    yield "".join(f"\n{quoted(note)}\n" for note in document["notes"])


def _cell(spread: Mapping[str, Any] | None, unit: str) -> Iterator[str]:
    yield _value(spread, unit)
    if quartiles := _quartiles(spread, unit):
        yield f"({quartiles})"


def _about(document: Mapping[str, Any], labels: list[str] | None = None) -> Iterator[str]:
    first, *others = labels or [visible(one["label"]) for one in document["runtimes"]]
    rounds, host = document["rounds"], document["host"]
    yield f"{', '.join(others)} beside {first}" if others else first
    plural = "" if rounds["measured"] == 1 else "s"
    yield (
        f"{rounds['measured']} round{plural} after {rounds['dropped']} to warm up, in {document['seconds']:.0f} s; "
        f"Linux {visible(host['kernel'])}, {visible(host['machine'])}, {host['processors']} "
        f"processor{'' if host['processors'] == 1 else 's'}, load {host['load']:.1f}"
    )
    kinds = "medians and quartiles; a call of a program that does nothing takes " + _value(document["call"], "s")
    if others:
        percent = f"{document['confidence'] * 100:g} %"
        kinds += f"; ratios to {first}, each with an interval: {percent} that all of them hold the true median"
    yield kinds


def _phases(document: Mapping[str, Any]) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    for phase in _PHASES:
        rows = [one for one in document["measurements"] if one["phase"] == phase]
        if rows:
            yield phase, rows


def _operation(one: Mapping[str, Any]) -> str:
    operation = str(one["operation"])
    return _OPERATIONS.get((one["phase"], operation), operation if operation != "run" else "run to exit")


def _value(spread: Mapping[str, Any] | None, unit: str) -> str:
    return "-" if spread is None else _shown(spread["median"], unit)


def _quartiles(spread: Mapping[str, Any] | None, unit: str) -> str:
    """Nothing where there is but one value."""
    if spread is None or spread["count"] == 1:
        return ""
    low, high = (_shown(spread[name], unit) for name in ("low", "high"))
    same = low.split()[1] == high.split()[1]
    return f"{low.split()[0] if same else low}-{high}"


def _shown(value: float, unit: str) -> str:
    """A value with three digits or so."""
    if unit == "s":
        return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.1f} ms"
    for size, name in _SIZES:
        if value >= size:
            return f"{value / size:.1f} {name}"
    return f"{value:.0f} B"


def _ratio(ratio: Mapping[str, Any]) -> str:
    """A ratio with its interval, or why there is none to be told."""
    told = f"{ratio['median']:.2f}"
    if ratio["low"] is not None:
        told += f" ({ratio['low']:.2f}-{ratio['high']:.2f})"
    return told if ratio["verdict"] in _STYLES else f"{told} {ratio['verdict']}"
