from __future__ import annotations

from typing import Any

import pytest

from ocivalidate.bundle import windows as checks
from ocivalidate.rules.clauses import Severity
from tests.unit.checking import broken_clauses, outcome
from tests.unit.sayings import ERROR, WARNING, said

VOLUME = "\\\\?\\Volume{ec84d99e-3f02-11e7-ac6c-00155d7682cf}\\"
LAYERS = ["C:\\Layers\\base", "C:\\scratch"]


def wcow(**members: Any) -> dict[str, Any]:
    """A Windows Server Container as the specification wants it, with members replaced; ``None`` takes one away."""
    document: dict[str, Any] = {
        "ociVersion": "1.3.0",
        "root": {"path": VOLUME},
        "process": {"cwd": "C:\\", "args": ["cmd.exe"]},
        "windows": {"layerFolders": LAYERS},
    } | members
    return {name: member for name, member in document.items() if member is not None}


def hyperv(**members: Any) -> dict[str, Any]:
    return wcow(**({"root": None, "windows": {"layerFolders": LAYERS, "hyperv": {}}} | members))


def lcow(**members: Any) -> dict[str, Any]:
    """A Linux container on Windows, as engines that drive hcsshim write it."""
    linux: dict[str, Any] = {
        "root": {"path": "rootfs", "readonly": True},
        "process": {"cwd": "/", "args": ["sh"]},
        "linux": {},
        "mounts": mounts("/proc", "/dev", "/dev/pts", "/etc/../etc"),
    }
    return hyperv(**(linux | members))


def mounts(*destinations: Any) -> list[dict[str, Any]]:
    return [{"destination": destination, "source": "C:\\host"} for destination in destinations]


def cpu(settings: dict[str, Any], **more: Any) -> dict[str, Any]:
    return wcow(windows={"layerFolders": LAYERS, "resources": {"cpu": settings}, **more})


def network(**members: Any) -> dict[str, Any]:
    return wcow(windows={"layerFolders": LAYERS, "network": members})


@pytest.mark.parametrize(
    "document",
    [
        wcow(),
        wcow(root={"path": VOLUME, "readonly": False}),
        wcow(root={"path": VOLUME.rstrip("\\")}),
        wcow(root={"path": VOLUME.upper()}),
        wcow(process={"cwd": "C:\\", "commandLine": "cmd.exe"}),
        wcow(process={"cwd": "C:\\", "args": []}),
        wcow(process=None),
        wcow(
            mounts=mounts(
                "C:\\folder-inside-container", "c:/other", "D:\\", "E:", "\\\\.\\pipe\\engine", "\\\\?\\C:\\long"
            )
        ),
        hyperv(),
        hyperv(windows={"layerFolders": LAYERS, "hyperv": {"utilityVMPath": "C:\\path\\to\\utilityvm"}}),
    ],
)
def test_documents_for_windows_that_break_nothing(document: dict[str, Any]) -> None:
    assert broken_clauses(checks, document, "windows") == []


@pytest.mark.parametrize(
    "document",
    [
        lcow(),
        lcow(root=None),
        lcow(root={"path": "/run/rootfs"}),
        lcow(root={"path": ""}),
        lcow(mounts=mounts("C:\\foo", "/foo")),
        lcow(windows={"layerFolders": LAYERS}),
    ],
)
def test_linux_containers_on_windows_may_look_like_linux(document: dict[str, Any]) -> None:
    assert broken_clauses(checks, document, "windows", "linux") == []


def test_nothing_is_said_of_another_platform() -> None:
    document = {"root": {"path": "rootfs", "readonly": True}, "mounts": mounts("proc"), "process": {"cwd": "/"}}
    assert broken_clauses(checks, document, "linux") == []


