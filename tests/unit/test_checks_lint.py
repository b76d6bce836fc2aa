from __future__ import annotations

from typing import Any

import pytest

from ocivalidate.bundle import lint as checks
from tests.unit.checking import broken_clauses, outcome

MAPPED = [{"containerID": 0, "hostID": 100000, "size": 65536}]
# What the checks for absent members want, so that a document says something about one clause only.
SHIELD: dict[str, Any] = {
    "maskedPaths": ["/proc/kcore"],
    "readonlyPaths": ["/proc/sys"],
    "seccomp": {"defaultAction": "SCMP_ACT_ALLOW"},
}


def found(release: str = "1.3.0", **members: Any) -> list[tuple[str, str]]:
    document = {"ociVersion": release, "linux": SHIELD} | members
    return broken_clauses(checks, document, "linux", release=release)


def process(**members: Any) -> dict[str, Any]:
    return {"cwd": "/", "args": ["sh"], "noNewPrivileges": True, **members}


def linux(**members: Any) -> dict[str, Any]:
    return SHIELD | members


def bind(*options: str, source: str = "/srv", **members: Any) -> dict[str, Any]:
    return {"destination": "/d", "source": source, "options": ["rbind", *options], **members}


def test_a_hardened_document_has_no_findings() -> None:
    capabilities = {name: ["CAP_KILL"] for name in checks._CAPABILITY_SETS}
    document = process(user={"uid": 1, "gid": 1}, capabilities=capabilities)
    assert found(process=document, mounts=[bind("ro"), {"destination": "/proc", "type": "proc"}]) == []


@pytest.mark.parametrize(
    ("document", "broken"),
    [
        (process(noNewPrivileges=False), [(checks.NO_NEW_PRIVILEGES, "/process/noNewPrivileges")]),
        ({"cwd": "/"}, [(checks.NO_NEW_PRIVILEGES, "/process")]),
        (process(noNewPrivileges="yes"), []),
    ],
)
def test_no_new_privileges(document: dict[str, Any], broken: list[tuple[str, str]]) -> None:
    assert found(process=document) == broken


@pytest.mark.parametrize(
    ("capabilities", "pointer"),
    [
        ({"bounding": ["CAP_KILL", "CAP_SYS_ADMIN"]}, "bounding/1"),
        (
            {"bounding": ["CAP_SYS_ADMIN"], "effective": ["CAP_SYS_ADMIN"], "permitted": ["CAP_SYS_ADMIN"]},
            "effective/0",
        ),
        ({"inheritable": [1, "CAP_SYS_ADMIN"]}, "inheritable/1"),
        ({"bounding": ["CAP_SYS_ADMINISTRATOR"]}, None),
        ({"bounding": "CAP_SYS_ADMIN"}, None),
    ],
)
def test_sys_admin(capabilities: dict[str, Any], pointer: str | None) -> None:
    expected = [(checks.SYS_ADMIN, f"/process/capabilities/{pointer}")] if pointer else []
    assert found(process=process(capabilities=capabilities)) == expected


