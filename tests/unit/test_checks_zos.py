from __future__ import annotations

from typing import Any

import pytest

from ocivalidate.bundle import zos as checks
from ocivalidate.rules.clauses import Severity
from tests.unit.checking import broken_clauses, outcome

MAJOR, MINOR = checks.NUMBERS["major"], checks.NUMBERS["minor"]


def namespaces(*entries: Any) -> dict[str, Any]:
    return {"zos": {"namespaces": list(entries)}}


def devices(*entries: Any) -> dict[str, Any]:
    return {
        "zos": {"devices": [{"path": "/dev/it"} | entry if isinstance(entry, dict) else entry for entry in entries]}
    }


@pytest.mark.parametrize(
    ("document", "broken"),
    [
        (
            namespaces(
                {"type": "pid", "path": "/proc/1234/ns/pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}
            ),
            [],
        ),
        (namespaces({"type": "pid", "path": ""}), []),
        (namespaces(), []),
        (namespaces({"type": "pid"}, {"type": "pid"}), [(checks.TYPE_UNIQUE, "/zos/namespaces/1")]),
        (namespaces({"type": 1}, {"type": 1}, {}, 5, {"path": 1}), []),
        (namespaces({"type": "pid", "path": "proc/1"}), [(checks.PATH_ABSOLUTE, "/zos/namespaces/0/path")]),
    ],
)
def test_namespaces(document: dict[str, Any], broken: list[tuple[str, str]]) -> None:
    assert broken_clauses(checks, document, "zos") == broken


@pytest.mark.parametrize(
    ("kind", "severity"), [("network", Severity.WARNING), ("user", Severity.WARNING), ("net", None)]
)
def test_namespace_types_that_the_specification_does_not_list(kind: str, severity: Severity | None) -> None:
    result = outcome(checks, namespaces({"type": kind}), "zos")
    assert [(violation.clause, violation.pointer, violation.severity) for violation in result.violations] == [
        (checks.TYPE_VALUES, "/zos/namespaces/0/type", severity)
    ]


@pytest.mark.parametrize(
    ("document", "broken"),
    [
        (devices({"type": "c", "major": 0, "minor": 0}, {"type": "b", "major": 0, "minor": 0}), []),
        (devices({"type": "p"}, {"type": "p"}), []),
        (devices({"type": "c"}), [(MAJOR, "/zos/devices/0"), (MINOR, "/zos/devices/0")]),
        (devices({"type": "u", "major": 1}), [(MINOR, "/zos/devices/0")]),
        (devices({"type": "b", "minor": 1}), [(MAJOR, "/zos/devices/0")]),
        (devices({"type": "x"}, {}, "dev", {"type": "c", "major": "1", "minor": 1}), []),
        (
            devices({"type": "c", "major": 1, "minor": 3}, {"type": "u", "major": 1, "minor": 3}),
            [(checks.NODE_UNIQUE, "/zos/devices/1")],
        ),
        (
            devices(*({"type": "b", "major": 8, "minor": minor} for minor in (0, 1, 0, 0))),
            [(checks.NODE_UNIQUE, "/zos/devices/2"), (checks.NODE_UNIQUE, "/zos/devices/3")],
        ),
    ],
)
def test_devices_as_they_were_until_1_2_0(document: dict[str, Any], broken: list[tuple[str, str]]) -> None:
    assert broken_clauses(checks, document, "zos", release="1.2.0") == broken


@pytest.mark.parametrize("release", ["1.0.2", "1.2.1"])
def test_releases_without_devices_do_not_judge_them(release: str) -> None:
    assert broken_clauses(checks, devices({"type": "c"}), "zos", release=release) == []


def test_releases_without_namespaces_do_not_judge_them() -> None:
    assert broken_clauses(checks, namespaces({"type": "x"}, {"type": "x"}), "zos", release="1.2.0") == []
