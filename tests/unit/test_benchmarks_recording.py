"""What benchmarks keep for the documentation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import recording


def test_figures_of_others_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "FILE", tmp_path / "recorded.json")
    recording.record("b", {"seconds": 2.5})
    recording.record("a", {"megabytes": 3})
    before = recording.FILE.read_bytes()
    recording.record("b", {"seconds": 2.5})
    assert recording.FILE.read_bytes() == before
    kept = json.loads(before)
    assert [*kept] == ["a", "b"]
    assert kept["b"]["figures"] == {"seconds": 2.5}
    assert {"machine", "kernel", "processors", "python"} == {*kept["b"]["host"]}


def test_every_record_says_when_and_where() -> None:
    kept = json.loads(recording.FILE.read_text(encoding="utf-8"))
    assert all(len(one["date"]) == 10 and one["host"]["kernel"] and one["figures"] for one in kept.values())
