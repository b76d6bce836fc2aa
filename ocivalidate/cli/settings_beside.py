"""The settings file that stands with what is judged, where none stands with the user.

Whoever made the input may have made it. So nothing in it may silence a finding or write a file: what makes judging
stricter counts, and all else is told to be there, for the user to name it with ``--config``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ocivalidate.cli.settings_file import SettingsFile, in_folders

# What only adds findings, or makes more of them fail.
_STRICTER: Mapping[str, Any] = {"lint": True, "fail-on": "warning"}
# What changes nothing but how the text looks.
_HARMLESS = frozenset({"color"})
# Their folder is the input.
_OF_INPUTS = ("config.json", "oci-layout", "index.json", "manifest.json")


def of_inputs(paths: Sequence[str]) -> SettingsFile | None:
    """The nearest settings file from the folder that has all inputs in it upwards; none that is in an input.

    Folders from the current one upwards are left out: they were searched. One that others could have written is none.
    Raises :class:`UsageError` for one that makes no sense.
    """
    try:
        here = Path.cwd()
        homes = [_home(os.path.abspath(path)) for path in paths if path != "-"]
        common = Path(os.path.commonpath(homes)) if homes else here
    except (OSError, ValueError):
        return None
    return in_folders(_between(common, here), strangers="pass over")


def heeded(file: SettingsFile) -> tuple[SettingsFile, tuple[str, ...]]:
    """What counts of such a file, and the names of what does not."""
    counts = {name: value for name, value in file.table.items() if _STRICTER.get(name) == value}
    others = (name for name, value in file.table.items() if value and name not in {*counts, *_HARMLESS})
    return SettingsFile(file.path, counts), tuple(others)


def _home(path: str) -> str:
    """The folder that an input is in. What stands in a bundle or a layout is judged, and sets nothing."""
    if not os.path.isdir(path):
        path, is_input = os.path.dirname(path), os.path.basename(path) in _OF_INPUTS
    else:
        is_input = any(os.path.lexists(os.path.join(path, name)) for name in _OF_INPUTS)
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return os.path.realpath(os.path.dirname(path) if is_input else path)


def _between(folder: Path, here: Path) -> Iterator[Path]:
    searched = {here, *here.parents}
    for one in (folder, *folder.parents):
        if one in searched:
            return
        yield one
