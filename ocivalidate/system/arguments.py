"""Arguments of the public functions: normalised in one place, and refused in one line if invalid."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypeVar

from ocivalidate.errors import OptionError

StrPath: TypeAlias = str | os.PathLike[str]
"""A path as text, or a ``pathlib.Path``."""

_Given = TypeVar("_Given")


def path_text(path: StrPath, name: str = "path") -> str:
    """A path as text, as reports show it. Raises ``TypeError`` for anything else."""
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a str or an os.PathLike[str], not {type(text).__name__}")
    return text


def paths(value: Sequence[StrPath], name: str) -> tuple[str, ...]:
    """Several paths as texts. Raises ``TypeError``, for one path alone too."""
    if isinstance(value, str):
        raise TypeError(f"{name} must be several paths, such as ({value!r},)")
    return tuple(path_text(path, name) for path in value)


def given(value: _Given | None, kind: type[_Given], name: str) -> _Given:
    """The options that were given, or those of the kind as they are by default. Raises ``TypeError`` for others."""
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be {kind.__name__}, not {type(value).__name__}")
    return value


def texts(value: Sequence[str], name: str) -> tuple[str, ...]:
    """Several texts. A single string, which Python would iterate by letters, is refused.

    Raises ``TypeError``.
    """
    if isinstance(value, str):
        raise TypeError(f"{name} must be several strings, such as ({value!r},)")
    found = tuple(value)
    if not all(isinstance(text, str) for text in found):
        raise TypeError(f"{name} must contain only strings")
    return found


def at_least_one(number: int | None, name: str) -> None:
    """Refuse a number below 1; ``None`` stands for a default, or for no limit. Raises :class:`OptionError`."""
    if number is not None and number < 1:
        raise OptionError(f"{name} must be at least 1, not {number!r}")


def limits(*given_limits: Mapping[str, int]) -> None:
    """Refuse a limit below 1. Raises :class:`OptionError`."""
    for mapping in given_limits:
        for name, limit in mapping.items():
            at_least_one(limit, name)


def known(value: str | None, choices: Sequence[str], what: str) -> None:
    """Refuse what is not one of the choices; ``None`` stands for a default. Raises :class:`OptionError`."""
    if value is not None and value not in choices:
        raise OptionError(f"unknown {what}: {value}; known are {', '.join(choices)}")
