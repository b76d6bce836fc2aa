"""What is known of the terminal that reads our output."""

from __future__ import annotations

import os

import pytest

from ocivalidate.cli import screen as module
from ocivalidate.cli.screen import Screen, screen


@pytest.fixture(autouse=True)
def _no_terminal_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "NO_COLOR",
        "FORCE_COLOR",
        "COLUMNS",
        "TERM",
        "COLORTERM",
        "TERM_PROGRAM",
        "VTE_VERSION",
        "TMUX",
        "STY",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in module._LINKING_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module, "is_terminal", lambda: True)
    monkeypatch.setattr(os, "get_terminal_size", lambda _number: os.terminal_size((91, 30)))


@pytest.mark.parametrize(
    ("variables", "choice", "seen"),
    [
        ({"TERM": "xterm"}, "auto", Screen(91, 16, links=False)),
        ({"TERM": "xterm-256color"}, "auto", Screen(91, 256, links=False)),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "auto", Screen(91, 256, links=False)),
        ({"TERM": "xterm", "COLUMNS": "60"}, "auto", Screen(60, 16, links=False)),
        ({"TERM": "xterm", "COLUMNS": "0"}, "auto", Screen(91, 16, links=False)),
        ({"TERM": "dumb"}, "auto", Screen(91, 0, links=False)),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, "auto", Screen(91, 16, links=False)),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "auto", Screen(91, 0, links=False)),
        ({"TERM": "xterm-kitty"}, "auto", Screen(91, 256, links=True)),
        ({"TERM": "xterm-kitty", "NO_COLOR": "1"}, "auto", Screen(91, 0, links=False)),
        ({"TERM": "xterm-kitty"}, "never", Screen(91, 0, links=False)),
        ({"TERM": "xterm-256color", "VTE_VERSION": "6800"}, "auto", Screen(91, 256, links=True)),
        ({"TERM": "xterm-256color", "VTE_VERSION": "4999"}, "auto", Screen(91, 256, links=False)),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "vscode"}, "auto", Screen(91, 256, links=True)),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "vscode", "TMUX": "x"}, "auto", Screen(91, 256, links=False)),
        ({"WT_SESSION": "x"}, "auto", Screen(91, 256, links=True)),
    ],
)
def test_a_terminal(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], choice: str, seen: Screen) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert screen(choice) == seen


@pytest.mark.parametrize("choice", ["auto", "always", "never"])
@pytest.mark.parametrize("force", ["", "1"])
def test_a_pipe_is_not_fitted_and_gets_no_links(monkeypatch: pytest.MonkeyPatch, choice: str, force: str) -> None:
    monkeypatch.setattr(module, "is_terminal", lambda: False)
    for name, value in {"TERM": "xterm-kitty", "COLUMNS": "60", "FORCE_COLOR": force}.items():
        monkeypatch.setenv(name, value)
    coloured = choice == "always" or (choice == "auto" and bool(force))
    assert screen(choice) == Screen(0, 256 * coloured, links=False)


def test_a_terminal_that_does_not_say_how_wide_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_number: int) -> os.terminal_size:
        raise OSError("not a terminal")

    monkeypatch.setattr(os, "get_terminal_size", unknown)
    assert screen().width == 80
    monkeypatch.setattr(os, "get_terminal_size", lambda _number: os.terminal_size((0, 0)))
    assert screen().width == 80
