"""What reads our output: how wide it is, how many colours it has, and whether it takes links."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from ocivalidate.report.painting import MANY

_USUAL = 80
_FEW = 16
# Names in TERM of terminals that have more than 16 colours, and that take links.
_RICH_TERMS = ("256color", "direct", "kitty", "ghostty", "alacritty", "foot", "wezterm", "contour")
_LINKING_TERMS = ("kitty", "ghostty", "alacritty", "foot", "wezterm", "contour")
_LINKING_PROGRAMS = ("iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby", "rio")
_LINKING_VARIABLES = ("WT_SESSION", "KONSOLE_VERSION", "DOMTERM")
_FIRST_VTE = 5000


class Screen(NamedTuple):
    """``width`` in columns, 0 where no terminal reads; ``colours``: 0, 16 or 256; ``links``: whether OSC 8 is taken."""

    width: int
    colours: int
    links: bool


PLAIN = Screen(0, 0, links=False)


def screen(choice: str = "auto") -> Screen:
    """What reads standard output; ``choice`` is ``--color``: ``auto``, ``always`` or ``never``."""
    terminal = is_terminal()
    colours = _colours() if wants_colour(choice, terminal=terminal) else 0
    return Screen(columns() if terminal else 0, colours, links=bool(terminal and colours and _links()))


def is_terminal() -> bool:
    """Whether a terminal reads standard output."""
    return sys.stdout is not None and sys.stdout.isatty()


def wants_colour(choice: str, *, terminal: bool) -> bool:
    """Whether to use colours.

    ``--color``, then NO_COLOR and FORCE_COLOR (https://no-color.org), then whether a terminal reads that has some.
    """
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (terminal and os.environ.get("TERM") != "dumb")


def columns() -> int:
    """How wide the terminal is: what COLUMNS says, or what it says itself, or 80."""
    said = os.environ.get("COLUMNS", "")
    if said.isascii() and said.isdigit() and int(said[:9]):
        return int(said[:9])
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or _USUAL  # type: ignore[union-attr]  # caught
    except (AttributeError, ValueError, OSError):
        return _USUAL


def _colours() -> int:
    term = os.environ.get("TERM", "")
    many = os.environ.get("COLORTERM") in ("truecolor", "24bit") or any(name in term for name in _RICH_TERMS)
    return MANY if many or "WT_SESSION" in os.environ else _FEW


def _links() -> bool:
    """Whether the terminal is known to take links: those that do not may print them."""
    environ = os.environ
    term, vte = environ.get("TERM", ""), environ.get("VTE_VERSION", "")
    if term.startswith(("screen", "tmux", "dumb")) or "TMUX" in environ or "STY" in environ:
        return False
    return (
        any(name in term for name in _LINKING_TERMS)
        or environ.get("TERM_PROGRAM") in _LINKING_PROGRAMS
        or any(name in environ for name in _LINKING_VARIABLES)
        or (vte.isascii() and vte.isdigit() and int(vte[:9]) >= _FIRST_VTE)
    )
