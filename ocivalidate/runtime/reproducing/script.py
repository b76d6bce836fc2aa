"""The text of a ``reproduce.sh``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ocivalidate.rules.findings import Outcome, Result
from ocivalidate.runtime.driving.journal import Journal, Judged
from ocivalidate.runtime.inside import PROBE_SOURCE, RECORDER_SOURCE
from ocivalidate.runtime.reproducing.marking import Marks
from ocivalidate.runtime.reproducing.quoting import remark, word, words
from ocivalidate.runtime.reproducing.story import Story

FILE = "reproduce.sh"
MOST = 1024 * 1024
"""The most bytes of a script: one that would be larger only says so."""
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Setting:
    """What a script has to know of the run.

    ``runtime``: the program judged, by its absolute path. ``arguments``: those before every command. ``name``: what is
    part of the name of everything of the run. ``python``: the programs that our own hooks and callers were run by.
    ``rootfs``: a root filesystem that was given, ``""`` for ours. ``covered``: what a runtime must not see,
    ``crun:/folder``.
    """

    case: str
    runtime: str
    version: str
    arguments: tuple[str, ...]
    name: str
    python: tuple[str, ...] = ()
    rootfs: str = ""
    covered: tuple[str, ...] = ()
    root: bool = True


def script(setting: Setting, journal: Journal, results: Sequence[Result]) -> bytes:
    """The script that does again what was done in a case, and shows what failed."""
    failed = [one for one in results if one.outcome is not Outcome.PASS and one.outcome is not Outcome.SKIP]
    told = {(step.clause, step.message) for step in journal.steps if isinstance(step, Judged)}
    unsaid = [one for result in failed for one in _messages(result) if (one.clause, one.message) not in told]
    marks = Marks(
        {
            str(journal.folder): "@WORK@",
            setting.name: "@NAME@",
            str(RECORDER_SOURCE): "@WORK@/recorder.py",
            setting.runtime: "@RUNTIME@",
            **dict.fromkeys(setting.python, "@PYTHON@"),
            **{link: f"{link.partition('[')[0]}[ours]" for link in journal.namespaces.values()},
        }
    )
    story = Story(journal, marks)
    lines = [*story.lines(unsaid)]
    text = "\n".join([*_head(setting, failed, story.missing), *_told(setting, lines), *_machinery(lines), ""])
    written = text.encode("utf-8", "surrogateescape")
    if len(written) > MOST:
        return _too_large(setting, failed, len(written))
    return written


def _messages(result: Result) -> Iterator[Judged]:
    for finding in result.findings:
        yield Judged(result.clause.id, finding.message, finding.got or "", finding.want or "")
    if not result.findings and result.reason:
        yield Judged(result.clause.id, result.reason)


def _head(setting: Setting, failed: Sequence[Result], missing: Sequence[str] | dict[str, None]) -> Iterator[str]:
    yield "#!/bin/sh"
    yield f"# {setting.case}, on {remark(setting.version) or 'a runtime without a version'}:"
    for result in failed:
        yield f"#   {result.clause.id}"
        for one in _messages(result):
            yield f"#     {remark(one.message)}"
            if one.got or one.want:
                yield f"#       got {remark(one.got, 120) or 'nothing'}, wanted {remark(one.want, 120) or 'nothing'}"
    yield "#"
    yield "# sh reproduce.sh [RUNTIME]: calls the runtime as the run did; shows what it does, and what was wanted."
    yield "# Exit status: 1 the failure shows, 0 it does not, 3 only a reader can tell, 2 it cannot be tried here."
    yield "# It needs a shell, the runtime, the usual programs and python3, of which the container gets a copy. As root"
    yield "# it runs in namespaces of its own (unshare). It makes a folder and control groups, and removes them."
    for reason in missing:
        yield f"# What is missing: {remark(reason)}"


def _told(setting: Setting, lines: Sequence[str]) -> Iterator[str]:
    yield ""
    yield f"RUNTIME=${{1:-${{RUNTIME:-{word(setting.runtime)}}}}}"
    yield f"ROOTFS=${{ROOTFS:-{word(setting.rootfs)}}}" if setting.rootfs else "ROOTFS=${ROOTFS:-}"
    yield f"COVERED={word(' '.join(setting.covered))}"
    yield f"CASE={word(setting.case)}"
    yield f"AS_ROOT={int(setting.root)}"
    yield ""
    yield "story() {"
    yield from lines
    yield "}"
    yield ""
    yield f'delete_again() {{ ran / /dev/null /dev/null @RUNTIME@ {words(*setting.arguments)} delete --force "$1"; }}'


def _machinery(lines: Sequence[str]) -> Iterator[str]:
    """The part of a script that is always the same, with the programs that it needs."""
    recorder = any("@WORK@/recorder.py" in line for line in lines)
    consoles = any(line.startswith("terminal ") for line in lines)
    yield from _program("helpers", RECORDER_SOURCE, "file recorder.py 644 0:0") if recorder else ["helpers() { :; }"]
    yield from _program("console", _HERE / "consoling.py") if consoles else ()
    yield from _program("copy_of_python", _HERE / "copying.py")
    yield from _program("probe", PROBE_SOURCE)
    yield ""
    yield (_HERE / "machinery.sh").read_text(encoding="utf-8").rstrip("\n")
    yield ""
    yield 'main "$@"'


def _program(name: str, source: Path, into: str = "") -> Iterator[str]:
    """A function that prints a program, or hands it on to a command."""
    yield f"{name}() {{"
    yield f"cat <<'END_OF_{name}'{' | ' + into if into else ''}"
    yield source.read_text(encoding="utf-8").rstrip("\n")
    yield f"END_OF_{name}"
    yield "}"


def _too_large(setting: Setting, failed: Sequence[Result], size: int) -> bytes:
    reason = f"this script would have {size} bytes, and {MOST} are the most: see calls.json and the bundles"
    lines = [*_head(setting, failed, [reason]), f"echo {word(reason)} >&2", "exit 2", ""]
    return "\n".join(lines).encode("utf-8", "surrogateescape")
