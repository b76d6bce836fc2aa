"""Puts the data folders of the checkout into the package of a wheel, and what is made of the parsers beside them.

Only into a standard wheel: an editable install finds the folders beside the package (``ocivalidate/resources.py``),
and a copy in it would go stale.
"""

from __future__ import annotations

import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDERS = ("schemas", "fixtures", "conformance")
# Where the shells look for completions of a program, below the prefix of an installation.
PLACES = {
    "bash": "share/bash-completion/completions/{}",
    "zsh": "share/zsh/site-functions/_{}",
    "fish": "share/fish/vendor_completions.d/{}.fish",
}


class DataFolders(BuildHookInterface):  # type: ignore[type-arg]  # subscripting it needs hatchling's private types
    """The build hook that hatchling finds in this file."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Include the folders that exist; ``version`` is the kind of wheel, ``standard`` or ``editable``."""
        if version != "standard":
            return
        for name in FOLDERS:
            folder = Path(self.root, name)
            if folder.is_dir():
                build_data["force_include"][str(folder)] = f"ocivalidate/{name}"
        self._made = tempfile.TemporaryDirectory()
        for inside, shared, text in made(self.root):
            file = Path(self._made.name, shared)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            build_data["shared_data"][str(file)] = shared
            if inside:
                build_data["force_include"][str(file)] = inside

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002  # so hatchling calls it
        """Remove what was made."""
        if version == "standard":
            self._made.cleanup()


def made(root: str) -> list[tuple[str, str, str]]:
    """Manual pages and completions: the place in the package (or ``""``), below the prefix, and the text."""
    sys.path.insert(0, root)
    from ocivalidate.cli.completing import PROGRAMS, SHELLS, script
    from ocivalidate.cli.manual import pages

    moment = os.environ.get("SOURCE_DATE_EPOCH")
    day = datetime.fromtimestamp(int(moment), UTC) if moment else datetime.now(UTC)
    found = [("", f"share/man/man1/{name}", text) for name, text in pages(f"{day:%Y-%m-%d}").items()]
    for program in PROGRAMS:
        for shell in SHELLS:
            place = PLACES[shell].format(program)
            found.append((f"ocivalidate/shells/{program}.{shell}", place, script(program, shell)))
    return found
