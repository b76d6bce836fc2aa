"""Whoever gives a command the wrong thing gets one line: what it is, and which command judges it. The exit code is 2.

What may be what the command judges, if a broken one, is judged.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from ocivalidate.rules.witnesses import base_document
from tests.unit.command_line import Command
from tests.unit.sayings import config

STATE = {"ociVersion": "1.3.0", "id": "c", "status": "stopped", "bundle": "/b"}
FEATURES = {"ociVersionMin": "1.0.0", "ociVersionMax": "1.3.0", "hooks": ["poststop"], "linux": {}}
MANIFEST, INDEX = base_document("image-manifest.json"), base_document("image-index.json")
IMAGE_CONFIG, DESCRIPTOR = base_document("image-config.json"), base_document("image-descriptor.json")
WHAT = {
    "config": (config(), "the configuration of a container", "bundle"),
    "state": (STATE, "the state of a container", "state"),
    "features": (FEATURES, "a features structure", "features"),
    "manifest": (MANIFEST, "an image manifest", "image"),
    "index": (INDEX, "an image index", "image"),
    "image config": (IMAGE_CONFIG, "an image configuration", "image"),
    "descriptor": (DESCRIPTOR, "a descriptor", "image"),
    "layout file": ({"imageLayoutVersion": "1.0.0"}, "the oci-layout file of an image", "image"),
}
COMMANDS = ("bundle", "state", "features", "image")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", WHAT)
def test_document(say: Command, tmp_path: Path, name: str, command: str) -> None:
    document, what, judge = WHAT[name]
    file = tmp_path / "given.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    said = say(command, str(file))
    if command == judge:
        assert said.code in (0, 1), said.out
    else:
        assert said.code == 2
        assert f"this is {what}: ocivalidate {judge} judges it" in said.out + said.err


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    folder = tmp_path / "layout"
    (folder / "blobs").mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', encoding="utf-8")
    (folder / "index.json").write_text('{"schemaVersion": 2, "manifests": []}', encoding="utf-8")
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "rootfs").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config()), encoding="utf-8")
    return folder


def test_folders(say: Command, layout: Path, bundle: Path) -> None:
    told = "this is {}: ocivalidate {} judges it"
    for command in ("bundle", "state", "features"):
        said = say(command, str(layout))
        assert (said.code, told.format("an image layout", "image") in said.out + said.err) == (2, True)
    for command in ("image", "state", "features"):
        said = say(command, str(bundle))
        assert (said.code, told.format("a bundle", "bundle") in said.out + said.err) == (2, True)
    assert say("bundle", str(bundle)).code == 0
    assert say("image", str(layout)).code in (0, 1)


def test_one_line_is_all(say: Command, layout: Path) -> None:
    said = say("bundle", str(layout))
    assert (said.out + said.err).count("\n") == 1


def archive() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("oci-layout"))
    return out.getvalue()


@pytest.mark.parametrize("command", ["bundle", "state", "features"])
@pytest.mark.parametrize(
    "data",
    [archive(), gzip.compress(archive()), b"\x28\xb5\x2f\xfd" + b"\0" * 40, archive() + b"\0" * (33 << 20)],
    ids=["tar", "gzip", "zstd", "larger than a document may be"],
)
def test_archive(say: Command, tmp_path: Path, data: bytes, command: str) -> None:
    file = tmp_path / "image.tar"
    file.write_bytes(data)
    said = say(command, str(file))
    assert said.code == 2
    assert "this is an archive, as images are saved in: ocivalidate image judges it" in said.out + said.err


@pytest.mark.parametrize(
    ("command", "document"),
    [
        ("bundle", {"ociVersion": "1.3.0", "process": {"cwd": "/"}, "id": "c", "status": "running"}),
        ("bundle", {"ociVersion": "1.3.0", "root": {"path": "r"}, "ociVersionMin": "1.0.0"}),
        ("bundle", {"ociVersion": "1.3.0"}),
        ("bundle", {}),
        ("bundle", []),
        ("state", {"status": "running", "root": {}, "process": {}, "mounts": []}),
        ("state", {"ociVersion": "1.3.0"}),
        ("features", {"ociVersionMin": "1.0.0", "hooks": {}, "process": {}}),
        ("features", {"hooks": ["poststop"]}),
        ("features", {"hooks": ["poststop"], "linux": {"namespaces": ["pid"]}}),
        ("features", {"hooks": None, "linux": {}, "mountOptions": ["ro"]}),
        ("bundle", {"ociVersion": "1.3.0", "hooks": ["poststop"], "linux": {}}),
    ],
)
def test_what_may_be_it_is_judged(say: Command, tmp_path: Path, command: str, document: Any) -> None:
    file = tmp_path / "given.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    said = say(command, str(file))
    assert said.code in (0, 1)
    assert "judges it" not in said.out + said.err


def test_text_that_is_no_json_is_judged(say: Command, tmp_path: Path) -> None:
    file = tmp_path / "given.json"
    file.write_text("layers: []\n", encoding="utf-8")
    assert say("bundle", str(file)).code == 1


def test_folder_that_is_both_is_judged_as_what_was_asked_for(say: Command, layout: Path, bundle: Path) -> None:
    for name in os.listdir(layout):
        (layout / name).rename(bundle / name)
    assert say("bundle", str(bundle)).code == 0
    assert say("image", str(bundle)).code in (0, 1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")
def test_fifo_is_not_opened(say: Command, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert say("state", str(tmp_path / "fifo")).code == 2
