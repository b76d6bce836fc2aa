"""The NUMA memory policy of the process, as get_mempolicy(2) tells it. One node is enough for all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ocivalidate.runtime import CaseContext, case

POLICY = "/linux/memoryPolicy"


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy: members of the config, and the mode and nodes that the kernel has then (set_mempolicy(2))."""

    config: dict[str, Any]
    mode: int
    nodes: tuple[int, ...]


STATIC, RELATIVE, BALANCING = 1 << 15, 1 << 14, 1 << 13
POLICIES = (
    Policy({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}, 2 | STATIC, (0,)),
    Policy({"mode": "MPOL_INTERLEAVE", "nodes": "0", "flags": ["MPOL_F_RELATIVE_NODES"]}, 3 | RELATIVE, (0,)),
    Policy({"mode": "MPOL_BIND", "nodes": "0-0", "flags": ["MPOL_F_NUMA_BALANCING"]}, 2 | BALANCING, (0,)),
    Policy({"mode": "MPOL_PREFERRED", "nodes": "0"}, 1, (0,)),
    Policy({"mode": "MPOL_LOCAL"}, 4, ()),
)


@case(sets=[f"{POLICY}/{name}" for name in ("mode", "nodes", "flags")], needs=["kernel:5.15", "numa"])
def process_has_the_memory_policy(trial: CaseContext) -> None:
    """The process has the policy of the config: mode, nodes and flags."""
    for policy in POLICIES:
        config = trial.config("mempolicy")
        config["linux"]["memoryPolicy"] = policy.config
        got = trial.run(config).value("mempolicy")
        flags = STATIC | RELATIVE | BALANCING
        trial.applied(f"{POLICY}/mode", got=got["mode"] & ~flags, want=policy.mode & ~flags)
        trial.applied(f"{POLICY}/nodes", got=got["nodes"], want=list(policy.nodes))
        trial.applied(f"{POLICY}/flags", got=got["mode"] & flags, want=policy.mode & flags)
