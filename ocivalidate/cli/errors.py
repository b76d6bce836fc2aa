"""Errors that end a command with one line and exit code 2."""

from __future__ import annotations


class UsageError(Exception):
    """The command line or a settings file asks for something that cannot be done. The message is one line."""
