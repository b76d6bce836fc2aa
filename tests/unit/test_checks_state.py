from __future__ import annotations

from typing import Any

import pytest

from ocivalidate.bundle import state as checks
from tests.unit.checking import broken_clauses, outcome


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
    assert outcome(checks, {}, "linux", kind="runtime-state").judged == set()
