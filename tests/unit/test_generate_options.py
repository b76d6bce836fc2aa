"""What each friendly option writes, and what it refuses."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from ocivalidate.bundle.values import CAPABILITIES
from ocivalidate.errors import OptionError
from ocivalidate.generate import ConfigBuilder
from ocivalidate.generate.profiles import PROFILES
from tests.unit.generating import refused, run

LINUX = "linux.resources."


def at(config: Any, path: str) -> Any:
    """What stands at a path of names and indexes with dots between; ``None`` when there is nothing."""
    for step in path.split("."):
        if isinstance(config, list):
            config = config[int(step)] if int(step) < len(config) else None
        else:
            config = (config or {}).get(step)
    return config


@pytest.mark.parametrize(
    ("arguments", "path", "value"),
    [
        (["--", "ls", "-l", "--", "-x"], "process.args", ["ls", "-l", "--", "-x"]),
        (["--entrypoint", "/init"], "process.args", ["/init"]),
        (["--entrypoint", "/init", "--", "ls"], "process.args", ["/init", "ls"]),
        (["--entrypoint", '["sh","-c"]', "--", "ls -l"], "process.args", ["sh", "-c", "ls -l"]),
        (["-e", "A=b=c", "--env", "D="], "process.env.1", "A=b=c"),
        (["-e", "A=1", "-e", "A=2"], "process.env.1", "A=2"),
        (["-e", "PATH=/x"], "process.env", ["PATH=/x"]),
        (["-w", "/app"], "process.cwd", "/app"),
        (["-u", "1000"], "process.user", {"uid": 1000, "gid": 0}),
        (["--user", "1000:100"], "process.user", {"uid": 1000, "gid": 100}),
        (["--group-add", "5", "--group-add", "6"], "process.user.additionalGids", [5, 6]),
        (["--umask", "022"], "process.user.umask", 0o22),
        (["-t"], "process.terminal", True),
        (["-t"], "process.env.1", "TERM=xterm"),
        (["--oom-score-adj", "-500"], "process.oomScoreAdj", -500),
        (["--ulimit", "nofile=2:3"], "process.rlimits", [{"type": "RLIMIT_NOFILE", "soft": 2, "hard": 3}]),
        (["--ulimit", "core=unlimited"], "process.rlimits.1.hard", 2**64 - 1),
        (["--ulimit", "RLIMIT_MEMLOCK=64k"], "process.rlimits.1.soft", 65536),
        (["--cpus", "1.5"], f"{LINUX}cpu", {"quota": 150_000, "period": 100_000}),
        (["--cpu-quota", "-1"], f"{LINUX}cpu.quota", -1),
        (["--cpu-quota", "20ms", "--cpu-period", "50ms"], f"{LINUX}cpu", {"quota": 20_000, "period": 50_000}),
        (["--cpu-shares", "512"], f"{LINUX}cpu.shares", 512),
        (["--cpuset-cpus", "0-1", "--cpuset-mems", "0"], f"{LINUX}cpu", {"cpus": "0-1", "mems": "0"}),
        (["-m", "512m"], f"{LINUX}memory.limit", 512 * 1024**2),
        (["-m", "-1"], f"{LINUX}memory.limit", -1),
        (["--memory-swap", "2g", "-m", "1g"], f"{LINUX}memory", {"limit": 2**30, "swap": 2**31}),
        (["-m", "1g", "--memory-reservation", "0.5g"], f"{LINUX}memory.reservation", 2**29),
        (["--memory-swappiness", "0"], f"{LINUX}memory.swappiness", 0),
        (["--oom-kill-disable"], f"{LINUX}memory.disableOOMKiller", True),
        (["--pids-limit", "50"], f"{LINUX}pids.limit", 50),
        (["--blkio-weight", "500"], f"{LINUX}blockIO.weight", 500),
        (["--hugepage-limit", "2MB=1g"], f"{LINUX}hugepageLimits", [{"pageSize": "2MB", "limit": 2**30}]),
        (["--unified", "memory.high=1"], f"{LINUX}unified", {"memory.high": "1"}),
        (["--cgroup-path", "/a/b"], "linux.cgroupsPath", "/a/b"),
        (
            ["--device", "/dev/fuse"],
            "linux.devices.0",
            {"type": "c", "path": "/dev/fuse", "major": 10, "minor": 229, "fileMode": 0o666, "uid": 0, "gid": 0},
        ),
        (["--device", "/dev/fuse:/dev/f:r"], "linux.devices.0.path", "/dev/f"),
        (["--device", "/dev/fuse:r"], f"{LINUX}devices.1.access", "r"),
        (["--device", "b:7:0:/dev/l:rw"], f"{LINUX}devices.1.type", "b"),
        (["--device", "p:/pipe"], "linux.devices.0", {"type": "p", "path": "/pipe"}),
        (
            ["--device-cgroup-rule", "c 1:* r"],
            f"{LINUX}devices.1",
            {"allow": True, "type": "c", "major": 1, "access": "r"},
        ),
        (["--device-cgroup-rule", "deny a *:* rwm"], f"{LINUX}devices.1.allow", False),
        (["--device-read-bps", "8:0:1m"], f"{LINUX}blockIO.throttleReadBpsDevice.0.rate", 2**20),
        (["--device-write-iops", "8:0:9"], f"{LINUX}blockIO.throttleWriteIOPSDevice.0.minor", 0),
        (["--blkio-weight-device", "8:0:100"], f"{LINUX}blockIO.weightDevice.0.weight", 100),
        (["--rootfs", "/r"], "root.path", "/r"),
        (["--read-only"], "root.readonly", True),
        (["--rootfs-propagation", "slave"], "linux.rootfsPropagation", "slave"),
        (["--hostname", "box"], "hostname", "box"),
        (["--domainname", "example"], "domainname", "example"),
        (["--net", "host"], "linux.namespaces.1.type", "ipc"),
        (["--pid", "/proc/1/ns/pid"], "linux.namespaces.0", {"type": "pid", "path": "/proc/1/ns/pid"}),
        (["--time-offset", "boottime=-1.5"], "linux.timeOffsets.boottime", {"secs": -2, "nanosecs": 500_000_000}),
        (["--time-offset", "monotonic=60"], "linux.namespaces.6", {"type": "time"}),
        (["--uidmap", "0:1000:2"], "linux.gidMappings", [{"containerID": 0, "hostID": 1000, "size": 2}]),
        (["--uidmap", "0:1:1", "--gidmap", "0:2:1"], "linux.gidMappings.0.hostID", 2),
        (["--uidmap", "0:1000"], "linux.namespaces.6", {"type": "user"}),
        (["--sysctl", "net.ipv4.ip_forward=1"], "linux.sysctl", {"net.ipv4.ip_forward": "1"}),
        (["--annotation", "org.example.a=b=c"], "annotations", {"org.example.a": "b=c"}),
        (["--label", "org.example.a=b"], "annotations", {"org.example.a": "b"}),
        (["--security-opt", "no-new-privileges=false"], "process.noNewPrivileges", False),
        (["--security-opt", "no-new-privileges"], "process.noNewPrivileges", True),
        (["--security-opt", "apparmor=p"], "process.apparmorProfile", "p"),
        (["--security-opt", "label=a:b:c:d"], "process.selinuxLabel", "a:b:c:d"),
        (["--security-opt", "label=type:spc_t"], "process.selinuxLabel", "system_u:system_r:spc_t:s0"),
        (["--security-opt", "label=level:s0:c1,c2"], "process.selinuxLabel", "system_u:system_r:container_t:s0:c1,c2"),
        (["--security-opt", "label=filetype:x_t"], "linux.mountLabel", "system_u:object_r:x_t:s0"),
        (["--security-opt", "unmask=all"], "linux.maskedPaths", None),
        (["--security-opt", "systempaths=unconfined"], "linux.readonlyPaths", None),
        (["--security-opt", "mask=/a:/b"], "linux.maskedPaths.13", "/b"),
        (["--vm-kernel", "/k", "--os", "vm"], "vm.kernel.path", "/k"),
        (["--os", "windows", "--layer", "C:\\a", "--layer", "C:\\b"], "windows.layerFolders", ["C:\\a", "C:\\b"]),
        (["--os", "windows", "--cpus", "2"], "windows.resources.cpu.count", 2),
        (["--os", "windows", "--cpu-shares", "5000"], "windows.resources.cpu.shares", 5000),
        (["--os", "windows", "--memory", "1g"], "windows.resources.memory.limit", 2**30),
        (["--os", "windows", "--user", "me"], "process.user.username", "me"),
        (["--os", "windows", "--device", "class/ABC"], "windows.devices.0", {"id": "ABC", "idType": "class"}),
        (["--os", "windows", "--device", "class://ABC"], "windows.devices.0.id", "ABC"),
        (
            ["--os", "windows", "-v", "C:\\a:D:\\b:ro"],
            "mounts.0",
            {"destination": "D:\\b", "source": "C:\\a", "options": ["ro"]},
        ),
        (["--os", "windows", "--isolation", "hyperv"], "windows.hyperv", {}),
        (["--os", "solaris", "--cpus", "1.5"], "solaris.cappedCPU.ncpus", "1.5"),
        (["--os", "solaris", "--memory", "1k"], "solaris.cappedMemory.physical", "1024"),
        (["--os", "solaris", "--memory-swap", "1k"], "solaris.cappedMemory.swap", "1024"),
        (["--os", "freebsd", "--net", "host"], "freebsd.jail.vnet", "inherit"),
        (["--os", "freebsd", "-v", "/a:/b"], "mounts.2.type", "nullfs"),
        (["--os", "zos", "--ipc", "host"], "zos.namespaces.2", {"type": "uts"}),
    ],
)
def test_an_option_writes(arguments: list[str], path: str, value: Any) -> None:
    # Not every example is a whole config: an inherited vnet wants ip4 and ip6 too.
    assert at(run("--force", *arguments).config, path) == value


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--memory", "12parsecs"], "--memory: '12parsecs' is not a size"),
        (["--memory", "99999999999g"], "linux.resources.memory.limit is out of range"),
        (["--ulimit", "nofile=2:1"], "the soft limit 2 of nofile is above its hard limit 1"),
        (["--ulimit", "nofiles=2"], "unknown resource limit 'nofiles'"),
        (["--ulimit", "nofile"], "is not of the form NAME=SOFT[:HARD]"),
        (["--cap-add", "NET_ADMN"], "unknown capability 'NET_ADMN'; did you mean CAP_NET_ADMIN?"),
        (["--cap-drop", "x"], "unknown capability 'x'; see capabilities(7)"),
        (["--cap-add", ","], "there is no capability"),
        (["--cpus", "0.001"], "below the kernel's minimum"),
        (["--cpus", "two"], "'two' is not a number"),
        (["--cpus", "-1"], "'-1' is not a number"),
        (["--cgroup", "v3"], "unknown cgroup version 'v3'"),
        (["--pids-limit", "1.5"], "'1.5' is not an integer"),
        (["--cpu-shares", "1"], "1 is not a number of shares from 2 to 262144"),
        (["--blkio-weight", "9"], "9 is not a weight from 10 to 1000"),
        (["--user", "me"], "'me' is not a numeric id: a config cannot"),
        (["--user", "1:2:3"], "is not of the form UID[:GID]"),
        (["-e", "=x"], "'' is not a valid environment variable name"),
        (["--umask", "9"], "is not an octal file mode"),
        (["--entrypoint", "[1]"], "is not an array of strings"),
        (["--device", "/nowhere/at/all"], "cannot look at '/nowhere/at/all': No such file or directory"),
        (["--device", "/etc"], "/etc is not a device"),
        (["--device", "/a:/b:r:w"], "is not of the form PATH[:PATH[:rwm]]"),
        (["--device", "/dev/null:/dev/x:q"], "'q' is not an access"),
        (["--device-read-bps", "/dev/null:1"], "/dev/null is not a block device"),
        (["--device-read-bps", "x"], "is not of the form DEVICE:VALUE"),
        (["--device-cgroup-rule", "x"], "is not of the form TYPE MAJOR:MINOR ACCESS"),
        (["-v", "/a"], "is not of the form SOURCE:DESTINATION[:OPTIONS]"),
        (["-v", "/a:/b:z"], "relabels files for SELinux, which is up to an engine"),
        (["--mount", "type=volume,dst=/x"], "volumes belong to an engine"),
        (["--mount", "type=bind,dst=/x"], "a bind mount needs a source"),
        (["--mount", "type=bind,src=/x"], "has no dst=PATH"),
        (["--mount", "type=bind,src=/x,dst=/y,size=4"], "a bind mount takes no size=4"),
        (["--mount", "type=bind,src=/x,dst=/y,,"], "an option is empty: two commas in a row, or one at an end"),
        (["--mount", "type=bind,src=/x,dst=/y,idmap=x"], "is not of the form uids="),
        (["--mount", "src=/x,dst=/y,idmap=uids=0-1"], "is not of the form CONTAINER-HOST-SIZE"),
        (["--no-mount", "/nope"], "there is no mount at /nope"),
        (["--profile", "minimal", "--shm-size", "1g"], "there is no mount at /dev/shm"),
        (["--pid", "own"], "'own' is neither private, nor host, nor an absolute path"),
        (["--userns", "private"], "a new user namespace needs id mappings: --uidmap"),
        (["--uidmap", "0"], "is not of the form CONTAINER:HOST[:SIZE]"),
        (["--hostname", "x", "--uts", "host"], "cannot have its own"),
        (["--uts", "host", "--hostname", "x"], "--uts private gives it a namespace"),
        (["--time-offset", "wall=1"], "unknown clock 'wall'"),
        (["--time-offset", "boottime=x"], "'x' is not a number of seconds"),
        (["--hook", "prestart"], "is not of the form KIND=PATH[,ARG...]"),
        (["--hook", "start=/x"], "unknown kind of hook 'start'"),
        (["--hook", 'prestart={"args":[]}'], "path is required"),
        (["--hook", 'prestart={"path":"/x","args":1}'], "the args of a hook must be an array"),
        (["--hook", 'prestart={"path":"/x","timeout":"0"}'], "timeout is out of range"),
        (["--security-opt", "nope=1"], "unknown security option 'nope'"),
        (["--security-opt", "apparmor"], "apparmor needs a value"),
        (["--security-opt", "label=x"], "'x' is not a label"),
        (["--security-opt", "systempaths=x"], "systempaths must be unconfined, not 'x'"),
        (["--security-opt", "seccomp=/nope"], "cannot read /nope: no such file or directory"),
        (["--sysctl", "x"], "is not of the form KEY=VALUE"),
        (["--env-file", "/nope"], "cannot read /nope: no such file or directory"),
        (
            ["--os", "windows", "--pids-limit", "5"],
            "linux.resources.pids.limit is for linux, but this config is for windows",
        ),
        (["--os", "windows", "--cap-add", "CHOWN"], "process.capabilities"),
        (["--os", "windows", "--cpus", "1.5"], "windows takes whole processors"),
        (["--os", "windows", "--device", "x"], "is not of the form class/GUID"),
        (["--os", "solaris", "--privileged"], "privileged is for linux"),
        (["--os", "windows", "--isolation", "x"], "unknown isolation 'x'"),
        (["--os", "freebsd", "--rootless"], "rootless is for linux"),
        (["--cgroup", "v2", "--memory-swap", "1g"], "cgroup v2 counts swap separately"),
        (["--cgroup", "v2", "-m", "1g", "--memory-swap", "1m"], "is less than memory"),
        (["--cgroup", "v2", "--device-read-bps", "8:0:1", "--device-read-bps", "8:1:1"], "takes one device here"),
        (["--spec-version", "1.0.2", "--cgroup", "v2", "--cpus", "1"], "linux.resources.unified"),
    ],
)
def test_an_option_refuses(arguments: list[str], problem: str) -> None:
    assert problem in refused(*arguments)


def test_limits_in_the_words_of_cgroup_v2() -> None:
    limits = ["--cpus", "1.5", "-m", "64m", "--memory-swap", "128m", "--pids-limit", "-1", "--cpu-shares", "1024"]
    more = [
        "--blkio-weight",
        "500",
        "--device-read-bps",
        "8:0:1m",
        "--device-write-iops",
        "8:0:9",
        "--cpuset-cpus",
        "0",
    ]
    resources = run("--cgroup", "v2", *limits, *more, "--memory-reservation", "32m").config["linux"]["resources"]
    assert set(resources) == {"devices", "unified"}
    assert resources["unified"] == {
        "cpu.max": "150000 100000",
        "memory.max": "67108864",
        "memory.swap.max": "67108864",
        "memory.low": "33554432",
        "pids.max": "max",
        "cpu.weight": "39",
        "io.weight": "4950",
        "io.max": "8:0 rbps=1048576 wiops=9",
        "cpuset.cpus": "0",
    }


def test_limits_in_the_words_of_both() -> None:
    resources = run("--cgroup", "both", "--cpu-period", "50ms", "--cpu-quota", "10ms", "-m", "-1").config["linux"][
        "resources"
    ]
    assert resources["cpu"] == {"quota": 10_000, "period": 50_000}
    assert resources["unified"] == {"cpu.max": "10000 50000", "memory.max": "max"}
    assert resources["memory"] == {"limit": -1}


def test_weights_of_cgroup_v2_stay_in_their_range() -> None:
    for shares, weight in ((2, "1"), (262_144, "10000")):
        unified = ConfigBuilder.linux().cgroup("v2").cpu_shares(shares).get("linux.resources.unified")
        assert unified == {"cpu.weight": weight}
    for weight_of_blkio, weight in ((10, "1"), (1000, "10000")):
        unified = ConfigBuilder.linux().cgroup("v2").blkio_weight(weight_of_blkio).get("linux.resources.unified")
        assert unified == {"io.weight": weight}


def test_capabilities_are_dropped_before_they_are_added() -> None:
    sets = run("--cap-add", "net_admin,CAP_CHOWN", "--cap-drop", "ALL").config["process"]["capabilities"]
    assert sets == {name: ["CAP_NET_ADMIN", "CAP_CHOWN"] for name in ("effective", "bounding", "permitted")}


def test_a_capability_can_be_dropped_alone() -> None:
    sets = run("--cap-drop", "CHOWN").config["process"]["capabilities"]
    assert all("CAP_CHOWN" not in names and len(names) == 10 for names in sets.values())


def test_an_added_capability_is_ambient_for_another_user_than_root() -> None:
    for arguments in (["--cap-add", "NET_RAW", "-u", "7"], ["-u", "7", "--cap-add", "NET_RAW"]):
        sets = run(*arguments).config["process"]["capabilities"]
        assert sets["ambient"] == sets["inheritable"] == ["CAP_NET_RAW"]
    assert "ambient" not in run("--cap-add", "NET_RAW").config["process"]["capabilities"]


def test_all_capabilities() -> None:
    sets = run("--cap-add", "all").config["process"]["capabilities"]
    assert set(sets["effective"]) == CAPABILITIES


def test_privileged_has_everything_and_hides_nothing() -> None:
    config = run("--privileged", "--cap-drop", "SYS_TIME").config
    assert set(config["process"]["capabilities"]["bounding"]) == CAPABILITIES - {"CAP_SYS_TIME"}
    assert "noNewPrivileges" not in config["process"]
    assert not {"maskedPaths", "readonlyPaths"} & set(config["linux"])
    assert config["linux"]["resources"]["devices"] == [{"allow": True, "access": "rwm"}]
    assert all("ro" not in mount["options"] for mount in config["mounts"])


def test_volumes_and_mounts() -> None:
    config = run(
        *["-v", "./data:/data:ro", "--mount", "type=bind,src=/a,dst=/b,bind-propagation=rslave,readonly=false"],
        *[
            "--mount",
            "type=tmpfs,dst=/t,tmpfs-size=64m,tmpfs-mode=1777",
            "--tmpfs",
            "/run:exec,size=1m",
            "--no-mount",
            "/sys",
        ],
    ).config
    by_path = {mount["destination"]: mount for mount in config["mounts"]}
    bound = ["rbind", "rprivate", "ro"]
    assert by_path["/data"] == {"destination": "/data", "type": "bind", "source": "./data", "options": bound}
    assert by_path["/b"]["options"] == ["rbind", "rslave", "rw"]
    assert by_path["/t"]["options"] == ["nosuid", "nodev", "noexec", "size=67108864", "mode=1777"]
    assert by_path["/run"]["options"] == ["nosuid", "nodev", "exec", "size=1m"]
    assert "/sys" not in by_path


def test_an_idmapped_mount_maps_groups_like_users() -> None:
    mount = run("--mount", "src=/a,dst=/b,idmap=uids=0-1000-1#5-6-7").config["mounts"][-1]
    mappings = [{"containerID": 0, "hostID": 1000, "size": 1}, {"containerID": 5, "hostID": 6, "size": 7}]
    assert mount["uidMappings"] == mount["gidMappings"] == mappings
    assert "idmap" in mount["options"]


def test_a_mount_replaces_the_one_at_the_same_place_where_it_stands() -> None:
    destinations = [mount["destination"] for mount in run("--tmpfs", "/dev", "--shm-size", "1g").config["mounts"]]
    assert destinations == "/proc /dev /dev/pts /dev/shm /dev/mqueue /sys /sys/fs/cgroup".split()
    shm = run("--shm-size", "1g").config["mounts"][3]
    assert shm["options"][-1] == f"size={2**30}"


def test_no_mounts_at_all() -> None:
    assert "mounts" not in run("--no-mount", "all").config


@pytest.mark.parametrize(
    "kind", ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
)
def test_hooks_of_all_six_kinds(kind: str) -> None:
    more = f'{kind}={{"path":"/bin/b","args":["b","x,y"],"env":["A=b"],"timeout":5}}'
    hooks = run("--hook", f"{kind}=/bin/a,one,two", "--hook", more).config["hooks"][kind]
    assert hooks == [
        {"path": "/bin/a", "args": ["/bin/a", "one", "two"]},
        {"path": "/bin/b", "args": ["b", "x,y"], "env": ["A=b"], "timeout": 5},
    ]


def test_variables_from_a_file_and_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "env"
    file.write_text("# a comment\n\n  A=b # no comment\nHERE\nNOT_HERE\n")
    monkeypatch.setenv("HERE", "yes")
    monkeypatch.delenv("NOT_HERE", raising=False)
    env = run("--env-file", str(file), "-e", "NOT_HERE", "-e", "HERE").config["process"]["env"]
    assert env[1:] == ["A=b # no comment", "HERE=yes"]


def test_a_file_of_variables_has_to_be_text(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_bytes(b"A=\xff")
    assert "is not UTF-8" in refused("--env-file", str(file))


def test_a_seccomp_filter_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "seccomp.json"
    file.write_text('{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[]}')
    assert run("--security-opt", f"seccomp={file}").config["linux"]["seccomp"]["defaultAction"] == "SCMP_ACT_ALLOW"
    both = ["--security-opt", f"seccomp={file}", "--security-opt", "seccomp=unconfined"]
    assert "seccomp" not in run(*both).config["linux"]
    file.write_text("{")
    assert "is not valid JSON" in refused("--security-opt", f"seccomp={file}")


def test_process_isolation_needs_a_volume() -> None:
    ran = run("--os", "windows", "--isolation", "process")
    assert ran.code == 1
    assert "root is missing" in ran.err
    volume = "\\\\?\\Volume{00000000-0000-0000-0000-000000000001}\\"
    assert "hyperv" not in run("--os", "windows", "--rootfs", volume).config["windows"]


def test_methods_take_numbers_as_well_as_texts() -> None:
    config = ConfigBuilder.linux().cpus(0.5).memory(1024).umask(0o22).ulimit("nofile", 1, 2).shm_size(4096).build()
    assert config["linux"]["resources"]["cpu"]["quota"] == 50_000
    assert config["process"]["user"]["umask"] == 0o22


def test_switches_can_be_turned_off_again() -> None:
    config = (
        ConfigBuilder.linux().read_only().read_only(wanted=False).tty(wanted=False).privileged(wanted=False).build()
    )
    assert config["root"]["readonly"] is False
    assert config["process"]["terminal"] is False


def test_a_builder_gives_the_same_config_again_and_is_not_changed_by_it() -> None:
    builder = ConfigBuilder.linux().user(5).cap_add("NET_RAW")
    first = builder.build()
    first["process"]["args"].append("changed")
    assert builder.build()["process"]["args"] == ["sh"]
    assert builder.get("process.capabilities.ambient") is None


@pytest.mark.parametrize("rootless", [False, True])
@pytest.mark.parametrize("profile", PROFILES)
def test_two_builders_share_nothing(profile: str, rootless: bool) -> None:  # noqa: FBT001  # a parameter of the test
    before = ConfigBuilder.linux(profile=profile, rootless=rootless).build()
    changed = ConfigBuilder.linux(profile=profile, rootless=rootless).privileged()
    for index in range(len(before["mounts"])):
        changed.append(f"mounts[{index}].options", "x").unset(f"mounts[{index}].destination")
    changed.set("linux.resources.devices[0].allow", value=False).unset("linux.namespaces[0].type")
    assert ConfigBuilder.linux(profile=profile, rootless=rootless).build() == before


def test_privileged_builders_share_nothing() -> None:
    ConfigBuilder.linux().privileged().set("linux.resources.devices[0].allow", value=False)
    assert ConfigBuilder.linux().privileged().get("linux.resources.devices[0].allow") is True


def test_unknown_names_of_a_starting_point() -> None:
    for keywords in ({"os": "plan9"}, {"profile": "x"}, {"spec_version": "9.9.9"}):
        with pytest.raises(OptionError, match="unknown"):
            ConfigBuilder.start(**keywords)  # type: ignore[arg-type]  # each keyword takes a text


def test_rootless_maps_the_one_who_asks_and_leaves_the_network() -> None:
    import os

    linux = run("--rootless").config["linux"]
    assert [entry["type"] for entry in linux["namespaces"]] == ["pid", "ipc", "uts", "cgroup", "mount", "user"]
    assert linux["uidMappings"] == [{"containerID": 0, "hostID": os.getuid(), "size": 1}]
    assert "resources" not in linux
    assert run("--rootless", "--uidmap", "0:7:1").config["linux"]["uidMappings"][0]["hostID"] == 7


def test_many_variables_of_a_file_and_many_capabilities_take_little_time(tmp_path: Path) -> None:
    many = 8000
    file = tmp_path / "env"
    file.write_text("".join(f"A{number}=1\n" for number in [*range(many), *range(many)]), encoding="utf-8")
    start = time.process_time()
    builder = ConfigBuilder.start().env_file(file).cap_add(",".join(["net_admin"] * many))
    # What looked for each of them among all others took half a minute.
    assert time.process_time() - start < 1.0
    tree = json.loads(builder.finish().text)
    assert len(tree["process"]["env"]) == len({*tree["process"]["env"]}) > many
    assert tree["process"]["capabilities"]["bounding"].count("CAP_NET_ADMIN") == 1


def test_a_file_of_variables_has_the_last_word_on_each_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROM_HERE", "h")
    file = tmp_path / "env"
    file.write_text("# none\n\n  B=2\nA=1\nFROM_HERE\nABSENT_HERE\nB=3\nFROM_*\nA==\n", encoding="utf-8")
    config = json.loads(ConfigBuilder.start().unsetenv_all().env("A", "0").env_file(file).finish().text)
    assert config["process"]["env"] == ["A==", "B=3", "FROM_HERE=h"]
    file.write_text("A=1\n=2\n", encoding="utf-8")
    with pytest.raises(OptionError, match="is not a valid environment variable name"):
        ConfigBuilder.start().env_file(file)