@pytest.mark.parametrize(
    ("document", "platforms", "broken"),
    [
        (wcow(windows=None), ["windows"], [(checks.MUST_BE_SET, "")]),
        (wcow(windows=None, root=None), ["windows"], [(checks.MUST_BE_SET, "")]),
        (wcow(root=None), ["windows"], [(checks.ROOT_REQUIRED, "")]),
        (lcow(root=None, windows={"layerFolders": LAYERS}), ["windows", "linux"], [(checks.ROOT_REQUIRED, "")]),
        (wcow(root=None, windows={"hyperv": 1}), ["windows"], []),
        (hyperv(root={"path": VOLUME}), ["windows"], [(checks.ROOT_FORBIDDEN, "/root")]),
        (hyperv(root={"path": "rootfs", "readonly": True}), ["windows"], [(checks.ROOT_FORBIDDEN, "/root")]),
        (wcow(root={"path": VOLUME, "readonly": True}), ["windows"], [(checks.READONLY_FALSE, "/root/readonly")]),
        (wcow(process={"cwd": "C:\\"}), ["windows"], [(checks.COMMAND_LINE, "/process")]),
        (lcow(process={"cwd": "/"}), ["windows", "linux"], [(checks.COMMAND_LINE, "/process")]),
        (wcow(process={"cwd": "C:\\", "args": 1}), ["windows"], []),
    ],
)
def test_root_and_process(document: dict[str, Any], platforms: list[str], broken: list[tuple[str, str]]) -> None:
    assert broken_clauses(checks, document, *platforms) == broken


@pytest.mark.parametrize(
    "path",
    [
        "",
        "rootfs",
        "C:\\rootfs",
        f"{VOLUME}rootfs",
        f"{VOLUME}\n",
        VOLUME.replace("?", "."),
        VOLUME.replace("ec84d99e-", ""),
        VOLUME.replace("{", "").replace("}", ""),
    ],
)
def test_a_root_that_is_no_volume(path: str) -> None:
    assert broken_clauses(checks, wcow(root={"path": path}), "windows") == [(checks.VOLUME_GUID, "/root/path")]


def test_an_empty_root_beside_hyperv_weighs_less() -> None:
    def severity(path: str) -> Severity | None:
        return outcome(checks, hyperv(root={"path": path}), "windows").violations[0].severity

    assert severity("") is Severity.WARNING
    assert severity(VOLUME) is None


@pytest.mark.parametrize("path", ["foo", "/foo", "\\foo", "C:foo", "", "1:\\foo", "CC:"])
def test_destinations_that_are_not_absolute_on_windows(path: str) -> None:
    found = broken_clauses(checks, wcow(mounts=mounts("C:\\ok", path)), "windows")
    assert found == [(checks.DESTINATION_ABSOLUTE, "/mounts/1/destination")]


@pytest.mark.parametrize(("release", "severity"), [("1.1.0", None), ("1.2.0", Severity.WARNING)])
def test_a_relative_destination_weighs_less_where_linux_allows_it(release: str, severity: Severity | None) -> None:
    result = outcome(checks, lcow(mounts=mounts("foo")), "windows", "linux", release=release)
    assert [(violation.clause, violation.severity) for violation in result.violations] == [
        (checks.DESTINATION_ABSOLUTE, severity)
    ]


@pytest.mark.parametrize(
    ("destinations", "nested"),
    [
        (["C:\\foo", "C:\\foo\\bar"], [1]),
        (["C:\\foo\\bar", "C:\\foo"], [0]),
        (["c:\\FOO", "C:/foo/Bar/"], [1]),
        (["C:\\foo\\", "C:\\foo\\.\\bar"], [1]),
        (["C:\\a\\..\\foo", "C:\\foo\\bar"], [1]),
        (["\\\\?\\C:\\foo", "C:\\foo\\bar"], [1]),
        (["D:", "D:\\foo", "D:\\foo\\bar"], [1, 2]),
        (["C:\\foo", "C:\\foo bar", "C:\\foo\\x", "C:\\foo-bar\\y", "C:\\foo-bar"], [2, 3]),
        (["C:\\foo", "C:\\foobar"], []),
        (["C:\\foo", "C:\\FOO\\"], []),
        (["C:\\foo", "D:\\foo\\bar"], []),
        (["C:\\foo", 1, "C:\\foo\\bar"], [2]),
        (["\\\\.\\pipe\\a", "\\\\.\\pipe\\a\\b"], []),
        ([], []),
    ],
)
def test_nested_destinations(destinations: list[Any], nested: list[int]) -> None:
    found = broken_clauses(checks, wcow(mounts=mounts(*destinations)), "windows")
    assert found == [(checks.NO_NESTING, f"/mounts/{index}/destination") for index in nested]


