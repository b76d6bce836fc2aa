"""What oci-gen writes runs, with runc and crun, as root and without privileges; the kernel shows what was asked for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ocivalidate.generate.profiles import PROFILES
from tests.integration.enclosure import why_not_enclosed
from tests.unit.generating import run

pytestmark = pytest.mark.integration

SHELL = Path("/bin/busybox")
CGROUPS = Path("/sys/fs/cgroup")
TIMEOUT = 30.0
SOMEBODY = 12345

# A mount namespace of its own, so that nothing which a runtime mounts can stay. crun refuses a host that has both kinds
# of control groups, unless the second kind is out of sight.
_UNSHARE = ("unshare", "--mount", "--propagation", "private", "sh", "-euc")
_PREPARE = {
    "runc": "",
    "crun": "if [ -d /sys/fs/cgroup/unified ]; then mount -n -t tmpfs none /sys/fs/cgroup/unified; fi; ",
}
_BECOME = f"setpriv --reuid {SOMEBODY} --regid {SOMEBODY} --clear-groups "

# linux/capability.h, from 0 on
CAPABILITY_NUMBERS = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
    "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN "
    "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE "
    "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split()

Start = Callable[..., str]


def _static_busybox() -> bool:
    """A root filesystem of one file is whole only with a static program: Debian's package busybox-static."""
    if not SHELL.is_file():
        return False
    return subprocess.run(["ldd", str(SHELL)], capture_output=True, check=False).returncode != 0


@pytest.fixture(params=["runc", "crun"])
def runtime(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if why_not_enclosed():
        pytest.skip(str(why_not_enclosed()))
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not here")
    if not _static_busybox():
        pytest.skip("no static busybox (Debian: busybox-static)")
    return name


@pytest.fixture
def bundle() -> Iterator[Path]:
    """A bundle that any user may look into, with busybox for everything."""
    folder = Path(tempfile.mkdtemp(prefix="oci-gen-"))
    try:
        for name in "bin dev proc sys tmp data etc work".split():
            (folder / "rootfs" / name).mkdir(parents=True)
        shutil.copy(SHELL, folder / "rootfs" / "bin")
        (folder / "rootfs" / "bin" / "sh").symlink_to("busybox")
        (folder / "data").mkdir()
        (folder / "data" / "note").write_text("from the bundle")
        (folder / "state").mkdir()
        for path in (folder, *folder.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)
        # As in every image. runc 1.1 gives a tmpfs the mode of the folder that it covers, whatever its options say.
        (folder / "rootfs" / "tmp").chmod(0o1777)
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def start(runtime: str, bundle: Path) -> Iterator[Start]:
    """``start(script, *options)`` makes a config, runs it, and returns what the script printed."""
    name = f"oci-gen-{uuid.uuid4().hex[:12]}"
    tool = f"{runtime} --root {bundle}/state"
    owner = os.stat(os.devnull).st_uid

    def run_container(script: str, *options: str, become: str = "") -> str:
        command = ["--", "/bin/busybox", "sh", "-c", f"PATH=/bin; {script}"]
        (bundle / "config.json").write_bytes(_made(*options, *command))
        line = f"{_PREPARE[runtime]}cd {bundle}; umask 022; exec {become}{tool} run {name}"
        done = _call(line, bundle)
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")

    yield run_container
    _call(f"{_PREPARE[runtime]}{tool} delete --force {name} || true", bundle)
    assert not list(CGROUPS.glob(f"*/*{name}*"))
    assert os.stat(os.devnull).st_uid == owner


def _made(*arguments: str) -> bytes:
    made = run(*arguments)
    assert (made.code, made.err) == (0, "")
    return made.out


def _call(line: str, bundle: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": f"{bundle}/state"}
    command = [*_UNSHARE, line]
    # Not /dev/null: crun gives its standard input to the user of the container.
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=TIMEOUT, env=environment, input=""
    )


def _applet(words: str) -> str:
    """Every word of a script that is a program of busybox, called through it."""
    return words.replace("$B ", "/bin/busybox ")


def _lacking() -> list[str]:
    """What this host cannot give: the capabilities that its bounding set lacks."""
    status = Path("/proc/self/status").read_text()
    bounding = next(line for line in status.splitlines() if line.startswith("CapBnd"))
    held = int(bounding.split()[1], 16)
    return [name for number, name in enumerate(CAPABILITY_NUMBERS) if not held >> number & 1]


def test_limits_are_what_the_control_groups_show(start: Start) -> None:
    if not (CGROUPS / "memory").is_dir():
        pytest.skip("the files of cgroup v1 are not here")
    files = "memory/memory.limit_in_bytes pids/pids.max cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us"
    script = f"$B hostname; cd /sys/fs/cgroup; $B cat {files}"
    limits = ["--cpus", "1.5", "--memory", "64m", "--pids-limit", "50", "--hostname", "box"]
    assert start(_applet(script), *limits).split() == ["box", "67108864", "50", "150000", "100000"]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_runs(profile: str, start: Start) -> None:
    lacking = ["--cap-drop", ",".join(_lacking())] if profile == "privileged" and _lacking() else []
    uid = "65534" if profile == "hardened" else "0"
    assert start(_applet("$B id -u"), "--profile", profile, *lacking) == uid


def test_hardened_can_write_nowhere_but_in_tmp(start: Start) -> None:
    script = (
        "$B touch /x 2>/dev/null || echo no; $B touch /tmp/x && echo yes; "
        "$B grep -E 'Cap(Eff|Bnd)|NoNewPrivs' /proc/self/status"
    )
    told = start(_applet(script), "--profile", "hardened").split()
    assert told == ["no", "yes", "CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1"]


@pytest.mark.parametrize("profile", ["default", "minimal", "hardened"])
def test_rootless_runs_for_a_user_without_privileges(profile: str, start: Start, bundle: Path) -> None:
    for path in (bundle, bundle / "rootfs", *bundle.rglob("*")):
        os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False)
    options = ["--rootless", "--profile", profile, "--uidmap", f"0:{SOMEBODY}:1"]
    told = start(_applet("$B id -u; $B cat /proc/self/uid_map"), *options, become=_BECOME)
    assert told.split() == ["0", "0", str(SOMEBODY), "1"]


