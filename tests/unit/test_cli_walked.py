"""``bundle .`` and ``image .``: what is found in folders, what is left out, and in which order."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ocivalidate.many.inputs import TAKING, Inputs
from ocivalidate.many.walk import Limits, Rules
from ocivalidate.report import FORMATS
from tests.unit.command_line import BROKEN, GOOD, SAMPLES, Command

IMAGE = SAMPLES / "image-good"
NOT_ROOT = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")


def bundle(path: Path, sample: str = GOOD) -> Path:
    shutil.copytree(sample, path)
    return path


def found(*paths: str, command: str = "bundle", **rules: object) -> list[tuple[str, str]]:
    return [*Inputs(command, Rules(TAKING[command], 1 << 20, **rules)).of(paths)]  # type: ignore[arg-type]  # of tests


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with bundles, an image, and what is neither."""
    monkeypatch.chdir(tmp_path)
    for name in ("b", "a/two", "a/one"):
        bundle(tmp_path / name)
    shutil.copytree(IMAGE, tmp_path / "images" / "app")
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "config.json").write_text('{"linux": {}, "windows": {}, "root": "/"}', encoding="utf-8")
    return tmp_path


@pytest.mark.usefixtures("tree")
def test_bundles_are_found_by_content_in_order() -> None:
    assert found(".") == [("a/one", ""), ("a/two", ""), ("b", "")]
    assert found("./a/") == [("a/one", ""), ("a/two", "")]
    assert found("images", command="image") == [("images/app", "")]
    assert found(".", command="image") == [("images/app", "")]


def test_other_documents_are_found(tree: Path) -> None:
    (tree / "specs").mkdir()
    shutil.copy(tree / "b" / "config.json", tree / "specs" / "one.json")
    (tree / "specs" / "state.json").write_text('{"ociVersion": "1.0.0", "id": "x", "status": "running", "pid": 1}')
    (tree / "specs" / "package.json").write_text('{"name": "x"}')
    (tree / "specs" / "broken.json").write_text('{"ociVersion": "1.0.0", ')
    (tree / "specs" / "bare.json").write_text('{"ociVersion": "1.0.0"}')
    (tree / "specs" / "list.json").write_text('[{"ociVersion": "1.0.0"}]')
    assert found("specs") == [(f"specs/{name}.json", "") for name in ("bare", "broken", "one")]


@pytest.mark.parametrize("text", ['{"process": {}, "root": {}}', '{"ociVersion": "1.0.0", ', '{"ociVersion"'])
def test_a_broken_config_is_found(tree: Path, text: str) -> None:
    (tree / "c").mkdir()
    (tree / "c" / "config.json").write_text(text, encoding="utf-8")
    assert ("c", "") in found(".")


@pytest.mark.parametrize("beside", ["oci-layout", ".dockerenv", "bin/ dev/ etc/ proc/ usr/"])
def test_what_stands_beside_a_config_hides_nothing(tree: Path, beside: str) -> None:
    for name in beside.split():
        (tree / "b" / name).mkdir() if name.endswith("/") else (tree / "b" / name).touch()
    assert ("b", "") in found(".")


