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
if asked["groups"] is not None:
    os.setgroups(asked["groups"])
if asked["cpus"]:
    os.sched_setaffinity(0, asked["cpus"])
if asked["umask"] is not None:
    os.umask(asked["umask"])
os.nice(asked["nice"])
os.execve(sys.argv[2], sys.argv[2:], environment)
"""


def caller(
    *,
    umask: int | None = None,
    groups: Sequence[int] | None = None,
    oom_score_adj: int | None = None,
    nice: int = 0,
    drop: Sequence[str] = (),
    network: str = "",
    cpus: Sequence[int] = (),
) -> tuple[str, ...]:
    """A command line that executes the command appended to it as a process with these attributes.

    ``drop``: capabilities, without ``CAP_``, removed from its bounding set. ``network``: the file of its network
    namespace. ``cpus``: the processors on which it may run (default: all).
    """
    asked = {
        "umask": umask,
        "groups": groups,
        "oom_score_adj": oom_score_adj,
        "nice": nice,
        "network": network,
        "cpus": list(cpus),
        "drop": [kernelnames.CAPABILITIES.index(name) for name in drop],
    }
    return interpreter.bare("-c", _BECOME, json.dumps(asked))
