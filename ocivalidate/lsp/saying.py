"""What an editor is told: diagnostics, explanations, completions and fixes, as values of the protocol."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from lsprotocol import types

from ocivalidate.jsontext.pointers import path_of, place_at
from ocivalidate.lsp.cursor import Cursor, Way, cursor
from ocivalidate.lsp.documents import Judged, release_of
from ocivalidate.lsp.members import about, elsewhere, members_at, node_at, sentences, type_of, values_at
from ocivalidate.lsp.positions import Places
from ocivalidate.report.escape import visible
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Change, Finding
from ocivalidate.rules.references import page

SOURCE = "ocivalidate"
_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTE: types.DiagnosticSeverity.Information,
}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|<>~&])")
_MOST_CLAUSES = 12
_LONGEST_MESSAGE = 1000


def _range(places: Places, start: int, end: int) -> types.Range:
    first, last = places.point(start), places.point(end)
    return types.Range(types.Position(*first), types.Position(*last))


def range_of(finding: Finding, places: Places) -> types.Range:
    """Where a finding stands; one on the whole document, at its first character."""
    location = finding.location
    if not location.line or not location.column:
        return _range(places, 0, 1)
    start = places.of_line(location.line, location.column)
    end = places.of_line(location.line, location.end_column or location.column + 1)
    return _range(places, start, end)


def diagnostics(judged: Judged, places: Places) -> list[types.Diagnostic]:
    """The findings of a text."""
    found = [diagnostic(finding, places) for finding in judged.findings]
    if judged.note and judged.kind:
        severity = types.DiagnosticSeverity.Information
        found.append(types.Diagnostic(_range(places, 0, 1), judged.note, severity=severity, source=SOURCE))
    return found


def diagnostic(finding: Finding, places: Places) -> types.Diagnostic:
    """One finding."""
    more = f" (and {finding.more} more of this kind)" if finding.more else ""
    values = ", ".join(f"{name} {value}" for name, value in (("got", finding.got), ("want", finding.want)) if value)
    lines = [f"{finding.message}{more}", values, f"hint: {finding.hint}" if finding.hint else ""]
    return types.Diagnostic(
        range_of(finding, places),
        "\n".join(visible(line, _LONGEST_MESSAGE) for line in lines if line),
        severity=_SEVERITIES[finding.severity],
        code=finding.clause.id,
        code_description=types.CodeDescription(page(finding.clause)),
        source=SOURCE,
    )


# --- Hover


def hover(judged: Judged, places: Places, offset: int) -> types.Hover | None:
    """What is asked of the member at an offset, and what is found there."""
    there = cursor(judged.text, offset)
    if there is None or there.start == there.end or not judged.kind:
        return None
    way = (*there.way, there.text) if there.is_name else there.way
    told = [*_member(judged, way), *_found(judged, places, there)]
    if not told:
        return None
    content = types.MarkupContent(types.MarkupKind.Markdown, "\n\n".join(told))
    return types.Hover(content, _range(places, there.start, there.end))


def _member(judged: Judged, way: Way) -> Iterator[str]:
    release = release_of(judged.kind, judged.text)
    node = node_at(judged.kind, release, way)
    name = _markdown(visible(place_at(path_of(*way)), 200))
    if node is None:
        other = elsewhere(judged.kind, way)
        if other is not None and way:
            since, until = other.get("x-since"), other.get("x-until")
            span = f"since {since}" if since else f"until {until}"
            yield f"**{name}** is a member {span}; the document is judged by {release}"
        return
    head = f"**{name}**: {type_of(node)}" if type_of(node) else f"**{name}**"
    yield f"{head} ({judged.kind.partition('-')[0]}-spec {release})"
    clauses = about(node, release)
    if clauses:
        rows = [f"- {level}: {_markdown(summary)} (`{id_}`)" for level, summary, id_ in clauses[:_MOST_CLAUSES]]
        yield "\n".join(rows)
    elif sentences(node):
        yield _markdown(" ".join(sentences(node)))


def _found(judged: Judged, places: Places, there: Cursor) -> Iterator[str]:
    first, last = places.point(there.start), places.point(there.end)
    for finding in judged.findings:
        span = range_of(finding, places)
        begins, ends = (span.start.line, span.start.character), (span.end.line, span.end.character)
        if finding.location.line and begins < last and first < ends:
            message = _markdown(visible(finding.message, _LONGEST_MESSAGE))
            yield f"{finding.severity}: {message} (`ocivalidate explain {finding.clause.id}`)"


def _markdown(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


# --- Completion


def completions(kind: str, text: str, places: Places, offset: int) -> list[types.CompletionItem]:
    """The members or the values that may stand at an offset."""
    there = cursor(text, offset) if kind else None
    if there is None:
        return []
    release = release_of(kind, text)
    if there.is_name:
        return [*_names(kind, release, there, places)]
    here = _range(places, there.start, there.end)
    return [
        types.CompletionItem(
            value,
            kind=types.CompletionItemKind.Value,
            filter_text=value,
            sort_text=f"{number:04}",
            text_edit=types.TextEdit(here, value),
        )
        for number, value in enumerate(values_at(kind, release, there.way))
    ]


def _names(kind: str, release: str, there: Cursor, places: Places) -> Iterator[types.CompletionItem]:
    here = _range(places, there.start, there.end)
    for number, (name, node, required) in enumerate(members_at(kind, release, there.way)):
        if name in there.others:
            continue
        quoted = json.dumps(name)
        yield types.CompletionItem(
            name,
            kind=types.CompletionItemKind.Property,
            detail=", ".join(filter(None, [type_of(node), "required" if required else ""])),
            documentation=" ".join(sentences(node)) or None,
            filter_text=quoted,
            sort_text=f"{not required:d}{number:04}",
            text_edit=types.TextEdit(here, quoted if there.colon else f"{quoted}: "),
        )


# --- Fixes


def actions(uri: str, judged: Judged, places: Places, span: types.Range) -> list[types.CodeAction]:
    """What mends the findings in a range, and one for all of the document."""
    with_fix = [finding for finding in judged.findings if finding.fix]
    found = [
        types.CodeAction(
            finding.fix.title[:1].upper() + finding.fix.title[1:],
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[diagnostic(finding, places)],
            is_preferred=True,
            edit=_edit(uri, finding.fix.changes, places),
        )
        for finding in with_fix
        if finding.fix and _touch(range_of(finding, places), span)
    ]
    changes = {change for finding in with_fix if finding.fix for change in finding.fix.changes}
    if changes:
        title = f"Fix all that have one safe answer ({SOURCE}, {len(with_fix)})"
        every = _edit(uri, sorted(changes), places)
        found.append(types.CodeAction(title, kind=f"{types.CodeActionKind.SourceFixAll.value}.{SOURCE}", edit=every))
    return found


def _touch(one: types.Range, other: types.Range) -> bool:
    return not (one.end < other.start or other.end < one.start)


def _edit(uri: str, changes: Sequence[Change], places: Places) -> types.WorkspaceEdit:
    edits = [
        types.TextEdit(
            _range(places, places.of_line(one.line, one.column), places.of_line(one.end_line, one.end_column)), one.text
        )
        for one in changes
    ]
    return types.WorkspaceEdit(changes={uri: edits})
