"""The page: one file with everything in it, which asks for nothing, and runs nothing that it does not bring.

Style and scripts are the files in ``page/``; the scripts are modules for those who read and check them, and become one
script when the page is written. All that reports hold is data in a script element that is never run, or text of the
plain table, which stands there for those without JavaScript.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

from ocivalidate.matrix.changes import Difference
from ocivalidate.matrix.model import Matrix, Sheet
from ocivalidate.matrix.packing import packed, title
from ocivalidate.matrix.text import summed

_FOLDER = Path(__file__).parent / "page"
# In this order each module stands below what it imports.
_SCRIPTS = ("dom", "data", "state", "filters", "matrix", "detail", "changes", "history", "times", "runs", "main")
_IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./([a-z]+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (const|function) (\w+)", re.MULTILINE)
# Of the plain table.
_MOST_CELLS, _MOST_COLUMNS = 5_000, 60


@functools.cache
def script() -> str:
    """All modules as one script: each a function that gives what the module exports."""
    return '"use strict";\nconst modules = {};\n' + "".join(map(_module, _SCRIPTS))


def _module(name: str) -> str:
    text = (_FOLDER / f"{name}.js").read_text(encoding="utf-8")
    exported = ", ".join(found[2] for found in _EXPORT.finditer(text))
    body = _EXPORT.sub(r"\1 \2", _IMPORT.sub(r"const \1 = modules.\2;", text))
    return f"modules.{name} = (() => {{\n{body}return {{ {exported} }};\n}})();\n"


@functools.cache
def style() -> str:
    """The style sheet."""
    return (_FOLDER / "page.css").read_text(encoding="utf-8")


def pieces(matrix: Matrix, version: str, found: Difference | None = None) -> Iterator[str]:
    """The page. With ``found`` it begins with what changed between the two runs that were compared."""
    run, look = f"(() => {{\n{script()}}})();\n", style()
    policy = (
        f"default-src 'none'; script-src '{_hash(run)}'; style-src '{_hash(look)}'; img-src data:; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
    yield f'<link rel="icon" href="data:,">\n<title>{escape(title(matrix))}</title>\n<style>{look}</style>\n</head>\n'
    yield '<body>\n<a class="jump" href="#main">Skip to the results</a>\n'
    yield f'<header class="top">\n<h1>{escape(title(matrix))}</h1>\n<p class="quiet">{escape(_about(matrix))}</p>\n'
    yield '<nav id="nav" aria-label="Views"></nav>\n</header>\n<main id="main" tabindex="-1">\n'
    for sheet in matrix.sheets:
        yield from _plain(sheet)
    yield '</main>\n<dialog id="detail" aria-labelledby="detail-title"></dialog>\n'
    yield f'<script type="application/json" id="data">{packed(matrix, version, found)}</script>\n'
    yield f"<script>{run}</script>\n</body>\n</html>\n"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _about(matrix: Matrix) -> str:
    """What was judged, in one line."""
    parts = []
    for sheet in matrix.sheets:
        count = len(sheet.subjects)
        kind = f"{sheet.kind}: " if len(matrix.sheets) > 1 else ""
        parts.append(f"{kind}{count} run{'' if count == 1 else 's'}, {len(sheet.rows):,} clauses")
    dates = sorted({one.date for one in matrix.subjects if one.date})
    judged = f", judged {dates[0]}" + (f" to {dates[-1]}" if len(dates) > 1 else "") if dates else ""
    return "; ".join(parts) + judged


def _plain(sheet: Sheet) -> Iterator[str]:
    """A table of the areas, for those without JavaScript: failed clauses of those that were judged."""
    yield f'<section class="plain">\n<h2>{escape(sheet.kind)}</h2>\n<p>Failed clauses, of those that were judged.</p>\n'
    yield '<div class="scroll" tabindex="0" role="region" aria-label="Results">\n<table class="list">\n<thead><tr>'
    yield '<th scope="col">Area</th>'
    columns = sheet.subjects[:_MOST_COLUMNS]
    yield "".join(f'<th scope="col">{escape(one.label)}</th>' for one in columns) + "</tr></thead>\n<tbody>\n"
    for area in sheet.areas[: _MOST_CELLS // len(columns)]:
        yield f'<tr><th scope="row">{escape(area.name)}</th>'
        for column in range(len(columns)):
            kept, broken, _others = summed(area.count(column))
            shown = f"{broken} of {kept + broken}" if kept + broken else "not judged"
            yield f"<td>{shown}</td>"
        yield "</tr>\n"
    yield "</tbody>\n</table>\n</div>\n</section>\n"
