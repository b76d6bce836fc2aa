"""The one table of exit codes for errors."""

from __future__ import annotations

from ocivalidate.cli.streams import UnwritableOutput
from ocivalidate.errors import CannotJudge, OciValidateError, UnpackError, UsageError
from ocivalidate.rules.refusals import Refused, Rejected

# The first that fits counts. The codes are those of ``findings.ExitCode``, which not every command line has to load.
_EXIT_CODES: tuple[tuple[type[OciValidateError], int], ...] = (
    (Refused, 1),
    (Rejected, 1),
    (UnpackError, 2),
    (UsageError, 2),
    (CannotJudge, 2),
    (UnwritableOutput, 2),
)


def exit_code_of(problem: OciValidateError) -> int | None:
    """The exit code for an expected error; ``None`` for one that should not get here."""
    return next((code for meaning, code in _EXIT_CODES if isinstance(problem, meaning)), None)
