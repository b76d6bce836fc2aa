"""Arguments of the public functions: normalised in one place, and refused in one line if invalid."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeAlias, TypeVar

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
    _check_flags(value)
    return value


def _check_flags(options: Any) -> None:
    """Refuse what is neither true nor false where that is the default. Raises ``TypeError``."""
    defaults = getattr(options, "_field_defaults", None)
    if defaults is None:
        defaults = {member.name: member.default for member in fields(options)}
    for name, default in defaults.items():
        flag = getattr(options, name)
        if isinstance(default, bool) and not isinstance(flag, bool):
            raise TypeError(f"{name} must be True or False, not {flag!r}")


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


def at_least_one(number: object, name: str) -> None:
    """Refuse a number below 1; ``None`` stands for a default, or for no limit.

    Raises :class:`OptionError`, and ``TypeError`` for what is no whole number.
    """
    if number is None:
        return
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"{name} must be an int, not {type(number).__name__}")
    if number < 1:
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
