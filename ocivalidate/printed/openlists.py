"""The open lists as a schema says them: the values that there are, and whether others are refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ocivalidate.bundle.values import (
    CAPABILITIES,
    DEVICE_ID_TYPES,
    LINUX_NAMESPACES,
    LINUX_RLIMITS,
    PROPAGATIONS,
    SECCOMP_ACTIONS,
    SECCOMP_ARCHITECTURES,
    SECCOMP_FLAGS,
    SECCOMP_OPERATORS,
    SOLARIS_RLIMITS,
    ZOS_NAMESPACES,
    OpenList,
)
from ocivalidate.printed.row import Keywords, Row
from ocivalidate.printed.rows import ON_LINUX, ON_LINUX_NOT_SOLARIS
from ocivalidate.vocabulary.versions import holds

_CAPABILITY: OpenList = dict.fromkeys(sorted(CAPABILITIES), "1.0.0")


class Listed(NamedTuple):
    """A list of values: where it counts, and until which release others are refused.

    ``until`` is that release (``""``: never, ``None``: always); ``when`` a schema that the document has to fit for it.
    """

    clause: str
    at: str
    known: OpenList
    when: Keywords | None = None
    until: str | None = None

    def values(self, release: str) -> list[str]:
        """The values that the release lists."""
        return [value for value, since in self.known.items() if since and holds(release, since, None)]

    def row(self) -> Row:
        """What refuses the values that nobody knows."""
        return Row(self.clause, self.at, {"enum": sorted(self.known)}, self.when, until=self.until)


def _listed() -> Iterator[Listed]:
    yield Listed("runtime/config-linux.namespaces.type.values", "/linux/namespaces/*/type", LINUX_NAMESPACES)
    yield Listed("runtime/config-linux.rootfsPropagation.values", "/linux/rootfsPropagation", PROPAGATIONS)
    at = "/linux/seccomp"
    yield Listed("runtime/config-linux.seccomp.defaultAction.values", f"{at}/defaultAction", SECCOMP_ACTIONS)
    yield Listed("runtime/config-linux.seccomp.architectures.values", f"{at}/architectures/*", SECCOMP_ARCHITECTURES)
    yield Listed("runtime/config-linux.seccomp.flags.values", f"{at}/flags/*", SECCOMP_FLAGS)
    yield Listed("runtime/config-linux.seccomp.syscalls.action.values", f"{at}/syscalls/*/action", SECCOMP_ACTIONS)
    yield Listed(
        "runtime/config-linux.seccomp.syscalls.args.op.values", f"{at}/syscalls/*/args/*/op", SECCOMP_OPERATORS
    )
    at = "/process/rlimits/*/type"
    yield Listed("runtime/config.process.rlimits.type.linux-values", at, LINUX_RLIMITS, ON_LINUX_NOT_SOLARIS)
    on_solaris: Keywords = {"allOf": [{"required": ["solaris"]}, {"not": ON_LINUX}]}
    yield Listed(
        "runtime/config.process.rlimits.type.solaris-values",
        at,
        {**dict.fromkeys(LINUX_RLIMITS), **SOLARIS_RLIMITS},
        on_solaris,
    )
    for name in ("effective", "bounding", "inheritable", "permitted", "ambient"):
        at = f"/process/capabilities/{name}/*"
        yield Listed("runtime/config.process.capabilities.values", at, _CAPABILITY, ON_LINUX, "1.0.2")
    yield Listed("runtime/config-zos.namespaces.type.values", "/zos/namespaces/*/type", ZOS_NAMESPACES)
    devices = "runtime/config-windows.devices.idType.values"
    yield Listed(devices, "/windows/devices/*/idType", DEVICE_ID_TYPES, until="")


OPEN_LISTS = tuple(_listed())
