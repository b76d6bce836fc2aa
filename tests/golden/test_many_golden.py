"""What is said of a folder of bundles, and of findings that are known."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ocivalidate.cli import main
from ocivalidate.report import FORMATS
from tests.unit.command_line import SAMPLES

Golden = Callable[[str, str], None]
SUFFIXES = {name: name for name in FORMATS} | {"text": "txt", "junit": "xml"}
CONFIG = json.dumps({"ociVersion": "1.0.2", "process": {"args": ["sh"], "cwd": "app"}, "root": {"path": "rootfs"}})


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Bundles in folders: one that conforms, one that does not, one that cannot be read, and what is none."""
    shutil.copytree(SAMPLES / "bundle-good", tmp_path / "good")
    shutil.copytree(SAMPLES / "image-good", tmp_path / "image")
    for name in ("below/bad", "below/known"):
        (tmp_path / name / "rootfs").mkdir(parents=True)
        (tmp_path / name / "config.json").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "below" / "link").symlink_to("..")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OCIVALIDATE_NO_CONFIG", "1")
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    code = main(list(arguments))
    out, err = capsys.readouterr()
    return f"{out}{err}(exit code {int(code)})\n"


@pytest.mark.parametrize("format_name", ["text", "sarif", "junit", "github", "gitlab", "markdown"])
def test_a_folder_of_bundles(tree: Path, golden: Golden, capsys: pytest.CaptureFixture[str], format_name: str) -> None:
    text = said(capsys, "bundle", ".", "--select", "runtime/config.process.cwd", "--format", format_name)
    golden(f"walked.{SUFFIXES[format_name]}", text.replace(str(tree), "/src"))


def test_what_is_known(tree: Path, golden: Golden, capsys: pytest.CaptureFixture[str]) -> None:
    assert tree.is_dir()
    told = [said(capsys, "bundle", "below/known", "--write-baseline", "known.json")]
    told.append(Path("known.json").read_text(encoding="utf-8"))
    told.append(said(capsys, "bundle", ".", "--baseline", "known.json", "-v"))
    told.append(said(capsys, "bundle", ".", "--baseline", "known.json", "-q", "--exclude", "bad"))
    shutil.copy("good/config.json", "below/known")
    told.append(said(capsys, "bundle", "below/known", "--baseline", "known.json", "-v", "--exit-zero"))
    golden("known.txt", "\n".join(told))
