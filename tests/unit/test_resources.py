"""Where the data folders are found: inside an installed package, beside it in a checkout, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ocivalidate import resources
from ocivalidate.errors import CannotJudge

CHECKOUT = Path(__file__).parents[2]


def make_package(root: Path, *folders: str, checkout: bool) -> Path:
    package = root / "ocivalidate"
    package.mkdir()
    for folder in folders:
        (root / folder).mkdir(parents=True)
    if checkout:
        (root / "pyproject.toml").touch()
    return package


@pytest.fixture
def schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with an empty folder of schemas, which takes the place of the real one."""
    monkeypatch.setattr(resources, "PACKAGE", make_package(tmp_path, "ocivalidate/schemas", checkout=False))
    for cached in (resources.folder, resources.read_json):
        monkeypatch.setattr(resources, cached.__name__, cached.__wrapped__)
    return tmp_path / "ocivalidate" / "schemas"


def test_checkout_shows_its_own_schemas() -> None:
    assert resources.folder("schemas") == CHECKOUT / "schemas"


def test_folder_inside_the_package_is_found(tmp_path: Path) -> None:
    package = make_package(tmp_path, "ocivalidate/schemas", checkout=False)
    assert resources._find("schemas", package) == package / "schemas"


def test_folder_beside_the_package_is_found_in_a_checkout(tmp_path: Path) -> None:
    package = make_package(tmp_path, "fixtures", checkout=True)
    assert resources._find("fixtures", package) == tmp_path / "fixtures"


def test_folder_beside_an_installed_package_belongs_to_somebody_else(tmp_path: Path) -> None:
    package = make_package(tmp_path, "fixtures", checkout=False)
    with pytest.raises(CannotJudge, match="installation of ocivalidate is incomplete") as caught:
        resources._find("fixtures", package)
    assert str(package / "fixtures") in str(caught.value)


def test_json_is_read_once_and_shared() -> None:
    first = resources.read_json("schemas", "runtime/config.json")
    assert first == json.loads((CHECKOUT / "schemas/runtime/config.json").read_text(encoding="utf-8"))
    assert resources.read_json("schemas", "runtime/config.json") is first


def test_missing_file_is_named(schemas: Path) -> None:
    with pytest.raises(CannotJudge, match="No such file") as caught:
        resources.read_json("schemas", "clauses/none.json")
    assert str(schemas / "clauses/none.json") in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\xff"])
def test_file_that_is_not_json_is_named(schemas: Path, content: bytes) -> None:
    (schemas / "broken.json").write_bytes(content)
    with pytest.raises(CannotJudge, match="not JSON") as caught:
        resources.read_json("schemas", "broken.json")
    assert str(schemas / "broken.json") in str(caught.value)
