"""The line of a terminal that says how far an audit is: it fits, escapes what it shows, and leaves nothing behind."""

from __future__ import annotations

import io
import re
import sys

import pytest

from ocivalidate.audit.showing import Progress
from ocivalidate.cli.audit_work import shown

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def line_of(target: str, columns: int, monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    """All that a terminal of this width gets while a target is audited."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name, text in {"TERM": "xterm-256color", "COLUMNS": str(columns), **variables}.items():
        monkeypatch.setenv(name, text)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with shown(target, quiet=False) as show:
        assert show is not None
        show(Progress(5 << 20, 10 << 20, 3, 2000, 5 << 20))
    return terminal.getvalue()


@pytest.mark.parametrize("columns", [20, 80, 300])
@pytest.mark.parametrize("more", [{}, {"NO_COLOR": "1"}], ids=["colours", "no colours"])
def test_the_line_fits_and_goes_away(columns: int, more: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    said = line_of("/srv/" + "registry/" * 10, columns, monkeypatch, **more)
    assert "\x1b[2K" in said, "it is taken away"
    lines = [text for text in re.split(r"[\r\n]", _CONTROL.sub("", said)) if text]
    assert lines
    assert all(len(text) <= columns for text in lines)
    assert lines[0].startswith("5 MiB of 10 MiB"[: columns - 4])


def test_nothing_of_a_target_is_a_command_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    said = line_of("/srv/\x1b]0;owned\x07[red]x", 200, monkeypatch)
    assert "\x1b]" not in said
    assert "\x07" not in said
    assert "[red]x" in said


def test_who_is_no_terminal_gets_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    with shown("/srv", quiet=False) as show:
        assert show is not None
        show(Progress(5, 10, 3, 2000, 5))
    assert not log.getvalue()


def test_quiet_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with shown("/srv", quiet=True) as show:
        assert show is None
