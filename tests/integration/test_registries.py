"""Images in real registries: pushed by us, judged, unpacked, and compared with bundles, as users do it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.layouts import Artifact, Image, Index, Layer, to_json
from fixtures.registries import servers
from fixtures.registries.content import ARM, Content, layer
from fixtures.registries.pushing import push
from ocivalidate.image.api import check_image
from ocivalidate.rules.findings import ExitCode, exit_code

pytestmark = pytest.mark.integration


INDEX = "application/vnd.oci.image.index.v1+json"


def content() -> Content:
    """Two tags, and an artifact that is found by a tag: no registry here has the API of referrers."""
    held = Content()
    app = held.repository("team/app")
    image = Image((Layer(), layer("tools")), None)
    app.push(image, "1")
    app.push(Artifact(subject=image, blobs=(("application/vnd.example.note", b"a note"),)))
    ((subject, listed),) = app.referrers.items()
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}
    app.tags[subject.replace(":", "-")] = app.add(to_json(index), INDEX)["digest"]
    app.push(Index((Image((layer("arm"),), None, ARM), image)), "2")
    return held


@pytest.fixture(scope="module", params=servers.REGISTRIES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    start, program = servers.REGISTRIES[request.param]
    reason = servers.absent(program)
    if reason:
        pytest.skip(reason)
    scratch = tmp_path_factory.mktemp(request.param)
    root = scratch / "root"
    root.mkdir()
    with start(root, scratch) as running:
        push(running.host, content())
        yield running


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ocivalidate", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_an_image_is_judged_whole_and_each_blob_read_once(server: servers.Server) -> None:
    before = server.reads()
    report = check_image(f"docker://{server.host}/team/app:2")
    assert (report.problem, report.findings, exit_code([report])) == ("", (), ExitCode.CONFORMS)
    reads = server.reads() - before
    held = content()
    # The index and the list of referrers are read by their tags.
    by_tag = {tag for tag in held.repositories["team/app"].tags if tag in reads}
    assert set(reads) == set(held.blobs) - {held.tags[f"team/app:{tag}"] for tag in by_tag} | by_tag
    assert set(reads.values()) == {1}


def test_the_command_line(server: servers.Server) -> None:
    done = run("image", f"docker://{server.host}/team/app:1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"docker://{server.host}/team/app:1: conforms to image-spec")
    done = run("image", f"docker://{server.host}/team/none:1")
    assert (done.returncode, done.stdout.count("\n")) == (2, 1)
    assert "there is no such image" in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="unpacks as root")
def test_unpacking_and_comparing(server: servers.Server, tmp_path: Path) -> None:
    bundle = tmp_path / "b"
    done = run("unpack", f"docker://{server.host}/team/app:2", str(bundle), "--platform", "linux/arm64")
    assert (done.returncode, "unpacked sha256:" in done.stderr) == (0, True)
    assert (bundle / "rootfs/opt/arm").is_dir()
    done = run("bundle", str(bundle), "--image", f"docker://{server.host}/team/app:2", "--platform", "linux/arm64")
    assert done.returncode == 0, done.stdout


def test_a_registry_that_wants_tls(tmp_path: Path) -> None:
    """Nobody has made a certificate for another name of this machine, and plain HTTP has to be asked for."""
    reason = servers.absent("docker-registry")
    if reason:
        pytest.skip(reason)
    root = tmp_path / "root"
    root.mkdir()
    with servers.debian(root, tmp_path) as running:
        push(running.host, content())
        name = f"docker://{running.host}/team/app:1"
        assert run("image", name, "--tls-verify=false").returncode == 0
        done = run("image", name, "--tls-verify=true")
    assert done.returncode == 2
    assert "does not speak TLS; --tls-verify=false allows plain HTTP" in done.stdout
