"""Mounts as the kernel shows them."""

from __future__ import annotations


def mounts_below(folder: str) -> set[str]:
    """The mount points below a folder."""
    found = set()
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            point = line.split(maxsplit=5)[4].replace("\\040", " ")
            if point.startswith(f"{folder}/"):
                found.add(point)
    return found
