"""The manual pages, made from the parsers: what ``--help`` says, as man(7).

A wheel has them in ``share/man`` (``hatch_build.py``), where ``man`` finds them beside the programs.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

from ocivalidate import __version__
from ocivalidate.cli.completing import PROGRAMS, commands_of, parser_of
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.help import sections, usage
from ocivalidate.report.painting import Line

_ESCAPES = {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq"}
_FONTS = {"name": r"\fB", "value": r"\fI", "strong": r"\fB"}
_SECTION = "1"
_WIDTH = 78
# What is told of every program, by the title of its section.
_ENDINGS = {
    "EXIT STATUS": (
        ("0", "Judged, and nothing was found that fails the run."),
        ("1", "Findings."),
        ("2", "Something could not be judged: wrong usage, unreadable input, nothing to judge."),
    ),
    "ENVIRONMENT": (
        ("NO_COLOR, FORCE_COLOR", "No colours, or colours where no terminal reads."),
        ("OCIVALIDATE_NO_CONFIG", "With 1, no settings file is read."),
        ("OCIVALIDATE_DEBUG", "If set, an internal error shows where it happened."),
    ),
}


def pages(date: str) -> dict[str, str]:
    """The pages by file name: one for each program and each command. ``date`` (YYYY-MM-DD) is when they were made."""
    made = {}
    for program in PROGRAMS:
        parser = parser_of(program)
        named = {program: parser} | {f"{program}-{name}": inner for name, inner in commands_of(parser).items()}
        named.pop("ocivalidate-generate", None)  # the page of oci-gen says the same
        for name, one in named.items():
            others = [other for other in (*named, *PROGRAMS) if other != name]
            made[f"{name}.{_SECTION}"] = "".join(f"{line}\n" for line in _page(name, one, date, others))
    return made


def _page(name: str, parser: DashParser, date: str, others: Iterable[str]) -> Iterator[str]:
    description = (parser.description or "").strip()
    yield f'.TH {name.upper()} {_SECTION} "{date}" "ocivalidate {__version__}" "User Commands"'
    # Long names of options leave no room to make lines equally long.
    yield ".ad l"
    yield ".SH NAME"
    short = description.partition(". ")[0].split("\n")[0].rstrip(".")
    yield _line(f"{name} @ {short[:1].lower()}{short[1:]}").replace(" @ ", " \\- ", 1)
    yield ".SH SYNOPSIS"
    yield _styled(usage(parser)[1:])
    yield ".SH DESCRIPTION"
    yield from _paragraphs(description)
    for title, rows in sections(parser):
        yield f'.SH "{_text(title.upper())}"'
        for term, text in rows:
            yield ".TP"
            yield _styled(term)
            yield _line(text or title)
    if parser.examples:
        yield ".SH EXAMPLES"
        yield from _examples(parser)
    for title, told in _ENDINGS.items():
        yield f'.SH "{title}"'
        for name_or_code, text in told:
            yield from (".TP", f"\\fB{_text(name_or_code)}\\fR", _line(text))
    yield '.SH "SEE ALSO"'
    yield ",\n".join(f".BR {_text(other)} ({_SECTION})" for other in dict.fromkeys(others))


def _examples(parser: DashParser) -> Iterator[str]:
    for number, (what, command) in enumerate(parser.examples):
        if what:
            yield ".PP" if number else _line(what)
            if number:
                yield _line(what)
        yield from (".RS 4", ".EX", f"\\&$ {_text(command.replace('%(prog)s', parser.prog))}", ".EE", ".RE")


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(filter(None, text.split("\n\n"))):
        if number:
            yield ".PP"
        yield _line(" ".join(paragraph.split()))


def _styled(line: Line) -> str:
    """A row with its fonts, which begins with no control character."""
    return "".join(f"{_FONTS[style]}{_text(text)}\\fR" if style in _FONTS else _text(text) for text, style in line)


def _line(text: str) -> str:
    """A text on as many lines as it takes, none of which begins with a control character."""
    rows = textwrap.wrap(_text(text), _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"\\&{row}" if row.startswith((".", "'")) else row for row in rows)


def _text(text: str) -> str:
    return re.sub(r"[\\\-'`^~\"]", lambda found: _ESCAPES[found[0]], text)
