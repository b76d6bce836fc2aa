"""What ``--help`` prints: groups of options with what they are for, examples, exit codes, fitted to the width."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ocivalidate.cli.screen import Screen, columns
from ocivalidate.report.fitting import fitted
from ocivalidate.report.painting import Line, painted

if TYPE_CHECKING:
    from ocivalidate.cli.dashes import DashParser

_WIDEST = 120
# On a terminal that is narrower what an option is for stands below it, unless all names are short.
_NARROW = 72
_MOST_IN_FRONT = 30
_BELOW = 8
_OPTION = re.compile(r"(?<![\w-])--?[a-z][\w-]*")
# argparse calls them so.
_PROGRAM = "%(prog)s"
_ARGUMENTS, _OPTIONS = "positional arguments", "options"

# A word of a command line, quoted or not; an option takes its value with it.
_WORD = r"(?:'[^']*'|\"[^\"]*\"|[^\s'\"]+)+"
_WORDS = re.compile(rf"--?\w[^\s]*(?: (?!-){_WORD})?|{_WORD}")

Row = tuple[Line, str]


def help_of(parser: DashParser, screen: Screen) -> str:
    """The help of a parser, fitted to a terminal, or to what COLUMNS says, else to 80 columns."""
    width = min(screen.width or columns(), _WIDEST)
    return "".join(painted(_lines(parser, width), screen.colours))


def _lines(parser: DashParser, width: int) -> Iterator[Line]:
    yield from fitted(usage(parser), width, 7)
    if parser.description:
        yield []
        yield from fitted([(parser.description, "")], width, 0)
    titled = [*sections(parser)]
    # The rows of all sections have one column for what they are for.
    terms = [_size(term) for _title, rows in titled for term, _text in rows]
    indent = min(_MOST_IN_FRONT, max(terms, default=0) + 4)
    if width < _NARROW and indent > width // 4:
        indent = 0
    for title, rows in titled:
        yield []
        yield from fitted([(f"{title}:", "strong")], width, 2)
        for row in rows:
            yield from _row(row, indent, width)
    yield from _examples(parser, width)
    for paragraph in filter(None, (parser.epilog or "").split("\n\n")):
        yield []
        yield from fitted(_marked(" ".join(paragraph.split())), width, 0)


def usage(parser: DashParser) -> Line:
    """What stands behind ``usage:``, with it."""
    if parser.usage:
        return [("usage: ", "strong"), (parser.usage.replace(_PROGRAM, parser.prog), "")]
    words = [_argument(action) for action in parser._actions if not action.option_strings]  # noqa: SLF001  # no list of arguments is public
    return [("usage: ", "strong"), (parser.prog, "name"), (f" {' '.join(['[OPTION...]', *words])}", "")]


def _argument(action: argparse.Action) -> str:
    name = _metavar(action)
    return {"+": f"{name}...", "*": f"[{name}...]", "?": f"[{name}]", argparse.PARSER: f"{name} ..."}.get(
        str(action.nargs), name
    )


def sections(parser: DashParser) -> Iterator[tuple[str, list[Row]]]:
    """Titles and rows: arguments, the groups as they were made, and last what belongs to none of them."""
    groups = {str(group.title): group for group in parser._action_groups}  # noqa: SLF001  # no list of groups is public
    others = groups.pop(_OPTIONS, None)
    arguments = groups.pop(_ARGUMENTS, None)
    if arguments is not None:
        yield from _commands_or_arguments(arguments._group_actions, parser)  # noqa: SLF001  # nor of what is in one
    titled = False
    for title, group in groups.items():
        rows = [*_rows(group._group_actions)]  # noqa: SLF001
        titled |= bool(rows)
        if rows:
            yield title, rows
    rows = [*_rows(others._group_actions)] if others is not None else []  # noqa: SLF001
    if rows:
        yield ("Other options" if titled else "Options"), rows


def _commands_or_arguments(actions: list[argparse.Action], parser: DashParser) -> Iterator[tuple[str, list[Row]]]:
    if parser.commands:
        for title, named in parser.commands.items():
            yield title, [([(name, "name")], summary) for name, summary in named.items()]
    elif rows := [([(_metavar(action), "value")], action.help or "") for action in actions]:
        yield "Arguments", rows


def _rows(actions: Iterable[argparse.Action]) -> Iterator[Row]:
    for action in actions:
        if action.help is not argparse.SUPPRESS:
            yield _term(action), (action.help or "").replace("%%", "%")


def _term(action: argparse.Action) -> Line:
    flags: Line = []
    for flag in action.option_strings:
        flags += [*([(", ", "")] if flags else []), (flag, "name")]
    if action.nargs == 0:
        return flags
    return [*flags, (" ", ""), (_metavar(action), "value")]


def _metavar(action: argparse.Action) -> str:
    if action.metavar is not None:
        return action.metavar if isinstance(action.metavar, str) else " ".join(action.metavar)
    return action.dest.upper().replace("_", "-")


def _row(row: Row, indent: int, width: int) -> Iterator[Line]:
    term, text = row
    first: Line = [("  ", ""), *term]
    if not indent:
        yield first
        yield from fitted([(" " * _BELOW, ""), *_marked(text)], width, _BELOW)
        return
    gap = indent - _size(first)
    if gap < 2:
        yield first
        first, gap = [], indent
    yield from fitted([*first, (" " * gap, ""), *_marked(text)], width, indent)


def _marked(text: str) -> Line:
    """The text with the options that it names in their colour."""
    marked: Line = []
    end = 0
    for found in _OPTION.finditer(text):
        marked += [(text[end : found.start()], ""), (found[0], "name")]
        end = found.end()
    return [*marked, (text[end:], "")]


def _examples(parser: DashParser, width: int) -> Iterator[Line]:
    if not parser.examples:
        return
    yield []
    yield [("Examples:", "strong")]
    for what, command in parser.examples:
        if what:
            yield from fitted([(f"  {what}", "")], width, 2)
        yield from _command(command.replace(_PROGRAM, parser.prog), width)


def _command(command: str, width: int) -> Iterator[Line]:
    """A command line, broken between words as a shell takes it, and before options."""
    words = re.findall(_WORDS, command)
    row = "    $"
    for word in words:
        if len(row) + len(word) + 3 > width and row.strip() != "$":
            yield [(f"{row} \\", "")]
            row = "       "
        row += f" {word}"
    yield [(row, "")]


def _size(line: Line) -> int:
    return sum(len(text) for text, _style in line)
