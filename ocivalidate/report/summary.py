"""The last lines of a run: one per subject, and a total. Nothing judged never looks like a pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ocivalidate.report.audits import images_in_words
from ocivalidate.report.escape import visible
from ocivalidate.report.options import Options
from ocivalidate.report.verdicts import failed, failed_once, outcomes_told, trouble
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import ExitCode, Outcome, Report, Result, exit_code

_LONGEST_PROBLEM = 500
_MUCH_REFUSED = 1 / 20  # of what was asked of a runtime


def closing_line(report: Report) -> str:
    """What was judged and how it went, on one line of visible text."""
    subject = visible(report.subject)
    problem = trouble(report)
    if problem:
        return f"{subject}: could not be judged: {visible(problem, _LONGEST_PROBLEM)}"
    line = f"{subject}: {_verdict(report)} {_against(report)}: {', '.join(_counts(report))}"
    if images := images_in_words(report):
        line += f"; {images}"
    # Images say so when blobs are absent: what is there may conform, but the whole was not verified.
    incomplete = report.facts.get("incomplete") or _much_refused(report)
    line += f"; INCOMPLETE: {visible(str(incomplete))}" if incomplete else ""
    slow, own_kernel = report.facts.get("slow"), report.facts.get("own_kernel")
    line += f"; the runtime is slow: {visible(str(slow))}" if slow else ""
    if own_kernel:
        line += f"; judged as one whose containers have a kernel of their own: {visible(str(own_kernel))}"
    return line


def _much_refused(report: Report) -> str:
    """What keeps a run from looking like a pass: a runtime that has refused much is known by little.

    Runtimes refuse one of forty at the most, and may refuse everything that is optional.
    """
    refused = sum(map(_is_refused, report.results))
    asked = refused + sum(result.outcome not in (Outcome.SKIP, Outcome.ERROR) for result in report.results)
    if not refused or refused < _MUCH_REFUSED * asked:
        return ""
    return f"the runtime refused what {refused} of {asked} verdicts rest on (failures with --strict)"


def _is_refused(result: Result) -> bool:
    return result.outcome is Outcome.SKIP and result.reason.startswith("refused: ")


def settings_note(options: Options) -> str:
    """What follows the last line when a settings file changed what is judged or shown; ``""`` when none did."""
    file = visible(options.settings_file)
    counted_ones = f"; settings of {file}: {', '.join(options.settings)}" if options.settings else ""
    if not options.unheeded:
        return counted_ones
    others = ", ".join(map(visible, options.unheeded))
    return f"{counted_ones}; not heeded, as {file} stands with the input: {others} (--config heeds it)"


def total_line(reports: Sequence[Report], fail_on: Severity) -> str:
    """How many subjects fared how."""
    codes = Counter(exit_code([report], fail_on) for report in reports)
    parts = [
        f"{codes[ExitCode.CONFORMS]} passed",
        f"{codes[ExitCode.FINDINGS]} failed",
        f"{codes[ExitCode.COULD_NOT_JUDGE]} could not be judged",
    ]
    return f"total: {counted(len(reports), 'subject')}: {', '.join(parts)}"


def counted(number: int, noun: str) -> str:
    """``1 error``, ``2 errors``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun}es" if noun.endswith("s") else f"{number} {noun}s"


def _verdict(report: Report) -> str:
    severities = report.severities()
    outcomes = outcomes_told(report.results)
    named = [
        (severities[Severity.ERROR], "error"),
        (severities[Severity.WARNING], "warning"),
        (outcomes[Outcome.XPASS], "unexpected pass"),
        (outcomes[Outcome.XFAIL], "expected failure"),
    ]
    parts = [counted(number, noun) for number, noun in named if number]
    if outcomes[Outcome.ERROR]:
        parts.append(f"{counted(outcomes[Outcome.ERROR], 'clause')} that could not be judged")
    if parts:
        return f"{', '.join(parts)} against"
    if not report.says_something:
        return "nothing was judged against"
    if known := _suppressed(report):
        return f"{known} suppressed, otherwise conforms to"
    return (
        "conforms, where it did not refuse, to" if report.kind == "runtime" and _much_refused(report) else "conforms to"
    )


def _suppressed(report: Report) -> str:
    """How many errors and warnings are not told of, as somebody wanted that; ``""`` for none."""
    numbers: Counter[Severity] = Counter()
    for one in report.hidden:
        numbers[one.finding.severity] += 1 + one.finding.more
    told = [counted(numbers[grave], str(grave)) for grave in (Severity.ERROR, Severity.WARNING) if numbers[grave]]
    return " and ".join(told)


def _against(report: Report) -> str:
    specification = " ".join(filter(None, [report.specification, report.release])) or "no specification"
    notes = [report.release_note, ", ".join(report.platforms), report.platform_note]
    said = "; ".join(visible(note) for note in notes if note)
    return f"{visible(specification)} ({said})" if said else visible(specification)


def _counts(report: Report) -> list[str]:
    if report.kind == "runtime":
        return _counts_of_run(report)
    outcomes = outcomes_told(report.results)
    judged = outcomes.total() - outcomes[Outcome.SKIP] - outcomes[Outcome.ERROR]
    counts = [
        f"{counted(judged, 'clause')} judged",
        f"{failed_once(report)} failed",
        f"{outcomes[Outcome.SKIP]} skipped",
        f"{report.suppressed} suppressed",
    ]
    notes = report.severities()[Severity.NOTE]
    return [*counts, counted(notes, "note")] if notes else counts


def _counts_of_run(report: Report) -> list[str]:
    """A clause may be judged by several cases: clauses count once, what became of them by case and clause."""
    verdicts = [result for result in report.results if result.outcome not in (Outcome.SKIP, Outcome.ERROR)]
    return [
        f"{counted(len({result.clause.id for result in verdicts}), 'clause')} judged",
        counted(len({result.case for result in report.results}), "case"),
        f"{failed(report)} failed",
        f"{report.count(Outcome.SKIP)} skipped{_of_these(report)}",
        counted(report.count(Outcome.XFAIL), "expected failure"),
    ]


def _of_these(report: Report) -> str:
    """How many of what was skipped is due to the runtime, not to what this host has."""
    beginnings = Counter(
        result.reason.partition(": ")[0] for result in report.results if result.outcome is Outcome.SKIP
    )
    told = [f"{beginnings[word]} {word}" for word in ("refused", "not reached") if beginnings[word]]
    return f" ({', '.join(told)})" if told else ""
