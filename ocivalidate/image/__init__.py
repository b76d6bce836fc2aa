"""Judging images: a walk over the source (``walk``) yields facts (``found``), which are judged afterwards."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocivalidate.image.api import ImageOptions, check_image

__all__ = ["ImageOptions", "check_image"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("ocivalidate.image.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
