"""Our config beside podman's for every flag that both have: which members a flag bears on, and where they differ.

A difference that is listed has to be there, and one that is not listed must not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Row(NamedTuple):
    """Options that both get, and the members that are compared.

    ``differs``: members that are not the same, each with the reason. ``{host}`` is a folder of the host, ``{files}``
    one with files to read. Of a member with ``~`` only what is there besides the defaults is compared.
    """

    options: str
    members: str
    differs: Mapping[str, str] = {}


CAPABILITIES = "process.capabilities.bounding process.capabilities.effective process.capabilities.permitted"
_OWN_SETS = {
    f"process.capabilities.{kind}": "execve(2) takes from another user than root what is not ambient, whatever is here"
    for kind in ("effective", "permitted")
}
_GROUPS = {"process.user.additionalGids": "podman repeats the group of the process among the additional ones"}
_TMPFS = "noexec, as docker has it; podman also copies up what the image has there, and says rprivate, which it is"
_SAID = "podman says rprivate, which every filesystem of its own is; exec is said here"
_MAPPED_DEVICES = {"linux.resources.devices": "podman writes no rules for devices in a user namespace"}

ROWS = (
    # Capabilities
    Row("--cap-add all --cap-drop MKNOD", CAPABILITIES),
    Row("--cap-drop CAP_MKNOD --cap-add ALL", CAPABILITIES),
    Row("--cap-drop all --cap-add mknod", CAPABILITIES),
    Row("--cap-drop all", CAPABILITIES),
    Row("--cap-add net_admin,sys_time --cap-drop chown", "process.capabilities.bounding~"),
    Row(
        "--cap-add net_admin --user 1000",
        f"process.capabilities.ambient process.capabilities.inheritable {' '.join(_OWN_SETS)}",
        _OWN_SETS,
    ),
    Row(
        "--privileged",
        f"{CAPABILITIES} linux.maskedPaths linux.readonlyPaths linux.resources.devices linux.seccomp mounts[/sys] "
        "mounts[/sys/fs/cgroup] linux.devices",
        {"linux.devices": "podman makes the devices of this host; --device /dev does here"},
    ),
    Row(
        "--privileged --cap-drop mknod",
        CAPABILITIES,
        dict.fromkeys(CAPABILITIES.split(), "engines pass over what is dropped from a privileged container"),
    ),
    # Namespaces
    *(Row(f"--{flag} host", f"namespaces[{flag}]") for flag in ("pid", "network", "uts", "ipc")),
    *(Row(f"--{flag} private", f"namespaces[{flag}]") for flag in ("pid", "uts", "ipc")),
    *(Row(f"--{flag} ns:/proc/1/ns/{flag}", f"namespaces[{flag}]") for flag in ("pid", "uts", "ipc")),
    Row("--network ns:/proc/1/ns/net", "namespaces[network]"),
    Row("--network none", "namespaces[network]"),
    Row("--cgroupns host", "namespaces[cgroup]"),
    Row("--cgroupns private", "namespaces[cgroup]"),
    Row("--cgroupns ns:/proc/1/ns/cgroup", "namespaces[cgroup]"),
    Row("--userns host", "namespaces[user]"),
    Row(
        "--userns ns:/proc/1/ns/user",
        "namespaces[user] linux.uidMappings",
        {"linux.uidMappings": "a namespace that exists has its mappings; runtimes refuse others"},
    ),
    Row("--ipc host", "mounts[/dev/shm]"),
    Row("--ipc none", "namespaces[ipc] mounts[/dev/shm]"),
    Row("--ipc shareable", "namespaces[ipc]"),
    Row("--ipc host -v {host}:/dev/shm", "mounts[/dev/shm]"),
    Row(
        "--uidmap 0:1000:5",
        "namespaces[user] linux.uidMappings linux.gidMappings mounts[/dev/pts] linux.resources.devices",
        _MAPPED_DEVICES,
    ),
    Row("--uidmap 0:100000:65536 --gidmap 0:200000:65536", "linux.uidMappings linux.gidMappings mounts[/dev/pts]"),
    Row("--uidmap 0:100000:65536 --network host", "mounts[/sys] mounts[/sys/fs/cgroup]"),
    Row("--hostname box", "hostname"),
    Row("-h box", "hostname"),
    # Mounts
    *(
        Row(f"-v {{host}}:/data{options}", "mounts[/data] linux.rootfsPropagation")
        for options in (
            *("", ":ro", ":rw", ":bind", ":rbind", ":nosuid,nodev,noexec", ":suid,dev,exec", ":cached", ":idmap"),
            *(f":{r}{mode}" for mode in ("private", "shared", "slave", "unbindable") for r in ("", "r")),
            ":ro,noexec,rslave",
        )
    ),
    Row(
        "--volume {host}:/data:nocopy",
        "mounts[/data]",
        {"mounts[/data]": "podman hands nocopy on to the runtime, which knows no such option"},
    ),
    *(
        Row(f"--mount type=bind,src={{host}},dst=/d{options}", "mounts[/d] linux.rootfsPropagation")
        for options in (
            *("", ",ro", ",readonly=true", ",ro=false", ",rw=false", ",bind-nonrecursive", ",bind-nonrecursive=true"),
            *(",bind-propagation=rshared", ",bind-propagation=slave,ro", ",nosuid,nodev,noexec", ",rprivate", ",idmap"),
            ",consistency=cached",
        )
    ),
    Row("--mount 'type=bind,\"source={host}\",target=/d'", "mounts[/d]"),
    Row(
        "--mount type=bind,src={host},dst=/d,bind-nonrecursive=false",
        "mounts[/d]",
        {"mounts[/d]": "podman takes every value for true"},
    ),
    *(
        Row(f"--mount type=tmpfs,dst=/t{options}", "mounts[/t]", {"mounts[/t]": _TMPFS})
        for options in ("", ",tmpfs-mode=1770", ",tmpfs-size=50%", ",ro")
    ),
    Row("--mount type=devpts,dst=/p,uid=5,mode=0620", "mounts[/p]"),
    Row("--tmpfs /t", "mounts[/t]", {"mounts[/t]": _TMPFS}),
    Row("--tmpfs /t:size=64m,mode=755", "mounts[/t]", {"mounts[/t]": _TMPFS}),
    Row("--read-only --read-only-tmpfs=false", "root.readonly mounts[/tmp]"),
    Row("--read-only --read-only-tmpfs", "root.readonly mounts[/tmp]", {"mounts[/tmp]": _SAID}),
    Row(
        "--shm-size 1m",
        "mounts[/dev/shm]",
        {"mounts[/dev/shm]": "podman mounts it itself, and shows it to the container"},
    ),
    # Devices
    Row("--device /dev/ptmx:/dev/x", "linux.devices linux.resources.devices"),
    Row("--device /dev/ptmx:/dev/x:r", "linux.devices linux.resources.devices"),
    Row("--device /dev/zero", "linux.devices linux.resources.devices"),
    Row("--device /dev/zero:/dev/x:rw", "linux.devices linux.resources.devices"),
    *(
        Row(f"--device-cgroup-rule '{rule}'", "linux.resources.devices")
        for rule in ("c 1:* rwm", "a *:* rwm", "b 7:1 r")
    ),
    *(
        Row(f"--device-{flag} /dev/loop0:5", "linux.resources.blockIO")
        for flag in ("read-bps", "write-bps", "read-iops", "write-iops")
    ),
    # Resources
    Row("--cpus 1.5", "linux.resources.cpu"),
    Row("--cpu-period 50000 --cpu-quota 20000", "linux.resources.cpu"),
    Row("--cpu-shares 512", "linux.resources.cpu"),
    Row("-c 512", "linux.resources.cpu"),
    Row("--cpuset-cpus 0 --cpuset-mems 0", "linux.resources.cpu"),
    Row("--cpu-rt-runtime 950000 --cpu-rt-period 1000000", "linux.resources.cpu"),
    Row("--memory 0 --cpus 0 --cpu-shares 0", "linux.resources.memory linux.resources.cpu"),
    Row(
        "--memory 64m",
        "linux.resources.memory",
        {"linux.resources.memory": "engines limit swap to as much again where the host can; a config is for any host"},
    ),
    Row("-m 64m --memory-swap 128m --memory-reservation 32m", "linux.resources.memory"),
    Row(
        "--memory 64m --memory-swap -1",
        "linux.resources.memory",
        {"linux.resources.memory": "podman leaves an unlimited swap out"},
    ),
    Row("--memory-swappiness 10", "linux.resources.memory"),
    Row("--memory-swappiness -1", "linux.resources.memory"),
    Row("--oom-kill-disable", "linux.resources.memory"),
    Row("--pids-limit 50", "linux.resources.pids"),
    Row(
        "--pids-limit -1",
        "linux.resources.pids",
        {"linux.resources.pids": "podman writes 0, which is unlimited to it; -1 is to the specification"},
    ),
    # The process
    Row("--tty --interactive", "process.terminal"),
    Row("-it", "process.terminal"),
    Row("--tty=false", "process.terminal"),
    Row("-w /work", "process.cwd"),
    Row("--workdir /work", "process.cwd"),
    Row("--umask 077", "process.user.umask"),
    Row("-u 1000:1001 --group-add 5", "process.user.uid process.user.gid process.user.additionalGids", _GROUPS),
    Row("--user 2000:", "process.user.uid process.user.gid"),
    Row("--user :5", "process.user.uid process.user.gid"),
    Row("--group-add keep-groups", "annotations[run.oci.keep_original_groups]"),
    Row("--entrypoint /bin/true", "process.args"),
    Row('--entrypoint \'["/bin/true","a b"]\'', "process.args"),
    Row("-e A=b --env C= -e NOT_HERE", "process.env~"),
    Row("--env-file {files}/env", "process.env~"),
    Row("--env-host", "process.env[CONTAINERS_CONF]"),
    Row("--unsetenv PATH", "process.env[PATH]"),
    Row("--unsetenv-all -e A=b", "process.env[PATH] process.env[A]"),
    Row("--ulimit nofile=100:200", "process.rlimits[RLIMIT_NOFILE]"),
    Row("--ulimit core=-1 --ulimit rtprio=5", "process.rlimits[RLIMIT_CORE] process.rlimits[RLIMIT_RTPRIO]"),
    Row("--ulimit host", "process.rlimits[RLIMIT_NOFILE]"),
    Row("--oom-score-adj 500", "process.oomScoreAdj"),
    Row("--personality LINUX32", "linux.personality"),
    Row(
        "--stop-signal SIGUSR1",
        "annotations[org.opencontainers.image.stopSignal]",
        {"annotations[org.opencontainers.image.stopSignal]": "podman writes the number, where the image has a name"},
    ),
    Row("--annotation a.b=c", "annotations[a.b]"),
    *(
        Row(
            options,
            "annotations[a.b]",
            {"annotations[a.b]": "labels are for engines, which keep them; here they are annotations"},
        )
        for options in ("--label a.b=c", "-l a.b=c", "--label-file {files}/labels")
    ),
    # Security
    Row("--sysctl net.ipv4.ip_forward=1", "linux.sysctl[net.ipv4.ip_forward]"),
    Row("--security-opt no-new-privileges", "process.noNewPrivileges"),
    Row("--security-opt no-new-privileges:true", "process.noNewPrivileges"),
    Row("--security-opt seccomp=unconfined", "linux.seccomp"),
    Row("--security-opt seccomp={files}/profile.json --cap-add SYS_ADMIN --cap-drop MKNOD", "linux.seccomp"),
    Row("--security-opt mask=/a:/b", "linux.maskedPaths~"),
    Row("--security-opt unmask=/proc/kcore", "linux.maskedPaths~"),
    Row("--security-opt unmask=ALL", "linux.maskedPaths linux.readonlyPaths"),
    Row("--security-opt systempaths=unconfined", "linux.maskedPaths linux.readonlyPaths"),
    Row("--security-opt unmask=/proc/*", "linux.readonlyPaths"),
    Row("--security-opt label=disable", "process.selinuxLabel linux.mountLabel"),
    Row("--security-opt apparmor=unconfined", "process.apparmorProfile"),
    Row(
        "--security-opt proc-opts=hidepid=2",
        "mounts[/proc]",
        {"mounts[/proc]": "podman takes nosuid, noexec and nodev away, which nobody asked for"},
    ),
)

NOT_COMPARED = {
    "--arch": "in podman it chooses an image",
    "--blkio-weight": "podman leaves it out where this kernel has no such scheduler",
    "--blkio-weight-device": "podman leaves it out where this kernel has no such scheduler",
    "--cgroup-conf": "podman refuses it on a host with cgroup v1",
    "--rootfs": "in podman it is a switch",
    "--os": "in podman it chooses an image",
    "--help": "it is for people",
    "--net": "podman hides it",
}
"""Flags that both have and that no row has, with the reason."""
