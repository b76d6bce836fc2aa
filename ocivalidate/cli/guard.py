"""Whatever goes wrong in a command is one line on standard error and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from ocivalidate.cli.errors import UsageError

_COULD_NOT_JUDGE = 2
_INTERRUPTED = 130


def guarded(program: str, command: Callable[[], int]) -> int:
    """Run a command and return its exit code; ``program`` is who complains."""
    from ocivalidate.resources import MissingResource

    try:
        code = command()
        sys.stdout.flush()
    except (UsageError, MissingResource) as problem:
        return complain(program, str(problem))
    except BrokenPipeError:
        # Whoever read our output has seen enough. Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _COULD_NOT_JUDGE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as problem:
        if os.environ.get("OCIVALIDATE_DEBUG"):
            raise
        kind = type(problem).__name__
        return complain(
            program, f"internal error, please report it ({kind}: {problem}); OCIVALIDATE_DEBUG=1 shows where"
        )
    return code


def complain(program: str, message: str) -> int:
    """Say in one line of plain ASCII what is wrong, and return the exit code for that."""
    line = " ".join(message.split())
    sys.stderr.write(f"{program}: error: {line.encode('ascii', 'backslashreplace').decode()}\n")
    return _COULD_NOT_JUDGE
