"""The flags of ``docker run`` and ``podman run`` that only an engine can act on, and what to do instead.

What a runtime needs is in ``config.json``, and the option table has the flags for that. These are about what an
engine does before, around and after it: images, names, networks, logs, restarts.
"""

from __future__ import annotations

from collections.abc import Iterable

_IMAGE = "images belong to an engine; ocivalidate unpack makes a bundle of a local one"
_PLATFORM = f"{_IMAGE} (--platform OS/ARCH)"
_PULL = "pulling belongs to an engine; skopeo copy docker://IMAGE oci:FOLDER fetches one for ocivalidate unpack"
_REMOVE = "removing is up to the caller of the runtime: RUNTIME delete ID, and rm -r BUNDLE"
_DETACH = "that is up to the runtime: RUNTIME create, then start, runs in the background"
_NAME = "a config has no name: RUNTIME create ID gives one"
_PORTS = "ports belong to an engine; --network ns:/run/netns/NAME joins an existing network, or use --network host"
_NETWORK = (
    "setting up a network belongs to an engine; ip netns add NAME makes one, and --network ns:/run/netns/NAME joins it"
)
_DNS = "name servers belong to an engine; -v ./resolv.conf:/etc/resolv.conf:ro mounts your own file"
_HOSTS = "the file belongs to an engine; -v ./hosts:/etc/hosts:ro mounts your own"
_USERS = "user entries belong to an engine; write them to etc/passwd and etc/group of the root filesystem"
_LOG = "logs belong to an engine; a runtime passes on its own standard output and error"
_HEALTH = "health checks belong to an engine; RUNTIME exec ID CMD runs one"
_RESTART = "restarting belongs to an engine, or to a supervisor such as systemd"
_POD = "pods belong to an engine; --network, --ipc and --uts ns:PATH join the namespaces of a process"
_CHILD_FILE = "that belongs to an engine; RUNTIME create --pid-file FILE writes the process id"
_SUBIDS = "an engine looks them up in /etc/subuid and /etc/subgid; --uidmap and --gidmap set them"
_SIGNALS = "that is up to the caller of the runtime: RUNTIME kill ID SIGNAL"
_INIT = "the program belongs to an engine; --entrypoint runs an init from the root filesystem"
_WINDOWS_IO = "write --set windows.resources.storage"
_VOLUMES = "volumes belong to an engine; -v ./data:/data mounts a folder of the host"
_SYSTEMD = (
    "setting up for systemd belongs to an engine; --tmpfs /run --tmpfs /tmp -e container=oci --stop-signal RTMIN+3"
)
_LATER = "that belongs to an engine; a config holds for one run"

