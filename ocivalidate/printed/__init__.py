"""The schemas that are printed for editors and other validators: all that JSON Schema can say of what is judged here.

A printed schema refuses what judging finds an error in, and nothing else. The keywords of our own schemas are most of
it. What checks judge beside them is said by the rows of :mod:`rows` (runtime-spec) and :mod:`image_rows` (image-spec),
and what no schema can say is in :mod:`unsaid`, with the reason. One thing is stricter: a member that belongs to a
platform has its form in documents for others too, where judging passes it over.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocivalidate.printed.schemas import standalone
    from ocivalidate.printed.unsaid import Limit, limits

__all__ = ["Limit", "limits", "standalone"]
_HOMES = {"Limit": "unsaid", "limits": "unsaid", "standalone": "schemas"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"ocivalidate.printed.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
