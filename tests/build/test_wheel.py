"""What is in our distributions, and that the package works from a wheel alone."""

from __future__ import annotations

import email
import subprocess
import sys
import zipfile
from email.message import Message
from pathlib import Path, PurePosixPath

import pytest

import ocivalidate
from ocivalidate.cli.completing import SHELLS, script
from ocivalidate.cli.manual import pages
from ocivalidate.programme.revisions import digest

CHECKOUT = Path(__file__).parents[2]
DATA_FOLDERS = [name for name in ("schemas", "fixtures", "conformance") if (CHECKOUT / name).is_dir()]
READ = "from ocivalidate import resources; print(resources.folder('schemas'))"


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


def files_below(folder: Path) -> set[str]:
    """The files of a folder, relative to it, without what Python leaves there."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in found if "__pycache__" not in path.parts}


@pytest.mark.parametrize("name", DATA_FOLDERS)
def test_sdist_has_each_data_file_at_its_top(name: str, source: Path) -> None:
    assert files_below(source / name) == files_below(CHECKOUT / name)


@pytest.mark.parametrize("name", DATA_FOLDERS)
def test_wheel_has_each_data_file_inside_the_package(name: str, names: set[str]) -> None:
    inside = f"ocivalidate/{name}/"
    assert {entry.removeprefix(inside) for entry in names if entry.startswith(inside)} == files_below(CHECKOUT / name)


def test_wheel_has_every_module_and_says_that_it_is_typed(names: set[str]) -> None:
    package = {f"ocivalidate/{name}" for name in files_below(CHECKOUT / "ocivalidate")}
    assert package <= names
    assert "ocivalidate/py.typed" in names


def test_wheel_has_nothing_outside_the_package_but_what_the_system_reads(names: set[str]) -> None:
    tops = {PurePosixPath(name).parts[0] for name in names}
    assert tops == {"ocivalidate"} | {f"ocivalidate-{ocivalidate.__version__}.{end}" for end in ("data", "dist-info")}
    shared = {name.partition(".data/data/")[2] for name in names if ".data/" in name}
    assert {PurePosixPath(name).parts[:2] for name in shared} == {
        ("share", "man"),
        ("share", "bash-completion"),
        ("share", "zsh"),
        ("share", "fish"),
    }
    assert not [name for name in names if name.endswith((".pyc", ".pyo"))]


def test_wheel_has_the_manual_pages_of_the_parsers(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        entries = [name for name in archive.namelist() if "/man1/" in name]
        found = {name.rpartition("/")[2]: archive.read(name).decode() for name in entries}
    (date,) = {text.split('"')[1] for text in found.values()}
    assert found == pages(date)


def test_wheel_has_the_completions_that_it_prints(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    # Without what makes them: isolated, and no site-packages.
    start = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from ocivalidate.cli import main; sys.exit(main())"
    for shell in SHELLS:
        command = [sys.executable, "-I", "-S", "-c", start, "completions", shell]
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
        assert done.stdout == script("ocivalidate", shell)


def test_metadata_states_version_and_licence(metadata: Message) -> None:
    assert metadata["Version"] == ocivalidate.__version__
    assert metadata["License-Expression"] == "Apache-2.0"


def test_unpacked_wheel_finds_its_own_data(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    (tmp_path / "empty").mkdir()
    command = [sys.executable, "-c", READ]
    done = subprocess.run(
        command,
        cwd=tmp_path / "empty",
        env={"PYTHONPATH": str(tmp_path / "site")},
        check=True,
        capture_output=True,
        text=True,
    )
    assert Path(done.stdout.strip()) == tmp_path / "site" / "ocivalidate" / "schemas"


def test_the_suite_in_a_wheel_is_that_of_the_checkout(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    done = subprocess.run(
        [sys.executable, "-c", "from ocivalidate.programme.revisions import digest; print(digest())"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site")},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == digest()
