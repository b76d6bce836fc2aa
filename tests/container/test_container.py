"""The image of the tool: built by buildah from a base that is made here, judged by the tool itself, and run.

Needs root, Debian's mirrors and an index of Python packages: ``tox -e container``.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ocivalidate import check_image
from ocivalidate.rules.findings import ExitCode, exit_code

pytestmark = pytest.mark.container

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "fixtures" / "demo"
IMAGE = "localhost/ocivalidate:test"
BASE = "localhost/base:test"
GROUP = f"ocivalidate-container-{os.getpid()}"
# Debian's oldest suite that fits, and what pip and a virtualenv need there.
SUITE, PACKAGES = "trixie", "python3,python3-venv"
Call = Callable[..., subprocess.CompletedProcess[str]]


def run(*words: str | Path, **more: object) -> subprocess.CompletedProcess[str]:
    """Run what must succeed."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload]  # cwd
    assert done.returncode == 0, f"{words}:\n{done.stdout}{done.stderr}"
    return done  # type: ignore[no-any-return]  # of an overload


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    missing = [name for name in ("buildah", "podman", "runc", "debootstrap") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"not installed: {', '.join(missing)}" if missing else "needs root")
    return tmp_path_factory.mktemp("container")


@pytest.fixture(scope="module")
def store(work: Path) -> Iterator[list[str]]:
    """Options by which engines keep all that they have in a folder of ours."""
    yield ["--storage-driver=vfs", f"--root={work}/store", f"--runroot={work}/run"]
    # Podman mounts the store upon itself.
    subprocess.run(["umount", "-l", work / "store" / "vfs"], capture_output=True, check=False)
    # Version 1 has one for each controller.
    for group in (*Path("/sys/fs/cgroup").glob(GROUP), *Path("/sys/fs/cgroup").glob(f"*/{GROUP}")):
        for folder in (*sorted(group.glob("**/"), reverse=True), group):
            with contextlib.suppress(OSError):
                folder.rmdir()


@pytest.fixture(scope="module")
def base(work: Path, store: list[str]) -> str:
    """An image of Debian with its Python, as no registry is asked for one."""
    folder = Path(os.environ.get("OCIVALIDATE_CONTAINER_BASE") or work / "debian")
    if not folder.exists():
        run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, folder)
    # Device nodes are no part of an image: runtimes make them.
    shutil.rmtree(folder / "dev")
    (folder / "dev").mkdir()
    container = run("buildah", *store, "from", "scratch").stdout.strip()
    run("buildah", *store, "copy", "--quiet", container, f"{folder}/", "/")
    run("buildah", *store, "commit", "--quiet", "--rm", container, BASE)
    return BASE


@pytest.fixture(scope="module")
def image(work: Path, store: list[str], base: str) -> str:
    """The image as Containerfile says."""
    context = work / "context"
    context.mkdir()
    shutil.copy(ROOT / "Containerfile", context)
    python = run("buildah", *store, "from", base).stdout.strip()
    version = run(
        "buildah",
        *store,
        "run",
        "--isolation=chroot",
        python,
        "python3",
        "-c",
        "import sys; print(*sys.version_info[:2], sep='')",
    )
    run("buildah", *store, "rm", python)
    # Wheels for the Python of the base, which need not be ours.
    own = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run(*own, "--wheel-dir", context / "wheels", ROOT)
    (wheel,) = (context / "wheels").iterdir()
    for_base = ["--only-binary=:all:", f"--python-version={version.stdout.strip()}", "--implementation=cp"]
    run(sys.executable, "-m", "pip", "download", "--quiet", *for_base, "--dest", context / "wheels", wheel)
    building = ["build", "--isolation=chroot", f"--build-arg=BASE={base}", "--tag", IMAGE, "--quiet"]
    run("buildah", *store, *building, "--format=oci", context)
    return IMAGE


@pytest.fixture(scope="module")
def call(work: Path, store: list[str], image: str) -> Call:
    """Run the tool in a container: no network, a root that cannot be written, no right of any kind."""
    # What Debian's podman asks of runc on any host: not that of systemd, and limits that need no right.
    engine = ["podman", "--log-level=error", "--cgroup-manager=cgroupfs", "--runtime=runc", *store]
    confined = ["--network=none", "--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--log-driver=none"]
    confined += ["--security-opt=no-new-privileges", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"]
    confined += [f"--cgroup-parent=/{GROUP}", f"--volume={SAMPLES}:/work:ro"]

    def ran(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        command = [*engine, "run", "--rm", "--interactive", *confined, image, *words]
        # Its standard input is never /dev/null, of which some runtimes change the owner.
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=work, input=given)

    return ran


def test_it_conforms_to_the_specification(work: Path, store: list[str], image: str) -> None:
    run("buildah", *store, "push", "--quiet", image, f"oci:{work}/layout:ocivalidate")
    report = check_image(work / "layout")
    assert exit_code([report]) is ExitCode.CONFORMS, report.findings
    assert [one for one in report.findings if one.severity.value == "warning"] == []


def test_what_it_says_of_itself(store: list[str], image: str) -> None:
    config = json.loads(run("buildah", *store, "inspect", "--type=image", image).stdout)["OCIv1"]["config"]
    assert (config["User"], config["Entrypoint"], config["WorkingDir"]) == ("65534:65534", ["ocivalidate"], "/work")
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_it_judges(call: Call) -> None:
    assert call("--version").stdout.startswith("ocivalidate ")
    good = call("bundle", "bundle-good")
    assert (good.returncode, good.stdout[:35]) == (0, "bundle-good: conforms to runtime-sp"), good.stderr
    assert call("bundle", "bundle-broken").returncode == 1
    assert call("image", "image-good").returncode == 0
    assert call("image", "image-broken").returncode == 1
    assert (
        call("bundle", "-", given=(SAMPLES / "bundle-good" / "config.json").read_text(encoding="utf-8")).returncode == 0
    )


def test_it_writes_nothing(call: Call) -> None:
    done = call("bundle", "bundle-good", "--output", "json=report.json")
    assert (done.returncode, "cannot write report.json: Read-only file system" in done.stderr) == (2, True), done.stderr
