"""What docs/extending.md says is tried, in a copy of the checkout where it changes files: the page is true."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import GOOD as GOOD_LAYOUTS
from ocivalidate.image.api import check_image
from ocivalidate.image.sources import source
from ocivalidate.report import FORMATS, Options, is_report, render
from ocivalidate.rules.findings import ExitCode, exit_code
from tests.reports import ALL, RUN, RUNTIME
from tests.unit.checkout_copy import CHECKOUT, Copy
from tests.unit.command_line import BROKEN, GOOD

PAGE = "docs/extending.md"


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path / "checkout")


def section(title: str) -> str:
    """A section of the page."""
    text = (CHECKOUT / PAGE).read_text(encoding="utf-8")
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"{PAGE} has no section {title}"
    return found[1]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def files_of(text: str) -> list[str]:
    """The files that a section says are touched: the first column of its table."""
    return [
        re.sub(r"^yours, or |`", "", cell)
        for cell in re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE)
        if cell not in ("file", "---")
    ]


def test_nothing_takes_more_than_three_files() -> None:
    titles = re.findall(r"^## (.*)$", (CHECKOUT / PAGE).read_text(encoding="utf-8"), re.MULTILINE)
    assert titles == [
        "An output format",
        "An image source",
        "A release of a specification",
        "A place for the engine",
    ]
    assert {
        title: len(files_of(section(title))) for title in titles if not 1 <= len(files_of(section(title))) <= 3
    } == {}


def test_an_output_format_is_added_as_the_page_says(copy: Copy) -> None:
    """A module, a row and a word for users: nothing else knows the names of formats."""
    text = section("An output format")
    module, row = blocks(text, "python")
    before = copy.files()
    (copy.folder / "ocivalidate" / "report" / "csv.py").write_text(module)
    copy.replace(
        "ocivalidate/report/__init__.py", "    # One row for each format.\n", f"    # One row for each format.\n{row}"
    )
    copy.replace("docs/commands.md", "Formats are `text`, ", "Formats are `csv`, `text`, ")
    assert (
        copy.changed(before)
        == sorted(files_of(text))
        == sorted(["docs/commands.md", "ocivalidate/report/__init__.py", "ocivalidate/report/csv.py"])
    )
    copy.lint()
    ocivalidate = ("-m", "ocivalidate")
    # On the command line, beside another format, and in its help.
    done = copy.python(*ocivalidate, "bundle", BROKEN, "--format", "csv")
    first, *rows = done.out.splitlines()
    assert (done.code, first) == (1, "subject,clause,outcome")
    assert any("runtime/config.process.cwd.absolute,fail" in row for row in rows)
    assert copy.python(*ocivalidate, "image", "none", "--format", "csv").code == 2
    assert "csv" in copy.python(*ocivalidate, "bundle", "--help").out
    assert "a format of csv, text, " in copy.python(*ocivalidate, "bundle", GOOD, "--output", "none=x").err
    # By a settings file, again and again: what it wrote is known for a report of ours.
    (copy.folder / "ocivalidate.toml").write_text('format = "csv"\noutput = ["csv=out.csv"]\n')
    for _ in range(2):
        done = copy.python(*ocivalidate, "bundle", GOOD)
        assert (done.code, done.err) == (0, "")
        assert (copy.folder / "out.csv").read_text() == done.out
    (copy.folder / "out.csv").write_text("my own,notes\n")
    assert copy.python(*ocivalidate, "bundle", GOOD).code == 2
    (copy.folder / "ocivalidate.toml").write_text('format = "cvs"\n')
    assert "format must be csv or text or " in copy.python(*ocivalidate, "bundle", GOOD).err
    # And of runs of runtimes, and in the tests that go over all formats.
    (copy.folder / "ocivalidate.toml").unlink()
    assert copy.python(*ocivalidate, "runtime", "--runtime", "/no/such", "--format", "csv").code == 2
    tests = ("extending", "cli", "cli_settings", "cli_settings_trust")
    chosen = "readme or known or every_format or again_and_again or no_sense_is_told"
    assert copy.failing(*(f"tests/unit/test_{name}.py" for name in tests), "-k", chosen) == []


def test_an_image_source_is_judged_as_the_page_says() -> None:
    (code,) = blocks(section("An image source"), "python")
    names: dict[str, Any] = {**vars(source), "io": io}
    exec(code, names)  # noqa: S102  # the code of the page is what is tried
    layout = GOOD_LAYOUTS["gzip"]()
    bucket = names["Bucket"](layout.files)
    report = check_image(bucket)
    assert (report.subject, report.problem, exit_code([report])) == ("bucket://images", "", ExitCode.CONFORMS)
    layout.files.pop(next(name for name in layout.files if name.startswith("blobs/")))
    assert exit_code([check_image(names["Bucket"](layout.files))]) is not ExitCode.CONFORMS


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root has mounts of its own")
@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is not installed")
def test_an_engine_gets_another_place_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of the reader's, and nothing in the package."""
    from fixtures import fake_runtime
    from ocivalidate import Selection, check_runtime

    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("unshare makes no mount namespace here, as in a chroot")
    text = section("A place for the engine")
    module, call = blocks(text, "python")
    assert files_of(text) == ["elsewhere.py"]
    (tmp_path / "elsewhere.py").write_text(module)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    case = "refusals.stopped-container"
    with tempfile.TemporaryDirectory(prefix="extending-", dir="/var/tmp") as shared:  # seen in both places
        fake = fake_runtime.write(Path(shared, "fake"), "kills-what-has-stopped")
        names["check_runtime"] = lambda _runtime, options: check_runtime(fake, Selection(select=(case,)), options)
        exec(f"from ocivalidate import RuntimeOptions\nfrom elsewhere import OtherMounts\n{call}", names)  # noqa: S102  # what the page says
    sys.modules.pop("elsewhere")
    report = names["report"]
    assert (report.problem, report.complete) == ("", True)
    assert {result.dump for result in report.results} == {f"kept/{case}"}
    assert (tmp_path / "kept" / case / "verdicts.json").is_file()


def test_the_page_names_every_format() -> None:
    text = " ".join((CHECKOUT / "docs" / "commands.md").read_text(encoding="utf-8").split())
    found = re.search(r"Formats are (.*?)\. ", text)
    assert found
    assert sorted(re.findall(r"`([a-z-]+)`", found[1].replace("`prove`", ""))) == sorted(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_a_report_of_every_format_is_known_for_one(name: str) -> None:
    for reports in ([RUN], [RUNTIME], ALL):
        said = render(name, reports, Options()).encode()
        assert is_report(said[:4096], said[-4096:])
    assert not is_report(b"my own,notes\n", b"my own,notes\n")
