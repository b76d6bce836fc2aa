"""Auditing many images at once: registries, their storage, folders of layouts.

>>> from ocivalidate.audit import audit
>>> report = audit("/var/lib/registry")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocivalidate.audit.api import audit
    from ocivalidate.audit.options import AuditOptions
    from ocivalidate.audit.store import Held, Link, Odd, Store, Upload

_HOMES = {
    "AuditOptions": "options",
    "Held": "store",
    "Link": "store",
    "Odd": "store",
    "Store": "store",
    "Upload": "store",
    "audit": "api",
}

__all__ = ["AuditOptions", "Held", "Link", "Odd", "Store", "Upload", "audit"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
