"""Completions of the shells, made from the parsers by shtab, which only those need who make them.

A wheel has them ready (``hatch_build.py``); in a checkout they are made when they are asked for.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from ocivalidate.cli.dashes import DashParser

SHELLS = ("bash", "zsh", "fish")
PROGRAMS = ("ocivalidate", "oci-gen")

# What the value of an option or argument is, by the word that help has for it. Others have choices, or none.
_FILES = ("PATH", "FILE", "REPORT", "OLD", "SOURCE", "CONFIG", "FACTS", "PROGRAM", "FORMAT=FILE")
_FOLDERS = ("DIR", "BUNDLE")
_CLAUSES = ("CLAUSE", "CLAUSES")
_LISTS = {
    "clauses": {"bash": "_ocivalidate_clauses", "zsh": "_ocivalidate_clauses", "fish": "(_ocivalidate_clauses)"},
    "cases": {"bash": "_ocivalidate_cases", "zsh": "_ocivalidate_cases", "fish": "(_ocivalidate_cases)"},
}
# Cases are what the runtime command takes beside clauses.
_PREAMBLES = {
    "bash": """\
_ocivalidate_clauses() {{ compgen -W "{clauses}" -- "$1"; }}
_ocivalidate_cases() {{ compgen -W "{cases}" -- "$1"; _ocivalidate_clauses "$1"; }}
""",
    "zsh": """\
_ocivalidate_clauses() {{ compadd -- {clauses} }}
_ocivalidate_cases() {{ compadd -- {cases}; _ocivalidate_clauses }}
""",
    "fish": """\
function _ocivalidate_clauses; string split ' ' '{clauses}'; end
function _ocivalidate_cases; string split ' ' '{cases}'; _ocivalidate_clauses; end
""",
}


def script(program: str, shell: str) -> str:
    """The completions of ``ocivalidate`` or ``oci-gen`` for one of ``SHELLS``, to be sourced or put into a file.

    Raises :class:`ImportError` where shtab is not installed.
    """
    import shtab

    parser = parser_of(program)
    _mark(parser, shtab.FILE, shtab.DIRECTORY)
    clauses, cases = _names()
    lists = _PREAMBLES[shell].format(clauses=" ".join(clauses), cases=" ".join(cases))
    preamble: Any = {shell: lists if program == "ocivalidate" else ""}
    made: str = shtab.complete(parser, shell, preamble=preamble)
    return made


def parser_of(program: str) -> DashParser:
    """The parser of a program with the options of all its commands."""
    from ocivalidate.cli.entry import whole_parser
    from ocivalidate.cli.oci_gen import parser_of as generator

    return whole_parser() if program == "ocivalidate" else generator(program)


def commands_of(parser: argparse.ArgumentParser) -> dict[str, DashParser]:
    """The parsers of the commands, by name."""
    found = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001  # argparse has no list of commands that is public
    return dict(found[0].choices) if found else {}


def _mark(parser: argparse.ArgumentParser, files: Any, folders: Any, command: str = "") -> None:
    """Say of every option and argument what its value is."""
    for action in parser._actions:  # noqa: SLF001  # argparse has no list of options that is public
        what = action.metavar if isinstance(action.metavar, str) else (action.metavar or [""])[0]
        complete: Any = files if what in _FILES else folders if what in _FOLDERS else None
        if what in _CLAUSES or (command == "runtime" and action.dest in ("select", "ignore")):
            complete = _LISTS["cases" if command in ("runtime", "explain") else "clauses"]
        if complete is not None and not action.choices:
            action.complete = complete  # type: ignore[attr-defined]  # shtab looks for it
    for name, inner in commands_of(parser).items():
        _mark(inner, files, folders, name)


def _names() -> tuple[list[str], list[str]]:
    """The ids of the clauses and of the cases."""
    from ocivalidate.rules.clauses import load

    return [*load()], [*_cases()]


def _cases() -> Iterable[str]:
    try:
        from ocivalidate.runtime.running.loading import case_folder, load_cases

        return [case.id for case in load_cases(case_folder(None))]
    except ImportError:
        # Another system than Linux, where no runtime is judged.
        return ()