def test_windows_paths_nest_nowhere_even_beside_linux() -> None:
    document = lcow(mounts=mounts("/dev", "/dev/pts", "C:\\foo", "C:\\foo\\bar"))
    assert broken_clauses(checks, document, "windows", "linux") == [(checks.NO_NESTING, "/mounts/3/destination")]


def test_many_deep_destinations_are_judged_in_time() -> None:
    destinations = ["\\".join(["C:", *["d"] * depth]) for depth in range(1, 400)]
    found = broken_clauses(checks, wcow(mounts=mounts(*destinations)), "windows")
    assert len(found) == len(destinations) - 1


@pytest.mark.parametrize(
    ("document", "severity"),
    [
        (cpu({"count": 2, "shares": 100}), None),
        (cpu({"count": 2, "shares": 100, "maximum": 5000}), None),
        (cpu({"shares": 1, "maximum": 1}), None),
        (cpu({"count": 2, "maximum": 5000}, hyperv={}), Severity.WARNING),
        (cpu({"count": 2, "affinity": [{"mask": 1, "group": 0}]}), Severity.WARNING),
    ],
)
def test_cpu_settings_that_exclude_each_other(document: dict[str, Any], severity: Severity | None) -> None:
    result = outcome(checks, document | {"root": {"path": VOLUME}}, "windows")
    found = [
        (violation.pointer, violation.severity)
        for violation in result.violations
        if violation.clause == checks.CPU_EXCLUSIVE
    ]
    assert found == [("/windows/resources/cpu", severity)]


@pytest.mark.parametrize(
    ("settings", "release"),
    [
        ({}, "1.3.0"),
        ({"count": 2}, "1.3.0"),
        ({"count": 0, "shares": 500, "maximum": 0}, "1.3.0"),
        ({"affinity": [{"mask": 3, "group": 0}]}, "1.3.0"),
        ({"count": 2, "affinity": []}, "1.3.0"),
        ({"count": 2, "affinity": [{"mask": 3, "group": 0}]}, "1.2.0"),
        ({"count": "2", "shares": 100}, "1.3.0"),
        ({"shares": 10000}, "1.3.0"),
        ({"maximum": 10000}, "1.3.0"),
        ({"shares": 10001}, "1.0.2"),
        ({"maximum": 70000}, "1.3.0"),
    ],
)
def test_cpu_settings_that_break_nothing(settings: dict[str, Any], release: str) -> None:
    assert broken_clauses(checks, cpu(settings), "windows", release=release) == []


@pytest.mark.parametrize(
    ("settings", "broken"),
    [
        ({"shares": 10001}, [(checks.SHARES_RANGE, "/windows/resources/cpu/shares")]),
        ({"maximum": 65535}, [(checks.MAXIMUM_RANGE, "/windows/resources/cpu/maximum")]),
    ],
)
def test_cpu_settings_out_of_range(settings: dict[str, Any], broken: list[tuple[str, str]]) -> None:
    assert broken_clauses(checks, cpu(settings), "windows") == broken


