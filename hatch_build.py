"""Puts the data folders of the checkout into the package of a wheel.

Only into a standard wheel: an editable install finds the folders beside the package (``ocivalidate/resources.py``),
and a copy in it would go stale.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDERS = ("schemas", "fixtures", "conformance")


class DataFolders(BuildHookInterface):  # type: ignore[type-arg]  # subscripting it needs hatchling's private types
    """The build hook that hatchling finds in this file."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Include the folders that exist; ``version`` is the kind of wheel, ``standard`` or ``editable``."""
        if version == "standard":
            for name in FOLDERS:
                folder = Path(self.root, name)
                if folder.is_dir():
                    build_data["force_include"][str(folder)] = f"ocivalidate/{name}"
