"""What cases share in one run: facts of the host, the runtime, a folder, a root filesystem, and cleaning up.

The engine and the pytest plugin have one each.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ocivalidate.errors import CannotJudge, RuntimeFailed
from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.driving import subject
from ocivalidate.runtime.inside import probe, rootfs
from ocivalidate.runtime.kernel import cgroups, claims, host, inherited, interpreter, kin, nodes, syscalls
from ocivalidate.runtime.protocol import Header, Request, RuntimeFacts
from ocivalidate.runtime.run_context import RunContext
from ocivalidate.runtime.running import workspace
from ocivalidate.runtime.running.sweeping import Ground, Swept

_SMOKE_PATIENCE = 12.0  # seconds for the first container
_USUAL_SMOKE = 0.5  # seconds that the first container takes at most where nothing is slow
_USUAL_START = 0.2  # seconds that an interpreter takes at most there to start and end
_MOST_PACE = 60.0  # of a host
_MOST_OF_A_RUNTIME = 10.0  # times the pace of the host: a runtime that is slower gets no more time
_NEW = 0x6C020000  # new namespaces of all kinds that most containers have: mounts, UTS, IPC, PID, network
_LONGEST_CLAIM = 2000  # characters that are told of what a runtime says of itself
_LONGEST_KERNEL = 200  # characters that are told of a kernel
_ANOTHER_KERNEL = "the program of a container runs in no process that the runtime names, and finds itself on {!r}"


@dataclass(frozen=True, slots=True)
class Setup:
    """The request of a run, and the environment of the process.

    ``ground``: what was found before this process entered its own namespaces (default: it has none, and looks itself).
    ``jobs``: concurrent cases.
    """

    request: Request
    ground: Ground | None = None
    jobs: int = 1


class Session:
    """From :meth:`open` to :meth:`close`, cases can be tried on ``stage``."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self._ground = setup.ground
        # Nodes in the host's /dev that somebody changed during the run.
        self.put_back: list[str] = []
        self._workspace: workspace.Workspace | None = None
        self._groups = claims.NO_GROUP
        self._stage: RunContext | None = None
        self._devices = nodes.Devices()
        self.pace = 1.0
        """How much slower than usual this host is, whatever the runtime: 1 at least."""
        self.slow = ""
        self.own_kernel = ""
        # The umask of our caller.
        self.umask: int | None = None

    @property
    def stage(self) -> RunContext:
        """What all cases share."""
        if self._stage is None:
            raise RuntimeError("the session is not open")
        return self._stage

    def open(self) -> None:
        """Look at the host and the runtime, remove what an earlier run left, and prepare.

        Raises :class:`CannotJudge`.
        """
        few = inherited.too_few_files(self.setup.jobs) or _too_few_processes(self.setup.jobs)
        if few:
            raise CannotJudge(few)
        kin.gather()
        inherited.wait_for_children()
        self.umask = inherited.common_umask()
        try:
            asked = self.setup.request
            self.pace = host_pace()
            tested = subject.identify(asked.runtime, asked.arguments, asked.spec_version, self.pace)
            here = host.look()
            self._ground = ground = self._ground or Ground.prepare()
            if syscalls.have_own_mounts():
                _cover(tested, here)
                self._devices = nodes.cover()
            layout = cgroups.layout()
            self._workspace = workspace.make(ground.owner)
            self._stage = self._make_stage(tested, here, layout, self._workspace)
        except CannotJudge as problem:
            gone = self.missing()
            if gone:
                raise CannotJudge(gone) from problem
            raise
        except OSError as problem:
            raise CannotJudge(self.missing() or f"cannot prepare the run: {problem}") from problem

    def missing(self) -> str:
        """What somebody else has removed of the folder and the group of this run; ``""`` if nothing."""
        if self._workspace is None:
            return ""
        gone = self._workspace.missing()
        if not gone and self._stage is not None and not (self._stage.rootfs / rootfs.PROBE.lstrip("/")).is_file():
            gone = f"somebody else removed the content of the folder of this run: {self._workspace.folder}"
        group = "" if gone else self._groups.missing()
        return f"somebody else removed a control group of this run: {group}" if group else gone

    def _make_stage(
        self, tested: subject.RuntimeUnderTest, here: host.Host, layout: cgroups.Layout, space: workspace.Workspace
    ) -> RunContext:
        group = f"/{cgroups.PREFIX}{space.token}" if here.root and layout.hierarchies else ""
        if group:
            self._groups = claims.make_group(layout, group)
        image = space.folder / "rootfs"
        if self.setup.request.rootfs:
            rootfs.adopt(Path(self.setup.request.rootfs), image)
        else:
            rootfs.build(image)
        cases = space.folder / "cases"
        cases.mkdir(mode=0o711)
        cases.chmod(0o711)
        return RunContext(
            tested,
            here,
            layout,
            space.prefix,
            group,
            image,
            cases,
            keeps=bool(self.setup.request.dump_dir),
            given_rootfs=os.path.abspath(self.setup.request.rootfs or "") if self.setup.request.rootfs else "",
            strict=self.setup.request.strict,
            pace=self.pace,
            devices=self._devices,
            missing=self.missing,
        )

    def header(self) -> Header:
        """Facts on the host and the runtime, for the report."""
        tested, swept = self.stage.subject, self._ground.swept if self._ground else Swept()
        return Header(
            runtime=RuntimeFacts(
                command=tested.command,
                name=tested.name[:_LONGEST_CLAIM],
                version=tested.version[:_LONGEST_CLAIM],
                claim=tested.claim[:_LONGEST_CLAIM],
                banner=tested.banner,
                features=tested.features is not None,
                digest=tested.digest,
            ),
            release=tested.release,
            prefix=self.stage.prefix,
            host=self.stage.host,
            name=self.stage.prefix.rstrip("-"),
            swept=swept.found,
            not_swept=swept.left,
        )

    def smoke(self) -> None:
        """Run one container, without which nothing can be judged. Raises :class:`CannotJudge`."""
        trial: CaseContext | None = None
        try:
            trial = CaseContext(self.stage, Case("smoke", lambda _trial: None, (), timeout=_SMOKE_PATIENCE))
            begun = time.monotonic()
            kernel = _smoke(trial)
            seconds = time.monotonic() - begun
            # Once more, as others may have come to work here meanwhile.
            self.pace = max(self.pace, host_pace())
            taken = seconds / _USUAL_SMOKE
            pace = max(self.pace, min(taken, self.pace * _MOST_OF_A_RUNTIME))
            self.slow = too_slow(seconds, pace) if taken > pace else ""
            other = bool(kernel) and kernel != probe.kernel()
            self.own_kernel = _ANOTHER_KERNEL.format(str(kernel)[:_LONGEST_KERNEL]) if other else ""
            self._stage = replace(self.stage, pace=pace, own_kernel=other)
        except (RuntimeFailed, CannotJudge, OSError) as problem:
            gone = self.missing()
            if gone:
                raise CannotJudge(gone) from problem
            raise CannotJudge(f"no container can be run: {problem}", _hint(str(problem), self.stage)) from problem
        finally:
            if trial is not None:
                trial.clean_up()

    def close(self) -> list[str]:
        """Remove everything that the run created, and return what is left."""
        left: list[str] = []
        if self._groups.group:
            left = [f"control group {path}" for path in cgroups.remove(self._groups.layout, self._groups.group)]
        self.put_back = self._devices.close()
        if self._workspace is not None:
            left += self._workspace.remove()
        self._groups.close()
        self._groups = claims.NO_GROUP
        self._workspace = self._stage = None
        if self.umask is not None:
            os.umask(self.umask)
            self.umask = None
        return left


