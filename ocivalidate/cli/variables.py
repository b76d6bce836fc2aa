"""``OCIVALIDATE_*`` variables: one for each setting. They count after the command line, and before a settings file."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ocivalidate.cli.settings_file import NO_CONFIG
from ocivalidate.cli.settings_table import BY_NAME, Setting
from ocivalidate.errors import UsageError
from ocivalidate.vocabulary.wording import shortened

PREFIX = "OCIVALIDATE_"
CONFIG = f"{PREFIX}CONFIG"
_FLAGS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}
_ON_OFF = "1, true, yes or on, or 0, false, no or off"
_MOST_VERBOSE = 9


def of(name: str) -> str:
    """The variable of a setting."""
    return PREFIX + name.upper().replace("-", "_")


def given(without: Collection[str] = ()) -> dict[str, Any]:
    """The values that the environment has for settings, but for those ``without``; what is empty is not set.

    Raises :class:`UsageError` for a value that makes no sense, and for a variable that is nearly that of a setting.
    """
    written = {name: text for name, text in os.environ.items() if name.startswith(PREFIX) and text}
    if not written:
        return {}
    known = {of(name): setting for name, setting in BY_NAME.items() if setting.kind in _READ}
    _refuse_nearly(written, known)
    return {
        setting.name: _READ[setting.kind](name, setting, written[name])
        for name, setting in known.items()
        if name in written and setting.name not in without
    }


def no_config() -> bool:
    """Whether the environment turns settings files off. Raises :class:`UsageError` for a value that is no flag."""
    text = os.environ.get(NO_CONFIG, "")
    return bool(text) and _switch(NO_CONFIG, text)


def _refuse_nearly(written: Mapping[str, str], known: Mapping[str, Setting]) -> None:
    """A variable of another name may be for something else, but not one that is a typing error."""
    from ocivalidate.vocabulary.spelling import one_typo_apart

    bare = {name.replace("_", ""): name for name in known}
    for name in written:
        if name in known:
            continue
        meant = bare.get(name.replace("_", "")) or next((one for one in known if one_typo_apart(name, one)), "")
        if meant:
            raise UsageError(f"there is no variable {shortened(name, 80)}; did you mean {meant}?")


def _flag(name: str, _setting: Setting, text: str) -> bool:
    return _switch(name, text)


def _switch(name: str, text: str) -> bool:
    if text.strip().lower() not in _FLAGS:
        raise UsageError(f"{name} must be {_ON_OFF}, not {shortened(text, 80)}")
    return _FLAGS[text.strip().lower()]


def _count(name: str, _setting: Setting, text: str) -> int:
    if len(text) != 1 or text not in "0123456789":
        raise UsageError(f"{name} must be a number from 0 to {_MOST_VERBOSE}, not {shortened(text, 80)}")
    return int(text)


def _choice(name: str, setting: Setting, text: str) -> str:
    if text not in setting.choices:
        from ocivalidate.cli import mistakes

        guess = mistakes.value(text, setting.choices)
        raise UsageError(f"{name} must be {' or '.join(setting.choices)}, not {shortened(text, 80)}{guess}")
    return text


def _list(_name: str, _setting: Setting, text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _text(_name: str, _setting: Setting, text: str) -> str:
    return text


# What is wrong with these texts is found where options are held to the same.
_READ: Mapping[str, Callable[[str, Setting, str], Any]] = {
    "flag": _flag,
    "count": _count,
    "choice": _choice,
    "patterns": _list,
    "globs": _list,
    "outputs": _list,
    "file": _text,
    "size": _text,
    "number": _text,
}
