"""Baselines: files of findings that are known, so that a run tells only of those that are new.

A finding is known by its fingerprint, the one that services get too (``report/fingerprints.py``); its file counts from
the folder of the baseline. So a baseline holds wherever the checkout stands, and lines may move.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from ocivalidate.errors import UsageError
from ocivalidate.report.fingerprints import Fingerprints
from ocivalidate.report.options import Options
from ocivalidate.report.places import in_checkout, spot
from ocivalidate.report.verdicts import unjudged
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Finding, Report
from ocivalidate.rules.suppressing import suppressed
from ocivalidate.vocabulary.wording import shortened

SCHEMA = "urn:ocivalidate:baseline-1"
_LARGEST = 64 * 1024 * 1024
_TEXTS = ("fingerprint", "clause", "subject", "message")


class Known(NamedTuple):
    """A finding of a baseline. ``number``: for how many of its kind it stands; ``subject``: the input it is about."""

    fingerprint: str
    clause: str
    subject: str
    message: str
    number: int = 1


class Baseline:
    """The findings that are known, and a file that holds them."""

    def __init__(self, path: str, known: Iterable[Known] = ()) -> None:
        self.path = path
        self._known = {one.fingerprint: one for one in known}
        folder = os.path.realpath(os.path.dirname(path) or ".")
        self._options = Options(root=folder, within=os.path.relpath(os.getcwd(), folder).replace(os.sep, "/"))

    def applied(self, reports: Sequence[Report]) -> tuple[list[Report], list[Known]]:
        """The reports without what is known, and what is known and does not occur any more."""
        seen: set[str] = set()
        applied = []
        names = self._names(reports)
        for report in reports:
            found = {id(finding): fingerprint for finding, fingerprint in names[id(report)]}
            seen.update(found.values())
            applied.append(suppressed(report, partial(self._by, found)))
        about = self._judged(reports)
        return applied, [
            one for one in self._known.values() if one.fingerprint not in seen and self._is_gone(one, about)
        ]

    def of(self, reports: Sequence[Report]) -> Baseline:
        """The baseline of these reports: all errors and warnings of theirs, and what is known of other inputs."""
        found: list[Known] = []
        names = self._names(reports)
        for report in reports:
            subject = in_checkout(report.subject, self._options)
            found += (
                Known(fingerprint, finding.clause.id, subject, finding.message, 1 + finding.more)
                for finding, fingerprint in names[id(report)]
                if finding.severity.rank >= Severity.WARNING.rank
            )
        judged = self._judged(reports)
        others = (one for one in self._known.values() if one.subject not in judged and self._stands(one.subject))
        return Baseline(
            self.path, sorted([*found, *others], key=lambda one: (one.subject, one.clause, one.fingerprint))
        )

    def __len__(self) -> int:
        return len(self._known)

    def pieces(self) -> Iterator[str]:
        """The text of the file: a finding a line, so that changes of it can be read."""
        yield f'{{\n "schema": {json.dumps(SCHEMA)},\n "findings": ['
        for number, one in enumerate(self._known.values()):
            fields = {name: value for name, value in one._asdict().items() if name != "number" or one.number > 1}
            yield f"{',' if number else ''}\n  {json.dumps(fields)}"
        yield "\n ]\n}\n"

    def _names(self, reports: Sequence[Report]) -> dict[int, list[tuple[Finding, str]]]:
        """The findings of each report with their fingerprints."""
        prints = Fingerprints()
        return {
            id(report): [
                (finding, prints.of(finding.clause.id, spot(report, self._options, finding.location), finding))
                for finding in report.findings
            ]
            for report in reports
        }

    def _by(self, fingerprints: Mapping[int, str], finding: Finding) -> str:
        known = self._known.get(fingerprints[id(finding)])
        # One that stands for more others than were known has new ones among them.
        return self.path if known is not None and 1 + finding.more <= known.number else ""

    def _judged(self, reports: Sequence[Report]) -> dict[str, set[str]]:
        """The inputs that were judged, and by which clauses."""
        judged: dict[str, set[str]] = {}
        for report in reports:
            clauses = judged.setdefault(in_checkout(report.subject, self._options), set())
            if not unjudged(report):
                clauses.update(result.clause.id for result in report.results)
        return judged

    def _is_gone(self, one: Known, judged: Mapping[str, set[str]]) -> bool:
        """Whether a finding would have been found again: what it is about was judged by its clause, or is no more."""
        return one.clause in judged[one.subject] if one.subject in judged else not self._stands(one.subject)

    def _stands(self, subject: str) -> bool:
        try:
            return subject == "-" or os.path.lexists(os.path.join(self._options.root, subject))
        except ValueError:
            return False


def read(path: str, data: bytes) -> Baseline:
    """The baseline in a file that says ``data``. Raises :class:`UsageError` for anything else."""
    try:
        content: Any = json.loads(data)
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"{path}: not a baseline: {shortened(str(problem), 200) or 'nested too deep'}") from problem
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise UsageError(f"{path}: not a baseline, which has the schema {SCHEMA}: --write-baseline makes one")
    findings = content.get("findings")
    if not isinstance(findings, list):
        raise UsageError(f"{path}: findings must be an array")
    return Baseline(path, (_known(path, place, one) for place, one in enumerate(findings)))


def _known(path: str, place: int, entry: Any) -> Known:
    fields = entry if isinstance(entry, dict) else {}
    texts = [text for name in _TEXTS if isinstance(text := fields.get(name), str)]
    number = fields.get("number", 1)
    if len(texts) < len(_TEXTS) or type(number) is not int or number < 1:
        want = f"must have the texts {', '.join(_TEXTS)}, and a number of at least 1"
        raise UsageError(f"{path}: findings[{place}] {want}")
    fingerprint, clause, subject, message = texts
    return Known(fingerprint, clause, subject, message, number)


def is_baseline(data: bytes) -> bool:
    """Whether a file that begins so may be replaced by a baseline: it is one, or empty."""
    return not data.strip() or SCHEMA.encode() in data[:200]
