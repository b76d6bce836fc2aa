"""Every failure of a command is one line on standard error and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable

from ocivalidate.cli.exits import exit_code_of
from ocivalidate.cli.streams import UnwritableOutput, give_up, print_text, tell
from ocivalidate.errors import OciValidateError

_COULD_NOT_JUDGE = 2
_INTERRUPTED = 130
_LONGEST = 1000
# Too many open files or processes, no memory, no space: not a bug to report.
_OF_THE_HOST = {errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT}


def guarded(program: str, command: Callable[[], int]) -> int:
    """Run a command and return its exit code; ``program`` is who complains."""
    try:
        code = _run(command)
    except BrokenPipeError:
        # The reader of our output has closed it.
        give_up(sys.stdout)
        return _COULD_NOT_JUDGE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as problem:
        known = exit_code_of(problem) if isinstance(problem, OciValidateError) else None
        if isinstance(problem, UnwritableOutput):
            give_up(sys.stdout)
        if known is not None:
            return complain(program, str(problem), known)
        if os.environ.get("OCIVALIDATE_DEBUG"):
            raise
        return complain(program, _unexpected(problem))
    return code


def _run(command: Callable[[], int]) -> int:
    if sys.stdout is None:
        raise UnwritableOutput("standard output is closed")
    code = command()
    print_text("")
    return code


def _unexpected(problem: Exception) -> str:
    if isinstance(problem, OSError) and problem.errno in _OF_THE_HOST:
        return f"the system ran out of a resource: {problem}"
    kind = type(problem).__name__
    return f"internal error, please report it ({kind}: {problem}); OCIVALIDATE_DEBUG=1 shows where"


def _cut(line: str) -> str:
    """A line that people can read, whatever it quotes: what is wrong stands at its beginning or its end."""
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"


def complain(program: str, message: str, code: int = _COULD_NOT_JUDGE) -> int:
    """Say in one line of plain ASCII what is wrong, and return the exit code."""
    from ocivalidate.report.escape import visible

    tell(f"{program}: error: {_cut(visible(' '.join(message.split())).encode('ascii', 'backslashreplace').decode())}")
    return code
