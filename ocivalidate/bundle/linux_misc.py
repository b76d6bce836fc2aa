"""Checks of the smaller parts of the Linux section: paths, propagation, personality, intelRdt, memory policy."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.bundle.cpulists import list_form
from ocivalidate.bundle.linux_namespaces import lacks_namespace
from ocivalidate.bundle.paths import not_absolute
from ocivalidate.bundle.registry import CONFIG
from ocivalidate.bundle.values import PROPAGATIONS, in_open_list
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.rules.clauses import Severity

HIDDEN_PATHS = {
    "maskedPaths": "runtime/config-linux.maskedPaths.absolute",
    "readonlyPaths": "runtime/config-linux.readonlyPaths.absolute",
}
SHARED_MOUNTS = {
    "maskedPaths": "safety/config.maskedPaths.shared-mounts",
    "readonlyPaths": "safety/config.readonlyPaths.shared-mounts",
}
PROPAGATION = "runtime/config-linux.rootfsPropagation.values"
PERSONALITY = "runtime/config-linux.personality.flags.none"
L3_PREFIX = "runtime/config-linux.intelRdt.l3CacheSchema.prefix"
L3_NEWLINE = "runtime/config-linux.intelRdt.l3CacheSchema.no-newline"
MB_PREFIX = "runtime/config-linux.intelRdt.memBwSchema.prefix"
MB_NEWLINE = "runtime/config-linux.intelRdt.memBwSchema.no-newline"
SCHEMATA_NEWLINE = "runtime/config-linux.intelRdt.schemata.no-newline"
CLOS = "safety/config.intelRdt.closID"
NODES = "runtime/config-linux.memoryPolicy.nodes.mode-rules"
NODES_FORM = "runtime/config-linux.memoryPolicy.nodes.format"
POLICY_FLAGS = "safety/config.memoryPolicy.flags"

# set_mempolicy(2): modes that take no nodes, and modes that need nodes; for the others nodes are optional.
_WITHOUT_NODES = frozenset({"MPOL_DEFAULT", "MPOL_LOCAL"})
_WITH_NODES = frozenset({"MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE", "MPOL_PREFERRED_MANY"})
# Flags that say how the nodes are to be read.
_OF_NODES = frozenset({"MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"})


@CONFIG.check(("/linux/maskedPaths/*", "/linux/readonlyPaths/*"), *HIDDEN_PATHS.values())
def hidden_path_is_absolute(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """Paths in the container."""
    yield from not_absolute(node, HIDDEN_PATHS[node.pointer.split("/")[2]])


@CONFIG.check(tuple(f"/linux/{name}" for name in HIDDEN_PATHS), *SHARED_MOUNTS.values())
def hidden_paths_are_those_of_the_container(node: Node, context: CheckContext) -> Iterator[Violation]:
    """In a container that shares the mounts of the host, paths of the host would be hidden; runc refuses it."""
    if node.value and lacks_namespace(context, "mount"):
        yield node.breaks(
            SHARED_MOUNTS[node.name],
            f"{node.place} is set, but the container has no mount namespace of its own",
            got="",
        )


@CONFIG.check("/linux/rootfsPropagation", PROPAGATION)
def propagation_is_known(node: Node, context: CheckContext) -> Iterator[Violation]:
    """The recursive forms are a note: container engines write them, and every runtime accepts them."""
    yield from in_open_list(node, context, PROPAGATION, PROPAGATIONS, kernel=Severity.NOTE)


@CONFIG.check("/linux/personality/flags", PERSONALITY)
def personality_has_no_flags(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """No flag is defined so far."""
    if node.value:
        yield node.breaks(
            PERSONALITY, "linux.personality.flags has an entry, but the specification defines no flags", want="no entry"
        )


@CONFIG.check("/linux/intelRdt/l3CacheSchema", L3_PREFIX, L3_NEWLINE)
def l3_schema_has_its_form(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """Advice here; for memBwSchema it is a requirement."""
    if not node.value.startswith("L3:"):
        yield node.breaks(L3_PREFIX, f"{node.place} does not start with L3:", want="L3:…")
    if "\n" in node.value:
        yield node.breaks(L3_NEWLINE, f"{node.place} has a newline")


@CONFIG.check("/linux/intelRdt/memBwSchema", MB_PREFIX, MB_NEWLINE)
def memory_bandwidth_schema_has_its_form(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """One line that starts with MB:."""
    if not node.value.startswith("MB:"):
        yield node.breaks(MB_PREFIX, f"{node.place} does not start with MB:", want="MB:…")
    if "\n" in node.value:
        yield node.breaks(MB_NEWLINE, f"{node.place} has a newline")


@CONFIG.check("/linux/intelRdt/schemata/*", SCHEMATA_NEWLINE)
def schemata_entry_is_a_line(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """Each entry is one line of the file."""
    if "\n" in node.value:
        yield node.breaks(SCHEMATA_NEWLINE, f"{node.place} has a newline")


@CONFIG.check("/linux/intelRdt/closID", CLOS)
def class_is_a_folder(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """A path would lead out of the resctrl file system; / alone means its root since 1.3.0."""
    name = node.value
    if name in (".", "..") or ("/" in name and name != "/") or "\n" in name:
        yield node.breaks(CLOS, "linux.intelRdt.closID is not a directory name", want="a name without /, or / alone")


@CONFIG.check("/linux/memoryPolicy", NODES)
def policy_nodes_fit_the_mode(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """set_mempolicy(2)."""
    mode = node.text("mode")
    if mode is None or (node.has("nodes") and node.get("nodes") is None):
        return
    nodes = node.text("nodes")
    if mode in _WITHOUT_NODES and nodes:
        yield node.breaks(NODES, f"{mode} takes no nodes", got=f"nodes {nodes}", want="no nodes")
    elif mode in _WITH_NODES and not nodes:
        yield node.breaks(NODES, f"{mode} needs nodes", got="", want="a list of nodes such as 0-1")


@CONFIG.check("/linux/memoryPolicy/nodes", NODES_FORM)
def policy_nodes_are_a_list(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """The same form as cpusets have."""
    yield from list_form(node, NODES_FORM)


@CONFIG.check("/linux/memoryPolicy", POLICY_FLAGS)
def policy_flags_agree(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """set_mempolicy(2) returns EINVAL. MPOL_PREFERRED without nodes is MPOL_LOCAL."""
    flags, mode = set(node.texts("flags")), node.text("mode")
    if flags >= _OF_NODES:
        yield node.breaks(POLICY_FLAGS, " and ".join(sorted(_OF_NODES)) + " exclude each other", got="")
    elif flags & _OF_NODES and (mode == "MPOL_LOCAL" or (mode == "MPOL_PREFERRED" and _without_nodes(node))):
        flag = next(iter(flags & _OF_NODES))
        yield node.breaks(POLICY_FLAGS, f"{flag} does not go with {mode} without nodes", got="")
    if "MPOL_F_NUMA_BALANCING" in flags and mode not in (None, "MPOL_BIND", "MPOL_PREFERRED_MANY"):
        yield node.breaks(POLICY_FLAGS, f"MPOL_F_NUMA_BALANCING does not go with {mode}", got="")


def _without_nodes(policy: Node) -> bool:
    return not policy.has("nodes") or policy.text("nodes") == ""
