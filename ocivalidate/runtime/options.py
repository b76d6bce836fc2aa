"""How a runtime is driven: the options of a run. A ``Selection`` says what is judged."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from ocivalidate.errors import OptionError
from ocivalidate.rules.clauses import Selection
from ocivalidate.runtime.journal import Journal
from ocivalidate.runtime.launching import Launcher
from ocivalidate.runtime.protocol import Request
from ocivalidate.runtime.run import ExpectationFiles
from ocivalidate.system.arguments import StrPath, at_least_one, path_text, paths, texts

MOST_EXPLORED = 10_000
"""The most configs that one run draws."""
MOST_SEED = 2**63 - 1
"""The greatest seed."""


class RuntimeOptions(NamedTuple):
    """How to drive a runtime.

    ``arguments`` precede each of its commands. ``only``: ids of the cases to run (default: all that judge
    what is selected). ``cases``: a folder with the caller's cases, instead of ours. ``rootfs``: an existing root
    filesystem (default: one built from this Python). ``jobs``: concurrent cases (default: the number of processors).
    ``require``: needs, such as ``root``, whose absence is an error instead of a skip. ``dump_dir``: a folder for the
    dumps of cases that did not pass. ``expectations``: TOML files with known deviations, besides those that come
    with our cases unless ``own_expectations`` is false. ``strict``: a refusal of a valid config is a
    failure, also where the specification permits it (default: a skip). ``explore``: instead of running cases, draw so
    many valid configs, which ``seed`` chooses, and judge what comes of them. ``resume``: a file that keeps what was
    judged of them, so that the same run goes on where it was stopped. ``launcher``: where the engine runs (default: on
    this host).
    """

    arguments: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    cases: StrPath | None = None
    rootfs: StrPath | None = None
    jobs: int | None = None
    require: tuple[str, ...] = ()
    dump_dir: StrPath | None = None
    expectations: tuple[StrPath, ...] = ()
    own_expectations: bool = True
    strict: bool = False
    explore: int | None = None
    seed: int = 0
    resume: StrPath | None = None
    launcher: Launcher | None = None


def request_of(runtime: str, selection: Selection, options: RuntimeOptions) -> Request:
    """The request for an engine. Raises :class:`OptionError`, and ``TypeError`` for a value of the wrong type."""
    at_least_one(options.jobs, "jobs")
    at_least_one(options.explore, "explore")
    _refuse_too_many(options)
    launcher = options.launcher
    if launcher is not None and not all(callable(getattr(launcher, name, None)) for name in ("start", "sweep")):
        raise TypeError(f"launcher must be a Launcher, not {type(launcher).__name__}")
    refuse_unknown_needs(texts(options.require, "require"), "require")
    return Request(
        runtime=_program(runtime),
        arguments=texts(options.arguments, "arguments"),
        spec_version=selection.spec_version,
        select=selection.select,
        ignore=selection.ignore,
        level=selection.level,
        only=texts(options.only, "only"),
        cases=_path(options.cases, "cases"),
        rootfs=_path(options.rootfs, "rootfs"),
        jobs=options.jobs,
        require=tuple(options.require),
        dump_dir=_folder_to_fill(_path(options.dump_dir, "dump_dir")),
        strict=options.strict,
        explore=options.explore or 0,
        seed=options.seed,
    )


def _refuse_too_many(options: RuntimeOptions) -> None:
    """Refuse what cannot be explored. Raises :class:`OptionError` and ``TypeError``."""
    seed: object = options.seed  # whatever its type says
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise TypeError(f"seed must be an int, not {type(options.seed).__name__}")
    if options.explore is not None and options.explore > MOST_EXPLORED:
        raise OptionError(f"explore must be at most {MOST_EXPLORED}, not {options.explore}")
    if not 0 <= options.seed <= MOST_SEED:
        raise OptionError(f"seed must be 0 to {MOST_SEED}, not {options.seed}")
    if options.resume is not None and not options.explore:
        raise OptionError("resume is for a run that explores: it needs explore")
    if options.explore and options.cases is not None:
        raise OptionError("explore draws configs instead of running cases: it cannot be given together with cases")


def _program(runtime: str) -> str:
    """A runtime that is named by a path, by its absolute path, as nothing may depend on who is where; else its name."""
    return os.path.abspath(runtime) if os.path.dirname(runtime) else runtime


def expectation_files(options: RuntimeOptions) -> ExpectationFiles:
    """The files of expectations to use. Raises ``TypeError``."""
    return ExpectationFiles(paths(options.expectations, "expectations"), options.own_expectations)


def journal(options: RuntimeOptions, request: Request) -> Journal | None:
    """The journal of a run. Raises :class:`UsageError` and ``TypeError``."""
    path = _path(options.resume, "resume")
    return None if path is None else Journal(path, request)


def refuse_unknown_needs(required: Sequence[str], option: str) -> None:
    """Refuse unknown needs. Raises :class:`OptionError`."""
    from ocivalidate.runtime.running.needs import NEEDS

    strange = [need for need in required if need.partition(":")[0] not in NEEDS]
    if strange:
        raise OptionError(f"{option}: unknown need {strange[0]}; known are {', '.join(NEEDS)}")


def _folder_to_fill(path: str | None) -> str | None:
    """A folder that is there or can be made, or its last run would be lost. Raises :class:`OptionError`."""
    if path is None:
        return None
    try:
        there = os.path.abspath(path)
    except OSError:
        raise OptionError(f"dump_dir {path}: the working directory is gone") from None
    while not os.path.lexists(there):
        there = os.path.dirname(there)
    if not os.path.isdir(there):
        raise OptionError(f"dump_dir {path}: {there} is not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise OptionError(f"dump_dir {path}: nothing can be written in {there}")
    return path


def _path(path: StrPath | None, name: str) -> str | None:
    return None if path is None else path_text(path, name)
