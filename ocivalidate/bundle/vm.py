"""Checks of virtual machines (runtime-spec config-vm.md)."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.bundle.paths import not_absolute
from ocivalidate.bundle.registry import CONFIG
from ocivalidate.rules.checks import CheckContext, Node, Violation

# Where a path on the host stands, and the clause that requires it to be absolute.
PATHS = {
    "/vm/hypervisor/path": "runtime/config-vm.hypervisor.path.absolute",
    "/vm/kernel/path": "runtime/config-vm.kernel.path.absolute",
    "/vm/kernel/initrd": "runtime/config-vm.kernel.initrd.absolute",
    "/vm/image/path": "runtime/config-vm.image.path.absolute",
}
IMAGE_FORMAT = "runtime/config-vm.image.format.values"

_FORMATS = ("raw", "qcow2", "vdi", "vmdk", "vhd")


@CONFIG.check("/vm/hypervisor/path", PATHS["/vm/hypervisor/path"])
@CONFIG.check("/vm/kernel/path", PATHS["/vm/kernel/path"])
@CONFIG.check("/vm/kernel/initrd", PATHS["/vm/kernel/initrd"])
@CONFIG.check("/vm/image/path", PATHS["/vm/image/path"])
def host_path_is_absolute(node: Node, context: CheckContext) -> Iterator[Violation]:
    """The files are outside the container, and their paths are not relative to the bundle.

    Bound separately for each clause, so that a clause whose member is absent counts as not judged.
    """
    yield from not_absolute(node, PATHS[node.pointer], context.platforms)


@CONFIG.check("/vm/image/format", IMAGE_FORMAT)
def image_format_is_common(node: Node, context: CheckContext) -> Iterator[Violation]:
    """An empty text is an unset value, which means raw."""
    if node.value and node.value not in _FORMATS:
        message = f"{node.place} is not one of the commonly supported formats"
        yield node.breaks(IMAGE_FORMAT, message, want=" or ".join(_FORMATS))
