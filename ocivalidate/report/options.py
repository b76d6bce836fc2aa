"""What a caller may ask of a renderer."""

from __future__ import annotations

from dataclasses import dataclass

from ocivalidate.rules.clauses import Severity


@dataclass(frozen=True, slots=True)
class Options:
    """How to render.

    ``fail_on``: the least severity that fails a run, as given to ``findings.exit_code``. ``verbose``: how often ``-v``
    was given (text shows notes and skips, then every result; TAP and JUnit list the clauses whose subject is absent;
    SARIF lists passes). ``quiet``: one line per finding, and none where all is well (text).
    ``statistics``: how many findings each clause has, in place of the findings (text). ``colour``: how many colours,
    16 or 256, 0 for none (text). ``width``: how many columns the terminal has that text is fitted to; 0 for what is no
    terminal, where no line is broken and no digest shortened. ``links``: whether citations lead to the clause (OSC 8).
    ``tap_version``: 13 or 14. ``tool_version``: our own version. ``settings``: the names of the settings that a
    settings file changed for this run, and ``settings_file`` is that file; every format names both.
    ``unheeded``: what that file says and did not count (text). ``root``: the absolute path of the checkout, which files
    are shown relative to, and ``within``: the working directory from there; both ``""`` if nothing is known.
    ``notes``: lines on how the run came to be, before all else if ``verbose`` (text).
    """

    fail_on: Severity = Severity.ERROR
    verbose: int = 0
    quiet: bool = False
    colour: int = 0
    width: int = 0
    links: bool = False
    tap_version: int = 14
    tool_version: str = ""
    settings_file: str = ""
    settings: tuple[str, ...] = ()
    root: str = ""
    within: str = ""
    statistics: bool = False
    notes: tuple[str, ...] = ()
    unheeded: tuple[str, ...] = ()
