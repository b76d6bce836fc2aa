"""What ``--force`` may replace: an empty folder, or what looks like a bundle made by ``unpack``.

Such a bundle holds nothing but a folder ``rootfs`` and a file ``config.json`` with a runtime configuration, or only one
of them, as ``--rootfs-only`` and ``--config-only`` make. Anything else was put there by somebody who may want to keep
it.
"""

from __future__ import annotations

import json
import os
import stat

from ocivalidate.image.layers.problems import shown
from ocivalidate.unpack.flags import READ

ROOTFS, CONFIG = b"rootfs", b"config.json"
_LARGEST_CONFIG = 16 << 20


def strange_bundle(folder: int) -> str:
    """What an open folder holds that is not part of a bundle; empty: it may be replaced. Raises :class:`OSError`."""
    names = {os.fsencode(name) for name in os.listdir(folder)}
    strays = sorted(names - {ROOTFS, CONFIG})
    if strays:
        more = f" and {len(strays) - 1} more" if len(strays) > 1 else ""
        return f"{shown(strays[0])}{more}, which is not part of a bundle"
    return _strange_parts(folder, names)


def strange_rootfs(bundle: int) -> str:
    """Why ``rootfs`` in an open folder may not be replaced; it must be in a bundle, or alone."""
    names = {os.fsencode(name) for name in os.listdir(bundle)}
    if CONFIG not in names and names != {ROOTFS}:
        return f"{ROOTFS.decode()} without a config.json, beside {shown(min(names - {ROOTFS}))}"
    return _strange_parts(bundle, names)


def strange_config(bundle: int) -> str:
    """Why ``config.json`` in an open folder may not be replaced."""
    return _strange_parts(bundle, {CONFIG})


def _strange_parts(folder: int, names: set[bytes]) -> str:
    if CONFIG in names and not _is_config(folder):
        return "a config.json that is not a runtime configuration"
    if ROOTFS in names and not stat.S_ISDIR(os.stat(ROOTFS, dir_fd=folder, follow_symlinks=False).st_mode):
        return "a rootfs that is not a directory"
    return ""


def _is_config(folder: int) -> bool:
    try:
        descriptor = os.open(CONFIG, READ, dir_fd=folder)
    except OSError:
        return False
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return False
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(_LARGEST_CONFIG + 1)
    if len(data) > _LARGEST_CONFIG:
        return False
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and isinstance(found.get("ociVersion"), str)
