"""Settings of the judging commands: from the command line, else variables, else a settings file, else the defaults.

The keys of the file are the long options without the dashes in front.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ocivalidate.bundle.sources import MAX_SIZE
from ocivalidate.cli import variables
from ocivalidate.cli.settings_file import PROJECT, SettingsFile, settings_file
from ocivalidate.cli.settings_table import (
    BY_NAME,
    JUDGED,
    LIMITED,
    OF_KNOWN,
    OF_WALKS,
    PRINTED,
    SETTINGS,
    Setting,
    add_options,
)
from ocivalidate.errors import OptionError, UsageError
from ocivalidate.keeping import MOST_OF_A_KIND
from ocivalidate.report import FORMATS, names_digests, shows_fixes
from ocivalidate.rules.clauses import Selection
from ocivalidate.vocabulary.spelling import one_typo_apart
from ocivalidate.vocabulary.wording import shortened

__all__ = [
    "JUDGED",
    "LIMITED",
    "OF_KNOWN",
    "OF_WALKS",
    "PRINTED",
    "Settings",
    "add_options",
    "at_least_one",
    "number_or_all",
    "settle",
    "size",
]

COMMAND_LINE = "command line"
# Where commands have the paths of what they judge.
_INPUTS = ("paths", "sources", "files", "document")
_MOST_PATTERNS, _MOST_OUTPUTS = 1000, 50
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run, whole and checked.

    ``outputs`` are pairs of format and file; ``outputs_by`` is the settings file that names them, if one does.
    ``changed``: the settings by which the ``file`` changes what is judged or shown. ``origins``: who says something of
    a setting, whoever counts first. ``unheeded``: what the file says that does not count, as it stands with the inputs.
    """

    values: Mapping[str, Any]
    selection: Selection
    outputs: tuple[tuple[str, str], ...]
    outputs_by: str | None = None
    file: str = ""
    changed: tuple[str, ...] = ()
    origins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unheeded: tuple[str, ...] = ()

    def told(self) -> Iterator[str]:
        """Lines on settings that do not come from the command line alone: what counts, who says so, and before whom."""
        for name, origins in self.origins.items():
            if origins and origins != (COMMAND_LINE,):
                value = self.values[name]
                shown = ", ".join(map(str, value)) if isinstance(value, (list, tuple, dict)) else value
                before = f", before {' and '.join(origins[1:])}" if origins[1:] else ""
                yield f"setting {name}: {shown} ({origins[0]}{before})"

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    @property
    def digests(self) -> bool:
        """Whether a report is to name the digests of what was judged."""
        return any(map(names_digests, self._formats))

    @property
    def fixes(self) -> bool:
        """Whether a report is to say which findings can be mended."""
        return any(map(shows_fixes, self._formats))

    @property
    def _formats(self) -> list[str]:
        return [self["format"], *(name for name, _file in self.outputs)]


def settle(
    options: argparse.Namespace,
    defaults: Mapping[str, Any] | None = None,
    cases: Callable[[], Iterable[str]] | None = None,
) -> Settings:
    """Put options, variables, the settings file and the defaults together: the first that says something counts.

    ``defaults`` of a command count before those of the table. ``cases``: ids that patterns may mean beside clauses.

    Raises :class:`UsageError` for anything that makes no sense; unless the command line said it, it names who did.
    """
    _refuse_empty(options)
    file, unheeded = _file(options)
    values: dict[str, Any] = {}
    origins: dict[str, tuple[str, ...]] = {}
    changed: list[str] = []
    by_variable = variables.given(options.left_out)
    for setting in SETTINGS:
        name = setting.name
        default = (defaults or {}).get(name, setting.default)
        given = getattr(options, setting.key, None)
        said = [
            *([(COMMAND_LINE, given)] if given is not None else []),
            *([(variables.of(name), by_variable[name])] if name in by_variable else []),
            *([(file.path, file.table[name])] if name in file.table and name not in options.left_out else []),
        ]
        origins[name] = tuple(origin for origin, _value in said)
        values[name] = said[0][1] if said else default
        if origins[name][:1] == (file.path,):
            changed += [name] * (values[name] != default and name != "color")
    values["write-baseline"] = getattr(options, "write_baseline", None)
    selection, outputs = _checked(values, origins, cases, given=options.format is not None)
    if options.statistics and values["format"] != "text":
        raise UsageError(f"--statistics counts in text, not in {values['format']}: add --format text")
    outputs_by = file.path if "output" in changed else None
    if outputs_by is not None:
        from ocivalidate.cli.confined import confined

        for _format, name in outputs:
            confined(name, outputs_by)
    return Settings(values, selection, outputs, outputs_by, file.path, tuple(changed), origins, unheeded)


