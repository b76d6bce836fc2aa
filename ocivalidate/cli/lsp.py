"""``ocivalidate lsp``: the language server."""

from __future__ import annotations

import argparse

from ocivalidate.cli.dashes import DashParser
from ocivalidate.errors import UsageError


def add_options(parser: DashParser, _command: str) -> None:
    """The options of the command."""
    # Editors add it to whatever they start.
    parser.add_argument("--stdio", action="store_true", help="speak over standard input and output, as always")


def run(_options: argparse.Namespace) -> int:
    """Serve an editor. Raises :class:`UsageError` where the library for it is not installed."""
    try:
        from ocivalidate.lsp.server import serve
    except ImportError as problem:
        raise UsageError("the language server needs pygls: pip install 'ocivalidate[lsp]'") from problem
    serve()
    return 0