ENGINE_FLAGS = {
    "--add-host": _HOSTS,
    "-a": "attaching is up to the caller of the runtime, which passes on its own standard input and output",
    "--attach": "attaching is up to the caller of the runtime, which passes on its own standard input and output",
    "--authfile": _PULL,
    "--cert-dir": _PULL,
    "--cgroup-parent": "a config names the group itself: --cgroup-path PARENT/NAME",
    "--cgroups": "a config has --cgroup-path, or --unset linux.resources and no limits at all",
    "--chrootdirs": "files that an engine writes go there as well; -v mounts them where they are wanted",
    "--cidfile": "a config has no id: the caller of RUNTIME create ID chooses it",
    "--conmon-pidfile": _CHILD_FILE,
    "--cpu-count": "write --cpus, or --set windows.resources.cpu.count=N",
    "--cpu-percent": "write --set windows.resources.cpu.maximum=N, in hundredths of a percent",
    "--creds": _PULL,
    "--decryption-key": _PULL,
    "-d": _DETACH,
    "--detach": _DETACH,
    "--detach-keys": _DETACH,
    "--disable-content-trust": _PULL,
    "--dns": _DNS,
    "--dns-opt": _DNS,
    "--dns-option": _DNS,
    "--dns-search": _DNS,
    "--env-merge": "the variables of an image are not known here; write the whole value with --env",
    "--expose": _PORTS,
    "--gpus": "finding the files of a GPU is up to an engine or a hook; --device, -v and --hook createRuntime=PATH",
    "--group-entry": _USERS,
    "--health-cmd": _HEALTH,
    "--health-interval": _HEALTH,
    "--health-log-destination": _HEALTH,
    "--health-max-log-count": _HEALTH,
    "--health-max-log-size": _HEALTH,
    "--health-on-failure": _HEALTH,
    "--health-retries": _HEALTH,
    "--health-start-interval": _HEALTH,
    "--health-start-period": _HEALTH,
    "--health-startup-cmd": _HEALTH,
    "--health-startup-interval": _HEALTH,
    "--health-startup-retries": _HEALTH,
    "--health-startup-success": _HEALTH,
    "--health-startup-timeout": _HEALTH,
    "--health-timeout": _HEALTH,
    "--hosts-file": _HOSTS,
    "--hostuser": _USERS,
    "--http-proxy": "a config has only the variables it is given; -e '*_proxy', or by name: -e http_proxy",
    "--image-volume": _VOLUMES,
    "--init": _INIT,
    "--init-ctr": _POD,
    "--init-path": _INIT,
    "--io-maxbandwidth": f"{_WINDOWS_IO}.bps=N",
    "--io-maxiops": f"{_WINDOWS_IO}.iops=N",
    "--ip": _NETWORK,
    "--ip6": _NETWORK,
    "--kernel-memory": "kernels and runtimes have removed it; --set linux.resources.memory.kernel=SIZE writes it",
    "--link": _NETWORK,
    "--link-local-ip": _NETWORK,
    "--log-driver": _LOG,
    "--log-opt": _LOG,
    "--mac-address": _NETWORK,
    "--name": _NAME,
    "--net-alias": _NETWORK,
    "--network-alias": _NETWORK,
    "--no-healthcheck": _HEALTH,
    "--no-hostname": "a config writes no /etc/hostname; --hostname sets the name alone",
    "--no-hosts": "a config writes no /etc/hosts; there is nothing to leave out",
    "--passwd": _USERS,
    "--passwd-entry": _USERS,
    "--pidfile": _CHILD_FILE,
    "--platform": f"--os sets the platform of a config, --arch the architecture of seccomp profiles; {_IMAGE}",
    "--pod": _POD,
    "--pod-id-file": _POD,
    "--preserve-fd": "that is up to the runtime: RUNTIME run --preserve-fds N",
    "--preserve-fds": "that is up to the runtime: RUNTIME run --preserve-fds N",
    "-p": _PORTS,
    "--publish": _PORTS,
    "-P": _PORTS,
    "--publish-all": _PORTS,
    "--pull": _PULL,
    "-q": _PULL,
    "--quiet": _PULL,
    "--rdt-class": "write --set linux.intelRdt.closID=NAME",
    "--replace": _REMOVE,
    "--requires": _POD,
    "--restart": _RESTART,
    "--retry": _PULL,
    "--retry-delay": _PULL,
    "--rm": _REMOVE,
    "--rmi": _REMOVE,
    "--runtime": "a config is for every runtime: the caller chooses one",
    "--sdnotify": "write -e NOTIFY_SOCKET, and -v for the socket",
    "--seccomp-policy": "a config has the filter itself: --security-opt seccomp=FILE",
    "--secret": "secrets belong to an engine; -v ./secret:/run/secrets/NAME:ro mounts a file",
    "--shm-size-systemd": _SYSTEMD,
    "--sig-proxy": _SIGNALS,
    "--stop-timeout": _SIGNALS,
    "--storage-opt": "storage belongs to an engine; --rootfs names an existing folder",
    "--subgidname": _SUBIDS,
    "--subuidname": _SUBIDS,
    "--systemd": _SYSTEMD,
    "--timeout": f"{_SIGNALS}, after a time; --ulimit cpu=N limits its processor time",
    "--timezone": "-v /usr/share/zoneinfo/ZONE:/etc/localtime:ro, or -e TZ=ZONE",
    "--tls-verify": _PULL,
    "--tz": "-v /usr/share/zoneinfo/ZONE:/etc/localtime:ro, or -e TZ=ZONE",
    "--update": _LATER,
    "--use-api-socket": "the socket belongs to an engine; -v mounts it, with all that it allows",
    "--variant": _PLATFORM,
    "--volume-driver": _VOLUMES,
    "--volumes-from": _VOLUMES,
}
"""Each flag, and a line that says who does that and what to write instead."""


def refusal(flags: Iterable[str]) -> str:
    """One line about all flags of a command line that are for engines."""
    known = list(dict.fromkeys(flag.partition("=")[0] for flag in flags))
    return "; ".join(f"{flag}: {ENGINE_FLAGS[flag]}" for flag in known)