@pytest.mark.parametrize(
    "members",
    [
        {"endpointList": ["7a010682"]},
        {"allowUnqualifiedDNSQuery": True},
        {"DNSSearchList": ["a.com"]},
        {"networkSharedContainerName": "other"},
    ],
)
def test_a_network_namespace_that_is_not_alone(members: dict[str, Any]) -> None:
    result = outcome(checks, network(networkNamespace="168f3daf", **members), "windows")
    assert [(violation.clause, violation.pointer, violation.severity) for violation in result.violations] == [
        (checks.NETWORK_EXCLUSIVE, "/windows/network/networkNamespace", Severity.WARNING)
    ]
    assert result.violations[0].got == next(iter(members))


@pytest.mark.parametrize(
    "members",
    [
        {"networkNamespace": "168f3daf"},
        {"networkNamespace": "168f3daf", "endpointList": [], "allowUnqualifiedDNSQuery": False},
        {"networkNamespace": "168f3daf", "comment": "ours"},
        {"networkNamespace": "168f3daf", "endpointList": 1},
        {"networkNamespace": "", "endpointList": ["7a010682"]},
        {"endpointList": ["7a010682"], "allowUnqualifiedDNSQuery": True},
    ],
)
def test_networks_that_break_nothing(members: dict[str, Any]) -> None:
    assert broken_clauses(checks, network(**members), "windows") == []


def test_clauses_without_an_occasion_are_not_judged() -> None:
    judged = outcome(checks, wcow(), "windows").clauses
    assert {checks.MUST_BE_SET, checks.ROOT_REQUIRED, checks.VOLUME_GUID, checks.COMMAND_LINE} == judged


# --- What changed between releases, and what the text leaves open


@pytest.mark.parametrize("release", ["1.0.0", "1.0.1", "1.0.2", "1.1.0", "1.3.0"])
def test_limits_exclude_each_other_since_the_text_says_so(release: str) -> None:
    """(mutually exclusive) came with 1.1.0."""
    old = release.startswith("1.0")
    document = cpu({"count": 1, "shares": 5}) | {"ociVersion": release}
    assert said(document) == ([] if old else [(checks.CPU_EXCLUSIVE, ERROR)])


@pytest.mark.parametrize(("release", "wrong"), [("1.0.0", True), ("1.0.1", True), ("1.0.2", False), ("1.3.0", False)])
def test_no_arguments(release: str, wrong: bool) -> None:  # noqa: FBT001 - a column of the table
    """One entry was required on every platform, until 1.0.2 excepted Windows."""
    document = wcow(ociVersion=release, process={"cwd": "C:\\", "args": []})
    assert said(document) == ([("runtime/config.process.args.non-empty-non-windows", ERROR)] if wrong else [])


@pytest.mark.parametrize(
    ("id_type", "severity"),
    [("class", None), ("vpci-location-path", WARNING), ("vpci", WARNING), ("gpu", WARNING), ("tides", WARNING)],
)
def test_types_of_device_ids_are_an_open_list(id_type: str, severity: Severity | None) -> None:
    document = wcow(windows={"layerFolders": LAYERS, "devices": [{"id": "d", "idType": id_type}]})
    assert said(document) == ([(checks.ID_TYPE, severity)] if severity else [])


@pytest.mark.parametrize(
    ("source", "remote"),
    [
        ("\\\\server\\share", True),
        ("//server/share", True),
        ("\\\\?\\UNC\\server\\share", True),
        ("C:\\data", False),
        ("c:/data", False),
        ("\\\\.\\pipe\\docker_engine", False),
        ("\\\\?\\C:\\data", False),
        (VOLUME, False),
        ("", False),
    ],
)
def test_source_is_on_the_host(source: str, remote: bool) -> None:  # noqa: FBT001 - a column of the table
    document = wcow(mounts=[{"destination": "C:\\a", "source": source}])
    assert said(document) == ([(checks.SOURCE_LOCAL, WARNING)] if remote else [])


def test_source_of_a_linux_container_may_start_with_two_slashes() -> None:
    assert said(lcow(mounts=[{"destination": "/a", "source": "//run/desktop", "options": ["rbind"]}])) == []
