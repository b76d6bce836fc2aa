"""Any combination of options gives a config that ocivalidate bundle accepts, or says in a line why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from ocivalidate.bundle.api import check_config
from ocivalidate.errors import OptionError
from ocivalidate.generate import ConfigBuilder
from ocivalidate.generate.aliases import ALIASES
from ocivalidate.generate.defaults import PLATFORMS
from ocivalidate.generate.engines import ENGINE_FLAGS
from ocivalidate.generate.paths import fields, resolve_assignment
from ocivalidate.generate.profiles import PROFILES
from ocivalidate.generate.table import TABLE
from ocivalidate.rules.findings import ExitCode, exit_code
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES
from tests.unit.generating import run

# Values that some option takes, values that nearly fit, and values that fit nowhere.
WORDS = """
0 1 2 5 -1 1.5 0.001 100 1000 70000 4294967295 4294967296 18446744073709551615 99999999999999999999 1e3 0x10 022 max
unlimited 512m 1.5g 12parsecs 64KiB 100ms 1s nofile=1024:2048 nofile=2:1 core=unlimited RLIMIT_CPU=5 nope=1 A=b A=
=b A a=b=c PATH=/x / /data app . .. ./data /data:/data:ro ./a:/b:rslave /a:/b:z
/a:/b:ro,rw /a:/b:idmap=uids=0-1-2 a:b ns:/run/netns/x container:x keep-id pod C:\\a:D:\\b
type=bind,src=/a,dst=/b,ro type=tmpfs,dst=/t,tmpfs-size=1m type=proc,dst=/proc src=/a,dst=/b,idmap=uids=0-1-2
/run:size=1m,exec 0:0 1000:1000 0:100000:65536 0:0:0 1:4294967295:5 1000 root private host none /proc/1/ns/net
/proc/self/ns/pid all NET_ADMIN CAP_CHOWN,kill SYS_NOPE x v1 v2 both c:1:3:/dev/x /dev/null /dev/fuse
/dev/null:/dev/x:r b:7:0:/dev/l p:/pipe class/ABC 8:0:1m 8:0:500 8:1:9 c_1:*_rwm deny_a_*:*_rwm 0-1 0,2-3 1-0 2MB=1g
3XB=1 memory.high=1g memory.high/x=1 a/b=c net.ipv4.ip_forward=1 kernel.hostname=x vm.swappiness=1 monotonic=5
boottime=-1.5 wall=1 org.example.key=value org.opencontainers.image.os=linux no-new-privileges
no-new-privileges=false apparmor=x label=disable label=type:spc_t label=a:b:c:d mask=/a unmask=all
systempaths=unconfined seccomp=unconfined seccomp=/nowhere shared rslave nonsense prestart=/bin/a
createRuntime=/bin/a,b poststop=bin startContainer={"path":"/x","timeout":0} poststart={"path":"/x","timeout":5}
start=/x process hyperv ["sh","-c"] [1] [ {"a":1} \\\\?\\Volume{00000000-0000-0000-0000-000000000001}\\
""".split()
ASSIGNED = [
    "true",
    "false",
    "0",
    "-1",
    "7",
    "512m",
    "text",
    "/path",
    "[]",
    "{}",
    '["a"]',
    '{"path":"/x"}',
    '{"type":"c","path":"/dev/a","major":1,"minor":3}',
    '[{"destination":"/x","source":"/y","options":["bind"]}]',
    "SCMP_ACT_NOTIFY",
    "SCHED_FIFO",
    "MPOL_BIND",
    "null",
    "",
]
PATHS = [field.path for field in fields()]

word = st.sampled_from([text.replace("_", " ") if "*" in text else text for text in WORDS])
text = st.one_of(word, word, word, word, st.text(max_size=12), st.text('0123456789:=,./-[]{}"mgkCAP_', max_size=12))
path = st.sampled_from(PATHS).flatmap(
    lambda general: st.sampled_from(["[0]", "[+]", "[-1]"]).map(
        lambda index: general.replace("[]", index).replace(".*", '["key"]')
    )
)
assignment = st.tuples(path, st.one_of(st.sampled_from(ASSIGNED), text)).map("=".join)

own = st.sampled_from(sorted(option.flag for option in TABLE.values() if option.metavar and option.flag.strip("-")))
switch = st.sampled_from(sorted(option.flag for option in TABLE.values() if not option.metavar))
other = st.sampled_from(sorted(ALIASES))
engine = st.sampled_from(sorted(ENGINE_FLAGS))
# Options with values that fit them, so that many command lines give a config.
FITTING = """
--cpus=1.5 --memory=64m --memory=1g --memory-swap=2g --memory-reservation=1m --pids-limit=50 --cpu-shares=512
--cpuset-cpus=0-1 --cpu-quota=20ms --cpu-period=50ms --blkio-weight=100 --memory-swappiness=10
--hugepage-limit=2MB=1g --unified=memory.high=1g --cgroup=v2 --cgroup=both --cgroup-path=/a --device=/dev/fuse
--device=c:1:3:/dev/x --device-read-bps=8:0:1m --device-write-iops=8:0:9 --hostname=box --domainname=d --pid=host
--net=host --net=/proc/1/ns/net --uts=private --ipc=host --cgroupns=host --timens=private --uidmap=0:1000:5
--gidmap=0:1000:5 --time-offset=boottime=5 --user=1000:100 --group-add=5 --umask=022 --workdir=/app --env=A=b
--ulimit=nofile=1:2 --oom-score-adj=5 --volume=./a:/b:ro --tmpfs=/run --no-mount=/sys --mount=type=tmpfs,dst=/t
--shm-size=1m --rootfs=r --cap-add=NET_ADMIN --cap-drop=all --security-opt=apparmor=x --security-opt=unmask=all
--security-opt=label=type:x_t --sysctl=net.ipv4.ip_forward=1 --hook=createRuntime=/bin/a,b
--annotation=org.example.a=b --entrypoint=/init --set=linux.rootfsPropagation=slave --append=process.args=-v
--unset=mounts[0] --set=linux.netDevices.eth0.name=x --set=process.scheduler.policy=SCHED_BATCH --process-uid=5
--linux-mem-limit=-1 -it --ipc=none --ipc=shareable --network=ns:/run/netns/x --cap-add=all --cap-drop=MKNOD
--mount=type=bind,src=/a,dst=/b,bind-recursive=readonly,ro --volume=/a:/b:shared --read-only --read-only-tmpfs
--cpu-rt-runtime=950ms --stop-signal=RTMIN+3 --group-add=keep-groups --unsetenv-all --unsetenv=PATH --ulimit=host
--device=c:1:3:/dev/x:mode=0600:uid=5 --personality=LINUX32 --label=a.b --security-opt=proc-opts=hidepid=2
--security-opt=writable-cgroups --arch=arm64 --kernel=5.10 --security-opt=seccomp=@profile
""".split()
fitting = st.sampled_from(FITTING).map(lambda written: [written])
option = st.one_of(
    fitting,
    fitting,
    fitting,
    fitting,
    fitting,
    fitting,
    st.tuples(own, text).map(lambda both: [f"{both[0]}={both[1]}"]),
    st.tuples(own, text).map(lambda both: [f"{both[0]}={both[1]}"]),
    st.tuples(own, text).map(list),
    switch.map(lambda flag: [flag]),
    st.tuples(switch, st.sampled_from(["true", "false", "0", "yes"])).map(lambda both: ["=".join(both)]),
    st.tuples(other, text).map(lambda both: [f"{both[0]}={both[1]}"]),
    st.tuples(st.sampled_from(["--set", "--append"]), assignment).map(list),
    path.map(lambda place: ["--unset", place]),
    st.integers(0, 9).flatmap(lambda number: engine.map(lambda flag: [flag]) if number == 0 else fitting),
)
start = st.one_of(
    st.just([]),
    st.sampled_from(sorted(PLATFORMS)).map(lambda name: ["--os", name]),
    st.sampled_from(sorted(PROFILES)).map(lambda name: ["--profile", name]),
    st.sampled_from(RUNTIME_RELEASES).map(lambda release: ["--spec-version", release]),
    st.just(["--rootless"]),
    st.sampled_from(["0", "1", "2", "3", "4"]).map(lambda number: ["--template", number]),
)
command: st.SearchStrategy[list[str]] = st.one_of(
    st.just([]), st.lists(st.text(max_size=5), max_size=3).map(lambda words: ["--", *words])
)
command_lines = st.tuples(
    start,
    start,
    st.lists(option, max_size=6).map(lambda options: [word for words in options for word in words]),
    command,
)

TEMPLATES = (
    {
        "ociVersion": "1.0.2-dev",
        "root": {"path": "r"},
        "process": {"cwd": "/", "user": {"uid": 1, "gid": 2}, "args": ["a"]},
    },
    {
        "process": {"env": {}, "capabilities": {"effective": 1}, "rlimits": ["x"]},
        "linux": [],
        "mounts": [1, {"options": 5}],
    },
    {"linux": {"namespaces": ["x", {"type": 5}], "resources": {"devices": {}}, "maskedPaths": None}, "root": 1},
    {
        "process": {},
        "linux": {},
        "mounts": [1, {"destination": "/dev/shm", "options": 5}, {"type": "sysfs", "options": "ro"}],  # noqa: S108  # a path in the container
    },
    {
        "windows": {"layerFolders": ["a"]},
        "vm": {},
        "ociVersion": "9.9.9",
        "process": {"user": {"uid": "x"}},
        "x-more": [[]],
    },
)

PROFILE = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "archMap": [{"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}],
    "syscalls": [
        {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"], "minKernel": "4.8"}},
        {"name": "read", "action": "SCMP_ACT_ERRNO", "errno": "EINVAL", "excludes": {"arches": ["amd64"]}},
    ],
}


@pytest.fixture(scope="module", autouse=True)
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with templates, some of which hold what no config may hold."""
    folder = tmp_path_factory.mktemp("templates")
    for number, template in enumerate(TEMPLATES):
        (folder / str(number)).write_text(json.dumps(template))
    (folder / "profile").write_text(json.dumps(PROFILE))
    return folder


@given(parts=command_lines, force=st.booleans())
def test_a_config_or_a_line_that_says_why_not(templates: Path, parts: tuple[list[str], ...], force: bool) -> None:  # noqa: FBT001  # drawn
    line = [word.replace("@profile", str(templates / "profile")) for part in parts for word in part]
    for index, argument in enumerate(line[:-1]):
        if argument == "--template" and "--" not in line[:index]:
            line[index + 1] = str(templates / line[index + 1])
    ran = run(*line)
    assert "internal error" not in ran.err
    assert "Traceback" not in ran.err
    lines = ran.err.splitlines()
    assert all(told.startswith("oci-gen: ") for told in lines), ran.err
    if ran.code == 0:
        report = check_config(ran.out)
        assert exit_code([report]) is ExitCode.CONFORMS, report.findings
        assert ran.out.endswith(b"\n")
        assert run(*line).out == ran.out
    else:
        assert ran.out == b""
        assert lines
        assert (ran.code, len(lines)) == (2, 1) or ran.code == 1
    if force and ran.code == 1:
        forced = run("--force", *line)
        assert forced.code == 0
        assert exit_code([check_config(forced.out)]) is ExitCode.FINDINGS


@given(written=st.one_of(assignment, st.text(max_size=40), st.text('abl.[]"+-0123=/~\\', max_size=20)))
def test_a_path_is_read_or_refused_in_a_line(written: str) -> None:
    try:
        place, _value = resolve_assignment(written)
    except OptionError:
        # A refusal is one line when it is told; what it says is tested elsewhere.
        return
    assert place.steps
    assert resolve_assignment(f"{place.text}=x")[0].steps == place.steps


utf8 = st.text(st.characters(codec="utf-8"), max_size=8)


@given(keys=st.dictionaries(utf8.filter(bool), utf8, max_size=4))
def test_any_key_can_be_an_annotation(keys: dict[str, str]) -> None:
    builder = ConfigBuilder.linux()
    for key, value in keys.items():
        builder.annotation(key, value)
    assert builder.build(force=True).get("annotations", {}) == keys
