"""Checks of mounts (runtime-spec config.md#mounts); those of Windows and Solaris stand with their platforms."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.bundle.idmaps import overlaps
from ocivalidate.bundle.linux_namespaces import lacks_namespace
from ocivalidate.bundle.registry import CONFIG
from ocivalidate.checks import Node, Scene, Violation

_C = "runtime/config.mounts."
ABSOLUTE_LINUX = f"{_C}destination.absolute-linux"
ABSOLUTE_LINUX_REQUIRED = f"{_C}destination.absolute-linux-required"
ABSOLUTE_OTHER = f"{_C}destination.absolute-other"
PAIR = {
    "uidMappings": ("gidMappings", f"{_C}uidMappings.with-gidMappings", f"{_C}uidMappings.needs-idmap-option"),
    "gidMappings": ("uidMappings", f"{_C}gidMappings.with-uidMappings", f"{_C}gidMappings.needs-idmap-option"),
}
NEEDS_MAPPINGS = f"{_C}options.idmap.needs-mappings"
NO_SOURCE = "safety/config.mounts.bind-without-source"
OVERLAP = "safety/config.mounts.idMappings.overlap"

BIND_OPTIONS = frozenset({"bind", "rbind"})
IDMAP_OPTIONS = frozenset({"idmap", "ridmap"})
# Platforms whose destinations have a rule of their own.
_NAMED_PLATFORMS = ("linux", "windows", "solaris")


def is_bind(mount: Node) -> bool:
    """Whether a mount is a bind mount: it has bind or rbind among its options."""
    return not BIND_OPTIONS.isdisjoint(mount.texts("options"))


@CONFIG.check("/mounts/*/destination", ABSOLUTE_LINUX, ABSOLUTE_LINUX_REQUIRED)
def destination_is_absolute_on_linux(node: Node, scene: Scene) -> Iterator[Violation]:
    """Required until 1.1.0, advised since: a relative destination is one below the root of the container."""
    # With windows beside it, a path of either form is fine; the rule of Windows sees to the rest.
    if node.value.startswith("/") or scene.on("windows"):
        return
    message = f"{node.place} is not an absolute path"
    clause = ABSOLUTE_LINUX if scene.since("1.2.0") else ABSOLUTE_LINUX_REQUIRED
    yield node.breaks(clause, message, want="a path that starts with /")


@CONFIG.check("/mounts/*/destination", ABSOLUTE_OTHER)
def destination_is_absolute_elsewhere(node: Node, scene: Scene) -> Iterator[Violation]:
    """FreeBSD and z/OS."""
    if not scene.on(*_NAMED_PLATFORMS) and not node.value.startswith("/"):
        yield node.breaks(ABSOLUTE_OTHER, f"{node.place} is not an absolute path", want="a path that starts with /")


@CONFIG.check(
    ("/mounts/*/uidMappings", "/mounts/*/gidMappings"),
    *(clause for _twin, *clauses in PAIR.values() for clause in clauses),
)
def mappings_are_complete(node: Node, scene: Scene) -> Iterator[Violation]:
    """Both mappings together, and the option that makes older runtimes notice them."""
    twin, together, option = PAIR[node.name]
    mount = _mount_of(node, scene)
    if not mount.has(twin):
        yield node.breaks(together, f"{node.place} comes without {twin}", got="")
    options = mount.whole("options")
    if options is not None and IDMAP_OPTIONS.isdisjoint(option.value for option in options):
        message = f"{node.place} comes without the option idmap or ridmap"
        yield node.breaks(option, message, got="", hint="older runtimes ignore the mapping in silence")


@CONFIG.check(("/mounts/*/uidMappings", "/mounts/*/gidMappings"), OVERLAP)
def mappings_do_not_overlap(node: Node, _scene: Scene) -> Iterator[Violation]:
    """user_namespaces(7)."""
    yield from overlaps(node, OVERLAP)


@CONFIG.check("/mounts/*/options", NEEDS_MAPPINGS)
def idmap_has_something_to_map_by(node: Node, scene: Scene) -> Iterator[Violation]:
    """Without mappings of its own, a mount takes those of the container's user namespace, if it has one."""
    mount = _mount_of(node, scene)
    if IDMAP_OPTIONS.isdisjoint(node.texts()) or mount.has("uidMappings") or mount.has("gidMappings"):
        return
    if lacks_namespace(scene, "user"):
        yield node.breaks(
            NEEDS_MAPPINGS, f"{node.place} asks for id mapping, but there are no mappings and no user namespace", got=""
        )


@CONFIG.check("/mounts/*", NO_SOURCE)
def bind_mount_has_a_source(node: Node, _scene: Scene) -> Iterator[Violation]:
    """mount(2) refuses a bind mount of nothing."""
    if is_bind(node) and not node.has("source"):
        yield node.breaks(NO_SOURCE, f"{node.place} is a bind mount without a source", got="")


def _mount_of(member: Node, scene: Scene) -> Node:
    """The mount that a member at ``/mounts/<index>/<member>`` belongs to."""
    mount = scene.root.each("mounts")
    index = member.pointer.split("/")[2]
    return next(node for node in mount if node.name == index)
