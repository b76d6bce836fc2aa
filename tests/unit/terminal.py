"""A terminal for tests that run commands in this process."""

from __future__ import annotations

import os

import pytest

from ocivalidate.cli import screen

_VARIABLES = (
    "NO_COLOR",
    "FORCE_COLOR",
    "COLUMNS",
    "COLORTERM",
    "TERM_PROGRAM",
    "VTE_VERSION",
    "TMUX",
    "STY",
    "WT_SESSION",
)


def give_terminal(monkeypatch: pytest.MonkeyPatch, width: int, term: str = "xterm-256color") -> None:
    """Let a terminal of so many columns read standard output."""
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(screen, "is_terminal", lambda: True)
    monkeypatch.setattr(screen, "columns", lambda: int(os.environ.get("COLUMNS") or width))