def host_pace() -> float:
    """How much slower than usual a program starts here, in namespaces of its own where it may: 1 at least.

    The runtime has no part in it.
    """
    program = interpreter.bare("-c", f"import ctypes; ctypes.CDLL(None).unshare({_NEW:#x})")
    begun = time.monotonic()
    subprocess.run(program, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    return min(_MOST_PACE, max(1.0, (time.monotonic() - begun) / _USUAL_START))


def too_slow(seconds: float, pace: float) -> str:
    """What is told of a runtime that is slower than the pace that it gets."""
    return f"the first container took {seconds:.1f} s, and calls and waits get {pace:.1f} times the usual time, no more"


def _smoke(trial: CaseContext) -> Any:
    """Run every operation once, and return which kernel the container says it has; ``""`` if that is this one.

    Cases judge their effects; this only shows whether anything can be observed.
    """
    config = trial.config("ids", ",", "kernel", ",", "wait")
    container = trial.container(config).must_create()
    if not container.alive():
        raise RuntimeFailed(f"after create there is no process {container.pid or ''}".rstrip() + " of the container")
    # What it prints is for the cases: here it is enough that there is such a command.
    with contextlib.suppress(RuntimeFailed):
        container.state()
    container.must_start()
    facts = container.facts()
    facts.value("ids")
    here = runs_here(container.pid, container.bundle / "rootfs")
    # Whether it works is for the cases, too.
    container.kill()
    container.clean_up()
    return "" if here else facts.value("kernel")


def runs_here(pid: int, tree: Path) -> bool:
    """Whether this kernel runs the container's program in a process, whatever a container is made to say of its kernel.

    A sandbox runs a program of its own there.
    """
    try:
        running, ours = os.stat(f"/proc/{pid}/exe"), os.stat(tree / rootfs.PYTHON.lstrip("/"))
    except OSError:
        return False
    return (running.st_dev, running.st_ino) == (ours.st_dev, ours.st_ino)


# Words in error messages of runtimes → what may help.
_HINTS: tuple[tuple[Sequence[str], str], ...] = (
    (
        ("unknown version", "unsupported spec version", "incompatible version"),
        "use --spec-version to judge by an older release",
    ),
    (("cgroup",), "the runtime has trouble with the control groups of this host"),
    (("permission denied", "not permitted", "must be root"), "most runtimes need root: run as root"),
    (("without a report",), "the program in the container did not run: is the root filesystem right for this runtime?"),
)


def _hint(reason: str, stage: RunContext) -> str:
    lower = reason.lower()
    for words, hint in _HINTS:
        if any(word in lower for word in words):
            return hint
    return "" if stage.host.root else "most runtimes need root: run as root"


def _too_few_processes(jobs: int) -> str:
    try:
        return inherited.too_few_processes(jobs)
    except OSError as problem:
        return f"cannot look at this host: {problem}"


def _cover(tested: subject.RuntimeUnderTest, here: host.Host) -> None:
    """Cover the directories that this runtime must not see, in the mount namespace of this process."""
    for entry in tested.dialect.cover:
        if _applies(entry, here) and os.path.isdir(entry["path"]):
            with contextlib.suppress(OSError):
                syscalls.mount("none", entry["path"], "tmpfs")


def _applies(entry: Mapping[str, str], here: host.Host) -> bool:
    return entry.get("cgroup", here.cgroup_mode) == here.cgroup_mode
