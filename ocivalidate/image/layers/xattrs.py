"""Extended attributes in pax headers: their encoding, and those that a layer should not carry.

``SCHILY.xattr.NAME=value`` as of star and GNU tar; ``LIBARCHIVE.xattr.NAME=value`` with the name encoded as in URLs and
the value in base 64.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_to_bytes

from ocivalidate.image.layers.problems import Kind, shown

_SCHILY, _LIBARCHIVE = b"SCHILY.xattr.", b"LIBARCHIVE.xattr."
# Attributes that overlayfs and fuse-overlayfs interpret in a directory mounted as a layer.
_OVERLAY = (b"trusted.overlay.", b"user.overlay.", b"user.fuseoverlayfs.")
# Labels and signatures that the security modules of a host act on.
_HOST = (b"security.selinux", b"security.apparmor", b"security.ima", b"security.evm", b"security.SMACK64")
# The namespaces that Linux has; a name needs more than the namespace.
_FAMILIES = frozenset((b"user.", b"trusted.", b"security.", b"system."))
# XATTR_NAME_MAX and XATTR_SIZE_MAX of Linux.
_LONGEST_NAME, _LARGEST_VALUE = 255, 65536
# Sizes of file capabilities, and their first word: the version, and beside it one flag (capabilities(7)).
_CAPABILITIES, _EFFECTIVE = {20: 0x02000000, 24: 0x03000000}, 1
# Access control lists: a version, and entries of tag, permissions and id (linux/posix_acl_xattr.h).
_ACLS = frozenset((b"system.posix_acl_access", b"system.posix_acl_default"))
_ACL_HEADER, _ACL_ENTRY, _ACL_VERSION, _ALL_RIGHTS = 4, 8, 2, 7
_ACL_TAGS = {0x01: "o", 0x02: "u", 0x04: "g", 0x08: "r", 0x10: "m", 0x20: "x"}
_NAMED, _NO_ID = frozenset((0x02, 0x08)), 0xFFFFFFFF
_ACL_ORDER = re.compile("ogm?x|ou*gr*mx")


def xattrs(records: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The extended attributes that pax records give an entry."""
    found: dict[bytes, bytes] = {}
    for key, value in records:
        if key.startswith(_LIBARCHIVE):
            try:
                decoded = base64.b64decode(value + b"=" * (-len(value) % 4), validate=True)
            except binascii.Error:
                continue
            found.setdefault(unquote_to_bytes(key[len(_LIBARCHIVE) :]), decoded)
        elif key.startswith(_SCHILY):
            found[key[len(_SCHILY) :]] = value
    return found


def of_overlay(name: bytes) -> bool:
    """Whether overlayfs acts on an attribute of this name."""
    return name.startswith(_OVERLAY)


def of_host(name: bytes) -> bool:
    """Whether a security module of the host acts on an attribute of this name."""
    return name.startswith(_HOST)


def faults(found: dict[bytes, bytes]) -> Iterator[tuple[Kind, str]]:
    """What is wrong with the extended attributes of an entry."""
    for name, value in found.items():
        if not name or len(name) > _LONGEST_NAME or len(value) > _LARGEST_VALUE:
            what = f"{len(name)} bytes of name and {len(value)} of value"
            yield Kind.XATTR_FORM, f"Linux does not accept the extended attribute {shown(name, 60)!r}: {what}"
        elif fault := _form_fault(name, value):
            yield Kind.XATTR_FORM, f"Linux does not accept the extended attribute {shown(name)}: {fault}"
        elif of_overlay(name):
            yield Kind.XATTR_OVERLAY, f"overlayfs acts on the extended attribute {shown(name)}"
        elif of_host(name):
            yield Kind.XATTR_HOST, f"the extended attribute {shown(name)} is for the host's security modules"


def _form_fault(name: bytes, value: bytes) -> str:
    """Why Linux refuses an attribute (EINVAL): by its namespace, or by a value that the kernel parses."""
    if name in _FAMILIES:
        return "nothing follows the family"
    if name == b"security.capability" and not _is_capability(value):
        return "its value is not a file capability of version 2 or 3 (capabilities(7))"
    if name in _ACLS and not _is_acl(value):
        return "its value is not a valid access control list (acl(5))"
    return ""


def _is_capability(value: bytes) -> bool:
    return int.from_bytes(value[:4], "little") & ~_EFFECTIVE == _CAPABILITIES.get(len(value))


def _is_acl(value: bytes) -> bool:
    """Whether a value is an access control list that Linux accepts.

    The order of the entries is owner, users, group, groups, mask, others: owner, group and others occur once, and the
    mask if there are users or groups. An empty value removes the list, and Linux answers other versions with "not
    supported".
    """
    if not value or (len(value) >= _ACL_HEADER and int.from_bytes(value[:_ACL_HEADER], "little") != _ACL_VERSION):
        return not value or len(value) >= _ACL_HEADER
    body = value[_ACL_HEADER:]
    if len(value) < _ACL_HEADER or len(body) % _ACL_ENTRY:
        return False
    entries = list(struct.iter_unpack("<HHI", body))
    if any(rights > _ALL_RIGHTS or (tag in _NAMED and who == _NO_ID) for tag, rights, who in entries):
        return False
    return not entries or bool(_ACL_ORDER.fullmatch("".join(_ACL_TAGS.get(tag, "?") for tag, _rights, _id in entries)))
