"""A document or a blob that is a link out of the folder that is judged is told, and nothing of it is shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.layouts import GOOD
from ocivalidate.bundle.api import check_bundle
from ocivalidate.bundle.options import BundleOptions
from ocivalidate.image.api import ImageOptions, check_image
from ocivalidate.rules.findings import ExitCode, Report, exit_code
from ocivalidate.rules.refusals import Refused
from ocivalidate.rules.witnesses import base_document
from ocivalidate.unpack.api import UnpackOptions, unpack_image
from ocivalidate.unpack.flags import CAN_UNPACK
from ocivalidate.unpack.judging import ConversionOptions, check_conversion

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="making links takes a privilege there")
BUNDLE, IMAGE = "safety/bundle.link-out", "safety/image.link-out"
SECRET = "TOKEN=hunter2"


def told(report: Report) -> list[tuple[str, str]]:
    return [(finding.clause.id, os.path.basename(finding.location.file)) for finding in report.findings]


def command(*arguments: str | Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "ocivalidate", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"TOKEN": "hunter2"},
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text(SECRET)
    return file


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return GOOD["gzip"]().write(tmp_path / "layout")


def manifest_of(_layout: Path) -> str:
    return GOOD["gzip"]().manifest()[0]


def layer_of(_layout: Path) -> str:
    return "blobs/" + str(GOOD["gzip"]().manifest()[1]["layers"][0]["digest"]).replace(":", "/")


def config_of(_layout: Path) -> str:
    return "blobs/" + str(GOOD["gzip"]().manifest()[1]["config"]["digest"]).replace(":", "/")


PLACES: dict[str, Callable[[Path], str]] = {
    "index.json": lambda _layout: "index.json",
    "oci-layout": lambda _layout: "oci-layout",
    "blobs": lambda _layout: "blobs",
    "blobs/sha256": lambda _layout: "blobs/sha256",
    "a manifest": manifest_of,
    "a config": config_of,
    "a layer": layer_of,
}
by_place = pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())


def move_out(layout: Path, path: str, *, absolute: bool = True) -> Path:
    """Move something out of a layout, and leave a link to it."""
    outside = layout.parent / "outside"
    (layout / path).rename(outside)
    (layout / path).symlink_to(outside if absolute else "../" * (path.count("/") + 1) + "outside")
    return outside


@by_place
@pytest.mark.parametrize("absolute", [True, False], ids=["absolute", "relative"])
def test_what_is_moved_out_of_a_layout_is_told_once_and_not_read(
    place: Callable[[Path], str],
    absolute: bool,  # noqa: FBT001  # a parameter of the test
    layout: Path,
) -> None:
    path = place(layout)
    move_out(layout, path, absolute=absolute)
    report = check_image(str(layout))
    assert told(report) == [(IMAGE, os.path.basename(path))]
    assert exit_code([report]) is ExitCode.FINDINGS


@by_place
def test_what_is_moved_out_of_a_layout_is_read_with_follow_links(place: Callable[[Path], str], layout: Path) -> None:
    move_out(layout, place(layout))
    report = check_image(str(layout), options=ImageOptions(follow_links=True))
    assert set(told(report)) <= {("safety/image.blob.link", os.path.basename(place(layout)))}
    assert exit_code([report]) is ExitCode.CONFORMS


@by_place
def test_a_link_inside_of_a_layout_is_followed(place: Callable[[Path], str], layout: Path) -> None:
    path = place(layout)
    (layout / "moved").mkdir()
    (layout / path).rename(layout / "moved/here")
    (layout / path).symlink_to("../" * path.count("/") + "moved/here")
    report = check_image(str(layout))
    assert exit_code([report]) is ExitCode.CONFORMS
    assert IMAGE not in [clause for clause, _file in told(report)]


def test_a_layout_may_be_a_link_itself(layout: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(layout)
    report = check_image(str(tmp_path / "alias"))
    assert (told(report), exit_code([report])) == ([], ExitCode.CONFORMS)


@by_place
@pytest.mark.parametrize("target", ["/proc/self/environ", "SECRET", "/proc/self/fd/0", "/dev/zero", "/etc/passwd"])
def test_nothing_of_another_file_is_shown(
    place: Callable[[Path], str], target: str, layout: Path, secret: Path
) -> None:
    path = layout / place(layout)
    path.rename(layout.parent / "aside")
    path.symlink_to(target.replace("SECRET", str(secret)))
    code, text = command("image", "-vv", layout)
    assert code == ExitCode.FINDINGS
    assert "hunter2" not in text
    assert "root:" not in text
    assert IMAGE in text


@pytest.mark.parametrize("name", ["../../secret", "a/../../secret", "/proc/self/environ"])
def test_names_in_manifest_json_do_not_lead_out(name: str, tmp_path: Path, secret: Path) -> None:
    assert secret.is_file()
    folder = tmp_path / "saved/deep"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps([{"Config": name, "RepoTags": None, "Layers": [name]}]))
    code, text = command("image", "-vv", folder)
    assert code != ExitCode.CONFORMS
    assert "hunter2" not in text


def test_a_manifest_json_that_leads_out_is_not_read(tmp_path: Path, secret: Path) -> None:
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "manifest.json").symlink_to(secret)
    report = check_image(str(folder))
    assert (told(report), exit_code([report])) == ([(IMAGE, "manifest.json")], ExitCode.FINDINGS)


# --- Bundles


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "rootfs").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(base_document("minimal.json")))
    return folder


@pytest.mark.parametrize("named", ["", "config.json"], ids=["the folder", "the file"])
@pytest.mark.parametrize("document_only", [True, False], ids=["document only", "all"])
@pytest.mark.parametrize("target", ["/proc/self/environ", "../secret", "SECRET"])
def test_a_config_that_leads_out_is_told_and_not_read(
    named: str,
    document_only: bool,  # noqa: FBT001  # a parameter of the test
    target: str,
    bundle: Path,
    secret: Path,
) -> None:
    (bundle / "config.json").unlink()
    (bundle / "config.json").symlink_to(target.replace("SECRET", str(secret)))
    report = check_bundle(bundle / named, None, BundleOptions(document_only=document_only))
    assert told(report) == [(BUNDLE, "config.json")]
    assert exit_code([report]) is ExitCode.FINDINGS
    code, text = command("bundle", "-vv", bundle / named)
    assert code == ExitCode.FINDINGS
    assert "hunter2" not in text


def test_a_config_that_leads_out_is_read_with_follow_links(bundle: Path) -> None:
    (bundle / "config.json").rename(bundle.parent / "shared.json")
    (bundle / "config.json").symlink_to("../shared.json")
    assert told(check_bundle(bundle, None, BundleOptions(follow_links=True))) == []
    assert command("bundle", bundle)[0] == ExitCode.FINDINGS
    assert command("bundle", "--follow-links", bundle)[0] == ExitCode.CONFORMS
    (bundle / "ocivalidate.toml").write_text("follow-links = true\n")
    assert command("bundle", "--config", bundle / "ocivalidate.toml", bundle)[0] == ExitCode.CONFORMS


def test_a_config_that_is_a_link_inside_is_read(bundle: Path) -> None:
    (bundle / "config.json").rename(bundle / "first.json")
    (bundle / "config.json").symlink_to("first.json")
    assert told(check_bundle(str(bundle))) == []


def test_a_config_that_leads_nowhere_or_to_a_fifo_cannot_be_judged(bundle: Path) -> None:
    (bundle / "config.json").unlink()
    (bundle / "config.json").symlink_to("nothing")
    assert "no such file" in check_bundle(str(bundle)).problem
    os.mkfifo(bundle / "nothing")
    assert check_bundle(str(bundle)).problem == "a FIFO, not a file"


def test_a_root_file_system_that_is_a_link_keeps_its_verdict(bundle: Path) -> None:
    (bundle / "rootfs").rename(bundle.parent / "rootfs")
    (bundle / "rootfs").symlink_to("../rootfs")
    assert told(check_bundle(str(bundle))) == []


# --- Unpacking


@pytest.mark.skipif(not CAN_UNPACK, reason="unpacking needs Linux")
@by_place
def test_an_image_with_parts_outside_is_not_unpacked(place: Callable[[Path], str], layout: Path) -> None:
    move_out(layout, place(layout))
    target = layout.parent / "made"
    with pytest.raises(Refused) as refusal:
        unpack_image(str(layout), str(target))
    assert [finding.clause.id for finding in refusal.value.findings] == [IMAGE]
    assert not target.exists()
    unpack_image(str(layout), str(target), UnpackOptions(follow_links=True))
    assert (target / "config.json").is_file()


@pytest.mark.skipif(not CAN_UNPACK, reason="unpacking needs Linux")
def test_users_are_not_looked_up_outside_of_the_bundle(layout: Path) -> None:
    bundle = layout.parent / "made"
    unpack_image(str(layout), str(bundle))
    whole = check_conversion(str(bundle), str(layout))
    (bundle / "rootfs").rename(layout.parent / "elsewhere")
    (bundle / "rootfs").symlink_to("../elsewhere")
    without = check_conversion(str(bundle), str(layout))
    assert not whole.problem
    assert (without.problem, told(without)) == ("", [])
    (bundle / "config.json").rename(layout.parent / "config.json")
    (bundle / "config.json").symlink_to("../config.json")
    assert "leads out of the folder" in check_conversion(str(bundle), str(layout)).problem
    assert check_conversion(bundle, layout, None, ConversionOptions(follow_links=True)).problem == ""
