"""How many findings each clause has: what to begin with where there are many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ocivalidate.report.block import STYLES
from ocivalidate.report.painting import Line
from ocivalidate.rules.clauses import Clause, Severity
from ocivalidate.rules.findings import Report
from ocivalidate.rules.references import page


def statistics(reports: Sequence[Report], *, verbose: bool) -> Iterator[Line]:
    """A line for each clause and severity, the most frequent first: how many, how severe, which clause, what it says.

    Notes count if ``verbose``, as they are shown then.
    """
    least = Severity.NOTE if verbose else Severity.WARNING
    counted: Counter[tuple[Clause, Severity]] = Counter()
    for report in reports:
        for finding in report.findings:
            if finding.severity.rank >= least.rank:
                counted[finding.clause, finding.severity] += 1 + finding.more
    rows = sorted(counted.items(), key=lambda row: (-row[1], -row[0][1].rank, row[0][0].id))
    width = len(f"{rows[0][1]:,}") if rows else 0
    for (clause, severity), number in rows:
        yield [
            (f"{number:>{width},} ", ""),
            (f"{severity}[{clause.id}]", f"{STYLES.get(severity, '')} {page(clause)}"),
            (f": {clause.summary}", ""),
        ]
