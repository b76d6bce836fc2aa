"""``image`` and ``unpack`` agree on every configuration: what no config.json can be made of is a clause of both."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, strategies as st

from ocivalidate import check_image
from ocivalidate.errors import UnpackError
from ocivalidate.image.accounts import KNOWN
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import ExitCode, exit_code
from ocivalidate.rules.refusals import Refused
from ocivalidate.unpack import UnpackOptions, unpack_image
from tests.property.configs_drawn import configuration, layout

ROOT = os.geteuid() == 0


def outcome(source: str, bundle: str, *, rootless: bool) -> tuple[ExitCode, set[str], str]:
    """The exit code of ``unpack``, the clauses that it names, and its message."""
    try:
        unpack_image(source, bundle, UnpackOptions(rootless=rootless))
    except Refused as problem:
        return ExitCode.FINDINGS, {finding.clause.id for finding in problem.findings}, str(problem)
    except UnpackError as problem:
        return ExitCode.COULD_NOT_JUDGE, set(), str(problem)
    return ExitCode.CONFORMS, set(), ""


@given(st.integers(0, 2**48))
def test_image_and_unpack_agree_on_configurations(seed: int) -> None:
    config, layers = configuration(seed)
    with TemporaryDirectory() as folder:
        source = str(layout(config, layers).write(Path(folder) / "image"))
        report = check_image(source)
        code = exit_code([report])
        errors = {finding.clause.id for finding in report.findings if finding.severity is Severity.ERROR}
        for rootless in (True, False) if ROOT else (True,):
            found, clauses, message = outcome(source, f"{folder}/bundle-{rootless}", rootless=rootless)
            if code is ExitCode.CONFORMS and "no defaults for the os" in message:
                # No fault of the image: somebody has a template for it.
                continue
            assert found == code, f"{message}\n{sorted(errors)}\n{config}"
            # Whether the image knows its user is looked at when all else is sound.
            assert errors - {KNOWN} <= clauses <= errors, f"{message}\n{config}"
            assert bool(clauses) == bool(errors), f"{message}\n{config}"


def test_what_is_drawn_is_of_every_sort() -> None:
    """A test of nothing but refusals, or of nothing but sound configurations, would show little."""
    with TemporaryDirectory() as folder:
        codes = []
        for seed in range(100):
            target = layout(*configuration(seed)).write(Path(folder) / str(seed))
            codes.append(exit_code([check_image(str(target))]))
    assert 20 < codes.count(ExitCode.CONFORMS) < 80