def test_mapped_users(start: Start) -> None:
    told = start(_applet("$B cat /proc/self/uid_map /proc/self/gid_map"), "--uidmap", "0:100000:65536")
    assert told.split() == ["0", "100000", "65536"] * 2


def test_the_process_is_as_it_was_asked_for(start: Start) -> None:
    script = (
        "$B id -u; $B id -g; $B id -G; $B pwd; echo $A; umask; ulimit -Sn; ulimit -Hn; $B cat /proc/self/oom_score_adj"
    )
    options = ["-u", "1000:100", "--group-add", "5", "-w", "/work", "-e", "A=b c", "--umask", "027"]
    told = start(_applet(script), *options, "--ulimit", "nofile=100:200", "--oom-score-adj", "500")
    assert told.splitlines() == ["1000", "100", "100 5", "/work", "b c", "0027", "100", "200", "500"]


def test_an_added_capability_is_there_for_another_user_than_root(start: Start) -> None:
    options = ["-u", "1000", "--cap-drop", "all", "--cap-add", "NET_BIND_SERVICE"]
    told = start(_applet("$B grep -E 'Cap(Eff|Amb|Bnd)' /proc/self/status"), *options).split()
    assert told[1::2] == [f"{1 << 10:016x}"] * 3


def test_volumes_mounts_and_devices(start: Start) -> None:
    script = (
        "$B cat /data/note; echo; $B touch /data/x 2>/dev/null || echo no; $B stat -c %t:%T /dev/f; "
        "$B df -k /scratch | $B tail -1"
    )
    mounts = ["-v", "./data:/data:ro", "--tmpfs", "/scratch:size=1m", "--device", "/dev/null:/dev/f:rw"]
    told = start(_applet(script), *mounts).split()
    assert told[:5] == ["from", "the", "bundle", "no", "1:3"]
    assert told[6] == "1024"


