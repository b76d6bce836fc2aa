"""Makers of the *accept corpus*: bundles written by real tools, in which a validator has nothing to report.

Every maker takes a fresh folder and returns the bundles that it made there, each as a name and the bundle's folder.
The ``config.json`` is byte for byte what the tool wrote. The folder that ``root.path`` names exists until the caller
removes the folder that it gave.

podman and buildah write a ``config.json`` only for the runtime that they call. So they are given one that saves the
document and refuses to start anything.
"""

from __future__ import annotations

import json
import shlex
import shutil
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.integration.enclosure import ToolFailed, run, run_enclosed, why_not_enclosed, why_not_root

DocumentType = tuple[str, Path]
Commands = Sequence[Sequence[str]]

_NOBODY = 65534

# The engines call `RUNTIME [FLAGS] create --bundle DIR --pid-file FILE ID` and, as that fails, `RUNTIME delete`.
_SAVING_RUNTIME = """\
#!/bin/sh
for word; do
    if [ "${before-}" = --bundle ]; then cp -- "$word/config.json" "${0%/*}/config.json"; fi
    before=$word
done
exit 1
"""

# Name of the variant: options of `podman run`. {host} is a folder of the host.
_PODMAN: Mapping[str, str] = {
    "plain": "",
    "volumes": "-v {host}:/data -v {host}:/ro:ro,z -v {host}:/slave:rslave,nodev,noexec -v {host}:/over:O",
    "mounts": "--mount type=bind,src={host},dst=/m,ro,bind-propagation=rshared --mount type=tmpfs,dst=/t,tmpfs-size=1m"
    " --mount type=devpts,dst=/p --mount type=volume,dst=/v",
    "tmpfs": "--tmpfs /scratch --tmpfs /cache:rw,size=64m,mode=1777,noexec --shm-size 32m",
    "environment": "-e A=b -e EMPTY= -e QUOTED='\"a b\"' -e LINES='a\nb' --workdir /work --hostname box.example.org",
    "capabilities": "--cap-add SYS_ADMIN --cap-add NET_RAW --cap-drop CHOWN",
    "capabilities-all": "--cap-add ALL --user 1000",
    "capabilities-none": "--cap-drop ALL",
    "privileged": "--privileged",
    "privileged-user": "--privileged --user 1000",
    "read-only": "--read-only --read-only-tmpfs=false",
    "read-only-tmpfs": "--read-only",
    "user": "--user 1000:1001 --group-add 5 --group-add 6 --umask 0077",
    "userns": "--uidmap 0:100000:65536 --gidmap 0:100000:65536",
    "userns-pieces": "--uidmap 0:1:1000 --uidmap 1000:0:1 --uidmap 1001:1001:64536 --gidmap 0:100000:65536",
    "limits": "--memory 64m --memory-swap 128m --memory-reservation 32m --cpus 1.5 --pids-limit 50",
    "limits-none": "--memory 64m --memory-swap -1 --pids-limit -1",
    "limits-cpu": "--cpu-shares 512 --cpuset-cpus 0 --cpuset-mems 0",
    "limits-block": "--blkio-weight 100 --device-read-bps /dev/null:1mb --device-write-iops /dev/null:100",
    "oom": "--oom-score-adj 500 --oom-kill-disable --memory 64m --memory-swappiness 10",
    "device": "--device /dev/null --device /dev/zero:/dev/nothing:r --device-cgroup-rule 'c 1:* rw'",
    "ulimits": "--ulimit nofile=100:200 --ulimit nproc=10 --ulimit core=-1",
    "sysctl": "--sysctl kernel.msgmax=65536 --sysctl net.core.somaxconn=512",
    "host-namespaces": "--pid host --ipc host --uts host --network host --cgroupns host --userns host",
    "joined-namespaces": "--pid ns:/proc/self/ns/pid --ipc ns:/proc/self/ns/ipc --network ns:/proc/self/ns/net",
    "security": "--security-opt no-new-privileges --security-opt seccomp=unconfined"
    " --security-opt mask=/proc/version --security-opt unmask=/proc/kcore",
    "unmasked": "--security-opt unmask=ALL",
    "systemd": "--systemd always --stop-signal SIGRTMIN+3",
    "terminal": "--tty --interactive",
    "annotations": "--annotation org.example.key=value --annotation org.example.empty= --label org.example.label=x",
    "cgroups-disabled": "--cgroups disabled",
    "cgroup-parent": "--cgroup-parent /parent/child",
    "personality": "--personality LINUX32",
}

# Name of the variant: options before the word `run`.
_PODMAN_GLOBAL: Mapping[str, str] = {
    "hooks": "--hooks-dir {host}",
    "systemd-cgroups": "--cgroup-manager systemd",
}

