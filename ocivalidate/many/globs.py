"""Patterns for paths, as in ``.gitignore`` (gitignore(5)).

Ours and not a library's: a pattern and the names that it is held against may both come from a stranger, and libraries
that make one ordinary expression of a pattern try ``a*a*a*a*b`` in every way. Here the time for a name is at most the
length of the pattern times that of the name.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

LONGEST = 4096
"""How many characters a pattern may have: no path is longer."""

ANY_FOLDERS = "**"
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
# One member of a bracket expression, after the first character.
_MEMBER = re.compile(r"\[:([a-z]{1,10}):\]|(\\?.)(?:-(\\?[^\]]))?", re.DOTALL)
_NOTHING = r"(?!)"


class Pattern(NamedTuple):
    """A pattern.

    ``parts``: what it says of each name on the way, ``**`` for any number of them. ``keeps``: what it matches is not
    left out (``!``). ``folders``: it matches folders only.
    """

    parts: tuple[str, ...]
    keeps: bool = False
    folders: bool = False

    @property
    def cost(self) -> int:
        """What matching it costs at worst, in ordinary patterns: one that is long, or has many parts, costs more."""
        return max(1, sum(map(len, self.parts)) // 16, 4 * (len(self.parts) - 4))

    def matches(self, names: Sequence[str], *, folder: bool) -> bool:
        """Whether it matches a path, given by its names from the folder down in which the pattern counts."""
        if self.folders and not folder:
            return False
        return _matches(self.parts, names)


def pattern(line: str) -> Pattern | None:
    """The pattern that a line of a ``.gitignore`` means; ``None`` for an empty line, a comment, or what never matches.

    Trailing spaces do not count unless one is quoted, with a backslash.
    """
    text = line.rstrip("\r\n")
    while text.endswith(" ") and not text.endswith("\\ "):
        text = text[:-1]
    if not text or text.startswith("#") or len(text) > LONGEST:
        return None
    keeps = text.startswith("!")
    text = text[keeps:]
    folders = text.endswith("/")
    text = text[: len(text) - folders]
    is_anchored = "/" in text
    parts = text.removeprefix("/").split("/")
    if any(not part or (len(part) - len(part.rstrip("\\"))) % 2 for part in parts):
        return None
    if parts[-1] == ANY_FOLDERS:
        # What is in a folder, not the folder itself.
        parts.append("*")
    return Pattern(tuple(parts if is_anchored else (ANY_FOLDERS, *parts)), keeps, folders)


def patterns(lines: Iterable[str]) -> tuple[Pattern, ...]:
    """The patterns of some lines."""
    return tuple(found for found in map(pattern, lines) if found is not None)


def last_word(found: Iterable[Pattern], names: Sequence[str], *, folder: bool) -> Pattern | None:
    """The pattern that decides on a path: the last that matches it; ``None`` if none does."""
    return next((one for one in reversed([*found]) if one.matches(names, folder=folder)), None)


def covers(found: Sequence[Pattern], names: Sequence[str]) -> bool:
    """Whether patterns mean a file or a folder that it is in."""
    for end in range(1, len(names) + 1):
        decides = last_word(found, names[:end], folder=end < len(names))
        if decides is not None and not decides.keeps:
            return True
    return False


def is_glob(path: str) -> bool:
    """Whether a path has letters by which it may mean several."""
    return any(letter in path for letter in "*?[")


def matches_name(part: str, name: str) -> bool:
    """Whether one part of a pattern matches a name."""
    return _compiled(part)(name) is not None


def _matches(parts: Sequence[str], names: Sequence[str]) -> bool:
    """Whether parts match names: the last ``**`` takes as few names as it can, and one more whenever that fails."""
    part = name = 0
    retry: tuple[int, int] | None = None
    while name < len(names):
        if part < len(parts) and parts[part] == ANY_FOLDERS:
            part += 1
            retry = part, name
        elif part < len(parts) and matches_name(parts[part], names[name]):
            part, name = part + 1, name + 1
        elif retry is not None:
            retry = retry[0], retry[1] + 1
            part, name = retry
        else:
            return False
    return part == len(parts)


@functools.lru_cache(maxsize=4096)
def _compiled(part: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(_expression(part), re.DOTALL).match


def _expression(part: str) -> str:
    """A regular expression for one part. It takes back nothing: each piece between stars is found once, or never."""
    pieces, at = [""], 0
    while at < len(part):
        letter = part[at]
        if letter == "*":
            if pieces[-1] or len(pieces) == 1:
                pieces.append("")
            at += 1
        elif letter == "?":
            pieces[-1] += "."
            at += 1
        elif letter == "[":
            said, at = _bracket(part, at + 1)
            pieces[-1] += said
        else:
            at += letter == "\\" and at + 1 < len(part)
            pieces[-1] += re.escape(part[at])
            at += 1
    if len(pieces) == 1:
        return rf"{pieces[0]}\Z"
    first, *middle, last = pieces
    return first + "".join(f"(?>.*?{piece})" for piece in middle) + rf".*{last}\Z"


def _bracket(part: str, at: int) -> tuple[str, int]:
    """A bracket expression from behind its bracket on, and where it ends. One without an end matches nothing."""
    is_other = part[at : at + 1] in ("!", "^")
    at += is_other
    said, first = "", True
    while at < len(part) and (part[at] != "]" or first):
        member = _MEMBER.match(part, at)
        if member is None:
            return _NOTHING, len(part)
        first, at = False, member.end()
        said += _CLASSES.get(member[1], "") if member[1] else _range(member[2], member[3])
    if at >= len(part):
        return _NOTHING, len(part)
    if not said:
        return ("." if is_other else _NOTHING), at + 1
    return f"[{'^' if is_other else ''}{said}]", at + 1


def _range(low: str, high: str | None) -> str:
    low, high = low[-1], (high or low)[-1]
    return f"{re.escape(low)}-{re.escape(high)}" if low <= high else ""
