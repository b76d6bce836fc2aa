"""All features together, and which of their values do not go together: rows, each with its reason.

A config with two values that a row keeps apart would be invalid, or would ask for what no kernel does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from ocivalidate.runtime.exploring import of_groups, of_linux, of_mounts, of_process
from ocivalidate.runtime.exploring.features import ABSENT, Feature

FEATURES: tuple[Feature, ...] = (
    *of_process.FEATURES,
    *of_mounts.FEATURES,
    *of_linux.FEATURES,
    *of_groups.FEATURES,
)


class Apart(NamedTuple):
    """Values of one feature and of another that no config has both; ``()`` stands for all.

    The absence of a feature goes with everything: so whatever was chosen for others, a level is left.
    """

    feature: str
    values: tuple[str, ...]
    other: str
    others: tuple[str, ...]
    reason: str

    def meets(self, levels: Mapping[str, str]) -> bool:
        """Whether these levels, by feature, have what the row keeps apart; a feature that is left out has none yet."""
        return _among(levels, self.feature, self.values) and _among(levels, self.other, self.others)


def _among(levels: Mapping[str, str], name: str, values: Collection[str]) -> bool:
    level = levels.get(name)
    return level is not None and (level in values if values else level != ABSENT)


_OWN_UTS = "only a UTS namespace of its own takes a name (safety/config.hostname.shared-uts)"
_OF_USER = "the kernel lets a user namespace use only what belongs to it (user_namespaces(7), EPERM)"
KEPT_APART: tuple[Apart, ...] = (
    Apart("namespace-user", (), "hooks-createContainer", (), "its user may not read our recorder on the host"),
    Apart("namespace-user", (), "device-rules", (), _OF_USER + ": nodes of others do not open"),
    Apart("hostname", (), "namespace-uts", ("inherited",), _OWN_UTS),
    Apart("domainname", (), "namespace-uts", ("inherited",), _OWN_UTS),
    Apart("hostname", (), "namespace-uts", ("joined",), "it would change the name of a namespace of others"),
    Apart("domainname", (), "namespace-uts", ("joined",), "it would change the name of a namespace of others"),
    Apart(
        "sysctl-ipc", (), "namespace-ipc", ("inherited",), "it would change the host (config.sysctl.shared-namespace)"
    ),
    Apart("sysctl-ipc", (), "namespace-ipc", ("joined",), "it would change a namespace of others"),
    Apart("sysctl-net", (), "namespace-network", ("joined",), "it would change a namespace of others"),
    Apart("sysctl-ipc", (), "namespace-user", (), _OF_USER),
    Apart("mount-mqueue", (), "namespace-ipc", ("inherited", "joined"), _OF_USER),
    Apart("namespace-user", (), "namespace-pid", ("inherited", "joined"), _OF_USER + ": /proc cannot be mounted"),
    Apart("namespace-user", (), "namespace-uts", ("joined",), _OF_USER),
    Apart("namespace-user", (), "namespace-ipc", ("joined",), _OF_USER),
    Apart("namespace-user", (), "namespace-network", ("joined",), _OF_USER),
    Apart("namespace-user", (), "namespace-cgroup", ("joined",), _OF_USER),
    Apart(
        "namespace-user", (), "devices", (), "it makes no nodes, and a bound one has the owner and mode of the host's"
    ),
    Apart("namespace-user", (), "mount-idmap", (), "a mapping of a mount and one of the container would add up"),
    Apart("namespace-user", (), "mount-undoing", (), _OF_USER + ": restrictions of a mount of others are locked"),
    Apart("namespace-user", (), "mount-cgroup", (), _OF_USER),
    Apart("root", ("readonly",), "hooks-startContainer", (), "it could not write its trace"),
)


def apart(levels: Mapping[str, str]) -> Apart | None:
    """A row that keeps apart what these levels have together, if there is one."""
    return next((row for row in KEPT_APART if row.meets(levels)), None)
