"""A folder has to exist at root.path: what stat(2) says to everybody counts, and what it says to us alone does not."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from ocivalidate.bundle.api import check_bundle
from tests.unit.sayings import config

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bundles of Linux are judged on the disk of Linux only")
EXISTS = "runtime/config.root.path.directory-exists"


def told(bundle: Path, path: str = "rootfs") -> list[str]:
    (bundle / "config.json").write_text(json.dumps(config(root={"path": path})), encoding="utf-8")
    return [finding.message for finding in check_bundle(str(bundle)).findings if finding.clause.id == EXISTS]


def test_folder_and_link_to_one(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "rootfs").symlink_to("kept")
    assert told(tmp_path) == []
    assert told(tmp_path, "kept") == []


def test_link_to_itself(tmp_path: Path) -> None:
    (tmp_path / "rootfs").symlink_to("rootfs")
    assert told(tmp_path) == ["root.path is a link that leads to itself"]


def test_links_to_each_other(tmp_path: Path) -> None:
    (tmp_path / "rootfs").symlink_to("other")
    (tmp_path / "other").symlink_to("rootfs")
    assert told(tmp_path, "other") == ["root.path is a link that leads to itself"]


def test_name_and_path_that_are_too_long(tmp_path: Path) -> None:
    assert told(tmp_path, "r" * 256) == ["root.path is longer than the system allows"]
    assert told(tmp_path, "r/" * 2100) == ["root.path is longer than the system allows"]


def test_nothing_file_and_empty_path(tmp_path: Path) -> None:
    assert told(tmp_path) == ["root.path does not exist"]
    (tmp_path / "rootfs").touch()
    assert told(tmp_path) == ["root.path is not a folder"]
    assert told(tmp_path, "rootfs/below") == ["root.path does not exist"]
    assert told(tmp_path, "") == ["root.path is empty"]