@pytest.mark.parametrize(
    ("uid", "isolation", "is_root"),
    [
        (0, {}, True),
        (1000, {}, False),
        (0, {"namespaces": [{"type": "pid"}]}, True),
        (0, {"namespaces": [{"type": "user"}], "uidMappings": MAPPED}, False),
        (0, {"namespaces": [{"type": "user"}], "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]}, True),
        (
            0,
            {"namespaces": [{"type": "user", "path": ""}], "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]},
            False,
        ),
        (
            70000,
            {
                "namespaces": [{"type": "user"}],
                "uidMappings": [*MAPPED, {"containerID": 70000, "hostID": 0, "size": 1}],
            },
            True,
        ),
        (7, {"namespaces": [{"type": "user"}], "uidMappings": [{"containerID": 5, "hostID": 0, "size": 2}]}, False),
        (5, {"namespaces": [{"type": "user"}], "uidMappings": [{"containerID": 5, "hostID": 0, "size": 0}]}, False),
        # The document does not say.
        (0, {"namespaces": [{"type": "user", "path": "/proc/1/ns/user"}], "uidMappings": MAPPED}, False),
        (0, {"namespaces": [{"type": "user"}]}, False),
        (0, {"namespaces": [{"type": 1}]}, False),
        (0, {"namespaces": [1]}, False),
        (0, {"namespaces": 1}, False),
    ],
)
def test_runs_as_root(uid: int, isolation: dict[str, Any], is_root: bool) -> None:  # noqa: FBT001 - a column of the table
    broken = found(process=process(user={"uid": uid, "gid": uid}), linux=linux(**isolation))
    assert broken == ([(checks.RUNS_AS_ROOT, "/process/user/uid")] if is_root else [])


def test_without_a_linux_section_the_uid_is_that_of_the_host() -> None:
    document = {"process": process(user={"uid": 0, "gid": 0})}
    assert (checks.RUNS_AS_ROOT, "/process/user/uid") in broken_clauses(checks, document, "linux")
    assert broken_clauses(checks, document | {"linux": 1}, "linux") == []


@pytest.mark.parametrize(
    ("capabilities", "at_fault"),
    [
        ({"ambient": ["CAP_KILL"], "permitted": ["CAP_KILL"], "inheritable": ["CAP_KILL"]}, []),
        ({"ambient": ["CAP_KILL"], "permitted": ["CAP_KILL"]}, [0]),
        ({"ambient": ["CAP_KILL", "CAP_CHOWN"]}, [0, 1]),
        (
            {"ambient": ["CAP_KILL", "CAP_CHOWN"], "permitted": ["CAP_KILL", "CAP_CHOWN"], "inheritable": ["CAP_KILL"]},
            [1],
        ),
        ({"ambient": ["CAP_KILL"], "permitted": 1, "inheritable": [1]}, []),
        ({"ambient": []}, []),
    ],
)
def test_ambient_capabilities(capabilities: dict[str, Any], at_fault: list[int]) -> None:
    broken = found(process=process(capabilities=capabilities))
    assert broken == [(checks.AMBIENT, f"/process/capabilities/ambient/{index}") for index in at_fault]


@pytest.mark.parametrize(
    ("mount", "broken"),
    [
        (bind(source="/"), True),
        (bind("rw", source="//"), True),
        (bind("ro", "rprivate", source="/usr/../."), False),
        (bind("rro", source="/"), False),
        (bind(source="/usr"), False),
        (bind(source="."), False),
        (bind(source=""), False),
        ({"destination": "/d", "type": "overlay", "source": "/"}, False),
        (bind(source="/.."), True),
    ],
)
def test_the_root_of_the_host_bound_writable(mount: dict[str, Any], broken: bool) -> None:  # noqa: FBT001 - a column
    assert found(mounts=[mount]) == ([(checks.HOST_ROOT, "/mounts/0/source")] if broken else [])


def test_of_contradicting_access_options_the_last_one_counts() -> None:
    assert (checks.HOST_ROOT, "/mounts/0/source") in found(mounts=[bind("ro", "rw", source="/")])
    assert (checks.HOST_ROOT, "/mounts/0/source") not in found(mounts=[bind("rw", "ro", source="/")])


@pytest.mark.parametrize(
    ("options", "at_fault"),
    [
        (["ro", "nosuid", "nodev", "noexec", "relatime"], []),
        (["nosuid", "strictatime", "mode=755", "size=65536k"], []),
        (["ro", "ro"], []),
        (["shared", "slave"], []),
        (["ro", "rw"], [1]),
        (["nosuid", "ro", "suid", "rw", "rw"], [2, 3]),
        (["rro", "rrw"], [1]),
        (["rprivate", "rshared"], [1]),
        (["ro", 1, "rw"], [2]),
    ],
)
def test_contradicting_options(options: list[Any], at_fault: list[int]) -> None:
    broken = found(mounts=[{"destination": "/d", "type": "tmpfs", "source": "t", "options": options}])
    assert broken == [(checks.CONTRADICTING, f"/mounts/0/options/{index}") for index in at_fault]


@pytest.mark.parametrize("option", ["rprivate", "nosymfollow", "idmap", "ridmap", "tmpcopyup", "defaults", "rnodev"])
def test_options_of_bind_mounts_that_the_specification_lists(option: str) -> None:
    assert found(mounts=[bind(option)]) == []


@pytest.mark.parametrize("option", ["read-only", "RO", "mode=755", "", "table"])
def test_options_of_bind_mounts_that_it_does_not_list(option: str) -> None:
    assert found(mounts=[bind(option)]) == [(checks.UNKNOWN_OPTION, "/mounts/0/options/1")]


def test_other_mounts_have_options_of_their_own() -> None:
    assert found(mounts=[{"destination": "/d", "type": "tmpfs", "options": ["mode=755", "whatever"]}]) == []


@pytest.mark.parametrize("option", ["ro,nosuid", "nosuid,mode=755", "mode=755,size=64k", "size=64k,nodev", "a,b"])
def test_options_that_are_lists(option: str) -> None:
    broken = found(mounts=[{"destination": "/d", "type": "tmpfs", "options": [option]}])
    assert broken == [(checks.OPTION_LIST, "/mounts/0/options/0")]


@pytest.mark.parametrize(
    "option",
    [
        "mpol=bind:0,2",
        'context="system_u:object_r:container_file_t:s0:c1,c2"',
        "context=system_u:object_r:container_file_t:s0:c1,c2",
        "size=64k,",
        "lowerdir=/a:/b",
    ],
)
def test_single_options_with_commas(option: str) -> None:
    assert found(mounts=[{"destination": "/d", "type": "tmpfs", "options": [option]}]) == []


def test_a_list_of_options_on_a_bind_mount_is_told_once() -> None:
    assert found(mounts=[bind("ro,nosuid")]) == [(checks.OPTION_LIST, "/mounts/0/options/1")]


@pytest.mark.parametrize(
    ("section", "broken"),
    [
        ({"linux": linux(maskedPaths=[])}, [(checks.MASKED_PATHS, "/linux/maskedPaths")]),
        ({"linux": linux(readonlyPaths=[])}, [(checks.READONLY_PATHS, "/linux/readonlyPaths")]),
        ({"linux": linux(maskedPaths="/proc", seccomp=1)}, []),
        (
            {"linux": {}},
            [(clause, "/linux") for clause in (checks.MASKED_PATHS, checks.READONLY_PATHS, checks.SECCOMP)],
        ),
        ({}, [(clause, "") for clause in (checks.MASKED_PATHS, checks.READONLY_PATHS, checks.SECCOMP)]),
        ({"linux": 1}, []),
    ],
)
def test_what_shields_the_kernel(section: dict[str, Any], broken: list[tuple[str, str]]) -> None:
    assert broken_clauses(checks, section, "linux") == broken


@pytest.mark.parametrize(
    ("rules", "at_fault"),
    [
        ([{"allow": False, "access": "rwm"}], None),
        ([{"allow": True, "access": "rwm"}], 0),
        ([{"allow": False}, {"allow": True, "type": "a"}], 1),
        ([{"allow": True, "type": "a", "major": -1, "minor": -1, "access": "mrw"}], 0),
        ([{"allow": True, "access": "rwm"}, {"allow": False, "access": "rwm"}], None),
        ([{"allow": True, "access": "rwm"}, {"allow": False, "type": "c", "access": "rwm"}], None),
        ([{"allow": True, "access": "rwm"}, {"allow": False, "type": "c", "major": 1, "minor": 1}], 0),
        ([{"allow": True, "type": "c", "access": "rwm"}, {"allow": True, "type": "b", "access": "rwm"}], 1),
        ([{"allow": True, "type": "c", "access": "m"}, {"allow": True, "type": "b", "access": "m"}], None),
        ([{"allow": True, "access": "r"}], None),
        ([{"allow": True, "type": "c"}], None),
        ([{"allow": True, "type": "c", "major": 5, "access": "rwm"}, {"allow": True, "type": "b"}], None),
        ([{"allow": True, "major": 5, "access": "rwm"}], None),
        ([{"allow": True, "major": "all"}], None),
        ([{"allow": True}, {"type": "a"}], None),
        ([{"allow": True}, 1], None),
        ([], None),
    ],
)
def test_all_devices_allowed(rules: list[Any], at_fault: int | None) -> None:
    broken = found(linux=linux(resources={"devices": rules}))
    assert broken == ([] if at_fault is None else [(checks.ALL_DEVICES, f"/linux/resources/devices/{at_fault}")])


@pytest.mark.parametrize("mode", [666, 600, 660, 644, 755, 512, 777, 777.0])
def test_modes_that_look_octal(mode: float) -> None:
    result = outcome(checks, {"linux": linux(devices=[{"fileMode": mode}])}, "linux")
    assert [(violation.clause, violation.pointer) for violation in result.violations] == [
        (checks.FILE_MODE, "/linux/devices/0/fileMode")
    ]
    assert result.violations[0].want.startswith(f"{int(str(int(mode)), 8)}, ")


@pytest.mark.parametrize("mode", [0o666, 0o660, 0o644, 0o640, 0o600, 0o620, 0o777, 0, 8630, 4516, 680, "666"])
def test_modes_that_do_not(mode: Any) -> None:
    assert found(linux=linux(devices=[{"fileMode": mode}])) == []


@pytest.mark.parametrize(
    ("release", "hooks", "broken"),
    [
        ("1.0.2", [{"path": "/hook"}], True),
        ("1.3.0", [{"path": "/hook"}], True),
        ("1.0.1", [{"path": "/hook"}], False),
        ("1.3.0", [], False),
    ],
)
def test_prestart_hooks(release: str, hooks: list[Any], broken: bool) -> None:  # noqa: FBT001 - a column of the table
    assert found(release, hooks={"prestart": hooks}) == ([(checks.PRESTART, "/hooks/prestart")] if broken else [])


def test_opinions_on_linux_say_nothing_of_windows() -> None:
    assert broken_clauses(checks, {"process": {"cwd": "C:\\"}, "windows": {}}, "windows") == []
