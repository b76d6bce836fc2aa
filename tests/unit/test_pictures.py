"""The pictures of the documentation are those that would be made now, and need nothing but themselves."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from fixtures import pictures
from fixtures.pictures.__main__ import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_they_are_as_they_would_be_made_now(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().out


def test_a_stale_one_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pictures, "FOLDER", tmp_path)
    monkeypatch.setattr(pictures, "PICTURES", {"a.svg": lambda _root: "<svg/>", "b.svg": lambda _root: "<svg/>"})
    pictures.write()
    (tmp_path / "b.svg").write_text("<svg></svg>", encoding="utf-8")
    assert main(["--check"]) == 1
    assert (
        capsys.readouterr().out
        == "docs/pictures/b.svg is not as it would be made now: run python -m fixtures.pictures\n"
    )
    assert (tmp_path / "b.svg").read_text(encoding="utf-8") == "<svg></svg>"


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_a_picture_needs_nothing_else(name: str) -> None:
    text = (pictures.FOLDER / name).read_text(encoding="utf-8")
    assert [address for address in re.findall(r"https?://[^\"' ]+", text) if "www.w3.org" not in address] == []
    assert not re.search(r"@import|@font-face|<script|<image|href|url\(", text)
    root = ET.fromstring(text)  # noqa: S314  # a file of ours
    # It says to everybody what it shows.
    assert [child.tag.rpartition("}")[2] for child in root][:2] == ["title", "desc"]
    assert all(child.text for child in list(root)[:2])


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_the_readme_shows_it_with_words_for_those_who_do_not_see_it(name: str) -> None:
    assert re.search(rf"!\[[^\]]{{20,}}\]\(docs/pictures/{name}\)", README)


def test_the_first_output_comes_within_one_and_a_half_screens() -> None:
    # The picture of a finding is output; it stands above all else, and the two commands just below it.
    first = README.splitlines()[:40]
    assert any("docs/pictures/finding.svg" in line for line in first[:10])
    assert sum(line.startswith("python3 -m venv") for line in first) == 2
