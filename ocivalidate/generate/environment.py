"""Options about the environment of the process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Self

from ocivalidate.errors import OptionError
from ocivalidate.generate.draft import Draft
from ocivalidate.generate.sources import read_text
from ocivalidate.generate.table import Arguments, Phase, option


def _read_env(text: str) -> Arguments:
    name, equals, value = text.partition("=")
    return (name, value) if equals else (name,)


def _refuse_no_name(name: str) -> None:
    if not name or "=" in name:
        raise OptionError(f"{name!r} is not a valid environment variable name")


def _here(prefix: str) -> Iterator[tuple[str, str]]:
    """The variables of this process whose names start so."""
    return ((name, value) for name, value in sorted(os.environ.items()) if name.startswith(prefix))


class EnvironmentOptions(Draft):
    """``process.env``."""

    @option(
        "-e",
        "--env",
        group="process",
        metavar="NAME[=VALUE]",
        reads=_read_env,
        help="a variable; without =VALUE, its value here, if set; NAME* takes all with this prefix",
    )
    def env(self, name: str, value: str | None = None) -> Self:
        """Set an environment variable in place of an earlier one.

        ``None`` takes its value from this process, if it has one, and ``NAME*`` those of all that start so.
        """
        if value is None and name.endswith("*"):
            return self._env_from_here(name[:-1])
        _refuse_no_name(name)
        value = os.environ.get(name) if value is None else value
        return self if value is None else self._set_variables([(name, value)])

    def _set_variables(self, given: Iterable[tuple[str, str]]) -> Self:
        """Set variables, each in place of the last one of its name, or behind all others."""
        entries = list(self._entries("process.env"))
        at = {entry.partition("=")[0]: index for index, entry in enumerate(entries) if isinstance(entry, str)}
        new: dict[int, str] = {}
        for name, value in given:
            index = at.setdefault(name, len(entries))
            entries[index : index + 1] = [f"{name}={value}"]
            new[index] = entries[index]
        return self._put_checked("process.env", entries, list(new.values())) if new else self

    @option(
        "--env-file",
        group="process",
        metavar="FILE",
        help="variables from a file, one NAME=VALUE per line; # starts a comment",
    )
    def env_file(self, file: str | os.PathLike[str]) -> Self:
        """Set the variables of a file: lines of ``NAME=VALUE`` or ``NAME``.

        Empty lines and those that start with ``#`` are passed over.
        """
        lines = [line.lstrip() for line in read_text(file).splitlines()]
        return self._set_variables(
            variable for line in lines if line and not line.startswith("#") for variable in self._meant(line)
        )

    def _meant(self, line: str) -> Iterator[tuple[str, str]]:
        """The variables that a line of a file asks for."""
        name, equals, given = line.partition("=")
        value = given if equals else None
        if value is None and name.endswith("*"):
            yield from _here(name[:-1])
            return
        _refuse_no_name(name)
        value = os.environ.get(name) if value is None else value
        if value is not None:
            yield name, value

    @option("--env-host", group="process", phase=Phase.EARLY, help="every variable that is set here")
    def env_host(self, wanted: bool = True) -> Self:  # noqa: FBT001, FBT002  # the one thing that it says
        """Set every variable of this process; those of other options win."""
        return self._env_from_here("") if wanted else self

    def _env_from_here(self, prefix: str) -> Self:
        return self._set_variables(_here(prefix))

    @option("--unsetenv", group="process", metavar="NAME", phase=Phase.LATE, help="remove a variable")
    def unsetenv(self, name: str) -> Self:
        """Take out a variable; that there is none is fine."""
        entries = self._entries("process.env")
        kept = [entry for entry in entries if not isinstance(entry, str) or entry.partition("=")[0] != name]
        return self if kept == entries else self._keep("process.env", kept)

    @option("--unsetenv-all", group="process", phase=Phase.FIRST, help="start with no variables, not even PATH")
    def unsetenv_all(self, wanted: bool = True) -> Self:  # noqa: FBT001, FBT002  # the one thing that it says
        """Take out all variables so far."""
        return self._drop("process.env") if wanted else self
