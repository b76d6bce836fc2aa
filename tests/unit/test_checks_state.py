from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ocivalidate.bundle import state as checks
from tests.unit.checking import broken_clauses, outcome
from tests.unit.sayings import ERROR, WARNING, said_of


def found(platforms: list[str], **members: Any) -> list[tuple[str, str]]:
    document = {"ociVersion": "1.3.0", "id": "c1", "status": "running", "pid": 4422, "bundle": "/b"} | members
    return broken_clauses(
        checks, {name: value for name, value in document.items() if value is not None}, *platforms, kind="runtime-state"
    )


@pytest.mark.parametrize(
    ("status", "pid", "broken"),
    [
        ("created", None, True),
        ("running", None, True),
        ("running", 4422, False),
        ("running", "4422", False),
        ("creating", None, False),
        ("stopped", None, False),
        ("paused", None, False),
        (1, None, False),
    ],
)
def test_pid(status: Any, pid: Any, broken: bool) -> None:  # noqa: FBT001 - a column of the table
    assert found(["linux"], status=status, pid=pid) == ([(checks.PID_REQUIRED, "")] if broken else [])


@pytest.mark.parametrize("platform", ["windows", "freebsd", "solaris", "zos"])
def test_pid_is_optional_elsewhere(platform: str) -> None:
    bundle = "C:\\b" if platform == "windows" else "/b"
    assert found([platform], pid=None, bundle=bundle) == []


@pytest.mark.parametrize(
    ("bundle", "platforms", "broken"),
    [
        ("/containers/redis", ["linux"], False),
        ("/containers/redis", [], False),
        ("C:\\containers\\redis", ["windows"], False),
        # The platform of a state is presumed, and this is a path of Windows.
        ("C:\\containers\\redis", ["linux"], False),
        ("containers/redis", ["linux"], True),
        ("containers/redis", [], True),
        (".", ["linux"], True),
        ("", ["linux"], True),
        ("/containers/redis", ["windows"], True),
        (1, ["linux"], False),
    ],
)
def test_bundle(bundle: Any, platforms: list[str], broken: bool) -> None:  # noqa: FBT001 - a column of the table
    assert found(platforms, bundle=bundle) == ([(checks.BUNDLE_ABSOLUTE, "/bundle")] if broken else [])


def test_members_that_are_absent_are_not_judged() -> None:
    assert outcome(checks, {}, "linux", kind="runtime-state").clauses == set()


# --- Status, pid and version as values

STATE = {"ociVersion": "1.2.1", "id": "c1", "status": "running", "pid": 7, "bundle": "/b"}
SCHEMA, PATTERN = "runtime/runtime.state.json-schema", "runtime/runtime.state.json-pattern"


@pytest.mark.parametrize("status", ["", " ", "Running", "STOPPED", "running\n", " created"])
def test_status_that_names_nothing_or_a_known_one_in_another_way(status: str, tmp_path: Path) -> None:
    """The JSON Schema lists four, and the text lets runtimes add states that are new: these are none of both."""
    assert said_of("state", STATE | {"status": status}, tmp_path) == [(SCHEMA, WARNING)]


@pytest.mark.parametrize("status", ["creating", "created", "running", "stopped", "paused", "pausing", "restoring"])
def test_status_of_the_four_or_a_new_one(status: str, tmp_path: Path) -> None:
    assert said_of("state", STATE | {"status": status}, tmp_path) == []


@pytest.mark.parametrize("status", ["running", "stopped", "paused"])
@pytest.mark.parametrize(("release", "clause"), [("1.0.2", PATTERN), ("1.1.0", SCHEMA), ("1.3.0", SCHEMA)])
def test_negative_pid(status: str, release: str, clause: str, tmp_path: Path) -> None:
    document = STATE | {"status": status, "pid": -5, "ociVersion": release}
    assert said_of("state", document, tmp_path) == [(clause, ERROR)]


@pytest.mark.parametrize(
    ("status", "wrong"),
    [("created", True), ("running", True), ("stopped", False), ("creating", False), ("paused", False)],
)
def test_pid_of_no_process(status: str, wrong: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a column of the table
    """The prose wants the id of a process, the JSON Schema takes 0."""
    want = [(checks.PID_REQUIRED, WARNING)] if wrong else []
    assert said_of("state", STATE | {"status": status, "pid": 0}, tmp_path) == want


@pytest.mark.parametrize("version", ["x", "", "1.0", "v1.2.0", "1.2.0 "])
def test_version_that_is_none(version: str, tmp_path: Path) -> None:
    assert said_of("state", STATE | {"ociVersion": version}, tmp_path) == [(checks.VERSION, WARNING)]
