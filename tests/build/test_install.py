"""Our distributions, installed as a user and as a contributor install them. Needs an index: ``pytest --install``."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ocivalidate

pytestmark = pytest.mark.install

SCHEMA = "runtime/config.json"
PRINT_TITLE = f"from ocivalidate import resources; print(resources.read_json('schemas', {SCHEMA!r})['title'])"


def install(folder: Path, *what: str) -> Path:
    """Make a virtualenv in ``folder``, install ``what`` in it, and return its folder of commands."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
    subprocess.run([*pip, "install", "--quiet", *what], check=True)
    return folder / "bin"


def output(*command: str | Path, cwd: Path) -> str:
    """What a command that must succeed prints."""
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command} exits {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of a virtualenv in which only the wheel is installed, with what it depends on."""
    return install(tmp_path_factory.mktemp("installed") / "venv", str(wheel))


@pytest.mark.parametrize("command", ["demo", "rules"])
def test_installed_command_works_in_an_empty_folder(command: str, installed: Path, tmp_path: Path) -> None:
    assert output(installed / "ocivalidate", command, cwd=tmp_path)


def test_installed_command_tells_its_version(installed: Path, tmp_path: Path) -> None:
    assert ocivalidate.__version__ in output(installed / "ocivalidate", "--version", cwd=tmp_path)


def test_installed_generator_writes_what_the_installed_judge_accepts(installed: Path, tmp_path: Path) -> None:
    output(installed / "oci-gen", "--cpus", "2", "-o", "config.json", cwd=tmp_path)
    assert "conforms" in output(installed / "ocivalidate", "bundle", "--document-only", "config.json", cwd=tmp_path)


def test_module_is_the_command(installed: Path, tmp_path: Path) -> None:
    by_module = output(installed / "python", "-m", "ocivalidate", "--version", cwd=tmp_path)
    assert by_module == output(installed / "ocivalidate", "--version", cwd=tmp_path)


def test_editable_install_sees_an_edited_schema_at_once(source: Path, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(source, checkout)
    python = install(tmp_path / "venv", "--editable", str(checkout)) / "python"
    schema = checkout / "schemas" / SCHEMA
    document = json.loads(schema.read_text(encoding="utf-8"))
    document["title"] = "edited after the installation"
    schema.write_text(json.dumps(document), encoding="utf-8")
    assert output(python, "-c", PRINT_TITLE, cwd=tmp_path) == "edited after the installation\n"
