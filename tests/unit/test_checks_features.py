from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ocivalidate.bundle import features as checks
from tests.unit.checking import broken_clauses
from tests.unit.sayings import ERROR, WARNING, said_of

MIN, MAX = checks.SEMVER["ociVersionMin"], checks.SEMVER["ociVersionMax"]


def found(oldest: Any, newest: Any) -> list[tuple[str, str]]:
    document = {"ociVersionMin": oldest, "ociVersionMax": newest}
    present = {name: value for name, value in document.items() if value is not None}
    return broken_clauses(checks, present, "linux", kind="runtime-features")


@pytest.mark.parametrize(
    ("oldest", "newest"),
    [
        ("1.0.0", "1.1.0"),
        ("1.0.0", "1.1.0-rc.2"),
        ("1.0.0", "1.0.0+dev"),
        ("1.0.0+b", "1.0.0+a"),
        ("1.2.0-rc.1", "1.2.0"),
        ("1.9.0", "1.10.0"),
        (None, "1.0.0"),
        ("1.0.0", None),
        (1, "1.0.0"),
    ],
)
def test_versions_that_break_nothing(oldest: Any, newest: Any) -> None:
    assert found(oldest, newest) == []


@pytest.mark.parametrize("text", ["1.0", "v1.0.0", "1.0.0.0", "01.0.0", "", "1.0.0-", "latest", "1.0.0\n"])
def test_texts_that_are_no_versions(text: str) -> None:
    assert found(text, "1.1.0") == [(MIN, "/ociVersionMin")]
    assert found("1.0.0", text) == [(MAX, "/ociVersionMax")]


@pytest.mark.parametrize(("oldest", "newest"), [("1.1.0", "1.0.2"), ("1.1.0", "1.1.0-rc.1"), ("1.10.0", "1.9.0")])
def test_newest_below_oldest(oldest: str, newest: str) -> None:
    assert found(oldest, newest) == [(checks.NOT_BELOW_MIN, "/ociVersionMax")]


# --- Names as readers look for them


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ({"hooks": ["preStart", "poststart"]}, 1),
        ({"hooks": ["CreateRuntime", ""]}, 2),
        ({"linux": {"namespaces": ["net", "MOUNT", "mnt", "pid"]}}, 3),
        ({"linux": {"capabilities": ["KILL", "cap_chown", "CAP_KILL"]}}, 2),
        ({"linux": {"seccomp": {"actions": ["ALLOW", "scmp_act_errno", "SCMP_ACT_LOG"]}}}, 2),
        ({"linux": {"seccomp": {"archs": ["X86_64"], "operators": ["EQ"], "knownFlags": ["LOG"]}}}, 3),
        ({"mountOptions": ["RO", "noSuid", "rbind"]}, 2),
        ({"linux": {"memoryPolicy": {"modes": ["BIND", "mpol_local", "MPOL_DEFAULT"], "flags": ["STATIC_NODES"]}}}, 3),
        # What nothing resembles may be new.
        ({"hooks": ["preFreeze"], "mountOptions": ["x-tides"], "linux": {"capabilities": ["CAP_TIDES"]}}, 0),
        ({"hooks": None, "linux": {"namespaces": []}}, 0),
    ],
)
def test_names(members: dict[str, Any], wrong: int, tmp_path: Path) -> None:
    document = {"ociVersionMin": "1.0.0", "ociVersionMax": "1.3.0"} | members
    assert said_of("features", document, tmp_path) == [(checks.NAMES, WARNING)] * wrong


def test_key_of_an_annotation(tmp_path: Path) -> None:
    """features.md: the keys follow the convention of those in a configuration, which are not empty."""
    document = {"ociVersionMin": "1.0.0", "ociVersionMax": "1.3.0", "annotations": {"": "x", "tides": ""}}
    assert said_of("features", document, tmp_path) == [(checks.KEY_EMPTY, ERROR)]
