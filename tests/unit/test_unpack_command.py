"""``ocivalidate unpack`` and ``ocivalidate bundle --image`` as their users meet them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from fixtures.layouts import Entry, Image, Index, Layout, docker_save, tars
from ocivalidate import OptionError, UnpackOptions, unpack_image
from ocivalidate.cli import main
from ocivalidate.vocabulary.versions import IMAGE_CHOICES
from tests.unit.unpacking import image


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    image([Entry("etc/motd", b"hello\n")]).write(tmp_path / "image")
    return tmp_path


def test_a_bundle_is_made_and_passes(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["unpack", "image", "b"]) == 0
    assert (work / "b/rootfs/etc/motd").read_text() == "hello\n"
    assert capsys.readouterr().err.splitlines()[-1].startswith("b: unpacked sha256:")
    assert main(["bundle", "b", "--image", "image"]) == 0
    assert "b as made of image: conforms to image-spec" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["archive", "docker", "old docker"])
def test_every_source(work: Path, form: str) -> None:
    layout = image([Entry("etc/motd", b"hello\n")], compression="none")
    data = layout.archive() if form == "archive" else docker_save(layout, old=form == "old docker")
    (work / "image.tar").write_bytes(data)
    assert main(["unpack", "-q", "image.tar", "b"]) == 0
    assert (work / "b/rootfs/etc/motd").read_text() == "hello\n"


def test_options_of_oci_gen_follow(work: Path) -> None:
    words = ["--cpus", "2", "--hostname", "box", "--", "sh", "-c", "ls --all"]
    assert main(["unpack", "-q", "image", "b", "--", *words]) == 0
    config = json.loads((work / "b/config.json").read_text())
    assert config["hostname"] == "box"
    assert config["process"]["args"] == ["sh", "-c", "ls --all"]


def test_templates_follow(work: Path) -> None:
    assert main(["generate", "--hostname", "mine", "-o", "t.json"]) == 0
    assert main(["unpack", "-q", "image", "b", "--", "--template", "t.json"]) == 0
    assert json.loads((work / "b/config.json").read_text())["hostname"] == "mine"


@pytest.mark.parametrize("flaw", ["document", "layer"])
def test_an_image_is_held_to_the_release_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], flaw: str
) -> None:
    """The same errors and the same exit code as ``image``, in the draft as in the newest release."""
    monkeypatch.chdir(tmp_path)
    in_config = image([Entry("a", b"")], Labels={"org.example.mark": "\ufdd0"})
    in_layer = image([Entry("etc/.wh.", b"")])
    (in_config if flaw == "document" else in_layer).write(tmp_path / "image")
    judged = 0
    for release in IMAGE_CHOICES:
        judged = main(["image", "--spec-version", release, "image"])
        said = capsys.readouterr().out
        assert main(["unpack", "--spec-version", release, "image", "b", "--force"]) == judged, release
        err = capsys.readouterr().err
        assert re.findall(r"error\[(\S+)\]", err) == re.findall(r"error\[(\S+)\]", said), release
        assert ("a draft" in err) == (release == "next")
    assert judged == 1


def test_a_release_that_is_none_is_refused(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["unpack", "image", "b", "--spec-version", "1.3.0"]) == 2
    assert "invalid choice: '1.3.0'" in one_line(capsys)
    with pytest.raises(OptionError, match=r"unknown release of image-spec: 1.3.0; known are 1.0.0"):
        unpack_image("image", "b", UnpackOptions(spec_version="1.3.0"))
    assert not (work / "b").exists()


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


WRONG = {
    "no image": (["nothing", "b"], "no such file"),
    "no parent": (["image", "x/y/b"], "no such file"),
    "no such name": (["image", "b", "--ref", "other"], "no image matches that name"),
    "a platform that is none": (["image", "b", "--platform", "linux"], "--platform wants"),
    "a map that is none": (["image", "b", "--uid-map", "1:2"], "--uid-map needs"),
    "a clause that is none": (["image", "b", "--ignore", "safety/nothing"], "no clause matches"),
    "an option that is none": (["image", "b", "--", "--nothing"], "unrecognized"),
    "an output": (["image", "b", "--", "-o", "x"], "cannot be used with unpack"),
    "a document": (["image/index.json", "b"], "a single document"),
    "the root": (["image", "/"], "not a valid path for a bundle"),
    "NUL": (["image", "b\0c"], "not a valid path for a bundle"),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_what_makes_no_sense_is_one_line(
    work: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["unpack", *arguments]) == 2
    assert message in one_line(capsys).lower()
    assert os.listdir(work) == ["image"]


def test_several_images_are_listed(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arm = Image(platform={"os": "linux", "architecture": "arm64"})
    Layout(Index((Image(name="one"), Index((Image(name=None), arm), name="both")))).write(work / "many")
    assert main(["unpack", "many", "b"]) == 2
    assert "linux/arm64" in one_line(capsys)
    assert main(["unpack", "many", "b", "--ref", "both"]) == 2
    assert main(["unpack", "many", "b", "--ref", "both", "--platform", "linux/arm64"]) == 0


def test_a_target_that_is_taken(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "b").mkdir()
    assert main(["unpack", "-q", "image", "b"]) == 0
    (work / "b/mine").write_text("mine")
    assert main(["unpack", "image", "b"]) == 2
    assert "--force" in one_line(capsys)
    assert main(["unpack", "image", "b", "--force"]) == 2
    assert "there is mine" in one_line(capsys)
    assert (work / "b/mine").read_text() == "mine"
    (work / "b/mine").unlink()
    assert main(["unpack", "-q", "image", "b", "--force"]) == 0
    assert sorted(os.listdir(work / "b")) == ["config.json", "rootfs"]
    (work / "file").write_text("")
    (work / "link").symlink_to("b")
    for name in ("file", "link"):
        assert main(["unpack", "image", name, "--force"]) == 2
    assert sorted(os.listdir(work)) == ["b", "file", "image", "link"]


def test_force_without_an_exchange(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocivalidate.unpack.staging.exchange", lambda *_arguments: False)
    for _time in range(2):
        assert main(["unpack", "-q", "image", "b", "--force"]) == 0
    assert sorted(os.listdir(work)) == ["b", "image"]


def test_parts_of_a_bundle(work: Path) -> None:
    assert main(["unpack", "-q", "image", "b", "--config-only"]) == 0
    assert os.listdir(work / "b") == ["config.json"]
    assert main(["unpack", "-q", "image", "b", "--config-only"]) == 2
    assert main(["unpack", "-q", "image", "b", "--rootfs-only"]) == 0
    assert main(["unpack", "-q", "image", "b", "--rootfs-only"]) == 2
    for part in ("--config-only", "--rootfs-only"):
        assert main(["unpack", "-q", "image", "b", part, "--force"]) == 0
    assert sorted(os.listdir(work / "b")) == ["config.json", "rootfs"]
    assert main(["unpack", "-q", "image", "new", "--rootfs-only", "--ignore", "safety/*"]) == 0
    assert os.listdir(work / "new") == ["rootfs"]


def test_a_part_that_fails_leaves_no_folder(work: Path) -> None:
    image([Entry("../x", b"bad")]).write(work / "bad")
    assert main(["unpack", "bad", "b", "--rootfs-only"]) == 1
    assert sorted(os.listdir(work)) == ["bad", "image"]


def test_a_hazard_is_refused_with_its_clause(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image([Entry("../x\x1b[31m", b"bad"), tars.symlink("l", "/"), Entry("l/x", b"bad")]).write(work / "bad")
    assert main(["unpack", "bad", "b"]) == 1
    said = capsys.readouterr().err
    assert "error[safety/layer.path-escapes]" in said
    assert "error[safety/layer.through-link]" in said
    assert "\x1b" not in said
    assert not (work / "b").exists()
    assert main(["unpack", "bad", "b", "--ignore", "safety/layer.*"]) == 0


def test_a_warning_is_told_and_does_not_hinder(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image([Entry("d/../up", b"x")]).write(work / "odd")
    assert main(["unpack", "odd", "b"]) == 0
    assert "warning[safety/layer.path-form]" in capsys.readouterr().err
    assert (work / "b/rootfs/up").read_bytes() == b"x"


def test_paths_from_the_root_are_no_reason_to_warn(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image([Entry("/abs", b"x"), tars.hardlink("/other", "/abs")]).write(work / "odd")
    for command in (["image", "odd"], ["unpack", "odd", "b"]):
        assert main(command) == 0
        assert "path-form" not in "".join(capsys.readouterr())
    assert main(["image", "-v", "odd"]) == 0
    assert capsys.readouterr().out.count("note[safety/layer.path-form]") == 3
    assert (work / "b/rootfs/other").read_bytes() == b"x"


@pytest.mark.usefixtures("work")
def test_options_of_image_need_image(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["unpack", "-q", "image", "b"]) == 0
    assert main(["bundle", "b", "--ref", "x"]) == 2
    assert "--image" in one_line(capsys)


def test_what_needs_no_layers_reads_none(work: Path) -> None:
    layout = image([Entry("f", b"x")], User="1:2")
    _path, manifest = layout.manifest()
    del layout.files["blobs/" + manifest["layers"][0]["digest"].replace(":", "/")]
    layout.write(work / "sparse")
    assert main(["unpack", "sparse", "b"]) == 2
    assert main(["unpack", "-q", "sparse", "b", "--config-only"]) == 0


def test_directories_beyond_the_limit_are_told_by_both(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image([Entry("x", pax={"path": f"{at}/" + "d/" * 20 + "f"}) for at in range(10)]).write(work / "wide")
    assert main(["unpack", "wide", "b", "--max-entries", "100"]) == 1
    assert "safety/layer.limit" in capsys.readouterr().err
    assert main(["image", "wide", "--max-entries", "100"]) == 1
    assert "more than 100 directories" in capsys.readouterr().out
    assert not (work / "b").exists()
    assert main(["unpack", "-q", "wide", "b", "--max-entries", "300"]) == 0
