"""The command line.

Nothing else prints or exits. Each command is a module with ``add_options`` and ``run``.
"""

from __future__ import annotations

import os
import sys

from ocivalidate import __version__
from ocivalidate.system import importing

_owns_process = False


def owns_process() -> bool:
    """Whether this process is one of our programs, and not one that calls us as a library."""
    return _owns_process


def main(argv: list[str] | None = None) -> int:
    """Run the command line ``argv`` (default: that of the process).

    Returns its exit code: 0, 1 or 2 (``findings.ExitCode``).
    """
    arguments = _own_arguments() if argv is None else argv
    if arguments == ["--version"]:
        # Scripts ask for it often, so nothing else is loaded.
        import contextlib

        with contextlib.suppress(OSError, AttributeError):
            sys.stdout.write(f"ocivalidate {__version__}\n")
            sys.stdout.flush()
            return 0
    import gc

    from ocivalidate.cli.entry import run

    # A document is many objects without cycles: garbage collection would take a third of the time.
    gc.set_threshold(200_000, 50, 100)
    return run(arguments)


def generate(argv: list[str] | None = None) -> int:
    """``oci-gen``: write a ``config.json`` for the command line ``argv``, and return the exit code."""
    arguments = _own_arguments() if argv is None else argv
    from ocivalidate.cli.oci_gen import main as run

    return run(arguments, "oci-gen")


def _own_arguments() -> list[str]:
    """The arguments of this process, which is the command line then, and imports nothing of strangers from here on."""
    global _owns_process  # noqa: PLW0603  # one per process
    _owns_process = True
    importing.forget_strangers()
    _fill_standard_streams()
    return sys.argv[1:]


def _fill_standard_streams() -> None:
    """Put nothing in place of closed standard streams: no file of ours, and no pipe, is to take their number."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            try:
                os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
            except OSError:
                return
