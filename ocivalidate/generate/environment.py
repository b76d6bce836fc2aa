"""Options about the environment of the process."""

from __future__ import annotations

import os
from typing import Self

from ocivalidate.generate.draft import Draft
from ocivalidate.generate.errors import OptionError
from ocivalidate.generate.sources import read_text
from ocivalidate.generate.table import Arguments, Phase, option


def _read_env(text: str) -> Arguments:
    name, equals, value = text.partition("=")
    return (name, value) if equals else (name,)


class EnvironmentOptions(Draft):
    """``process.env``."""

    @option(
        "-e",
        "--env",
        group="process",
        metavar="NAME[=VALUE]",
        reads=_read_env,
        help="a variable; without =VALUE its value here, if it has one; NAME* takes all that start so",
    )
    def env(self, name: str, value: str | None = None) -> Self:
        """Set an environment variable in place of an earlier one.

        ``None`` takes its value from this process, if it has one, and ``NAME*`` those of all that start so.
        """
        if value is None and name.endswith("*"):
            return self._env_from_here(name[:-1])
        if not name or "=" in name:
            raise OptionError(f"{name!r} is no name of an environment variable")
        value = os.environ.get(name) if value is None else value
        if value is None:
            return self
        entries = self._entries("process.env")
        same = [
            index for index, entry in enumerate(entries) if isinstance(entry, str) and entry.partition("=")[0] == name
        ]
        place = f"process.env[{same[-1]}]" if same else "process.env[+]"
        return self._put(place, f"{name}={value}")

    @option(
        "--env-file",
        group="process",
        metavar="FILE",
        help="variables from a file, a NAME=VALUE on each line; # starts a comment",
    )
    def env_file(self, file: str | os.PathLike[str]) -> Self:
        """Set the variables of a file: lines of ``NAME=VALUE`` or ``NAME``.

        Empty lines and those that start with ``#`` are passed over.
        """
        for line in read_text(file).splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                self.env(*_read_env(line.lstrip()))
        return self

    @option("--env-host", group="process", phase=Phase.EARLY, help="every variable that is set here")
    def env_host(self, wanted: bool = True) -> Self:  # noqa: FBT001, FBT002  # the one thing that it says
        """Set every variable of this process; those of other options win."""
        return self._env_from_here("") if wanted else self

    def _env_from_here(self, prefix: str) -> Self:
        for name, value in sorted(os.environ.items()):
            if name.startswith(prefix):
                self.env(name, value)
        return self

    @option("--unsetenv", group="process", metavar="NAME", phase=Phase.LATE, help="take out a variable")
    def unsetenv(self, name: str) -> Self:
        """Take out a variable; that there is none is fine."""
        entries = self._entries("process.env")
        kept = [entry for entry in entries if not isinstance(entry, str) or entry.partition("=")[0] != name]
        return self if kept == entries else self._keep("process.env", kept)

    @option("--unsetenv-all", group="process", phase=Phase.FIRST, help="start without variables, not even PATH")
    def unsetenv_all(self, wanted: bool = True) -> Self:  # noqa: FBT001, FBT002  # the one thing that it says
        """Take out all variables so far."""
        return self._drop("process.env") if wanted else self
