"""``ocivalidate schema NAME --install``: a schema where an editor finds it, and the settings that name it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ocivalidate.cli.files import write_file
from ocivalidate.cli.streams import print_text, tell
from ocivalidate.errors import UsageError
from ocivalidate.report.escape import visible

# As the specifications call the files; others have no name of their own.
_FILES = {"runtime-config": "config.json", "image-layout": "oci-layout", "image-index": "index.json"}


def _vscode(url: str, pattern: str) -> Any:
    return {"json.schemas": [{"fileMatch": [pattern], "url": url}]}


def _yaml_language_server(url: str, pattern: str) -> Any:
    # It takes the end of a path for a match, so that a name alone would be found in others.
    return {"yaml.schemas": {url: [pattern if "/" in pattern else f"**/{pattern}"]}}


_SETTINGS: Mapping[str, Callable[[str, str], Any]] = {
    "vscode": _vscode,
    "yaml-language-server": _yaml_language_server,
}


def install(schema: str, called: str, kind: str, editor: str, *, into: str | None, match: str | None) -> None:
    """Write a schema below ``into`` (default: where data of the user is), and print the settings for an editor.

    ``called``: the name of the file without its end; ``match``: the files that it is for. Raises :class:`UsageError`.
    """
    folder = _home() if into is None else into
    try:
        os.makedirs(folder, exist_ok=True)
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise UsageError(f"cannot make the folder {folder}: {why}") from problem
    file = os.path.join(os.path.abspath(folder), f"{called}.json")
    write_file(file, (schema,))
    settings = _SETTINGS[editor](Path(file).as_uri(), match or _FILES.get(kind, f"*.{kind}.json"))
    print_text(json.dumps(settings, indent=2) + "\n")
    tell(f"wrote {visible(file)}; put what is printed into the settings of {editor}")


def _home() -> str:
    """The folder for data of the user, as the XDG Base Directory Specification has it, or Windows."""
    named = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_DATA_HOME", "")
    root = named if os.path.isabs(named) else os.path.join(os.path.expanduser("~"), ".local", "share")
    return os.path.join(root, "ocivalidate", "schemas")
