"""What is said of a storage with faults, in text and Markdown, as users read it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.registries.content import images
from fixtures.registries.faults import plant
from fixtures.registries.planted import FAULTS
from fixtures.registries.storing import FORMS
from ocivalidate.cli import main

Golden = Callable[[str, str], None]
# One that breaks, one that is incomplete, one that a tag leads to, and what could go.
PLANTED = ("flipped-layer", "collected-layer", "no-revision", "no-layer-link", "unreferenced", "upload-left")


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    content = images(2)
    rows = [(fault, plant(fault, content)) for fault in FAULTS if fault.name in PLANTED]
    made = FORMS["distribution"](tmp_path / "registry", content).write()
    for fault, planted in rows:
        fault.damage(made, planted)
    monkeypatch.setenv("OCIVALIDATE_NO_CONFIG", "1")
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return made.root


def said(capsys: pytest.CaptureFixture[str], storage: Path, *arguments: str) -> str:
    code = main(["audit", storage.name, *arguments])
    out, err = capsys.readouterr()
    text = f"{out}{err}(exit code {int(code)})\n"
    # The upload was begun on a day that does not change.
    return re.sub(r"\d+ days old", "N days old", text)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("audit.txt", ()),
        ("audit-verbose.txt", ("-v",)),
        ("audit.markdown", ("--format", "markdown")),
        ("audit-selected.txt", ("--repository", "team0/*", "-v")),
    ],
)
def test_an_audit(
    name: str, arguments: tuple[str, ...], storage: Path, golden: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    golden(name, said(capsys, storage, *arguments))
