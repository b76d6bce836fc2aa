"""The errors of ocivalidate: one family, each meaning once.

``except OciValidateError`` catches whatever the package raises on purpose; the classes below it are the few meanings
on which a caller acts in different ways. Every message is one line for people. The command line turns the family into
exit codes in one place, ``cli/exits.py``.

Errors that only one module raises and catches stand in that module, below the same base. Those that
carry findings or a report stand in ``rules/refusals.py``.
"""

from __future__ import annotations

TYPE_CHECKING = False  # what checkers know by this name, without an import

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class OciValidateError(Exception):
    """The base of all errors of ocivalidate. The message is one line."""


class UsageError(OciValidateError):
    """The command line, or a file that belongs to it, asks for something that cannot be done."""


class OptionError(UsageError, ValueError):
    """An option of a call or of :class:`ConfigBuilder` makes no sense, or asks for what cannot be written.

    It is a ``ValueError`` too.
    """


class CannotJudge(OciValidateError):
    """Something cannot be judged here, or not to the end: no verdict on what was to be judged.

    ``hint`` says what may help, where something may.
    """

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


class Unreadable(CannotJudge):
    """A file, a document or an image cannot be read."""


class TooLarge(Unreadable):
    """There is more to read than a limit allows."""


class NotMeant(Unreadable):
    """What was given is no such thing as the call judges; the message says what it is, and which command judges it."""


class BadCase(CannotJudge):
    """A module with cases for runtimes cannot be used, or a case in it."""


class RuntimeFailed(OciValidateError):
    """The runtime under test did not do what a case needs to go on: for the clauses of the case, a failure."""


class NotShown(OciValidateError):
    """The kernel in a container does not show what a case has to see: nobody's failure, and no verdict."""


class ConfigRefused(RuntimeFailed):
    """The runtime refused a ``config.json`` with an error, and made no container of it.

    ``said`` is its error. Whether that is a failure says :mod:`ocivalidate.runtime.refusing`: runtimes may choose which
    valid values they support (config.md, valid values). ``config`` is what it refused, empty where that is no JSON
    object.
    """

    def __init__(self, message: str, said: str, config: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.said = said
        self.config = config

    def __reduce__(self) -> tuple[type[ConfigRefused], tuple[str, str, Mapping[str, Any]]]:
        """All of it, for another process."""
        return type(self), (str(self), self.said, self.config)


class ProtocolError(OciValidateError):
    """What came from an engine, or for one, is not a message, or not one whose turn it is."""


class UnpackError(OciValidateError):
    """An image cannot be unpacked here, or not like this. Nothing was written."""


class Malformed(OciValidateError, ValueError):
    """A text or a header breaks its format: JSON, TOML, tar, pax.

    For JSON: what is wrong stands at the character ``offset``, and covers ``length`` characters (1 or more).
    """

    def __init__(self, message: str, offset: int = 0, length: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.length = max(length, 1)
