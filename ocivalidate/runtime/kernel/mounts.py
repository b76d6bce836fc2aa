"""Mounts as the kernel shows them."""

from __future__ import annotations

from ocivalidate.system.mounts import mounts


def mounts_below(folder: str) -> set[str]:
    """The mount points below a directory. Raises :class:`OSError`."""
    return {mount.point for mount in mounts() if mount.point.startswith(f"{folder}/")}