_HOOK = {
    "version": "1.0.0",
    "hook": {"path": "/bin/true", "args": ["true", "x"], "env": ["A=b"], "timeout": 3},
    "when": {"always": True},
    "stages": ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
}

_PODMAN_IMAGE = ("CMD /bin/sh", "VOLUME /srv", "ENV A=b", "USER 7:8", "STOPSIGNAL SIGINT", "LABEL org.example.a=b")

# Name of the variant: options of `buildah from`, options of `buildah run`.
_BUILDAH: Mapping[str, tuple[str, str]] = {
    "plain": ("", ""),
    "volumes": ("", "-v {host}:/data -v {host}:/ro:ro,z -v {host}:/slave:rslave"),
    "mounts": ("", "--mount type=bind,src={host},dst=/m,ro --mount type=tmpfs,dst=/t,tmpfs-size=1048576"),
    "environment": ("", "-e A=b -e EMPTY= --hostname box.example.org --workingdir /work"),
    "capabilities": ("", "--cap-add CAP_SYS_ADMIN --cap-drop CAP_CHOWN"),
    "capabilities-all": ("", "--cap-add ALL"),
    "user": ("", "--user 1000:1001"),
    "userns": ("--userns-uid-map 0:100000:65536 --userns-gid-map 0:100000:65536", ""),
    "limits": ("--memory 64m --memory-swap 128m --cpu-shares 512 --cpu-quota 50000 --cpu-period 100000", ""),
    "ulimits": ("--ulimit nofile=100:200 --ulimit nproc=10 --shm-size 1m", ""),
    "device": ("--device /dev/null --device /dev/zero:/dev/nothing:r", ""),
    "security": ("--security-opt seccomp=unconfined --cgroup-parent /parent", ""),
    "host-namespaces": ("", "--pid host --ipc host --uts host --network host --cgroupns host"),
    "terminal": ("", "--terminal"),
    "rootless": ("", "--isolation rootless"),
}

_UMOCI_IMAGE = (
    "--config.user=1000:1001 --config.exposedports=8080/tcp --config.exposedports=53/udp --config.env=A=b"
    " --config.env=PATH=/bin --config.entrypoint=/bin/sh --config.cmd=-c --config.cmd='echo x' --config.volume=/data"
    " --config.label=org.example.a=b --config.label=org.example.empty= --config.workingdir=/app"
    " --config.stopsignal=SIGTERM --author='A. U. Thor <a@example.org>' --manifest.annotation=org.example.m=x"
)

# Name of the variant: the image's tag, options of `umoci unpack`.
_UMOCI: Mapping[str, tuple[str, str]] = {
    "empty": ("empty", ""),
    "config": ("config", ""),
    "rootless": ("config", "--rootless"),
    "mapped": ("config", "--uid-map=0:100000:65536 --gid-map=0:100000:65536"),
}


@dataclass(frozen=True, slots=True)
class Maker:
    """A tool that writes bundles: what it needs, and the function that has it write them into a folder.

    ``hindrance``: says what else stands in the way on this machine, or nothing.
    """

    name: str
    programs: tuple[str, ...]
    make: Callable[[Path], list[DocumentType]]
    hindrance: Callable[[], str | None] = lambda: None

    def missing(self) -> str | None:
        """Say what this machine lacks for this maker, or nothing if it can be used."""
        absent = [program for program in self.programs if shutil.which(program) is None]
        return f"not installed: {', '.join(absent)}" if absent else self.hindrance()


def make_spec(tool: str, work: Path) -> list[DocumentType]:
    """Have runc or crun write its default documents; they make no root filesystem, so we do."""
    variants = {f"{tool}-spec": [], f"{tool}-spec-rootless": ["--rootless"]}
    for name, options in variants.items():
        (work / name / "rootfs").mkdir(parents=True)
        run([tool, "spec", "--bundle", str(work / name), *options], work)
    return [(name, work / name) for name in variants]


def make_ctr(work: Path) -> list[DocumentType]:
    """Have containerd's client print its default document; this needs no daemon."""
    bundle = work / "ctr-oci-spec"
    (bundle / "rootfs").mkdir(parents=True)
    (bundle / "config.json").write_text(run(["ctr", "oci", "spec"], work))
    return [(bundle.name, bundle)]


