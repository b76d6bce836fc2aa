"""What was measured, as a document and as people read it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from ocivalidate import resources
from ocivalidate.bench import figures
from ocivalidate.bench.document import Circumstances, document, labels
from ocivalidate.report import measured
from ocivalidate.report.painting import plain
from ocivalidate.runtime.protocol import Header
from tests.unit.engines import HEADER

VALIDATOR = jsonschema.Draft202012Validator(resources.read_json("schemas", "output/bench.json"))
Round = list[dict[str, dict[str, float]]]


def header(name: str, version: str = "1.0") -> Header:
    return replace(HEADER, runtime=replace(HEADER.runtime, name=name, version=version))


def circumstances(**other: Any) -> Circumstances:
    about = Circumstances(
        runtimes=("runc", "./crun"),
        rounds=12,
        dropped=2,
        parallel=4,
        seed=0,
        load=0.1,
        date="2026-11-28T12:00:00Z",
        seconds=9.5,
        orders=((0, 1), (1, 0)),
    )
    return replace(about, **other)


def taken(factor: float) -> dict[str, dict[str, float]]:
    """What a round took of a runtime."""
    lives = {"create": 0.04, "state": 0.01, "start": 0.01, "kill": 0.005, "delete": 0.01, "run": 0.05}
    times = {name: seconds * factor for name, seconds in lives.items()}
    return {
        "alone": times | {"call": 0.001},
        "cold": {"create": times["create"] * 2, "run": times["run"] * 2},
        "parallel": times,
        "memory": {"create": 9e6 * factor, "start": 8e6 * factor, "created": 7e6 * factor, "running": 0.0},
    }


def measured_rounds(number: int = 12) -> list[Round]:
    return [[taken(1 + one / 100), taken(0.5 + one / 200)] for one in range(number)]


def made(about: Circumstances | None = None, rounds: list[Round] | None = None) -> dict[str, Any]:
    found = document(about or circumstances(), [header("runc"), header("crun")], rounds or measured_rounds())
    assert [*VALIDATOR.iter_errors(found)] == []
    return found


def row(found: dict[str, Any], phase: str, operation: str) -> Any:
    return next(one for one in found["measurements"] if (one["phase"], one["operation"]) == (phase, operation))


def text(found: dict[str, Any]) -> str:
    return "".join(plain(measured.lines(found)))


def test_the_document_has_every_operation_of_every_phase() -> None:
    found = made()
    assert [(one["phase"], one["operation"]) for one in found["measurements"]] == [
        *(("alone", name) for name in ("create", "state", "start", "kill", "delete", "run")),
        *(("cold", name) for name in ("create", "run")),
        *(("parallel", name) for name in ("create", "state", "start", "kill", "delete", "run")),
        *(("memory", name) for name in ("create", "start", "created", "running")),
    ]
    create = row(found, "alone", "create")
    assert create["unit"] == "s"
    assert [one["count"] for one in create["runtimes"]] == [12, 12]
    assert [(one["median"], one["verdict"]) for one in create["ratios"]] == [(0.5, "less")]
    assert row(found, "memory", "created")["unit"] == "bytes"
    assert found["call"]["count"] == 24


def test_nothing_beside_nothing_has_no_ratio() -> None:
    assert row(made(), "memory", "running")["ratios"] == []


def test_one_runtime_has_no_ratios() -> None:
    rounds = [[each[0]] for each in measured_rounds(3)]
    found = document(circumstances(runtimes=("runc",)), [header("runc")], rounds)
    assert [*VALIDATOR.iter_errors(found)] == []
    assert all(one["ratios"] == [] for one in found["measurements"])
    assert not any("difference" in note for note in found["notes"])
    assert "beside" not in text(found)


@pytest.mark.parametrize("lacking", [0, 1])
def test_a_value_that_a_round_lacks_is_no_value(lacking: int) -> None:
    rounds = measured_rounds()
    rounds[3][lacking]["cold"] = {}
    found = made(rounds=rounds)
    counts = [one and one["count"] for one in row(found, "cold", "run")["runtimes"]]
    assert (counts[lacking], counts[1 - lacking]) == (None, 12)
    assert row(found, "cold", "run")["ratios"] == []
    assert re.search(rf"(?m)^ .* {('runc', 'crun')[lacking]} 1\.0 +-$", text(found))
    assert "".join(measured.markdown(found)).count("| - |")


@pytest.mark.parametrize("lacking", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("phase", ["alone", "cold", "parallel", "memory"])
def test_whatever_runtimes_lack_a_phase_the_others_are_told(lacking: tuple[int, ...], phase: str) -> None:
    rounds = [[taken(1), taken(2), taken(3)] for _ in range(12)]
    for number in lacking:
        rounds[5][number][phase] = {}
    headers = [header("runc"), header("crun"), header("youki")]
    found = document(circumstances(runtimes=("a", "b", "c")), headers, rounds)
    assert [*VALIDATOR.iter_errors(found)] == []
    assert (phase in {one["phase"] for one in found["measurements"]}) is (len(lacking) < 3)
    for one in found["measurements"]:
        have = [number for number, spread in enumerate(one["runtimes"]) if spread and spread["median"]]
        assert [each["runtime"] for each in one["ratios"]] == (have[1:] if have[:1] == [0] else [])
    assert text(found)


def test_what_no_runtime_has_is_left_out() -> None:
    rounds = [[{"alone": one["alone"]} for one in each] for each in measured_rounds()]
    assert {one["phase"] for one in made(rounds=rounds)["measurements"]} == {"alone"}


@pytest.mark.parametrize(
    ("other", "rounds", "note"),
    [
        ({"load": 3.5}, 12, "the machine was busy before this began (load 3.5 on 2 processors): times"),
        ({"rounds": 50}, 12, "time was over after 12 of 50 rounds"),
        ({}, 11, "a difference can be told of 12 rounds at least"),
        ({"notes": ("cold: it is in use",)}, 12, "cold: it is in use"),
    ],
)
def test_the_notes(other: dict[str, Any], rounds: int, note: str) -> None:
    found = made(circumstances(**other), measured_rounds(rounds))
    assert any(one.startswith(note) for one in found["notes"])
    assert note in text(found)
    assert not [one for one in made()["notes"] if "round" in one or "busy" in one]


def test_runtimes_that_call_themselves_the_same_get_numbers() -> None:
    headers = [header("runc"), header("crun"), header("runc"), header("", "")]
    assert labels(("a", "b", "c", "./mine"), headers) == ["runc 1.0 (1)", "crun 1.0", "runc 1.0 (2)", "mine"]


def test_the_text_tells_medians_quartiles_and_ratios() -> None:
    lines = text(made()).splitlines()
    assert lines[0] == "crun 1.0 beside runc 1.0"
    assert lines[1].startswith("12 rounds after 2 to warm up, in 10 s; Linux ")
    begin = lines.index("one container at a time")
    assert lines[begin + 1] == "  create       runc 1.0    42.2 ms  41.1-43.3 ms"
    assert lines[begin + 2] == "               crun 1.0    21.1 ms  20.5-21.6 ms      0.50 (0.50-0.50)"


def test_what_is_within_the_noise_says_so() -> None:
    rounds: list[Round] = [[taken(1 + one % 5), taken(1 + (one * 3) % 5)] for one in range(20)]
    found = made(circumstances(rounds=20), rounds)
    create = row(found, "alone", "create")["ratios"][0]
    assert create["verdict"] == "no difference seen"
    assert create["low"] < 1 < create["high"]
    assert re.search(r"\(\d\.\d\d-\d\.\d\d\) no difference seen", text(found))
    assert found["confidence"] == figures.CONFIDENCE


def test_markdown_has_a_table_for_each_phase_and_no_foreign_markup() -> None:
    headers = [header("runc"), header("<b>|*crun*")]
    found = document(circumstances(), headers, measured_rounds())
    lines = "".join(measured.markdown(found)).splitlines()
    assert sum(line.startswith("| ---") for line in lines) == 4
    # Every row has as many cells as its head.
    assert {line.count("|") for line in lines if line.startswith("|")} == {5}
    assert not any("<b>" in line or "*crun*" in line for line in lines)
