from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ocivalidate.errors import RuntimeFailed
from ocivalidate.runtime.inside import probe
from ocivalidate.runtime.inside.facts import Facts, find_facts, lines, without_facts

PROBE = Path(probe.__file__)


def report(*words: str) -> Facts:
    """What the probe, as it runs in containers, reports here."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(PROBE), *words], capture_output=True, text=True, check=True, timeout=30
    )
    facts = find_facts(done.stdout)
    assert facts is not None
    return facts


def test_steps_give_values_or_the_names_of_errnos(tmp_path: Path) -> None:
    file = str(tmp_path / "file")
    facts = report("write", file, "text", ",", "read", file, ",", "read", "/nonexistent", ",", "mkdir", file)
    assert facts.value("read", file) == "text"
    assert facts.error("read", file) is None
    assert facts.error("read", "/nonexistent") == "ENOENT"
    assert facts.outcome("mkdir") == "EEXIST"
    with pytest.raises(RuntimeFailed, match="read /nonexistent failed: ENOENT"):
        facts.value("read", "/nonexistent")
    with pytest.raises(RuntimeFailed, match="did not report the step stat"):
        facts.value("stat", file)


def test_a_step_that_nobody_knows_is_told() -> None:
    assert report("dance").error("dance") == "KeyError: 'dance'"


def test_everything_can_be_looked_at() -> None:
    found = report("everything").value("everything")
    assert found["cwd"]
    assert found["ids"]["pid"] > 0
    broken = {name: value["error"] for name, value in found.items() if isinstance(value, dict) and "error" in value}
    # Without a security module there is no label to read.
    assert broken.keys() <= {"label"}


def test_signals_are_reported_as_they_come() -> None:
    with subprocess.Popen(
        [sys.executable, "-I", "-S", str(PROBE), "ids", ",", "catch", "10", "12"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert find_facts(process.stdout.readline()) is not None
        assert json.loads(process.stdout.readline()) == {"catching": [10, 12]}
        for signal in (12, 10):
            process.send_signal(signal)
            assert json.loads(process.stdout.readline()) == {"signal": signal}
        process.kill()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_what_the_probe_prints_is_json(value: Any) -> None:
    assert json.loads(probe.encode(value)) == value


@given(st.binary())
def test_any_bytes_of_a_file_survive(content: bytes) -> None:
    text = content.decode("utf-8", "surrogateescape")
    assert json.loads(probe.encode(text)).encode("utf-8", "surrogateescape") == content


@given(st.text(), st.text())
def test_facts_are_found_between_whatever_else_was_printed(before: str, after: str) -> None:
    line = probe.encode({probe.MARK: [{"step": "ids", "args": [], "value": 1}]})
    if probe.MARK in before:
        return
    text = f"{before}\n{line}\n{after}"
    found = find_facts(text)
    assert found is not None
    assert found.value("ids") == 1


def test_half_a_line_is_no_fact_yet() -> None:
    line = probe.encode({probe.MARK: []})
    assert find_facts(line) is None
    assert list(lines('warning: x {"a": 1}\nnoise\n{"b"')) == [{"a": 1}]


def test_output_without_facts_has_no_part_of_them() -> None:
    report = json.dumps({"ocivalidate-probe": [{"step": "say", "args": ["x" * 9000], "value": "y"}]})
    assert without_facts(f"before\n{report}\nafter\nnot whole") == "before\nafter\n"
