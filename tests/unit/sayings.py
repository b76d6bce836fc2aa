"""What is said of a document that stands alone, for tests of verdicts from end to end."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from ocivalidate.bundle.api import check_config, check_features, check_state
from ocivalidate.rules.clauses import Selection, Severity
from ocivalidate.rules.findings import Finding, Report

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
NAMESPACES = tuple({"type": name} for name in ("pid", "mount", "ipc", "uts", "network"))


def config(release: str = "1.3.0", **members: Any) -> dict[str, Any]:
    """A sound configuration for Linux with further members, or others; ``None`` takes one away."""
    document = {
        "ociVersion": release,
        "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/", "args": ["/bin/tides"]},
        "root": {"path": "rootfs"},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {"namespaces": list(NAMESPACES)},
    }
    return {name: member for name, member in (document | members).items() if member is not None}


def linux(*namespaces: dict[str, Any], **members: Any) -> dict[str, Any]:
    """The Linux section, with namespaces of every usual type unless others are given."""
    return {"namespaces": list(namespaces or NAMESPACES)} | members


def placed(value: Any, pointer: str) -> dict[str, Any]:
    """Objects and arrays around a value, so that it stands at the pointer; ``-`` is the only entry of an array."""
    for name in reversed(pointer.split("/")[1:]):
        value = [value] if name == "-" else {name: value}
    placed_at: dict[str, Any] = value
    return placed_at


def merged(document: Any, more: Any) -> Any:
    """A document with the members of another one put into its own, however deep; entries are added."""
    if isinstance(document, dict) and isinstance(more, dict):
        return document | {name: merged(document.get(name), value) for name, value in more.items()}
    return more


def report_on(document: dict[str, Any] | str, **options: Any) -> Report:
    """The report on a configuration: a document, or its text."""
    text = document if isinstance(document, str) else json.dumps(document)
    name = options.pop("name", "-")
    return check_config(text.encode(), replace(options.pop("selection", Selection()), **options), name=name)


def findings(document: dict[str, Any] | str, **options: Any) -> list[Finding]:
    return list(report_on(document, **options).findings)


def said(document: dict[str, Any] | str, **options: Any) -> list[tuple[str, Severity]]:
    """The clauses that a configuration breaks, and how much each weighs."""
    return [(finding.clause.id, finding.severity) for finding in findings(document, **options)]


def said_of(kind: str, document: dict[str, Any], folder: Any) -> list[tuple[str, Severity]]:
    """The same for a state or a features structure, which are read from files."""
    file = folder / f"{kind}.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    report = {"state": check_state, "features": check_features}[kind](str(file))
    return [(finding.clause.id, finding.severity) for finding in report.findings]
