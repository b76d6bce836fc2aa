"""Judges bundles and the other documents of runtime-spec, with one module for each part of the specification."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocivalidate.bundle.api import check_bundle, check_config, check_features, check_state

__all__ = ["check_bundle", "check_config", "check_features", "check_state"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("ocivalidate.bundle.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
