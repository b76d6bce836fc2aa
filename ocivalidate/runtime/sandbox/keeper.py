"""The process between the command line and a guest: boots it, passes on what is said, and leaves nothing.

For the command line it is an engine: a request comes in, messages go out, the exit code is that of the engine in
the guest. Its child serves; it itself adopts what that leaves, ends it, and removes the folder of the sandbox.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import resource
import shutil
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ocivalidate.errors import CannotJudge, ProtocolError
from ocivalidate.runtime.kernel import inherited, interpreter, isolation, syscalls
from ocivalidate.runtime.kernel.owners import Owner
from ocivalidate.runtime.launching import engine_command
from ocivalidate.runtime.protocol import MOST_LINE, Bailout, Request, read_request, write
from ocivalidate.runtime.running import workspace
from ocivalidate.runtime.sandbox import disks, enclosing, guest, kvm, machines, showing
from ocivalidate.runtime.sandbox.booting import Boot, Init
from ocivalidate.runtime.sandbox.kernels import Kernel
from ocivalidate.runtime.sandbox.relaying import Guest, relay
from ocivalidate.runtime.sandbox.seeing import OWN, Need, Shown, User, shown
from ocivalidate.runtime.sandbox.wanted import Sandbox

_NOBODY = "nobody"


def command(sandbox: Sandbox, kernel: Kernel) -> tuple[str, ...]:
    """The command line of a keeper."""
    told = [asdict(sandbox), asdict(kernel)]
    return (*interpreter.ours("ocivalidate.runtime.sandbox.keeper"), json.dumps(told))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What guest is wanted. ``private``: this process has mounts of its own."""

    sandbox: Sandbox
    kernel: Kernel
    private: bool


@dataclass(frozen=True, slots=True)
class _Booted:
    """A guest, and as whom it is booted, if not as we are."""

    boot: Boot
    user: tuple[int, int] | None


def main() -> int:
    """Read the request, prepare, serve, clean up."""
    asked, found = json.loads(sys.argv[1])
    sandbox, kernel = Sandbox(**asked), Kernel(**found)
    inherited.forget_signals()
    os.umask(inherited.UMASK)
    return _told(lambda: _keep(sandbox, kernel))


def _told(work: Callable[[], int]) -> int:
    """The exit code of some work; what keeps it from being done is told."""
    try:
        return work()
    except (CannotJudge, ProtocolError, OSError) as problem:
        _say(Bailout(f"the sandbox cannot be started: {problem}"))
        return 2


def _keep(sandbox: Sandbox, kernel: Kernel) -> int:
    line = _read_line()
    request = read_request(line)
    # Before there are mounts of our own: it is a folder that everybody here sees.
    made = workspace.make(Owner.this_process())
    private = _own_mounts()
    try:
        # The kernel of the guest, which may be another user's, looks into it.
        made.folder.chmod(0o755)
        booted = _prepare(made.folder, line, request, _Asked(sandbox, kernel, private))
        return isolation.run_kept(lambda: _told(lambda: _serve(booted)))
    finally:
        if private:
            showing.take_back(str(made.folder))
        made.remove()


def _own_mounts() -> bool:
    """Whether this process has mounts of its own from now on: root mostly can."""
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):
            isolation.private_mounts()
            return True
    return False


def _read_line() -> bytes:
    line = b""
    while not line.endswith(b"\n") and len(line) <= MOST_LINE and (more := os.read(0, 65536)):
        line += more
    return line


def _say(bailout: Bailout) -> None:
    line = write(bailout)
    with contextlib.suppress(OSError):
        while line:
            line = line[os.write(1, line) :]


def _user() -> tuple[int, int] | None:
    """As whom the kernel of the guest runs: root is nobody there, as nothing of the host is to be changed."""
    if os.geteuid() != 0:
        return None
    try:
        found = pwd.getpwnam(_NOBODY)
    except KeyError:
        return 65534, 65534
    return found.pw_uid, found.pw_gid


