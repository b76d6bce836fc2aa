"""A finding in one line, for commands that make something and have no report to render."""

from __future__ import annotations

from ocivalidate.rules.findings import Finding
from ocivalidate.vocabulary.wording import shortened


def one_line(finding: Finding, *, where: str = "", hint: str = "") -> str:
    """The finding with what was found and how many others there are. ``where`` it is stands before the message."""
    got = f" (got {shortened(finding.got)})" if finding.got else ""
    more = f", and {finding.more:,} more" if finding.more else ""
    said = f"{where}: {finding.message}" if where else finding.message
    return f"{finding.severity}[{finding.clause.id}]: {said}{got}{f'; {hint}' if hint else ''}{more}"