def _refuse_empty(options: argparse.Namespace) -> None:
    """A path without a letter names nothing that a message could show."""
    for name in (*_INPUTS, "facts"):
        given = getattr(options, name, None)
        if given == "" or (isinstance(given, list) and "" in given):
            raise UsageError("a path is empty: is it a variable that is not set?")


def _file(options: argparse.Namespace) -> tuple[SettingsFile, tuple[str, ...]]:
    """The settings file that counts, its values checked, and what in it is not heeded as nobody trusts it."""
    off = options.no_config or (not options.config and variables.no_config())
    named = options.config or ("" if off else os.environ.get(variables.CONFIG, ""))
    found = settings_file(named, none=off)
    if found is not None:
        said = {name: _from_file(found.path, name, value) for name, value in found.table.items()}
        if not named:
            _refuse_more(found.path, said)
        return SettingsFile(found.path, said), ()
    if off:
        return SettingsFile("", {}), ()
    from ocivalidate.cli.settings_beside import heeded, of_inputs

    paths = next((getattr(options, name) for name in _INPUTS if hasattr(options, name)), ())
    beside = of_inputs([paths] if isinstance(paths, str) else paths)
    if beside is None:
        return SettingsFile("", {}), ()
    said = {name: _from_file(beside.path, name, value) for name, value in beside.table.items()}
    return heeded(SettingsFile(beside.path, said))


def _checked(
    values: dict[str, Any],
    origins: Mapping[str, tuple[str, ...]],
    cases: Callable[[], Iterable[str]] | None,
    *,
    given: bool,
) -> tuple[Selection, tuple[tuple[str, str], ...]]:
    """What the texts among the values mean, which are the same wherever they come from. Raises :class:`UsageError`."""
    with told_by(origins["output"]):
        outputs = _printed([_output(text) for text in values["output"]], values, given=given)
        if len(outputs) > _MOST_OUTPUTS:
            raise UsageError(f"output has {len(outputs):,} files; at most {_MOST_OUTPUTS} are allowed")
    with told_by(origins["max-size"]):
        values["max-size"] = size(values["max-size"])
    with told_by(origins["max-findings"]):
        most = number_or_all("--max-findings", values["max-findings"])
    patterns = {}
    for name in ("select", "ignore"):
        with told_by(origins[name]):
            patterns[name] = _patterns(name, values[name])
            Selection(patterns[name]).refuse_unmatched(cases)
    selection = Selection(
        patterns["select"],
        patterns["ignore"],
        values["level"],
        values["lint"],
        most=most,
        spec_version=values["spec-version"],
        platform=values["os"],
    )
    return selection, outputs


@contextlib.contextmanager
def told_by(origins: Sequence[str]) -> Iterator[None]:
    """Name who said what makes no sense, unless the command line did: that is in sight."""
    try:
        yield
    except (UsageError, OptionError) as problem:
        if not origins or origins[0] == COMMAND_LINE:
            raise
        raise UsageError(f"{origins[0]}: {problem}") from problem


def _refuse_more(file: str, said: Mapping[str, Any]) -> None:
    """Refuse what lets documents read or use more of this machine, in a file that nobody named.

    It comes with a checkout that may be anybody's, like the documents. Raises :class:`UsageError`.
    """
    more = {
        "follow-links": bool(said.get("follow-links")),
        "max-size": size(said.get("max-size", MAX_SIZE)) > MAX_SIZE,
        "max-findings": (number_or_all("max-findings", said.get("max-findings", MOST_OF_A_KIND)) or MOST_OF_A_KIND + 1)
        > MOST_OF_A_KIND,
    }
    found = [name for name, is_more in more.items() if is_more]
    if found:
        raise UsageError(
            f"{file}: {found[0]} above its default is only allowed on the command line, or in a file that --config "
            "names"
        )


