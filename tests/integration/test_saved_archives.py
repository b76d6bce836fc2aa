"""Archives for ``docker load`` are to us what they are to skopeo: the same layers, which make the same files."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ocivalidate.image.api import check_image
from ocivalidate.rules.findings import ExitCode, exit_code
from ocivalidate.unpack import UnpackOptions, unpack_image
from tests.unit.test_image_saved import GOOD

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed"),
]

# What skopeo does not take as docker does, and why.
OTHERWISE = {
    "hard links": "it reads the archive as it stands, where a hard link has no content; docker extracts it",
    "one image twice": "it wants one entry for each image, or its number",
}


def copied(archive: Path, layout: Path) -> subprocess.CompletedProcess[str]:
    command = ["skopeo", "--insecure-policy", "copy", "-q", f"docker-archive:{archive}", f"oci:{layout}:it"]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def files(source: Path, bundle: Path) -> dict[str, bytes]:
    unpack_image(str(source), str(bundle), UnpackOptions(rootless=os.geteuid() != 0))
    found = (bundle / "rootfs").rglob("*")
    return {str(path.relative_to(bundle)): path.read_bytes() for path in found if path.is_file()}


@pytest.mark.parametrize("name", GOOD)
def test_skopeo_takes_what_we_take_and_finds_the_same_in_it(name: str, tmp_path: Path) -> None:
    archive, layout = tmp_path / "saved.tar", tmp_path / "layout"
    archive.write_bytes(GOOD[name][0])
    done = copied(archive, layout)
    if name in OTHERWISE:
        assert done.returncode != 0
        return
    assert done.returncode == 0, done.stderr
    assert exit_code([check_image(str(layout))]) is ExitCode.CONFORMS
    assert files(archive, tmp_path / "ours") == files(layout, tmp_path / "theirs")
