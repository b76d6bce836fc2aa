"""Images of real tools are accepted in silence: exit code 0, and not one line but the last."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.integration.enclosure import run, run_enclosed, why_not_enclosed, why_not_root

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
POLICY = '{"default": [{"type": "insecureAcceptAnything"}]}'


def complaint(source: str | Path, *, stdin: bytes | None = None) -> str | None:
    """What `ocivalidate image` has to say against an image, or nothing if it accepts it in silence."""
    done = subprocess.run(
        [sys.executable, "-m", "ocivalidate", "image", str(source)],
        check=False,
        cwd=ROOT,
        input=stdin or b"",
        capture_output=True,
        timeout=60,
    )
    out = done.stdout.decode()
    if done.returncode == 0 and len(out.splitlines()) == 1 and not done.stderr:
        return None
    return f"exit code {done.returncode}\n{out}{done.stderr.decode()}"


def need(*tools: str) -> None:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed")


def fill(rootfs: Path, round_number: int) -> None:
    """Change a root filesystem in all the ways that a layer can tell of."""
    (rootfs / f"folder{round_number}").mkdir()
    (rootfs / f"folder{round_number}" / "file").write_text("content " * 5000)
    (rootfs / f"folder{round_number}" / ("long" * 40)).write_text("x")
    (rootfs / f"link{round_number}").symlink_to("folder0/file")
    os.link(rootfs / f"folder{round_number}" / "file", rootfs / f"hard{round_number}")
    os.mkfifo(rootfs / f"fifo{round_number}")
    (rootfs / f"folder{round_number}" / "file").chmod(0o4755)
    os.setxattr(rootfs / f"folder{round_number}" / "file", "user.note", b"\x00\xff") if _has_xattrs(rootfs) else None
    if round_number == 1:
        (rootfs / "link0").unlink()
        shutil.rmtree(rootfs / "folder0")


def _has_xattrs(folder: Path) -> bool:
    try:
        os.setxattr(folder, "user.ocivalidate", b"")
        os.removexattr(folder, "user.ocivalidate")
    except OSError:
        return False
    return True


def make_umoci(work: Path) -> Path:
    """An image of three layers with a full configuration, and one without any layer."""
    layout = work / "umoci"
    run(["umoci", "init", "--layout", str(layout)], work)
    run(["umoci", "new", "--image", f"{layout}:empty"], work)
    run(["umoci", "unpack", "--image", f"{layout}:empty", str(work / "bundle")], work)
    for number in range(3):
        fill(work / "bundle" / "rootfs", number)
        run(["umoci", "repack", "--refresh-bundle", "--image", f"{layout}:full", str(work / "bundle")], work)
    settings = ["--config.user", "1000:1000", "--config.exposedports", "8080/tcp", "--config.env", "A=b"]
    settings += ["--config.volume", "/data", "--config.label", "org.example.note=x", "--config.entrypoint", "/bin/x"]
    settings += ["--config.stopsignal", "SIGTERM", "--config.workingdir", "/srv", "--author", "A. U. Thor"]
    run(["umoci", "config", "--image", f"{layout}:full", *settings], work)
    return layout


def skopeo(work: Path, *words: str) -> None:
    policy = work / "policy.json"
    policy.write_text(POLICY)
    run(["skopeo", "--policy", str(policy), "copy", *words], work)


@pytest.fixture(scope="module")
def umoci_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("umoci")
    lacking = why_not_root()
    if lacking:
        pytest.skip(lacking)
    return make_umoci(tmp_path_factory.mktemp("umoci"))


def test_what_umoci_makes_is_accepted(umoci_image: Path) -> None:
    assert complaint(umoci_image) is None


COPIES: tuple[tuple[str, Sequence[str], str], ...] = (
    ("oci", (), "oci:{}/copy:full"),
    ("oci with zstd", ("--dest-compress-format", "zstd", "--dest-compress"), "oci:{}/copy:full"),
    ("oci-archive", (), "oci-archive:{}/copy:full"),
    ("docker-archive", (), "docker-archive:{}/copy:example.org/name:tag"),
)


@pytest.mark.parametrize(("name", "options", "target"), COPIES, ids=[copy[0] for copy in COPIES])
def test_what_skopeo_copies_is_accepted(
    name: str, options: Sequence[str], target: str, umoci_image: Path, tmp_path: Path
) -> None:
    need("skopeo")
    skopeo(tmp_path, *options, f"oci:{umoci_image}:full", target.format(tmp_path))
    copy = tmp_path / "copy"
    assert complaint(copy) is None
    if name.endswith("archive"):
        assert complaint("-", stdin=copy.read_bytes()) is None


# What is committed, in which format, and where to.
BUILDS = {
    "oci": ("oci", "oci:{}/image:tag"),
    "docker format": ("docker", "oci:{}/image:tag"),
    "archive": ("oci", "oci-archive:{}/image:tag"),
    "docker archive": ("docker", "docker-archive:{}/image:example.org/name:tag"),
}


@pytest.mark.parametrize("name", BUILDS)
def test_what_buildah_commits_is_accepted(name: str, tmp_path: Path) -> None:
    need("buildah", "unshare")
    lacking = why_not_enclosed()
    if lacking:
        pytest.skip(lacking)
    (tmp_path / "policy.json").write_text(POLICY)
    (tmp_path / "content").write_text("content\n" * 1000)
    work = str(tmp_path)
    storage = f"--root {work}/root --runroot {work}/run --storage-driver vfs"
    form, target = BUILDS[name]
    commit = f"--quiet --signature-policy {work}/policy.json --format {form}"
    script = f"""
set -e
container=$(buildah {storage} from scratch)
buildah {storage} add --quiet $container {work}/content /content
buildah {storage} config --env A=b --port 80 --label org.example.note=x --cmd /content --author author $container
buildah {storage} commit {commit} $container {target.format(work)}
"""
    (tmp_path / "build.sh").write_text(script)
    said = run_enclosed([["sh", f"{work}/build.sh"]], tmp_path)
    assert (tmp_path / "image").exists(), said
    assert complaint(tmp_path / "image") is None