def _patterns(option: str, written: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    # Each is held against every clause.
    found = tuple(dict.fromkeys(pattern for text in written for pattern in text.replace(",", " ").split()))
    if len(found) > _MOST_PATTERNS:
        raise UsageError(f"{option} has {len(found):,} patterns; at most {_MOST_PATTERNS:,} are allowed")
    return found


def size(written: str | int) -> int:
    """A number of bytes, or of anything, such as ``64K`` or ``32M``. Raises :class:`UsageError`."""
    text = "".join(str(written).split()).lower().removesuffix("b").removesuffix("i")
    number, unit = text.rstrip("kmg"), text[len(text.rstrip("kmg")) :]
    if not number.isascii() or not number.isdigit() or unit not in _UNITS or len(number) > 18 or int(number) == 0:
        raise UsageError(f"not a size: {shortened(str(written), 80)}; write a number of bytes, or for example 64K, 32M")
    return int(number) * _UNITS[unit]


def at_least_one(option: str, number: int | None) -> int | None:
    """The number that an option has, if it has one. Raises :class:`UsageError` for less than 1."""
    if number is not None and number < 1:
        raise UsageError(f"{option} must be at least 1")
    return number


def number_or_all(option: str, written: str | int) -> int | None:
    """A number of 1 or more; ``None`` for ``all``. Raises :class:`UsageError`."""
    text = str(written).strip().lower()
    if text == "all":
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18 or int(text) == 0:
        raise UsageError(f"{option} needs a number of at least 1, or all, not {shortened(str(written), 80)}")
    return int(text)


def _printed(outputs: list[tuple[str, str]], values: dict[str, Any], *, given: bool) -> tuple[tuple[str, str], ...]:
    """The files to write: an output with the name ``-`` is what is printed. Raises :class:`UsageError`."""
    printed = dict.fromkeys(name for name, file in outputs if file == "-")
    if given:
        printed = {values["format"]: None, **printed}
    if len(printed) > 1:
        raise UsageError(f"standard output takes one format, not {' and '.join(printed)}: give the others a file")
    if printed:
        (values["format"],) = printed
    return tuple((name, file) for name, file in outputs if file != "-")


def _output(written: str) -> tuple[str, str]:
    name, equals, file = written.partition("=")
    if name not in FORMATS or not equals or not file:
        from ocivalidate.cli import mistakes

        guess = mistakes.output(written, FORMATS)
        formats = "" if guess else f" with a format of {', '.join(FORMATS)}"
        raise UsageError(f"--output needs FORMAT=FILE{formats}, not {shortened(written, 80)}{guess}")
    return name, file


def _from_file(file: str, name: str, value: Any) -> Any:
    setting = BY_NAME.get(name)
    if setting is None:
        guess = next(
            (known for known in BY_NAME if one_typo_apart(name, known) or name.replace("_", "-") == known), None
        )
        hint = f"; did you mean {guess}?" if guess else f"; known are {', '.join(BY_NAME)}"
        if name == "tool" and os.path.basename(file) != PROJECT:
            hint = f": only {PROJECT} has [tool.ocivalidate]; here the settings stand without that line"
        raise UsageError(f"{file}: unknown setting {shortened(name, 80)}{hint}")
    if not _FITS[setting.kind](setting, value):
        want = " or ".join(setting.choices) if setting.choices else _WANTED[setting.kind]
        raise UsageError(f"{file}: {name} must be {want}")
    return value


def _is_texts(_setting: Setting, value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)


_FITS: dict[str, Callable[[Setting, Any], bool]] = {
    "flag": lambda _setting, value: isinstance(value, bool),
    "count": lambda _setting, value: isinstance(value, int) and not isinstance(value, bool) and value >= 0,
    "choice": lambda setting, value: isinstance(value, str) and value in setting.choices,
    "patterns": _is_texts,
    "outputs": _is_texts,
    "globs": _is_texts,
    "file": lambda _setting, value: isinstance(value, str) and value != "",
    "table": lambda setting, value: isinstance(value, dict) and all(_is_texts(setting, one) for one in value.values()),
    "size": lambda _setting, value: isinstance(value, (int, str)) and not isinstance(value, bool),
    "number": lambda _setting, value: isinstance(value, (int, str)) and not isinstance(value, bool),
}
_WANTED = {
    "flag": "true or false",
    "count": "a number",
    "patterns": "an array of strings",
    "outputs": "an array of strings",
    "globs": "an array of strings",
    "file": "the name of a file",
    "table": "a table of patterns for paths, each with an array of clauses",
    "size": "a number of bytes, or a string such as 32M",
    "number": "a number, or all",
}
