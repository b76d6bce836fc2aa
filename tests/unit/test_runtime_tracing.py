"""What recorders note, and how it is read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ocivalidate.runtime.case_helpers.tracing import Record, Trace
from ocivalidate.runtime.driving.call_times import CallTimes
from ocivalidate.runtime.driving.container import Container
from ocivalidate.runtime.inside import recorder
from ocivalidate.runtime.kernel.namespaces import namespaces_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    (tmp_path / "rootfs").mkdir()
    (tmp_path / "config.json").write_text(json.dumps({"process": {"args": ["x"]}}), encoding="utf-8")
    runtime = SimpleNamespace(call_times=CallTimes(), note=lambda _step: None, pace=1.0)
    return Trace(cast(Container, SimpleNamespace(id="c", bundle=tmp_path, runtime=runtime)))


def run(hook: dict[str, Any], stdin: str = "") -> int:
    """Run a hook as a runtime does."""
    done = subprocess.run(
        hook["args"], executable=hook["path"], env={"A": "b=c", "E": ""}, input=stdin, text=True, check=False
    )
    return done.returncode


def test_hooks_note_what_they_are_given(trace: Trace) -> None:
    hook = trace.add("prestart", "note", "", "two words", env=["A=b=c", "E="])
    assert run(hook, json.dumps({"id": "ü", "pid": os.getpid()})) == 0
    (record,) = trace.records()
    assert (record.name, record.kind) == ("prestart/0", "prestart")
    assert record.argv == hook["args"]
    assert record.environ == ["A=b=c", "E="]
    assert record.state() == {"id": "ü", "pid": os.getpid()}
    assert record.namespaces == namespaces_of() == record.process["namespaces"]
    assert record.root == record.process["root"]
    assert record.begun <= record.ended


def test_hooks_are_numbered_by_kind_and_written(trace: Trace) -> None:
    trace.add("prestart")
    trace.add("prestart", "exit", "3", timeout=5)
    trace.add("startContainer", inside=True)
    trace.program("pause")
    trace.write()
    config = json.loads((trace.file.parent.parent / "config.json").read_text(encoding="utf-8"))
    first, second = config["hooks"]["prestart"]
    assert (first["args"][5], second["args"][5:], second["timeout"]) == ("prestart/0", ["prestart/1", "exit", "3"], 5)
    assert "env" not in first
    assert config["hooks"]["startContainer"][0]["path"] != first["path"]
    assert config["process"]["args"][-2:] == ["program/0", "pause"]


def test_hooks_fail_as_they_are_told(trace: Trace) -> None:
    assert run(trace.add("poststop", "exit", "3")) == 3
    assert run(trace.add("poststop", "signal", "9")) == -9
    assert run(trace.add("poststop", "look", "/", "/nosuch")) == 0
    assert trace.names() == ["poststop/0", "poststop/1", "poststop/2"]
    assert trace.records()[-1].there == {"/": True, "/nosuch": False}


@pytest.mark.parametrize(("program", "known"), [("/bin/true", True), ("/bin/false", False)])
def test_a_runtime_is_asked_for_the_container(trace: Trace, program: str, *, known: bool) -> None:
    assert run(trace.add("poststop", "ask", program, "state", "x")) == 0
    assert trace.records()[0].there == {"the container": known}


def test_one_that_sleeps_is_seen_until_it_ends(trace: Trace) -> None:
    hook = trace.add("poststop", "sleep", "60")
    with subprocess.Popen(hook["args"], executable=hook["path"], stdin=subprocess.DEVNULL) as process:
        try:
            assert trace.wait("poststop/0", 10) is not None
            before = trace.wait_for_end("poststop/0", 0.02)
        finally:
            process.kill()
    assert trace.wait_for_end("poststop/0", 10) - before < 9
    assert trace.names() == ["poststop/0"]


def test_nobody_is_waited_for_longer_than_asked(trace: Trace) -> None:
    assert trace.wait("prestart/0", 0) is None
    assert trace.names() == []


def test_lines_that_are_not_whole_are_left_out(trace: Trace) -> None:
    trace.file.write_text("{'name': 'a/0'}\nnonsense(\n{'strange': 1}\n{'name': 'b", encoding="ascii")
    assert trace.names() == ["a/0"]


@pytest.mark.parametrize(
    ("state", "want"),
    [('{"pid":16}', 16), ('{"pid": 7, "x": 1}', 7), ('{"pid":"7"}', 0), ("{}", 0), (None, 0), ("", 0)],
)
def test_the_process_of_a_state_is_found_without_json(state: str | None, want: int) -> None:
    assert recorder._pid(state) == want


@pytest.mark.parametrize("text", [None, "", "[]", "{"])
def test_a_state_is_an_object_or_nothing(text: str | None) -> None:
    assert Record("prestart/0", stdin=text).state() is None
