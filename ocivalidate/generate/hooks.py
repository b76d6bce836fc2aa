"""Options about hooks and annotations."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Self

from ocivalidate.errors import OptionError
from ocivalidate.generate import units
from ocivalidate.generate.draft import Draft
from ocivalidate.generate.sources import read_text
from ocivalidate.generate.table import Arguments, option
from ocivalidate.generate.texts import pair
from ocivalidate.generate.tree import Tree
from ocivalidate.generate.units import Number
from ocivalidate.generate.values import from_json

HOOKS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")


def _read_hook(text: str) -> Arguments:
    """``KIND=PATH,ARG,...``, or ``KIND={"path": ...}`` for arguments with commas, an environment, a timeout."""
    kind, words = pair(text, form="KIND=PATH[,ARG...]")
    if not words.startswith("{"):
        args = words.split(",")
        return kind, args[0], args if len(args) > 1 else []
    entry = from_json(words, "the hook")
    unknown = [name for name in entry if name not in ("path", "args", "env", "timeout")]
    if unknown or not isinstance(entry.get("path"), str):
        raise OptionError(
            f"a hook has path, args, env and timeout, of which path is required; got {', '.join(entry) or 'nothing'}"
        )
    for name in ("args", "env"):
        if not isinstance(entry.get(name, []), list):
            raise OptionError(f"the {name} of a hook must be an array")
    return kind, entry["path"], entry.get("args", []), entry.get("env", []), entry.get("timeout")


def _read_label(text: str) -> Arguments:
    key, _equals, value = text.partition("=")
    if not key:
        raise OptionError(f"{text!r} is not of the form KEY[=VALUE]")
    return key, value


class HookOptions(Draft):
    """``hooks`` and ``annotations``."""

    @option(
        "--hook",
        group="hooks",
        metavar="KIND=PATH[,ARG...]",
        reads=_read_hook,
        help=f"a program to run; KIND is one of {', '.join(HOOKS)}; "
        'KIND={"path":...,"args":...,"env":...,"timeout":...} says more',
    )
    def hook(
        self,
        kind: str,
        path: str,
        args: Sequence[str] = (),
        env: Sequence[str] = (),
        timeout: Number | None = None,
    ) -> Self:
        """A program to run, behind the others of its kind.

        ``args`` are what it sees, its own name first; ``timeout`` is in seconds.
        """
        if kind not in HOOKS:
            raise OptionError(f"unknown kind of hook {kind!r}; known are {', '.join(HOOKS)}")
        entry: Tree = {"path": path, "args": list(args)} if args else {"path": path}
        entry |= {"env": list(env)} if env else {}
        entry |= {"timeout": units.seconds(timeout)} if timeout is not None else {}
        return self._put(f"hooks.{kind}[+]", entry)

    @option(
        "--annotation",
        group="hooks",
        metavar="KEY=VALUE",
        reads=pair,
        help="an annotation: org.example.key=value",
    )
    def annotation(self, key: str, value: str) -> Self:
        """Set an annotation."""
        return self._put(
            f"annotations.{key}" if "." not in key and "=" not in key else f"annotations[{_quoted(key)}]", value
        )

    @option(
        "-l",
        "--label",
        group="hooks",
        metavar="KEY[=VALUE]",
        reads=_read_label,
        help="also an annotation: labels are for engines, and a config has none",
    )
    def label(self, key: str, value: str = "") -> Self:
        """An annotation: the labels of a container are for its engine, and a config has none."""
        return self.annotation(key, value)

    @option("--label-file", group="hooks", metavar="FILE", help="annotations from a file, one KEY[=VALUE] per line")
    def label_file(self, file: str | os.PathLike[str]) -> Self:
        """Annotations from a file: a line each, ``KEY=VALUE`` or ``KEY``; # starts a comment."""
        for line in read_text(file).splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                self.label(*_read_label(line.strip()))
        return self


def _quoted(key: str) -> str:
    import json

    return json.dumps(key)
