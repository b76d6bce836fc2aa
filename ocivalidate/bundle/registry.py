"""The registries that the check modules of bundles fill: one for each document type."""

from __future__ import annotations

import importlib

from ocivalidate.rules.checks import Registry

CONFIG = Registry()
STATE = Registry()
FEATURES = Registry()

# Importing a check module puts its checks into the registries.
CHECK_MODULES = (
    "annotations",
    "common",
    "folder",
    "freebsd",
    "hooks",
    "host",
    "ids",
    "linux_cgroups",
    "linux_devices",
    "linux_misc",
    "linux_namespaces",
    "linux_seccomp",
    "lint",
    "mounts",
    "process",
    "ranges",
    "features",
    "solaris",
    "state",
    "vm",
    "windows",
    "zos",
)


def load_checks() -> None:
    """Fill the registries. Only the first call does any work."""
    for name in CHECK_MODULES:
        importlib.import_module(f"ocivalidate.bundle.{name}")
