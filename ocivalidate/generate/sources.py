"""Files that options name: templates, seccomp filters, variables; read within bounds, whatever stands at the path."""

from __future__ import annotations

import os
from typing import Any

from ocivalidate.errors import OptionError, Unreadable
from ocivalidate.generate.values import from_json

Path = str | os.PathLike[str]


def read_text(file: Path) -> str:
    """The text of a file, or of standard input for ``-``. Raises :class:`OptionError`."""
    from ocivalidate.bundle.sources import MAX_SIZE, file_source

    name = _name(file)
    try:
        data = file_source(os.fspath(file), MAX_SIZE).data or b""
    except Unreadable as problem:
        raise OptionError(f"cannot read {name}: {problem}") from None
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise OptionError(f"{name} is not UTF-8") from None


def read_json(file: Path) -> Any:
    """The value of a JSON file, read as strictly as a config. Raises :class:`OptionError`."""
    return from_json(read_text(file), _name(file))


def _name(file: Path) -> str:
    return "standard input" if os.fspath(file) == "-" else os.fspath(file)
