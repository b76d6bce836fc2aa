"""What an exploration found, each thing once, as lines for people: the last ones before the verdict."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.report.escape import visible
from ocivalidate.rules.findings import Report

_LONGEST = 600


def told(report: Report) -> Iterator[str]:
    """The lines; none for a run that did not explore."""
    found = report.facts.get("distinct")
    if found is None:
        return
    yield f"found: {len(found) or 'nothing'}{' distinct' if found else ''}"
    for number, one in enumerate(found, 1):
        times = f"{one['cases']} case{'' if one['cases'] == 1 else 's'}, such as {one['case']}"
        yield f"{number}. {one['severity']}[{one['clause']}]: {visible(one['message'], _LONGEST)} ({times})"
        yield f"   takes {visible(one['takes'], _LONGEST)}"
        yield f"   got {visible(one['got'], _LONGEST)}"
        if one["dump"]:
            yield f"   kept in {visible(one['dump'])}"
