"""The command line.

Only here does the project print or exit; each command is a module with ``add_options`` and ``run``.
"""

from __future__ import annotations

import contextlib
import sys

from ocivalidate import __version__


def main(argv: list[str] | None = None) -> int:
    """Run the command line ``argv`` (default: that of the process) and return its exit code.

    0, 1 or 2 (``findings.ExitCode``).
    """
    arguments = sys.argv[1:] if argv is None else argv
    if arguments == ["--version"]:
        # Asked by scripts all the time, so it waits for nothing else.
        with contextlib.suppress(OSError, AttributeError):
            sys.stdout.write(f"ocivalidate {__version__}\n")
            sys.stdout.flush()
            return 0
    from ocivalidate.cli.entry import run

    return run(arguments)


def generate(argv: list[str] | None = None) -> int:
    """``oci-gen``: write a ``config.json`` for the command line ``argv``, and return the exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    from ocivalidate.cli.generate import main as run

    return run(arguments, "oci-gen")
