"""A matrix for programs. ``schemas/output/matrix.json`` describes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ocivalidate.matrix.benches import Bench
from ocivalidate.matrix.model import Area, Cell, Matrix, Row, Sheet
from ocivalidate.matrix.subjects import Point, Subject
from ocivalidate.report.json_pieces import Opened, written

SCHEMA = "urn:ocivalidate:matrix-1"


def pieces(matrix: Matrix, version: str) -> Iterator[str]:
    """One JSON document, only ASCII. ``version``: that of the tool."""
    data = Opened(
        schema=SCHEMA,
        tool={"name": "ocivalidate", "version": version},
        sheets=map(_sheet, matrix.sheets),
        benches=map(_bench, matrix.benches),
        complete=True,  # last: a document that was cut off does not have it
    )
    yield from written(data)
    yield "\n"


def _bench(one: Bench) -> dict[str, Any]:
    return {
        "date": one.date,
        "kernel": one.kernel,
        "machine": one.machine,
        "runtimes": list(one.labels),
        "measurements": [
            {
                **each._asdict(),
                "runtimes": [None if spread is None else spread._asdict() for spread in each.runtimes],
                "ratios": [ratio._asdict() for ratio in each.ratios],
            }
            for each in one.measurements
        ],
        "notes": list(one.notes),
    }


def _sheet(sheet: Sheet) -> Opened:
    return Opened(
        kind=sheet.kind,
        subjects=[
            {**subject(one), "counts": dict(sorted(sheet.count(number).items()))}
            for number, one in enumerate(sheet.subjects)
        ],
        areas=map(_area, sheet.areas),
    )


def subject(one: Subject) -> dict[str, Any]:
    """What is known of a subject, without its results."""
    data: dict[str, Any] = {"label": one.label, "name": one.name, "version": one.version}
    named = ("program", "specification", "release", "claim", "digest", "source", "suite", "date", "submitter")
    data |= {
        name: value for name in (*named, "command", "stale", "problem", "clipped") if (value := getattr(one, name))
    }
    if one.host:
        data["host"] = dict(one.host)
    if one.timings:
        data["timings"] = {
            each.operation: {"count": each.calls, "median": each.median, "low": each.low, "high": each.high}
            for each in one.timings
        }
    return data


def _area(area: Area) -> Opened:
    return Opened(area=area.name, clauses=map(_row, area.rows))


def _row(row: Row) -> dict[str, Any]:
    known = {"level": str(row.clause.level), "summary": row.clause.summary} if row.clause else {}
    return {"clause": row.id, **known, "cells": [_cell(cell) for cell in row.cells]}


def _cell(cell: Cell) -> dict[str, Any]:
    data: dict[str, Any] = {"outcome": cell.outcome}
    if cell.reason:
        data["reason"] = cell.reason
    if cell.points:
        data["cases"] = [point(one) for one in cell.points]
    return data


def point(one: Point) -> dict[str, Any]:
    """What became of a clause in a case."""
    data: dict[str, Any] = {"case": one.case} if one.case else {}
    data["outcome"] = one.outcome
    if one.said:
        data["said"] = [{name: value for name, value in each._asdict().items() if value} for each in one.said]
    if one.more:
        data["more"] = one.more
    if one.dump:
        data["dump"] = one.dump
    return data
