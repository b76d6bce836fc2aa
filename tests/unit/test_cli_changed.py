"""``--changed-files``: what files are part of is judged, each thing once, and other programs' files are passed over."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from pathlib import Path

import pytest

from fixtures.layouts import Entry, tar
from tests.saved import Saved, archive
from tests.unit.command_line import BROKEN, GOOD, SAMPLES, Command

OF_OTHERS = {
    "an empty object": "{}",
    "settings of a program": '{"process": "fast", "root": "/srv", "mounts": []}',
    "settings by platform": '{"linux": {}, "windows": {}, "hooks": {}}',
    "an array": "[]",
    "a broken document": '{"port": 80,}',
    "no text": "\x00\x01",
    "nothing": "",
    "deep": "[" * 100_000,
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("text", OF_OTHERS.values(), ids=OF_OTHERS)
def test_a_config_of_another_program_is_passed_over_silently(say: Command, folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text, encoding="utf-8")
    assert say("bundle", "--changed-files", "config.json") == (0, "", "")


@pytest.mark.parametrize("command", ["bundle", "image"])
def test_a_link_that_changed_is_not_read(say: Command, folder: Path, command: str) -> None:
    host = folder / "host.json"
    host.write_text('{"ociVersion": "1.0.2", "process": {"cwd": "secret"}}', encoding="utf-8")
    (folder / "checkout").mkdir()
    os.chdir(folder / "checkout")
    os.symlink("../host.json", "x.json")
    assert say(command, "--changed-files", "x.json") == (0, "", "")
    if command == "bundle":
        assert "secret" in say("bundle", "--changed-files", "--follow-links", "x.json").out
        os.symlink("../host.json", "config.json")
        said = say("bundle", "--changed-files", "--document-only", "config.json")
        assert said.code == 1
        assert "secret" not in said.out


def test_a_file_that_is_gone_and_a_folder_are_passed_over(say: Command, folder: Path) -> None:
    (folder / "src").mkdir()
    assert say("bundle", "--changed-files", "config.json", "src") == (0, "", "")
    assert say("image", "--changed-files", "index.json", "src") == (0, "", "")


def test_a_configuration_among_others_is_judged_alone(say: Command, folder: Path) -> None:
    (folder / "config.json").write_text("{}", encoding="utf-8")
    said = say("bundle", "--changed-files", "--format", "json", "config.json", f"{BROKEN}/config.json")
    assert (said.code, len(said.json["reports"])) == (1, 1)


@pytest.mark.parametrize("change", ["no release", "misspelled release", "cut off"])
def test_a_broken_configuration_is_no_other_file(say: Command, folder: Path, change: str) -> None:
    document = json.loads(Path(GOOD, "config.json").read_text(encoding="utf-8"))
    release = document["ociVersion"]
    if change != "cut off":
        del document["ociVersion"]
    if change == "misspelled release":
        document["ociVerison"] = release
    text = json.dumps(document)
    (folder / "config.json").write_text(text[:-20] if change == "cut off" else text, encoding="utf-8")
    assert say("bundle", "--changed-files", "--document-only", "config.json").code == 1


def test_a_file_beyond_the_limit_is_rather_of_others(say: Command, folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"data": "x" * 2000}), encoding="utf-8")
    assert say("bundle", "--changed-files", "--max-size", "1000", "config.json") == (0, "", "")


def test_a_file_named_twice_is_judged_once(say: Command) -> None:
    said = say("bundle", "--changed-files", "--format", "json", *[f"{GOOD}/config.json"] * 2)
    assert len(said.json["reports"]) == 1


@pytest.mark.parametrize("name", ["index.json", "oci-layout", "blobs/sha256/one-that-is-gone", "blobs/new/deep/in/it"])
def test_a_file_of_a_layout_has_the_layout_judged(say: Command, name: str) -> None:
    said = say("image", "--changed-files", "--format", "json", f"{SAMPLES}/image-good/{name}")
    assert [report["subject"] for report in said.json["reports"]] == [f"{SAMPLES}/image-good"]


def test_all_files_of_a_layout_have_it_judged_once(say: Command, folder: Path) -> None:
    shutil.copytree(SAMPLES / "image-broken", folder / "app")
    files = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    said = say("image", "--changed-files", "--format", "json", *files, "README.md")
    assert (said.code, [report["subject"] for report in said.json["reports"]]) == (1, ["app"])


def test_a_layout_that_is_the_folder_itself(say: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SAMPLES / "image-good")
    said = say("image", "--changed-files", "--format", "json", "index.json")
    assert [report["subject"] for report in said.json["reports"]] == ["."]


def test_archives_are_known_by_what_is_in_them(say: Command, folder: Path) -> None:
    (folder / "image.tar").write_bytes(archive(Saved()))
    (folder / "image.tgz").write_bytes(gzip.compress(archive(Saved())))
    (folder / "source.tar").write_bytes(tar([Entry("main.c", b"int main;")]))
    (folder / "source.tar.gz").write_bytes(gzip.compress(tar([Entry("setup.py", b"1")])))
    (folder / "pointer.tar").write_text("version https://git-lfs.github.com/spec/v1\n", encoding="utf-8")
    (folder / "index.json").write_text('{"schemaVersion": 2, "manifests": []}', encoding="utf-8")
    names = sorted(path.name for path in folder.iterdir())
    said = say("image", "--changed-files", "--format", "json", *names)
    assert [report["subject"] for report in said.json["reports"]] == ["image.tar", "image.tgz"]
    assert all(report["problem"] == "" for report in said.json["reports"])


def test_an_archive_that_is_damaged_is_told(say: Command, folder: Path) -> None:
    (folder / "image.tgz").write_bytes(gzip.compress(archive(Saved()))[:200])
    said = say("image", "--changed-files", "image.tgz")
    assert said.code == 2
    assert "image.tgz" in said.out + said.err
