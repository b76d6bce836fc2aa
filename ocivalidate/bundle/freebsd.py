"""Checks of FreeBSD (runtime-spec config-freebsd.md)."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator

from ocivalidate.bundle.registry import CONFIG
from ocivalidate.rules.checks import CheckContext, Node, Violation

DEVFS = "runtime/config-freebsd.devfs-mounted"
IP4_NUMERIC = "runtime/config-freebsd.jail.ip4Addr.numeric"
IP6_NUMERIC = "runtime/config-freebsd.jail.ip6Addr.numeric"
VNET_OWN = "runtime/config-freebsd.jail.vnet-own"
VNET_SHARED = "runtime/config-freebsd.jail.vnet-shared"

# nullfs(5) shows a file system of the host in a second place, so that a devfs mounted there is mounted here too.
_DEVFS_TYPES = ("devfs", "nullfs")
_FAMILIES = ("ip4", "ip6")


@CONFIG.check("", DEVFS)
def devfs_is_mounted(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Silent where a mount cannot be read: it may be the devfs. Other platforms have device folders of their own."""
    if context.platforms != {"freebsd"}:
        return
    mounts = _all_mounts(node)
    if mounts is None:
        return
    at_dev = [mount for mount in mounts if posixpath.normpath(mount.value["destination"]).lstrip("/") == "dev"]
    if not at_dev:
        place = node.get("mounts") or node
        yield place.breaks(DEVFS, "no devfs is mounted on /dev", got="", want="a mount of type devfs on /dev")
    elif all(mount.has("type") and mount.text("type") not in (None, *_DEVFS_TYPES) for mount in at_dev):
        kind = at_dev[0].get("type") or at_dev[0]
        yield kind.breaks(DEVFS, "what is mounted on /dev is not a devfs", want="devfs")


def _all_mounts(root: Node) -> list[Node] | None:
    """The mounts, or ``None`` when some cannot be read."""
    if not root.has("mounts"):
        return []
    mounts = root.get("mounts")
    if mounts is None:
        return None
    entries = mounts.children()
    whole = len(entries) == len(mounts.value) and all(entry.text("destination") is not None for entry in entries)
    return entries if whole else None


@CONFIG.check("/freebsd/jail/ip4Addr/*", IP4_NUMERIC)
def ip4_address_is_numeric(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A prefix length after a slash, as jail(8) accepts it, is fine."""
    from ipaddress import IPv4Interface

    if not _reads_as(IPv4Interface, node.value):
        yield node.breaks(IP4_NUMERIC, f"{node.place} is not a numeric IPv4 address", want="such as 10.11.12.13")


@CONFIG.check("/freebsd/jail/ip6Addr/*", IP6_NUMERIC)
def ip6_address_is_numeric(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A prefix length after a slash, as jail(8) accepts it, is fine."""
    from ipaddress import IPv6Interface

    if not _reads_as(IPv6Interface, node.value):
        yield node.breaks(IP6_NUMERIC, f"{node.place} is not a numeric IPv6 address", want="such as fd10::11:12:13")


def _reads_as(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


@CONFIG.check("/freebsd/jail/vnet", VNET_OWN)
def own_network_leaves_addresses_alone(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A jail with its own network stack does not use settings for the addresses of the host."""
    jail = context.root.get("freebsd", "jail")
    if jail is None or node.value != "new":
        return
    for family in _FAMILIES:
        setting = jail.get(family)
        if setting is not None:
            message = f"{setting.place} is set, though the container has a vnet of its own"
            yield setting.breaks(VNET_OWN, message, want="no member")


@CONFIG.check("/freebsd/jail", VNET_SHARED)
def shared_network_inherits_addresses(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Judged only where the document says that the network is shared, by ``vnet`` or by one of the two families.

    The specification also allows a disabled family, a list of addresses, and a ``vnet`` that states the default.
    """
    shares = node.text("vnet") == "inherit" or (
        not node.has("vnet") and "inherit" in [node.text(family) for family in _FAMILIES]
    )
    if not shares or any(node.has(f"{family}Addr") for family in _FAMILIES):
        return
    for family in _FAMILIES:
        if not node.has(family):
            message = f"{node.place} shares the network of its parent, but does not have {family}"
            yield node.breaks(VNET_SHARED, message, got="", want=f"{family} as inherit")