def make_umoci(names: Sequence[str], work: Path) -> list[DocumentType]:
    """Have umoci make an image, configure it, and unpack it in these ways."""
    run(["umoci", "init", "--layout", "image"], work)
    for tag in ("empty", "config"):
        run(["umoci", "new", "--image", f"image:{tag}"], work)
    run(["umoci", "config", "--image", "image:config", *shlex.split(_UMOCI_IMAGE)], work)
    for name in names:
        tag, options = _UMOCI[name]
        run(["umoci", "unpack", "--image", f"image:{tag}", *shlex.split(options), f"umoci-{name}"], work)
    return [(f"umoci-{name}", work / f"umoci-{name}") for name in names]


def make_podman(work: Path) -> list[DocumentType]:
    """Have podman call the saving runtime for folders of the host and for an image, as root and as another user."""
    host = work / "host"
    host.mkdir()
    (host / "hook.json").write_text(json.dumps(_HOOK))
    made = [_podman(work, name, _split(options, host)) for name, options in _PODMAN.items()]
    made += [_podman(work, name, before=_split(options, host)) for name, options in _PODMAN_GLOBAL.items()]
    return [*made, _podman_image(work), _podman_rootless(work), *_podman_unified(work)]


def _podman(
    work: Path, name: str, options: Sequence[str] = (), before: Sequence[str] = (), prepare: Commands = ()
) -> DocumentType:
    """Have podman run one container with these options, the second sort before the word ``run``."""
    bundle = _prepared(work, f"podman-{name}")
    network = [] if "--network" in options else ["--network", "none"]
    words = [*_podman_words(bundle), *before, "run", "--detach", *network, *options, "--rootfs", str(bundle / "rootfs")]
    return _saved(bundle, run_enclosed([*prepare, [*words, "/bin/true"]], work))


