from __future__ import annotations

from typing import Any

import pytest

from tests.imagedocs import REMOVED, Told, changed, told

INDEX = "image-index.manifests.platform."


def both(member: str, value: Any, **others: Any) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """What is said of a platform with these members in an index and in a configuration: severity and end of clause."""
    members = {"architecture": "amd64", "os": "linux", **others, member: value}
    index = told("image-index", changed("image-index", ("/manifests/1/platform", members)))
    gone = [("/variant", REMOVED), ("/os.features", REMOVED), ("/os.version", REMOVED)]
    config = told("image-config", changed("image-config", *gone, *((f"/{name}", v) for name, v in members.items())))
    return (
        [(severity, clause.removeprefix(INDEX)) for severity, clause, _ in index],
        [(severity, clause.removeprefix("config.")) for severity, clause, _ in config],
    )


@pytest.mark.parametrize(
    ("os", "severity"),
    [
        ("linux", None),
        ("wasip1", None),
        ("windows", None),
        ("unknown", "note"),
        ("", "note"),
        ("wasi", "note"),
        ("Linux", "warning"),
        ("darwin ", "warning"),
    ],
)
def test_os(os: str, severity: str | None) -> None:
    expected = [(severity, "os.goos")] if severity else []
    assert both("os", os) == (expected, expected)


@pytest.mark.parametrize(
    ("architecture", "severity"),
    [
        ("riscv64", None),
        ("wasm", None),
        ("unknown", "note"),
        ("wasm32", "note"),
        ("x86_64", "warning"),
        ("armhf", "warning"),
    ],
)
def test_architecture(architecture: str, severity: str | None) -> None:
    expected = [(severity, "architecture.goarch")] if severity else []
    assert both("architecture", architecture) == (expected, expected)


@pytest.mark.parametrize(
    ("architecture", "variant", "fine"),
    [
        ("arm", "v5", True),
        ("arm", "v7", True),
        ("arm", "v7,softfloat", True),
        ("arm", "v9", False),
        ("arm", "7", False),
        ("arm64", "v8", True),
        ("arm64", "v8.2", True),
        ("arm64", "v9.0,lse", True),
        ("arm64", "8", False),
        ("arm64", "v7", False),
        ("amd64", "v3", True),
        ("amd64", "x86-64-v3", False),
        ("ppc64le", "power10", True),
        ("ppc64le", "power7", False),
        ("riscv64", "rva22u64", True),
        ("riscv64", "v1", False),
        ("s390x", "z15", True),
        ("mips64le", "hardfloat", True),
        ("amd64", "", True),
    ],
)
def test_variants(architecture: str, variant: str, fine: bool) -> None:  # noqa: FBT001 - a column of the table
    expected = [] if fine else [("warning", "variant.table")]
    assert both("variant", variant, architecture=architecture) == (expected, expected)


@pytest.mark.parametrize(
    ("os", "features", "count"),
    [
        ("windows", ["win32k"], 0),
        ("windows", [], 0),
        ("windows", ["a", "win32k", "b"], 2),
        ("linux", ["nydus.remoteimage.v1"], 0),
    ],
)
def test_os_features(os: str, features: list[str], count: int) -> None:
    expected = [("warning", "os.features.windows-values")] * count
    assert both("os.features", features, os=os) == (expected, expected)


def test_reserved_features() -> None:
    pointer = "/manifests/1/platform/features"
    expected = [("warning", f"{INDEX}features.reserved", pointer)]
    assert told("image-index", changed("image-index", (pointer, ["sse4"]))) == expected


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ({}, [("error", f"{INDEX}architecture.required"), ("error", f"{INDEX}os.required")]),
        (None, [("error", f"{INDEX}type")]),
        ({"architecture": 1, "os": "linux"}, [("error", f"{INDEX}architecture.type")]),
        ({"architecture": "amd64", "os": "linux", "Os": "x"}, [("error", "safety/image.members.case")]),
        ({"architecture": "amd64", "os": "linux", "com.example": 1}, []),
    ],
)
def test_members(platform: Any, expected: list[tuple[str, str]]) -> None:
    found: Told = told("image-index", changed("image-index", ("/manifests/1/platform", platform)))
    assert [one[:2] for one in found] == expected
