"""``ocivalidate runtime``: judge a runtime by driving it."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ocivalidate.cli import settings as settings_module
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.interrupts import forward_interrupts
from ocivalidate.cli.output import exit_code_of, options_of, publish, tap_screen, tell_problems, write_outputs
from ocivalidate.cli.settings import Settings
from ocivalidate.cli.streams import errors_on_terminal, print_text, tell
from ocivalidate.errors import UsageError
from ocivalidate.report import FORMATS
from ocivalidate.report.tap import Stream
from ocivalidate.report.tap_colours import coloured
from ocivalidate.rules.findings import Report, Result
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.running.loading import case_folder, load_cases

if TYPE_CHECKING:
    from ocivalidate.programme.submitting import Submission
    from ocivalidate.runtime.launching import Launcher
    from ocivalidate.runtime.options import RuntimeOptions
    from ocivalidate.runtime.run import Run

_INTERRUPTED = 130
# Needs that nobody but root can meet.
_OF_ROOT = ("root", "controller")
_WITHOUT = frozenset(
    {
        "os",
        "host",
        "document-only",
        "follow-links",
        "lint",
        "max-size",
        "max-findings",
        *settings_module.OF_WALKS,
        *settings_module.OF_KNOWN,
    }
)


_EXAMPLES = (
    ("All cases, as root:", "ocivalidate runtime --runtime runc"),
    (
        "Some of them, and a record of each that does not pass:",
        "ocivalidate runtime --runtime ./my-runtime --select hooks,signals --dump-dir kept --format text",
    ),
    ("What failed the last time:", "ocivalidate runtime --runtime ./my-runtime --rerun-failed report.json"),
    ("Configs that nobody wrote:", "ocivalidate runtime --runtime ./my-runtime --explore 500 --dump-dir kept"),
    ("The cases and what each judges:", "ocivalidate runtime --list -v --select signals"),
)
_RUNTIME, _CASES, _EXPLORING, _KNOWN, _RUN = "The runtime", "Cases", "Exploring", "Known deviations", "The run"
_KEPT = "A record for others"


def add_options(parser: DashParser, _command: str) -> None:
    """The options of the command."""
    parser.examples = _EXAMPLES
    for title, names, keywords in _OPTIONS:
        parser.group(title).add_argument(*names, **keywords)
    settings_module.add_options(
        parser,
        without=_WITHOUT,
        helps={
            "spec-version": "the release to judge by, or next for its draft (default: the one that the runtime claims)",
            "select": "judge only these: ids of cases or clauses, prefixes of ids, globs; may be repeated",
            "format": f"what is printed: {', '.join(FORMATS)} (default: tap, as the run goes)",
        },
    )


def _several(metavar: str, text: str) -> dict[str, Any]:
    return {"action": "append", "default": [], "metavar": metavar, "help": f"{text}; may be repeated"}


def _one(metavar: str, text: str) -> dict[str, Any]:
    return {"metavar": metavar, "help": text}


def _flag(text: str) -> dict[str, Any]:
    return {"action": "store_true", "help": text}


_OPTIONS: tuple[tuple[str, tuple[str, ...], dict[str, Any]], ...] = (
    (_RUNTIME, ("--runtime",), _one("PROGRAM", "the runtime to judge: a path, or a name in PATH")),
    (_RUNTIME, ("--runtime-arg",), _several("ARG", "an argument to put before every command of the runtime")),
    (_CASES, ("--list",), _flag("list the cases and what each judges; run nothing")),
    (_CASES, ("--rerun-failed",), _one("REPORT", "run only what failed in this report (--output json=REPORT)")),
    (_CASES, ("--cases",), _one("DIR", "a folder with your own cases, used instead of ours")),
    (_CASES, ("--require",), _several("NEED", "what this host must have: cases that lack it are errors, not skips")),
    (_CASES, ("--strict",), _flag("a valid config that the runtime refuses is a failure instead of a skip")),
    (
        _EXPLORING,
        ("--explore",),
        _one("N", "instead of running cases, draw N valid configs and judge what comes of them") | {"type": int},
    ),
    (_EXPLORING, ("--seed",), _one("S", "which configs --explore draws (default: 0)") | {"type": int}),
    (_EXPLORING, ("--against",), _one("OTHER", "explore this runtime too, and tell where the two differ")),
    (
        _EXPLORING,
        ("--resume",),
        _one("FILE", "keep what --explore has judged here, and go on from there the next time"),
    ),
    (_KNOWN, ("--expectations",), _several("FILE", "a TOML file with known deviations")),
    (_KNOWN, ("--no-expectations",), _flag("ignore the known deviations that come with ocivalidate")),
    (_KNOWN, ("--write-expectations",), _one("FILE", "write draft expectations for what failed")),
    (
        _RUN,
        ("--jobs", "-j"),
        _one("N", "how many cases to run at a time (default: one per processor)") | {"type": int},
    ),
    (
        _RUN,
        ("--rootfs",),
        _one("DIR", "a root filesystem with /usr/bin/python3 (default: one made from this host's Python)"),
    ),
    (
        _RUN,
        ("--sandbox",),
        _one(
            "uml|qemu[,...]",
            "judge in a machine of its own, without root:"
            " uml|qemu[,cgroup=v1|v2|hybrid][,memory=1G][,cpus=2][,kernel=PATH]",
        ),
    ),
    (
        _RUN,
        ("--guests",),
        _one("N", "with --sandbox: split the cases over so many machines at a time (default: 1)") | {"type": int},
    ),
    (_RUN, ("--dump-dir",), _one("DIR", "keep a record here of each case that did not pass")),
    (
        _KEPT,
        ("--submit",),
        _one(
            "DIR", "write NAME/VERSION here, to hand it in: results.json.gz and a README.md that says how to repeat it"
        ),
    ),
    (_KEPT, ("--submit-as",), _one("NAME", "what it is known by, or NAME@VERSION (default: what --version says)")),
    (_KEPT, ("--submitter",), _one("TEXT", "who ran it, for all to read (default: nobody is named)")),
)


def run(options: argparse.Namespace) -> int:
    """Judge the runtime, and print results as they come."""
    _refuse_without_explore(options)
    settings = settings_module.settle(options, {"format": "tap"}, cases=lambda: _names(options))
    if options.list:
        from ocivalidate.cli.runtime_list import print_cases

        return print_cases(_cases(options), settings)
    if not sys.platform.startswith("linux"):
        raise UsageError("runtimes can only be driven on Linux; ocivalidate runtime --list works everywhere")
    from ocivalidate.runtime.api import start_run

    submission = _submission(options, settings)
    driving = _driving(options)
    if not settings["quiet"]:
        _tell_what_needs_root(options, settings)
    running = start_run(options.runtime, settings.selection, driving)
    report, interrupted = _follow(running, settings)
    if options.against and not interrupted:
        report = _compare(report, options.against, settings, driving)
    if options.write_expectations:
        _write_expectations(options.write_expectations, report)
    write_outputs([report], settings)
    if settings["format"] == "tap":
        tell_problems([report])
    else:
        publish([report], replace(settings, outputs=()))
    if submission is not None:
        from ocivalidate.cli.runtime_submit import submit

        submit(report, submission, options.submit, settings, interrupted=interrupted)
    return _INTERRUPTED if interrupted else exit_code_of([report], settings)


def _submission(options: argparse.Namespace, settings: Settings) -> Submission | None:
    """What becomes of the run for others, if anything. Raises :class:`UsageError`."""
    if options.submit is None and options.submit_as is None and options.submitter is None:
        return None
    from ocivalidate.cli.runtime_submit import asked

    return asked(options, settings)


def _follow(running: Run, settings: Settings) -> tuple[Report, bool]:
    """Let the run go its way, showing it, and return its report and whether it was interrupted."""
    from ocivalidate.cli.progress import Progress
    from ocivalidate.runtime.protocol import Header, Plan

    streamed = settings["format"] == "tap"
    stream = Stream(options_of(settings))

    colours = tap_screen(settings)

    def say(text: str) -> None:
        if streamed:
            print_text(coloured(text, colours))

    # A terminal that shows the stream shows how far the run is.
    silent = settings["quiet"] or not errors_on_terminal() or (streamed and sys.stdout.isatty())
    say(stream.version())
    with forward_interrupts(running) as interrupt, Progress(silent=silent) as progress:
        for step in running:
            match step:
                case Header():
                    say(stream.header(step.facts))
                case Plan():
                    say(stream.plan(len(step.results)))
                case Result():
                    say(stream.point(step))
            progress.show(step)
    report = running.report()
    say(stream.end(report))
    return report, interrupt.happened


def _tell_what_needs_root(options: argparse.Namespace, settings: Settings) -> None:
    """Say, before anything runs, how much of it an ordinary user cannot have judged, and how to get it."""
    if options.sandbox or not hasattr(os, "geteuid") or os.geteuid() == 0:
        return
    said = f"this is user {os.geteuid()}, not root"
    if options.explore is None:
        from ocivalidate.cli.runtime_list import chosen

        cases, _clauses = chosen(_cases(options), settings)
        needy = [case for case in cases if any(need.partition(":")[0] in _OF_ROOT for need in case.needs)]
        if not needy:
            return
        said += f": {len(needy)} of {len(cases)} cases need root, and are skipped unless the runtime does not isolate"
    tell(f"ocivalidate: note: {said}; to have all judged, use --sandbox uml, or run this as root (sudo)")


def _names(options: argparse.Namespace) -> list[str]:
    """The ids of the cases that a run may have."""
    if options.explore:
        from ocivalidate.runtime.exploring import names

        return [*names(options.explore)]
    return [case.id for case in _cases(options)]


def _cases(options: argparse.Namespace) -> list[Case]:
    return load_cases(case_folder(options.cases))


def _driving(options: argparse.Namespace) -> RuntimeOptions:
    if not options.runtime:
        raise UsageError("no runtime given: use --runtime PROGRAM (try ocivalidate runtime --help)")
    if options.jobs is not None and options.jobs < 1:
        raise UsageError("--jobs needs a number of at least 1")
    from ocivalidate.runtime.options import RuntimeOptions, refuse_unknown_needs

    refuse_unknown_needs(options.require, "--require")
    return RuntimeOptions(
        arguments=tuple(options.runtime_arg),
        only=_failed_in(options) if options.rerun_failed else (),
        cases=options.cases,
        rootfs=options.rootfs,
        jobs=options.jobs,
        require=tuple(options.require),
        dump_dir=options.dump_dir,
        expectations=tuple(options.expectations),
        own_expectations=not options.no_expectations,
        strict=options.strict,
        explore=options.explore,
        seed=options.seed or 0,
        resume=options.resume,
        launcher=_launcher(options.sandbox, options.guests),
    )


def _launcher(sandbox: str | None, guests: int | None) -> Launcher | None:
    """Where the engine runs: on this host, or in a sandbox. Raises :class:`UsageError` and :class:`CannotJudge`."""
    if sandbox is None:
        if guests is not None:
            raise UsageError("--guests is for --sandbox")
        return None
    from ocivalidate.runtime.sandbox.launcher import SandboxLauncher
    from ocivalidate.runtime.sandbox.wanted import parse

    return SandboxLauncher(parse(sandbox), 1 if guests is None else guests)


def _refuse_without_explore(options: argparse.Namespace) -> None:
    """Refuse options of an exploration that do not make sense. Raises :class:`UsageError`."""
    from ocivalidate.runtime.kernel import programs
    from ocivalidate.runtime.options import MOST_EXPLORED, MOST_SEED

    if options.explore is None:
        given = [name for name in ("seed", "against", "resume") if getattr(options, name) is not None]
        if given:
            raise UsageError(f"--{given[0]} is for --explore N")
        return
    if not 1 <= options.explore <= MOST_EXPLORED:
        raise UsageError(f"--explore needs a number from 1 to {MOST_EXPLORED}")
    if options.against and programs.find(options.against) is None:
        raise UsageError(f"--against: there is no program {options.against}")
    if options.seed is not None and not 0 <= options.seed <= MOST_SEED:
        raise UsageError(f"--seed needs a number from 0 to {MOST_SEED}")
    beside = [name for name in ("cases", "rerun_failed", "list", "guests") if getattr(options, name)]
    if beside:
        raise UsageError(f"--explore runs no cases: --{beside[0].replace('_', '-')} cannot be given with it")


def _compare(report: Report, other: str, settings: Settings, driving: RuntimeOptions) -> Report:
    from ocivalidate.cli.runtime_against import compared, told

    with_both = compared(report, other, settings.selection, driving)
    if settings["format"] == "tap":
        print_text(coloured("".join(f"{line}\n" for line in told(with_both)), tap_screen(settings)))
    return with_both


def _failed_in(options: argparse.Namespace) -> tuple[str, ...]:
    from ocivalidate.cli.runtime_list import failed_cases

    return failed_cases(options.rerun_failed, _cases(options))


def _write_expectations(file: str, report: Report) -> None:
    from ocivalidate.cli.files import write_file
    from ocivalidate.runtime.expectations import drafted

    runtime = report.facts.get("runtime", {})
    write_file(file, (drafted(runtime.get("name", ""), runtime.get("version", ""), report.results),))