def save_podman_configs(work: Path, variants: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Have podman call the saving runtime once with each of these options; return what it wrote, by their names.

    One storage serves them all. Raises ToolFailed with what podman said if one is refused.
    """
    bundle = _prepared(work, f"podman-{next(iter(variants))}")
    commands: list[list[str]] = []
    for name, options in variants.items():
        network = [] if "--network" in options else ["--network", "none"]
        words = [*_podman_words(bundle), "run", "--detach", *network, *options, "--rootfs", str(bundle / "rootfs")]
        commands += [["echo", f"{name}:"], [*words, "/bin/true"]]
        commands += [["mv", str(bundle / "config.json"), str(work / f"{name}.json")]]
    said = run_enclosed(commands, work)
    missing = [name for name in variants if not (work / f"{name}.json").is_file()]
    if missing:
        errors = [line for line in said.splitlines() if line.startswith("Error: ") and "conmon bytes" not in line]
        raise ToolFailed(f"podman wrote nothing for {', '.join(missing)}: {errors}")
    return {name: (work / f"{name}.json").read_text() for name in variants}


def podman_help(work: Path, command: str) -> str:
    """What podman says of the options of a command."""
    return run(["podman", command, "--help"], work)


def _podman_words(bundle: Path) -> list[str]:
    return [
        "podman",
        *_storage(bundle),
        *("--tmpdir", "/run/podman"),
        *("--cgroup-manager", "cgroupfs"),
        *("--events-backend", "none"),
        *("--runtime", str(bundle / "saving-runtime")),
    ]


def _podman_image(work: Path) -> DocumentType:
    """Have podman run a container of an image with a configuration; its root filesystem is in podman's storage."""
    bundle = _prepared(work, "podman-image")
    with tarfile.open(bundle / "image.tar", "w") as archive:
        archive.add(bundle / "rootfs", arcname=".")
    changes = [word for change in _PODMAN_IMAGE for word in ("--change", change)]
    words = _podman_words(bundle)
    load = [*words, "import", *changes, str(bundle / "image.tar"), "localhost/image"]
    start = [*words, "run", "--detach", "--network", "none", "localhost/image"]
    return _saved(bundle, run_enclosed([load, start], work))


def _podman_rootless(work: Path) -> DocumentType:
    """Have podman run a container as another user than root: it makes a user namespace with one id in it."""
    bundle = _prepared(work, "podman-rootless")
    for path in (bundle, *bundle.rglob("*")):
        shutil.chown(path, _NOBODY, _NOBODY)
    become = ["setpriv", "--reuid", f"{_NOBODY}", "--regid", f"{_NOBODY}", "--clear-groups"]
    home = ["env", f"HOME={bundle}", f"TMPDIR={bundle}", f"XDG_RUNTIME_DIR={bundle}"]
    start = ["run", "--detach", "--network", "none", "--rootfs", str(bundle / "rootfs"), "/bin/true"]
    return _saved(bundle, run_enclosed([[*become, *home, *_podman_words(bundle), *start]], bundle))


def _podman_unified(work: Path) -> list[DocumentType]:
    """Have podman see version 2 of control groups alone, where this host has both; nothing where it has one."""
    unified = Path("/sys/fs/cgroup/unified")
    if not unified.is_mount():
        return []
    cover = ["mount", "-n", "--bind", str(unified), "/sys/fs/cgroup"]
    protect = ["mount", "-n", "-o", "remount,bind,ro", "/sys/fs/cgroup"]
    options = ["--memory", "64m", "--cgroup-conf", "memory.high=33554432"]
    return [_podman(work, "unified-cgroups", options, prepare=[cover, protect])]


def make_buildah(work: Path) -> list[DocumentType]:
    """Have buildah call the saving runtime for a container made from nothing, and keep what its own runtime is told."""
    host = work / "host"
    host.mkdir()
    made = [
        _buildah(work, name, _split(options, host), _split(run_options, host))
        for name, (options, run_options) in _BUILDAH.items()
    ]
    return [*made, _buildah_chroot(work)]


def _buildah(work: Path, name: str, options: Sequence[str], run_options: Sequence[str]) -> DocumentType:
    """Have buildah run a command in a new container with these options of ``from`` and of ``run``."""
    bundle = _prepared(work, f"buildah-{name}")
    words = ["buildah", *_storage(bundle)]
    network = [] if "--network" in run_options else ["--network", "none"]
    runtime = ["--isolation", "oci", "--runtime", str(bundle / "saving-runtime")]
    make = [*words, "from", "--name", "container", *options, "scratch"]
    start = [*words, "run", *runtime, *network, *run_options, "container", "--", "/bin/true"]
    return _saved(bundle, run_enclosed([make, start], work))


def _buildah_chroot(work: Path) -> DocumentType:
    """Have buildah run the copying of the document itself: without a runtime, it lies there only for so long."""
    bundle = _prepared(work, "buildah-chroot")
    words = ["buildah", *_storage(bundle)]
    programs = [path for path in ("/bin", "/lib", "/lib64", "/usr") if Path(path).exists()]
    volumes = [word for path in programs for word in ("--volume", f"{path}:{path}:ro")]
    volumes += ["--volume", f"{work / 'tmp'}:/from:ro", "--volume", f"{bundle}:/to"]
    make = [*words, "from", "--name", "container", "scratch"]
    start = [*words, "run", "--isolation", "chroot", *volumes, "container", "--", "/bin/sh", "-c"]
    return _saved(bundle, run_enclosed([make, [*start, "cp /from/buildah*/config.json /to/config.json"]], work))


def _split(options: str, host: Path) -> list[str]:
    return shlex.split(options.format(host=host))


def _storage(bundle: Path) -> list[str]:
    """Options of podman and buildah that keep their storage in the bundle's folder, as plain folders.

    Only what is gone after a restart anyway goes to /run, which ends with the enclosure: podman wants it short.
    """
    return ["--root", str(bundle / "storage"), "--runroot", "/run/storage", "--storage-driver", "vfs"]


def _prepared(work: Path, name: str) -> Path:
    """Make a bundle's folder with a root filesystem and the saving runtime, and no config.json yet."""
    bundle = work / name
    for folder in ("work", "bin"):
        (bundle / "rootfs" / folder).mkdir(parents=True)
    (bundle / "rootfs" / "bin" / "true").touch(0o755)
    runtime = bundle / "saving-runtime"
    runtime.write_text(_SAVING_RUNTIME)
    runtime.chmod(0o755)
    return bundle


def _saved(bundle: Path, said: str) -> DocumentType:
    """Name the bundle if its document was saved, and have its root filesystem exist.

    buildah mounts the root filesystem of a container at a temporary folder; an empty one takes its place.
    Raises ToolFailed with what the tool said if there is no document.
    """
    document = bundle / "config.json"
    if not document.is_file():
        raise ToolFailed(f"{bundle.name}: {said.strip()}")
    Path(json.loads(document.read_bytes())["root"]["path"]).mkdir(parents=True, exist_ok=True)
    return bundle.name, bundle


MAKERS = (
    Maker("runc", ("runc",), partial(make_spec, "runc")),
    Maker("crun", ("crun",), partial(make_spec, "crun")),
    Maker("ctr", ("ctr",), make_ctr),
    Maker("umoci", ("umoci",), partial(make_umoci, ("empty", "config", "mapped")), why_not_root),
    Maker("umoci-rootless", ("umoci",), partial(make_umoci, ("rootless",))),
    Maker("podman", ("podman", "conmon", "unshare", "setpriv"), make_podman, why_not_enclosed),
    Maker("buildah", ("buildah", "unshare"), make_buildah, why_not_enclosed),
)
"""Every maker of the accept corpus."""
