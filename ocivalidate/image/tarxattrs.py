"""Extended attributes in pax headers: how they are written there, and those that a layer should not carry.

``SCHILY.xattr.NAME=value`` as of star and GNU tar; ``LIBARCHIVE.xattr.NAME=value`` with the name encoded as in URLs and
the value in base 64.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_to_bytes

from ocivalidate.image.problems import Kind, shown

_SCHILY, _LIBARCHIVE = b"SCHILY.xattr.", b"LIBARCHIVE.xattr."
# What overlayfs and fuse-overlayfs read in a folder that is mounted as a layer.
_OVERLAY = (b"trusted.overlay.", b"user.overlay.", b"user.fuseoverlayfs.")
# Labels and signatures by which the security modules of a host decide.
_HOST = (b"security.selinux", b"security.apparmor", b"security.ima", b"security.evm", b"security.SMACK64")
# XATTR_NAME_MAX and XATTR_SIZE_MAX of Linux.
_LONGEST_NAME, _LARGEST_VALUE = 255, 65536


def xattrs(records: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The extended attributes that the records of pax headers give an entry."""
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
            yield Kind.XATTR_FORM, f"no system takes the extended attribute {shown(name, 60)!r}: {what}"
        elif of_overlay(name):
            yield Kind.XATTR_OVERLAY, f"overlayfs acts on the extended attribute {shown(name)}"
        elif of_host(name):
            yield Kind.XATTR_HOST, f"the extended attribute {shown(name)} is for the host's security modules"