def test_hooks_sysctl_and_masks(start: Start, bundle: Path) -> None:
    script = "$B cat /proc/sys/net/ipv4/ip_forward; $B wc -c </etc/hidden"
    (bundle / "rootfs" / "etc" / "hidden").write_text("secret")
    options = ["--sysctl", "net.ipv4.ip_forward=1", "--security-opt", "mask=/etc/hidden"]
    hooks = [
        "--hook",
        f"createRuntime=/bin/busybox,touch,{bundle}/data/made",
        "--hook",
        f"poststop=/bin/busybox,touch,{bundle}/data/gone",
    ]
    assert start(_applet(script), *options, *hooks).split() == ["1", "0"]
    assert (bundle / "data" / "made").exists()
    assert (bundle / "data" / "gone").exists()


def test_namespaces_of_the_host(start: Start) -> None:
    kinds = ("net", "ipc", "uts", "pid")
    script = "; ".join(f"$B readlink /proc/self/ns/{kind}" for kind in kinds)
    own = [os.readlink(f"/proc/self/ns/{kind}") for kind in kinds]
    shared = start(_applet(script), "--net", "host", "--ipc", "host", "--uts", "host").splitlines()
    assert shared[:3] == own[:3]
    assert shared[3] != own[3]


def test_every_release_runs_that_the_runtime_takes(start: Start, runtime: str) -> None:
    for release in ("1.0.0", "1.0.1", "1.0.2", *(("1.1.0", "1.3.0") if runtime == "runc" else ())):
        assert start("echo here", "--spec-version", release) == "here"


def test_words_of_docker_and_podman(start: Start, bundle: Path) -> None:
    (bundle / "profile.json").write_text(
        json.dumps(
            {
                "defaultAction": "SCMP_ACT_ALLOW",
                "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
                "syscalls": [
                    {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "excludes": {"caps": ["CAP_SYS_TIME"]}},
                    {
                        "names": ["chmod", "fchmodat"],
                        "action": "SCMP_ACT_ERRNO",
                        "includes": {"caps": ["CAP_SYS_TIME"]},
                    },
                ],
            }
        )
    )
    options = [
        *("--ipc", "host", "--device", "/dev/zero:/dev/z:r:mode=0640:gid=5", "--cap-drop", "CHOWN"),
        *("--mount", "type=tmpfs,dst=/scratch,tmpfs-mode=1770", "-v", "./data:/data:ro,noexec"),
        *("--security-opt", f"seccomp={bundle}/profile.json", "--security-opt", "proc-opts=hidepid=2"),
    ]
    script = (
        "$B mkdir /scratch/new 2>/dev/null || echo refused; $B chmod 700 /scratch && echo done; "
        "$B stat -c %a:%g /dev/z; $B grep -E ' (/dev/shm|/scratch|/data|/proc) ' /proc/self/mounts"
    )
    told = start(_applet(script), *options).splitlines()
    assert told[:3] == ["refused", "done", "640:5"]
    mounts = {line.split()[1]: set(line.split()[3].split(",")) for line in told[3:]}
    assert {"nosuid", "nodev", "noexec"} <= mounts["/scratch"]
    assert {"ro", "noexec"} <= mounts["/data"]
    assert mounts["/proc"] & {"hidepid=2", "hidepid=invisible"}
    assert {"nosuid", "nodev", "noexec"} <= mounts["/dev/shm"]  # noqa: S108  # a path in the container


def test_ids_that_are_mapped_beside_the_network_of_the_host(start: Start) -> None:
    told = start(
        _applet("$B id -u; $B readlink /proc/self/ns/net; $B ls /sys"), "--uidmap", "0:0:65536", "--network", "host"
    )
    assert told.splitlines()[:2] == ["0", os.readlink("/proc/self/ns/net")]
    assert "kernel" in told


def test_a_privileged_container_with_the_devices_of_this_host(start: Start) -> None:
    lacking = ["--cap-drop", ",".join(_lacking())] if _lacking() else []
    own = sorted(path.name for path in Path("/dev").iterdir() if path.is_char_device() or path.is_block_device())
    told = start(_applet("$B ls /dev"), "--privileged", "--device", "/dev", *lacking).split()
    assert set(own) - {"console"} <= set(told)