def test_a_root_filesystem_is_not_walked(tree: Path) -> None:
    bundle(tree / "b" / "rootfs" / "srv" / "inner")
    config = json.loads((tree / "a" / "one" / "config.json").read_text(encoding="utf-8"))
    config["root"]["path"] = "tree/of/files"
    (tree / "a" / "one" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    bundle(tree / "a" / "one" / "tree" / "of" / "files" / "inner")
    for name in ("bin", "dev", "etc", "proc", "usr"):
        (tree / "unpacked" / name).mkdir(parents=True)
    bundle(tree / "unpacked" / "srv" / "inner")
    assert found(".") == [("a/one", ""), ("a/two", ""), ("b", "")]


def test_what_is_a_bundle_as_before_is_not_walked(say: Command, tree: Path) -> None:
    os.chdir(tree)
    (tree / "empty").mkdir()
    (tree / "with-root" / "rootfs").mkdir(parents=True)
    for name in ("empty", "with-root"):
        assert "the bundle has no file config.json" in say("bundle", name).out
    assert "this is an image layout" in say("bundle", "images/app").out


def test_nothing_found_is_one_line(say: Command, tree: Path) -> None:
    os.chdir(tree)
    said = say("bundle", "images")
    assert said == (2, said.out, "")
    assert said.out == (
        "images: could not be judged: no bundle found in 2 folders: no config.json, and no other JSON document, with an"
        " ociVersion\n"
    )
    said = say("image", "web")
    assert (said.code, len(said.out.splitlines())) == (2, 1)


def test_links_are_not_followed(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = bundle(tmp_path_factory.mktemp("outside") / "secret")
    (tree / "a" / "loop").symlink_to("..")
    (tree / "out").symlink_to(outside.parent)
    (tree / "c").mkdir()
    (tree / "c" / "config.json").symlink_to(outside / "config.json")
    expected = [("a/one", ""), ("a/two", ""), ("b", "")]
    assert found(".") == expected
    assert "out/secret" not in {path for path, _problem in found("*/*")}
    # Those who want it get it, and loops end.
    assert {path for path, _problem in found(".", follow=True)} >= {"c", "out/secret"}


def test_special_files_are_passed_over(tree: Path) -> None:
    (tree / "c").mkdir()
    os.mkfifo(tree / "c" / "config.json")
    os.mkfifo(tree / "c" / "other.json")
    assert found(".") == [("a/one", ""), ("a/two", ""), ("b", "")]


@NOT_ROOT
def test_a_folder_that_cannot_be_read_is_told(tree: Path) -> None:
    (tree / "b").chmod(0)
    assert found(".")[-1] == ("b", "the folder cannot be read: permission denied")


def test_a_folder_that_is_gone_is_told(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def vanishing(path: str, *more: object, **named: object) -> int:
        if path == "a":
            raise PermissionError(13, "Permission denied")
        return real(path, *more, **named)  # type: ignore[arg-type]  # as os.open has it

    monkeypatch.setattr(os, "open", vanishing)
    assert found(".") == [("a", "the folder cannot be read: permission denied"), ("b", "")]
    assert tree.is_dir()


def test_a_web_manifest_hides_no_image(tree: Path) -> None:
    (tree / "manifest.json").write_text("{}", encoding="utf-8")
    assert found(".", command="image") == [("images/app", "")]


def test_a_config_that_is_a_link_out_is_judged_where_a_root_is(say: Command, tree: Path) -> None:
    os.chdir(tree)
    (tree / "c" / "rootfs").mkdir(parents=True)
    (tree / "c" / "config.json").symlink_to("../b/config.json")
    said = say("bundle", ".", "-q")
    assert said.code == 1
    assert "safety/bundle.link-out" in said.out


def test_limits_hold(tree: Path) -> None:
    deep = tree.joinpath(*["d"] * 6)
    bundle(deep)
    assert ("d/d/d/d", "more than 3 folders deep: not walked") in found(".", limits=Limits(depth=3))
    assert found(".", limits=Limits(inputs=1))[-1][1].endswith("at more than 1 inputs: name folders further down")
    ends = found(".", limits=Limits(entries=10))
    assert ends[-1][1].endswith("at more than 10 files and folders: name folders further down")


def test_nothing_is_found_twice_and_what_is_named_is() -> None:
    assert found(GOOD, GOOD, str(SAMPLES)).count((GOOD, "")) == 2


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize("paths", [("a/one", "a"), ("a", "a"), ("a/*", "a/**"), ("a", "[ab]", ".")])
def test_what_was_found_before_is_no_lack(paths: tuple[str, ...]) -> None:
    for follow in (False, True):
        assert {problem for _path, problem in found(*paths, follow=follow)} == {""}


@pytest.mark.usefixtures("tree")
def test_globs_as_in_a_shell() -> None:
    assert found("a/*") == [("a/one", ""), ("a/two", "")]
    assert found("**/two") == [("a/two", "")]
    assert found("[ab]") == [("a/one", ""), ("a/two", ""), ("b", "")]
    assert found("**/config.json") == [(f"{path}/config.json", "") for path in ("a/one", "a/two", "b", "web")]
    assert found("z*") == [("z*", "no such file or directory, and nothing that this pattern matches")]


def test_exclude(say: Command, tree: Path) -> None:
    os.chdir(tree)
    assert [one["subject"] for one in say("bundle", ".", "--exclude", "a/one", "--format", "json").json["reports"]] == [
        "a/two",
        "b",
    ]
    (tree / "ocivalidate.toml").write_text('exclude = ["/a"]\n', encoding="utf-8")
    said = say("bundle", ".")
    assert said.out.startswith("b: conforms")
    assert said.out.endswith("settings of " + str(tree / "ocivalidate.toml") + ": exclude\n")
    # What is named is judged.
    assert say("bundle", "a/one").out.startswith("a/one: conforms")
    for bad in ("", "a//b", "#"):
        said = say("bundle", ".", "--exclude", bad)
        assert said == (2, "", f"ocivalidate: error: exclude: not a pattern as in .gitignore: {bad}".rstrip() + "\n")


def test_what_git_ignores(tree: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tree)], check=True)
    (tree / ".gitignore").write_text("/b\n", encoding="utf-8")
    (tree / "a" / ".gitignore").write_text("one/\n!two\n", encoding="utf-8")
    (tree / ".git" / "info" / "exclude").write_text("two\n", encoding="utf-8")
    bundle(tree / "c" / "two")
    assert found(".", gitignore=True) == [("a/two", "")]
    os.chdir(tree / "a")
    assert found(".", gitignore=True) == [("two", "")]
    # A stranger's .gitignore hides nothing from those who do not want it.
    assert ("one", "") in found(".")


def test_patterns_of_git_that_are_dear_count_for_more(tree: Path) -> None:
    (tree / ".git").mkdir()
    for number, folder in enumerate((tree, tree / "d", tree / "d" / "d")):
        folder.mkdir(exist_ok=True)
        rows = (f"{number}{'*a' * 55}{row:05}\n" for row in range(2000))
        (folder / ".gitignore").write_text("".join(rows), encoding="utf-8")
    for name in range(40):
        (tree / "d" / "d" / ("a" * 200 + str(name))).touch()
    begun = time.process_time()
    ends = found(".", gitignore=True, limits=Limits(entries=50_000))
    assert ends[-1][1].endswith("at more than 50,000 files and folders: name folders further down")
    ends = found(".", gitignore=True, limits=Limits(entries=10_000_000))
    assert "early" not in ends[-1][1]
    assert time.process_time() - begun < 8


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format_has_relative_paths(say: Command, tree: Path, format_name: str) -> None:
    os.chdir(tree)
    bundle(tree / "x", BROKEN)
    said = say("bundle", ".", "--format", format_name)
    assert said.code == 1
    assert "x/config.json" in said.out or format_name == "tap"
    assert str(tree) not in said.out.replace(f"file://{tree}", "")
    assert "./" not in said.out.replace("../", "").replace("://", "")


def test_quiet_is_silent(say: Command, tree: Path) -> None:
    os.chdir(tree)
    assert say("bundle", ".", "-q") == (0, "", "")
    bundle(tree / "x", BROKEN)
    said = say("bundle", ".", "-q", "--exit-zero")
    assert said.code == 0
    assert {line.partition(":")[0] for line in said.out.splitlines()} >= {"x/config.json", "x", "total"}
    assert "a/one" not in said.out
    assert say("bundle", ".", "-q", "--fail-on", "never").code == 0
    assert "runtime/config.process.cwd.absolute" in say("bundle", ".", "--statistics").out


def test_verbose_tells_what_was_left_out(say: Command, tree: Path) -> None:
    os.chdir(tree)
    (tree / "link").symlink_to("b")
    lines = say("bundle", ".", "-v", "--exclude", "a/one").out.splitlines()
    assert lines[:4] == [
        "folders walked: 7",
        "left out, below an image: 1",
        "left out, excluded: 1",
        "left out, link: 1",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="names are text there")
def test_any_name_will_do(say: Command, tree: Path) -> None:
    os.chdir(tree)
    bundle(tree / "x\n::error::y")
    os.rename(tree / "b", os.fsencode(tree) + b"/\xff")
    said = say("bundle", ".")
    assert said.code == 0
    assert "\n::error" not in said.out
    assert len(said.out.splitlines()) == 5
