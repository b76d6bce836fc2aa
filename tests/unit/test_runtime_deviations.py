"""docs/deviations.md: every known deviation of real runtimes, made from the expectations."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pytest

from ocivalidate.resources import folder
from ocivalidate.rules.clauses import load
from ocivalidate.runtime.expectations import Expectation, read

DOCUMENT = Path(__file__).parents[2] / "docs" / "deviations.md"
MARK = "<!-- deviations -->\n"


def deviations_text() -> str:
    """A section for each runtime, an item for each reason, with the clauses that it breaks and the cases."""
    text = ""
    for file in sorted((folder("conformance") / "expectations").glob("*.toml")):
        entries = read(str(file))
        text += f"\n## {entries[0].runtime}\n"
        for reason, same in groupby(sorted(entries, key=lambda entry: entry.reason), key=lambda entry: entry.reason):
            text += item(reason, list(same))
    return text


def item(reason: str, entries: list[Expectation]) -> str:
    """One deviation: an entry for each range of versions in which it is there, or for each case."""
    ways = list(dict.fromkeys(map(conditions, entries)))
    where = "; or ".join(ways) if all(ways) else ""
    lines = [f"- {reason[0].upper()}{reason[1:]}.{f' ({where}.)' if where else ''}"]
    for clause, case in sorted({(one.clause, one.case) for one in entries}):
        lines += [f"  - `{clause}` ({load()[clause].level}), case `{case}`"]
    return "\n" + "\n".join(lines) + "\n"


def conditions(entry: Expectation) -> str:
    """When an expectation holds, in words."""
    words = [
        entry.versions and f"versions {entry.versions}",
        entry.spec and f"judged by {entry.spec}",
        entry.cgroups and f"control groups {entry.cgroups}",
        "not in every run" if entry.sometimes else "",
    ]
    return ", ".join(filter(None, words))


def test_the_page_says_what_the_expectations_say(pytestconfig: pytest.Config) -> None:
    before = DOCUMENT.read_text(encoding="utf-8")
    now = before.partition(MARK)[0] + MARK + deviations_text()
    if pytestconfig.getoption("--update-goldens"):
        DOCUMENT.write_text(now, encoding="utf-8")
    else:
        assert before == now, "pytest --update-goldens writes the page"
