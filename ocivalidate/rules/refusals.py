"""The errors that carry findings or a report. Their base, and the others, stand in ``ocivalidate.errors``."""

from __future__ import annotations

from ocivalidate.errors import CannotJudge, OciValidateError, UnpackError
from ocivalidate.rules.findings import Finding, Report


class Refused(UnpackError):
    """The image is at fault. ``findings`` say where, unless the message says it all."""

    def __init__(self, message: str, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(message)
        self.findings = findings


class Rejected(OciValidateError):
    """The config that was built is one that ``check_bundle`` would reject. ``report`` says why."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        return self.report.findings[0].message if self.report.findings else self.report.problem


class RunStopped(CannotJudge):
    """A run of cases ended before its end. ``report`` holds the results that there are."""

    def __init__(self, reason: str, report: Report) -> None:
        super().__init__(reason)
        self.report = report

    def __reduce__(self) -> tuple[type[RunStopped], tuple[str, Report]]:
        return RunStopped, (str(self), self.report)