def _prepare(folder: Path, line: bytes, request: Request, asked: _Asked) -> _Booted:
    """Put all that the guest needs into the folder. Raises :class:`OSError`."""
    user = _user()
    who = (
        User(os.geteuid(), frozenset((os.getegid(), *os.getgroups())))
        if user is None
        else User(user[0], frozenset(user[1:]))
    )
    every = shown(showing.needs(request), who)
    seed = folder / "seed"
    copies = [(one.source, showing.hand_on(one, str(seed), private=asked.private)) for one in every if one.closed]
    kernel = _readable(asked, who, seed)
    shutil.copyfile(guest.__file__, folder / "guest.py")
    (folder / "request").write_bytes(line)
    own = folder / "kernel"
    own.mkdir(mode=0o700)
    made = disks.make(own)
    if user is not None:
        for path in (own, *made):
            os.chown(path, *user)
    (folder / "plan").write_text(json.dumps(_plan(asked, folder, every, dict(copies))), encoding="utf-8")
    python, variables = showing.first_python(copies)
    init = Init((python, "-I", "-S", "-B", str(folder / "guest.py"), str(folder / "plan")), variables)
    boot = Boot(kernel, asked.sandbox, init, str(folder), str(own), made)
    machines.of(asked.sandbox.kind).prepare(boot)
    return _Booted(boot, user)


def _readable(asked: _Asked, who: User, seed: Path) -> Kernel:
    """The kernel, with the program that is started where this user can read it. Raises :class:`OSError`."""
    kernel = asked.kernel
    program = os.path.realpath(kernel.program or kernel.path)
    for one in shown([Need(program)], who):
        if one.closed:
            program = showing.hand_on(one, str(seed), private=asked.private)
    return replace(kernel, program=program) if kernel.program else replace(kernel, path=program)


def _plan(asked: _Asked, folder: Path, every: Iterable[Shown], places: Mapping[str, str]) -> dict[str, object]:
    """What the first process of the guest is told. ``places``: where what it needs was handed on to."""
    machine = machines.of(asked.sandbox.kind)
    return {
        "shown": [(one.place, places.get(one.source, one.source)) for one in every],
        "closed": _outermost({one.closed for one in every if one.closed}),
        "own": OWN,
        "cgroup": asked.sandbox.cgroup,
        "command": engine_command(),
        "environment": showing.environment(),
        "request": str(folder / "request"),
        "events": machine.EVENTS,
        "control": machine.CONTROL,
        "swap": machine.DISKS[1],
    }


def _outermost(closed: Iterable[str]) -> list[str]:
    """Those that are not below another one, or below a folder of the guest's own."""
    every = sorted(closed)
    above = (*every, *OWN)
    return [one for one in every if not any(one.startswith(f"{other}/") for other in above) and one not in OWN]


def _serve(booted: _Booted) -> int:
    """Boot the guest, and relay until it has ended."""
    enclosing.own_numbers()
    if booted.user is not None:
        os.setgroups(kvm.group())
        os.setgid(booted.user[1])
        os.setuid(booted.user[0])
        # The kernel forgets this with another user.
        syscalls.die_with_parent(signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    boot = booted.boot
    machine = machines.of(boot.sandbox.kind)
    fast = machine.accelerated(boot.kernel)
    ours, lines = machine.lines()
    log, tell_log = os.pipe()
    handed = {lines.stop, lines.events, lines.control}
    kernel = enclosing.start(
        machine.command(boot, lines, fast=fast), tell_log, [*handed], _variables(booted) | {"HOME": boot.own}
    )
    return relay(Guest(kernel, ours.stop, ours.events, ours.control, log), boot.sandbox)


def _variables(booted: _Booted) -> dict[str, str]:
    """The environment of the kernel, with a place for its memory only if its user can use that."""
    found = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    if booted.user is not None and not os.access(found.get("TMPDIR", "/"), os.W_OK | os.X_OK):
        found.pop("TMPDIR", None)
    return found


if __name__ == "__main__":
    sys.exit(main())
