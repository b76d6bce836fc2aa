"""The family of errors: one base for all that the package raises, one place that makes exit codes of them."""

from __future__ import annotations

import ast
import builtins
import inspect
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocivalidate import errors
from ocivalidate.cli.exits import exit_code_of
from ocivalidate.cli.guard import guarded
from ocivalidate.cli.streams import UnwritableOutput
from ocivalidate.errors import (
    BadCase,
    CannotJudge,
    ConfigRefused,
    Malformed,
    NotMeant,
    NotShown,
    OciValidateError,
    OptionError,
    ProtocolError,
    RuntimeFailed,
    TooLarge,
    UnpackError,
    Unreadable,
    UsageError,
)
from ocivalidate.rules import refusals
from ocivalidate.rules.findings import ExitCode, Report
from ocivalidate.rules.refusals import Refused, Rejected, RunStopped

PACKAGE = Path(errors.__file__).parent
# Exceptions that are none of the family → why.
OUTSIDE: dict[str, str] = {}
REPORT = Report("bundle", "config.json", "runtime-spec", problem="it is at fault")
# One of each meaning, and the exit code that it gives; None: nobody outside is ever told of it.
FAMILY: tuple[tuple[OciValidateError, ExitCode | None], ...] = (
    (UsageError("no such option"), ExitCode.COULD_NOT_JUDGE),
    (OptionError("no such option"), ExitCode.COULD_NOT_JUDGE),
    (CannotJudge("no such runtime", "install one"), ExitCode.COULD_NOT_JUDGE),
    (Unreadable("no such file"), ExitCode.COULD_NOT_JUDGE),
    (TooLarge("more than 3 bytes"), ExitCode.COULD_NOT_JUDGE),
    (NotMeant("this is an image"), ExitCode.COULD_NOT_JUDGE),
    (BadCase("it judges nothing"), ExitCode.COULD_NOT_JUDGE),
    (UnpackError("there is no space"), ExitCode.COULD_NOT_JUDGE),
    (Refused("the image is at fault"), ExitCode.FINDINGS),
    (Rejected(REPORT), ExitCode.FINDINGS),
    (RunStopped("the engine ended", REPORT), ExitCode.COULD_NOT_JUDGE),
    (UnwritableOutput("it is full"), ExitCode.COULD_NOT_JUDGE),
    (RuntimeFailed("create failed"), None),
    (ConfigRefused("create failed: no", "no", {}), None),
    (NotShown("the kernel does not show mountinfo"), None),
    (Malformed("not JSON", 3, 2), None),
    (ProtocolError("no such event"), None),
)


def exceptions() -> Iterator[tuple[str, ast.ClassDef]]:
    """Every class of the package that may be raised, by where it stands: those with an exception among their bases."""
    known = {
        name for name, value in vars(builtins).items() if inspect.isclass(value) and issubclass(value, BaseException)
    }
    classes = [
        (f"{file.relative_to(PACKAGE)}:{node.name}", node)
        for file in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    while more := {node.name for _place, node in classes if bases(node) & known} - known:
        known |= more
    yield from ((place, node) for place, node in classes if node.name in known)


def bases(node: ast.ClassDef) -> set[str]:
    """The names of the classes that a class derives from, without the modules in front."""
    return {ast.unparse(base).rpartition(".")[2] for base in node.bases}


def test_every_exception_is_of_the_family() -> None:
    found = dict(exceptions())
    family = {"OciValidateError"}
    while more := {node.name for node in found.values() if bases(node) & family} - family:
        family |= more
    strangers = {place for place, node in found.items() if node.name not in family}
    assert strangers == set(OUTSIDE)
    assert len(found) > 20


def test_each_meaning_stands_once() -> None:
    names = [node.name for _place, node in exceptions()]
    assert sorted(names) == sorted(set(names))


def test_the_table_of_meanings_is_whole() -> None:
    classes = (vars(errors) | vars(refusals)).items()
    public = {name for name, value in classes if inspect.isclass(value) and issubclass(value, OciValidateError)}
    assert public - {"OciValidateError"} == {type(problem).__name__ for problem, _code in FAMILY} - {"UnwritableOutput"}


@pytest.mark.parametrize(("problem", "code"), FAMILY, ids=lambda value: type(value).__name__)
def test_exit_code(problem: OciValidateError, code: ExitCode | None, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(problem) == code

    def fail() -> int:
        raise problem

    assert guarded("ocivalidate", fail) == (ExitCode.COULD_NOT_JUDGE if code is None else code)
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert ("internal error, please report it" in told) == (code is None)


@pytest.mark.parametrize("problem", [problem for problem, _code in FAMILY], ids=lambda value: type(value).__name__)
def test_an_error_travels_between_processes(problem: OciValidateError) -> None:
    again = pickle.loads(pickle.dumps(problem))  # noqa: S301  # our own
    assert type(again) is type(problem)
    assert str(again) == str(problem)
    assert vars(again) == vars(problem)


def test_a_wrong_option_is_a_value_error_too() -> None:
    assert issubclass(OptionError, ValueError)
