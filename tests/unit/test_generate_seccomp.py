"""Seccomp profiles in the form of container engines become linux.seccomp for one architecture, kernel and process."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ocivalidate.errors import OptionError
from ocivalidate.generate import ConfigBuilder
from ocivalidate.generate.seccomp import ARCHITECTURES, Target, converted, is_for_engines, kernel_version
from tests.unit.generating import refused, run

ALLOW = "SCMP_ACT_ALLOW"
HERE = Target("amd64", {"CAP_A", "CAP_B"}, (5, 10))


def kept(target: Target = HERE, **rule: Any) -> bool:
    """Whether a rule with these conditions is for the target."""
    found = converted({"syscalls": [{"names": ["x"], "action": ALLOW, **rule}]}, target)["syscalls"]
    assert found in ([], [{"names": ["x"], "action": ALLOW}])
    return bool(found)


@pytest.mark.parametrize(
    ("condition", "included", "excluded"),
    [
        ({}, True, False),
        ({"arches": [], "caps": [], "minKernel": ""}, True, False),
        ({"arches": ["amd64"]}, True, True),
        ({"arches": ["arm64", "amd64"]}, True, True),
        ({"arches": ["x86", "x32"]}, False, False),
        ({"caps": ["CAP_A"]}, True, True),
        ({"caps": ["CAP_A", "CAP_B"]}, True, True),
        # Of includes all have to be there, of excludes one is enough.
        ({"caps": ["CAP_A", "CAP_C"]}, False, True),
        ({"caps": ["CAP_C"]}, False, False),
        ({"minKernel": "5.10"}, True, True),
        ({"minKernel": "4.8"}, True, True),
        ({"minKernel": "5.9"}, True, True),
        ({"minKernel": "5.11"}, False, False),
        ({"minKernel": "6.0"}, False, False),
        # Parts of includes hold together, parts of excludes each for itself.
        ({"arches": ["amd64"], "caps": ["CAP_C"]}, False, True),
        ({"arches": ["arm64"], "minKernel": "4.8"}, False, True),
    ],
)
def test_conditions_of_a_rule(condition: dict[str, Any], included: bool, excluded: bool) -> None:  # noqa: FBT001  # what is wanted
    assert kept(includes=condition) is included
    assert kept(excludes=condition) is (not excluded)
    if included and excluded:
        assert not kept(includes=condition, excludes=condition)


def test_without_a_kernel_every_version_is_there() -> None:
    newest = HERE._replace(kernel=None)
    assert kept(newest, includes={"minKernel": "99.9"})
    assert not kept(newest, excludes={"minKernel": "99.9"})


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_every_architecture_finds_its_own(architecture: str) -> None:
    name, constant = ARCHITECTURES[architecture]
    target = Target(architecture, ())
    maps = [{"architecture": other, "subArchitectures": ["SCMP_ARCH_X32"]} for _name, other in ARCHITECTURES.values()]
    assert converted({"archMap": maps}, target)["architectures"] == [constant, "SCMP_ARCH_X32"]
    assert kept(target, includes={"arches": [name]})
    assert not kept(target, includes={"arches": ["other"]})


def test_no_entry_for_the_architecture_leaves_it_to_libseccomp() -> None:
    profile = {"archMap": [{"architecture": "SCMP_ARCH_ARM", "subArchitectures": None}], "architectures": []}
    assert converted(profile, HERE) == {}


def test_what_decides_is_left_out_and_the_rest_stays() -> None:
    profile = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrno": "ENOSYS",
        "archMap": None,
        "flags": ["SECCOMP_FILTER_FLAG_LOG"],
        "syscalls": [
            {"name": "a", "action": ALLOW, "args": None, "comment": "x", "includes": {}, "excludes": None},
            {"names": ["b", "c"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "errno": "EINVAL", "args": []},
            {"names": ["d"], "action": "SCMP_ACT_ERRNO", "errno": "EINVAL"},
            {"names": ["e"], "action": ALLOW, "args": [{"index": 0, "value": 1, "valueTwo": 0, "op": "SCMP_CMP_EQ"}]},
        ],
    }
    assert is_for_engines(profile)
    assert converted(profile, HERE) == {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 38,
        "flags": ["SECCOMP_FILTER_FLAG_LOG"],
        "syscalls": [
            {"names": ["a"], "action": ALLOW},
            {"names": ["b", "c"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
            {"names": ["d"], "action": "SCMP_ACT_ERRNO", "errnoRet": 22},
            {"names": ["e"], "action": ALLOW, "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
        ],
    }


@pytest.mark.parametrize(
    ("profile", "problem"),
    [
        ({"architectures": ["SCMP_ARCH_X86"], "archMap": [{}]}, "both architectures and archMap"),
        ({"syscalls": [{"name": "a", "names": ["b"]}]}, "both name and names"),
        ({"syscalls": [{"includes": {"minkernel": "5.1"}}]}, "can only have arches, caps and minKernel"),
        ({"syscalls": [{"includes": {"minKernel": "5"}}]}, "'5' is not a kernel version"),
        ({"syscalls": [{"excludes": {"minKernel": 5.1}}]}, "5.1 is not a kernel version"),
        ({"syscalls": [{"errno": "ENOPE"}]}, "'ENOPE' in the profile is not an errno name"),
        ({"syscalls": {}}, "syscalls of the profile is not an array of objects"),
        ({"archMap": [1]}, "archMap of the profile is not an array of objects"),
        ({"syscalls": [{"includes": {"caps": "CAP_A"}}]}, "caps of the profile is not an array of strings"),
        ({"syscalls": [{"includes": []}]}, "can only have arches, caps and minKernel"),
    ],
)
def test_a_profile_that_makes_no_sense(profile: dict[str, Any], problem: str) -> None:
    with pytest.raises(OptionError, match=problem):
        converted(profile, HERE)


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["amd64", "CAP_A", "5.10", ALLOW, "x", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "archMap architectures syscalls names name includes excludes arches caps minKernel args".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(profile=st.dictionaries(st.sampled_from(["archMap", "syscalls", "architectures", "defaultErrno"]), values))
def test_any_profile_is_converted_or_refused(profile: dict[str, Any]) -> None:
    with contextlib.suppress(OptionError):
        assert not is_for_engines(converted(profile, HERE))


@pytest.mark.parametrize("written", ["5.10", "5.10.0", "5.10.0-8-amd64", "5.10-rc1", "5.10+"])
def test_versions_of_kernels(written: str) -> None:
    assert kernel_version(written) == (5, 10)


# --- In a config

PROFILE = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "archMap": [
        {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]},
        {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
    ],
    "syscalls": [
        {"names": ["read"], "action": ALLOW},
        {"names": ["mount"], "action": ALLOW, "includes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["clone"], "action": ALLOW, "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["arch_prctl"], "action": ALLOW, "includes": {"arches": ["amd64"]}},
        {"names": ["ptrace"], "action": ALLOW, "includes": {"minKernel": "4.8"}},
    ],
}


@pytest.fixture
def profile(tmp_path: Path) -> str:
    file = tmp_path / "profile.json"
    file.write_text(json.dumps(PROFILE))
    return f"seccomp={file}"


def names(*arguments: str) -> list[str]:
    found = run(*arguments).config["linux"]["seccomp"]
    return [name for rule in found["syscalls"] for name in rule["names"]]


def test_a_profile_follows_the_capabilities_wherever_they_stand(profile: str) -> None:
    plain = ["--arch", "amd64", "--security-opt", profile]
    assert names(*plain) == ["read", "clone", "arch_prctl", "ptrace"]
    for order in ([*plain, "--cap-add", "SYS_ADMIN"], ["--cap-add", "SYS_ADMIN", *plain], [*plain, "--privileged"]):
        assert names(*order) == ["read", "mount", "arch_prctl", "ptrace"]
    last = names(*plain, "--append", "process.capabilities.bounding=CAP_SYS_ADMIN")
    assert last == ["read", "mount", "arch_prctl", "ptrace"]


def test_a_program_may_add_capabilities_after_the_profile(profile: str) -> None:
    builder = ConfigBuilder.linux().arch("amd64").security_opt(*profile.split("=")).cap_add("SYS_ADMIN")
    rules = builder.build()["linux"]["seccomp"]["syscalls"]
    assert [rule["names"][0] for rule in rules] == ["read", "mount", "arch_prctl", "ptrace"]
    assert builder.cap_drop("SYS_ADMIN").build()["linux"]["seccomp"]["syscalls"][1]["names"] == ["clone"]


def test_a_config_is_the_same_however_often_it_is_built(profile: str) -> None:
    builder = ConfigBuilder.linux().arch("amd64").security_opt(*profile.split("=")).cap_add("SYS_ADMIN")
    assert builder.build() == builder.build()
    builder.cap_add("SYS_TIME")
    assert builder.build()["linux"]["seccomp"] == builder.build()["linux"]["seccomp"]


def test_what_is_changed_by_hand_stays(profile: str) -> None:
    rule = '{"names":["x"],"action":"SCMP_ACT_ALLOW"}'
    arguments = ["--arch", "arm64", "--security-opt", profile, "--append", f"linux.seccomp.syscalls={rule}"]
    assert names(*arguments, "--cap-add", "SYS_ADMIN") == ["read", "mount", "ptrace", "x"]
    assert "seccomp" not in run("--security-opt", profile, "--unset", "linux.seccomp").config["linux"]


def test_the_architecture_and_the_kernel_are_those_that_are_asked_for(profile: str) -> None:
    arm = run("--arch", "arm64", "--kernel", "4.4", "--security-opt", profile).config["linux"]["seccomp"]
    assert arm["architectures"] == ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
    assert [rule["names"][0] for rule in arm["syscalls"]] == ["read", "clone"]
    image = ["--annotation", "org.opencontainers.image.architecture=arm64", "--security-opt", profile]
    assert "arch_prctl" not in names(*image)
    assert "arch_prctl" in names(*image, "--arch", "amd64")


def test_the_last_profile_counts(profile: str, tmp_path: Path) -> None:
    assert "seccomp" not in run("--security-opt", profile, "--security-opt", "seccomp=unconfined").config["linux"]
    plain = tmp_path / "plain.json"
    plain.write_text('{"defaultAction":"SCMP_ACT_ALLOW"}')
    found = run("--security-opt", profile, "--security-opt", f"seccomp={plain}").config["linux"]["seccomp"]
    assert found == {"defaultAction": "SCMP_ACT_ALLOW"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--arch", "vax"], "unknown architecture 'vax'; known are 386, amd64"),
        (["--kernel", "new"], "'new' is not a kernel version"),
        (["--security-opt", "seccomp=builtin"], "the builtin profile is part of the engine"),
        (["--security-opt", "credentialspec=file://x"], "--set windows.credentialSpec=JSON"),
    ],
)
def test_what_is_refused(arguments: list[str], problem: str) -> None:
    assert problem in refused(*arguments)


# --- Other options of the same name


def options_at(config: Any, destination: str) -> list[str]:
    found: list[str] = next(entry["options"] for entry in config["mounts"] if entry["destination"] == destination)
    return found


def test_options_of_proc() -> None:
    config = run("--security-opt", "proc-opts=hidepid=2,subset=pid", "--security-opt", "proc-opts=hidepid=1").config
    assert options_at(config, "/proc") == ["nosuid", "noexec", "nodev", "subset=pid", "hidepid=1"]
    assert "there is no mount at /proc" in refused("--no-mount", "/proc", "--security-opt", "proc-opts=hidepid=2")


def test_control_groups_that_can_be_written() -> None:
    config = run("--security-opt", "writable-cgroups").config
    assert options_at(config, "/sys/fs/cgroup") == ["nosuid", "noexec", "nodev", "relatime", "rw"]
    assert run("--security-opt", "writable-cgroups=false").config == run().config


def test_a_pattern_unmasks() -> None:
    linux = run("--security-opt", "unmask=/proc/*:/sys/firmware").config["linux"]
    assert linux["maskedPaths"] == ["/sys/devices/virtual/powercap"]
    assert "readonlyPaths" not in linux


def test_a_user_namespace_has_what_it_can_have() -> None:
    config = run("--uidmap", "0:1000:5").config
    assert "gid=5" not in options_at(config, "/dev/pts")
    assert "gid=5" in options_at(run("--uidmap", "0:100000:65536").config, "/dev/pts")
    shared = run("--uidmap", "0:100000:65536", "--network", "host").config
    assert "rbind" in options_at(shared, "/sys")
    assert "/sys/fs/cgroup" not in [entry["destination"] for entry in shared["mounts"]]
