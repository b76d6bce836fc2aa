"""A command line with flags of ``oci-runtime-tool generate`` in our own flags, and the migration table for people."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.errors import OptionError
from ocivalidate.generate.aliases import ALIASES, VALUE, Alias


def rewritten(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The command line in our own flags, and the words of the command that ``--args`` gave.

    Raises :class:`OptionError`.
    """
    found: list[str] = []
    words: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        flag, equals, value = argument.partition("=")
        alias = ALIASES.get(flag)
        if alias is None:
            found.append(argument)
        elif alias.switch:
            found += _switched(flag, alias, value if equals else "true")
        else:
            given = value if equals else next(waiting, None)
            if given is None:
                raise OptionError(f"{flag} needs a value")
            if flag == "--args":
                words.append(given)
            else:
                found += _replaced(flag, alias, given)
    return found, words


def _switched(flag: str, alias: Alias, value: str) -> list[str]:
    if value not in ("true", "false"):
        raise OptionError(f"{flag} is true or false, not {value!r}")
    return list(alias.words) if value == "true" else []


def _replaced(flag: str, alias: Alias, value: str) -> list[str]:
    if alias.instead:
        raise OptionError(f"{flag} is a flag of oci-runtime-tool; write {alias.instead.replace('`', '')}")
    if alias.reads is None:
        return [word.replace(VALUE, value) for word in alias.words]
    try:
        return alias.reads(value)
    except OptionError as problem:
        raise OptionError(f"{flag}: {problem}") from problem


# --- The migration table


def migration() -> Iterator[tuple[str, str, str]]:
    """Each flag, whether it is accepted (``yes`` or ``no``), and what to write."""
    for flag, alias in ALIASES.items():
        if alias.instead:
            yield flag, "yes" if flag == "--args" else "no", _sentence(alias.instead, alias.note)
        else:
            yield flag, "yes", _sentence(_own_words(flag, alias), alias.note)


def _own_words(flag: str, alias: Alias) -> str:
    """What we call it; nothing where the name is the same, or the note says it."""
    if alias.reads is not None or len(alias.words) != 1:
        return ""
    shown = _shown(alias.words[0])
    return "" if shown.split(" ")[0] == flag else f"`{shown}`"


def _shown(word: str) -> str:
    """A rewritten flag as people would write it."""
    flag, equals, rest = word.partition("=")
    return f"{flag} {rest.replace(VALUE, 'VALUE')}" if equals else flag


def _sentence(words: str, note: str) -> str:
    return "; ".join(part for part in (words, note) if part)
