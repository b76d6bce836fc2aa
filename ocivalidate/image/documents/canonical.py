"""Canonical JSON (image-spec considerations.md#json): judged only on request, as hardly any tool writes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ocivalidate.image.documents.registry import on_every_document
from ocivalidate.rules.checks import CheckContext, Node, Violation

CANONICAL = "image/considerations.canonical-json"


@on_every_document(CANONICAL)
def text_is_canonical(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Members in order, no white space, no floats, and no escapes except of quotes and backslashes."""
    parts: list[str] = []
    if not _write(node.value, parts) or "".join(parts) != context.text:
        yield node.breaks(CANONICAL, "the text is not canonical JSON", got="")


def _write(value: Any, parts: list[str]) -> bool:
    """Append the canonical form of ``value``, no deeper than ``documents.MAX_DEPTH``; false when it has none."""
    if isinstance(value, dict):
        separator = "{"
        for name in sorted(value):
            parts.append(f"{separator}{_quoted(name)}:")
            separator = ","
            if not _write(value[name], parts):
                return False
        parts.append("}" if value else "{}")
    elif isinstance(value, list):
        separator = "["
        for entry in value:
            parts.append(separator)
            separator = ","
            if not _write(entry, parts):
                return False
        parts.append("]" if value else "[]")
    elif isinstance(value, float):
        return False
    else:
        parts.append(_scalar(value))
    return True


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _scalar(value: str | int | None) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)
