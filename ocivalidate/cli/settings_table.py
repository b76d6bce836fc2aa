"""The settings of the judging commands as a table: a row is an option, and a key of settings files.

The keys are the long options without the dashes in front.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ocivalidate.bundle.sources import MAX_SIZE
from ocivalidate.cli.settings_file import FILE_NAME, NO_CONFIG
from ocivalidate.keeping import MOST_OF_A_KIND
from ocivalidate.report import FORMATS
from ocivalidate.rules.clauses import LEVEL_NAMES, PLATFORMS, Severity
from ocivalidate.vocabulary.versions import RUNTIME_CHOICES
from ocivalidate.vocabulary.wording import bytes_in_words

if TYPE_CHECKING:
    from ocivalidate.cli.dashes import DashParser

BASELINE = "ocivalidate-baseline.json"
COLOURS = ("auto", "always", "never")
FAIL_ON = (Severity.ERROR.value, Severity.WARNING.value, Severity.NEVER.value)
# The titles of --help.
FOUND, JUDGED, LIMITED, FAILING, PRINTED, FILED = (
    "Which inputs",
    "What is judged",
    "Limits",
    "What fails",
    "What is printed",
    "Settings file",
)


class Setting(NamedTuple):
    """One option. ``kind`` is one of ``_EXTRA``, ``group`` is the title below which ``--help`` has it."""

    name: str
    kind: str
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    short: str = ""
    metavar: str = ""
    group: str = JUDGED

    @property
    def key(self) -> str:
        """The attribute that holds the value after parsing."""
        return self.name.replace("-", "_")


# The order is that of --help.
SETTINGS: tuple[Setting, ...] = (
    Setting(
        "exclude",
        "globs",
        (),
        "do not walk or take what matches this pattern, as in .gitignore; may be repeated",
        metavar="PATTERN",
        group=FOUND,
    ),
    Setting("respect-gitignore", "flag", False, "do not walk or take what git ignores", group=FOUND),
    Setting(
        "spec-version",
        "choice",
        None,
        "the release to judge by, such as 1.2.0, or next for its draft (default: the one that the document names)",
        RUNTIME_CHOICES,
        metavar="RELEASE",
    ),
    Setting(
        "os",
        "choice",
        None,
        f"the platform to judge for: {', '.join(PLATFORMS)} (default: those whose sections the document has)",
        PLATFORMS,
        metavar="OS",
    ),
    Setting(
        "select",
        "patterns",
        (),
        "judge only these clauses: ids, prefixes of ids, globs; may be repeated",
        metavar="CLAUSES",
    ),
    Setting("ignore", "patterns", (), "suppress findings on these clauses; may be repeated", metavar="CLAUSES"),
    Setting(
        "level",
        "choice",
        "may",
        "judge only clauses of this level or above: must, should, may (default: may)",
        tuple(LEVEL_NAMES),
        metavar="LEVEL",
    ),
    Setting("lint", "flag", False, "also judge the lint clauses: opinion, not specification"),
    Setting("host", "flag", False, "also judge what depends on this host, such as the paths of hooks"),
    Setting("document-only", "flag", False, "judge config.json alone, not the bundle folder"),
    Setting("follow-links", "flag", False, "follow links that lead out of the folder"),
    Setting(
        "max-size",
        "size",
        MAX_SIZE,
        f"the largest document that is read (default: {bytes_in_words(MAX_SIZE)})",
        metavar="SIZE",
        group=LIMITED,
    ),
    Setting(
        "max-findings",
        "number",
        MOST_OF_A_KIND,
        f"how many findings of a kind to show, the others are counted; or all (default: {MOST_OF_A_KIND})",
        metavar="N",
        group=LIMITED,
    ),
    Setting(
        "fail-on",
        "choice",
        "error",
        "the lowest severity that makes the exit code 1: error, warning, never (default: error)",
        FAIL_ON,
        metavar="SEVERITY",
        group=FAILING,
    ),
    Setting(
        "exit-zero",
        "flag",
        False,
        "findings make the exit code 0 too; what could not be judged makes it 2",
        group=FAILING,
    ),
    Setting("baseline", "file", None, "suppress the findings that this file knows", metavar="FILE", group=FAILING),
    # A table, so settings files alone can have it.
    Setting("per-path-ignores", "table", {}, ""),
    Setting(
        "format",
        "choice",
        "text",
        f"what is printed: {', '.join(FORMATS)} (default: text)",
        FORMATS,
        metavar="FORMAT",
        group=PRINTED,
    ),
    Setting(
        "tap-version",
        "choice",
        "14",
        "the TAP version of --format tap: 14, or 13, which prove needs (default: 14)",
        ("13", "14"),
        metavar="N",
        group=PRINTED,
    ),
    Setting(
        "output",
        "outputs",
        (),
        "also write a report to a file, or print it (FORMAT=-); may be repeated",
        metavar="FORMAT=FILE",
        group=PRINTED,
    ),
    Setting(
        "color",
        "choice",
        "auto",
        "when to colour the text: auto, always, never (default: auto, where a terminal reads it)",
        COLOURS,
        metavar="WHEN",
        group=PRINTED,
    ),
    Setting("statistics", "flag", False, "count the findings of each clause instead of showing them", group=PRINTED),
    Setting("quiet", "flag", False, "one line for each finding, and none where all is well", short="q", group=PRINTED),
    Setting(
        "verbose",
        "count",
        0,
        "also show notes and skipped clauses; twice: every clause",
        short="v",
        group=PRINTED,
    ),
)
OF_WALKS = frozenset({"exclude", "respect-gitignore"})
OF_KNOWN = frozenset({"baseline", "per-path-ignores"})
BY_NAME = {setting.name: setting for setting in SETTINGS}

_EXTRA: Mapping[str, Mapping[str, Any]] = {
    "flag": {"action": "store_true"},
    "count": {"action": "count"},
    "choice": {},
    "patterns": {"action": "append"},
    "globs": {"action": "append"},
    "file": {},
    "outputs": {"action": "append"},
    "size": {},
    "number": {},
}


def add_options(
    parser: DashParser, without: frozenset[str] = frozenset(), helps: Mapping[str, str] | None = None
) -> None:
    """Add the options to the parser of a command, but for those named in ``without``.

    An option that is not given is ``None``. ``helps``: what some of them mean to this command.
    """
    for setting in SETTINGS:
        if setting.name not in without and setting.kind in _EXTRA:
            _add_option(parser, setting._replace(help=(helps or {}).get(setting.name, setting.help)))
    if "baseline" not in without:
        help_text = f"write what is found to a baseline (default: that of --baseline, or {BASELINE})"
        parser.group(FAILING).add_argument("--write-baseline", nargs="?", const="", metavar="FILE", help=help_text)
    group = parser.group(FILED)
    group.add_argument(
        "--config", metavar="FILE", help=f"the settings file (default: the nearest {FILE_NAME} or pyproject.toml)"
    )
    group.add_argument("--no-config", action="store_true", help=f"read no settings file; same as {NO_CONFIG}=1")
    parser.set_defaults(left_out=without)


def _add_option(parser: DashParser, setting: Setting) -> None:
    names = [*([f"-{setting.short}"] if setting.short else []), f"--{setting.name}"]
    extra = {**_EXTRA[setting.kind]}
    if setting.metavar:
        extra["metavar"] = setting.metavar
    if setting.choices:
        extra["choices"] = setting.choices
    parser.group(setting.group).add_argument(*names, dest=setting.key, default=None, help=setting.help, **extra)
