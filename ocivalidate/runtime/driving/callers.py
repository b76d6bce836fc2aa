"""Calling a runtime with other process attributes than the engine's, which must not reach containers."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ocivalidate.runtime.kernel import interpreter, kernelnames

# Takes on the attributes in its first argument, and executes the remaining arguments.
_BECOME = f"""
import json, os, resource, sys
{interpreter.ENVIRONMENT}
asked = json.loads(sys.argv[1])
if asked["network"]:
    import ctypes
    if ctypes.CDLL(None).setns(os.open(asked["network"], os.O_RDONLY | os.O_CLOEXEC), 0) != 0:
        sys.exit("cannot enter " + asked["network"])
if asked["drop"]:
    import ctypes
    for bit in asked["drop"]:
        ctypes.CDLL(None).prctl(24, bit, 0, 0, 0)
if asked["oom_score_adj"] is not None:
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write(str(asked["oom_score_adj"]))
if asked["covers"]:
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    wrong = libc.unshare(0x00020000) or libc.mount(b"none", b"/", None, 0x44000, None)
    for over, place in asked["covers"]:
        kind, flags = (None, 0x1000) if over else (b"tmpfs", 0)
        wrong = wrong or libc.mount((over or "none").encode(), place.encode(), kind, flags, None)
    if wrong:
        sys.exit("cannot cover files: " + os.strerror(ctypes.get_errno()))
if asked["groups"] is not None:
    os.setgroups(asked["groups"])
if asked["cpus"]:
    os.sched_setaffinity(0, asked["cpus"])
if asked["umask"] is not None:
    os.umask(asked["umask"])
os.nice(asked["nice"])
os.execve(sys.argv[2], sys.argv[2:], environment)
"""


def caller(  # noqa: PLR0913  # all that a process hands on to its children
    *,
    umask: int | None = None,
    groups: Sequence[int] | None = None,
    oom_score_adj: int | None = None,
    nice: int = 0,
    drop: Sequence[str] = (),
    network: str = "",
    cpus: Sequence[int] = (),
    covers: Sequence[tuple[str, str]] = (),
) -> tuple[str, ...]:
    """A command line that executes the command appended to it as a process with these attributes.

    ``drop``: capabilities, without ``CAP_``, removed from its bounding set. ``network``: the file of its network
    namespace. ``cpus``: the processors on which it may run (default: all). ``covers``: in a mount namespace of its own,
    what is mounted (a path; ``""`` for an empty folder) on which path. Mounts that it makes do not reach the host.
    """
    asked = {
        "umask": umask,
        "groups": groups,
        "oom_score_adj": oom_score_adj,
        "nice": nice,
        "network": network,
        "cpus": list(cpus),
        "covers": [list(pair) for pair in covers],
        "drop": [kernelnames.CAPABILITIES.index(name) for name in drop],
    }
    return interpreter.bare("-c", _BECOME, json.dumps(asked))
