"""A score of mutants keeps what was killed, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.mutants.remembering import Memory, OtherScore


def test_kills_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "kills"
    first = Memory(path, "runc 1.5.3")
    assert first.kills == {}
    first.keep("swallows kill", ["signals.one", "signals.two"])
    first.keep("loses /hostname", ["names.one"])
    again = Memory(path, "runc 1.5.3")
    assert again.kills == {"swallows kill": ["signals.one", "signals.two"], "loses /hostname": ["names.one"]}


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_line_that_was_being_written_is_cut_off(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "kills"
    memory = Memory(path, "runc 1.5.3")
    memory.keep("one", ["names.one"])
    memory.keep("two", ["names.two"])
    path.write_bytes(path.read_bytes()[:-cut])
    resumed = Memory(path, "runc 1.5.3")
    assert resumed.kills == {"one": ["names.one"]}
    resumed.keep("three", ["names.three"])
    assert Memory(path, "runc 1.5.3").kills == {"one": ["names.one"], "three": ["names.three"]}


@pytest.mark.parametrize("text", ['{"score": "runc 1.1.5"}\n', "[]\n", "no JSON\n", '{"mutant": 1}\n', "7\n"])
def test_a_file_of_something_else_is_refused_and_left_alone(text: str, tmp_path: Path) -> None:
    path = tmp_path / "kills"
    path.write_text(text)
    with pytest.raises(OtherScore, match="is no score"):
        Memory(path, "runc 1.5.3")
    assert path.read_text() == text
