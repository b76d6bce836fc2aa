"""The registries that audits are tried on: real servers take what we make, and store it as our makers write it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from fixtures.layouts import Image, Index, Layout
from fixtures.registries import servers
from fixtures.registries.content import Content, images
from fixtures.registries.lying import Registry, serving
from fixtures.registries.pushing import push
from fixtures.registries.storing import Containerd, Tree
from ocivalidate.audit.api import audit
from ocivalidate.audit.store import TAG
from ocivalidate.audit.stores.recognising import open_store
from ocivalidate.rules.findings import exit_code
from tests.integration.audit.needs import need

pytestmark = pytest.mark.integration
CHECKOUT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def content() -> Content:
    return images(10)


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def get(host: str, path: str) -> bytes:
    with urllib.request.urlopen(f"http://{host}{path}", timeout=20) as answer:
        return bytes(answer.read())


@pytest.mark.parametrize("name", ["debian", "distribution"])
def test_our_tree_is_the_one_that_the_server_writes(name: str, content: Content, tmp_path: Path) -> None:
    start, program = servers.REGISTRIES[name]
    need(program)
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    with start(theirs, tmp_path) as server:
        push(server.host, content)
    Tree(ours, content).write()
    assert files(ours) == files(theirs)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: containerd")
def test_our_content_store_is_the_one_that_containerd_writes(tmp_path: Path) -> None:
    need("containerd", "ctr")
    layout = Layout(Index((Image(name="example.org/app:1"),)))
    (tmp_path / "layout.tar").write_bytes(layout.archive())
    with servers.containerd(tmp_path / "theirs", tmp_path) as address:
        command = ["ctr", "-a", str(address), "images", "import", "--no-unpack", str(tmp_path / "layout.tar")]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    content = Content()
    content.repository("app").push(Image())
    ours = files(Containerd(tmp_path / "ours", content).write().root)
    theirs = {name: data for name, data in files(tmp_path / "theirs").items() if name.startswith(Containerd.top)}
    assert ours.items() <= theirs.items()
    # The index of the archive stays until it collects what nothing refers to.
    assert len(theirs) <= len(ours) + 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: containerd")
def test_what_containerd_names_is_read_from_its_database(tmp_path: Path) -> None:
    need("containerd", "ctr")
    image = Image(name="example.org/app:1")
    (tmp_path / "layout.tar").write_bytes(Layout(Index((image,))).archive())
    with servers.containerd(tmp_path / "root", tmp_path) as address:
        for namespace in ("default", "k8s.io"):
            command = ["ctr", "-a", str(address), "-n", namespace, "images", "import", "--no-unpack"]
            subprocess.run([*command, str(tmp_path / "layout.tar")], check=True, capture_output=True, timeout=60)
        # While it runs.
        with open_store(str(tmp_path / "root")) as store:
            assert [*store.repositories()] == ["default", "k8s.io"]
            for namespace in store.repositories():
                [tag] = [link for link in store.links(namespace) if link.kind == TAG]
                assert tag.tag == "example.org/app:1"
                assert store.find(namespace, tag.digest) is not None
            assert [*store.oddities()] == []
    assert exit_code([audit(str(tmp_path / "root"))]) == 0
    layer = next(
        path for path in (tmp_path / "root" / Containerd.top / "blobs/sha256").iterdir() if path.stat().st_size > 200
    )
    layer.unlink()
    assert exit_code([audit(str(tmp_path / "root"))]) == 1


@pytest.mark.parametrize("name", servers.REGISTRIES)
def test_a_server_hands_out_what_it_holds_and_logs_each_read(name: str, content: Content, tmp_path: Path) -> None:
    start, program = servers.REGISTRIES[name]
    need(program)
    root = tmp_path / "root"
    root.mkdir()
    if name != "crane":
        Tree(root, content).write()
    with start(root, tmp_path) as server:
        if name == "crane":
            push(server.host, content)
        assert sorted(json.loads(get(server.host, "/v2/_catalog"))["repositories"]) == sorted(content.repositories)
        read = 0
        for held in content.repositories.values():
            for digest in held.layers:
                assert get(server.host, f"/v2/{held.name}/blobs/{digest}") == content.blobs[digest]
                read += 1
        assert sum(server.reads().values()) == read


def test_a_server_ends_with_the_process_that_started_it(content: Content, tmp_path: Path) -> None:
    need("docker-registry")
    Tree(tmp_path / "root", content).write()
    code = (
        "import sys, time; from pathlib import Path; from fixtures.registries import servers\n"
        f"with servers.debian(Path({str(tmp_path / 'root')!r}), Path({str(tmp_path)!r})) as server:\n"
        "    print(server.host, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        host = starter.stdout.readline().strip()
        assert get(host, "/v2/") == b"{}"
        os.kill(starter.pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            get(host, "/v2/")
        except (OSError, http.client.HTTPException):
            return
        time.sleep(0.05)
    pytest.fail("the server goes on")


def test_an_s3_server_hands_out_the_files_below_a_folder_to_those_who_know_its_secret(
    content: Content, tmp_path: Path
) -> None:
    need("versitygw")
    Tree(tmp_path / "root/bucket", content).write()
    with servers.s3(tmp_path / "root", tmp_path) as server:
        with pytest.raises(urllib.error.HTTPError, match="403"):
            get(server.host, "/bucket/docker")
        refused = servers.Request("GET", "/bucket/docker", 403)
        assert server.requests() == [refused]


@pytest.mark.parametrize("tag", ["v0", "v3"])
def test_the_honest_registry_is_one_to_skopeo(tag: str, content: Content, tmp_path: Path) -> None:
    need("skopeo")
    held = content.repositories["team0/app0"]
    with serving(Registry(content)) as registry:
        command = ["skopeo", "--insecure-policy", "copy", "-q", "--all", "--preserve-digests", "--src-tls-verify=false"]
        names = [f"docker://{registry.host}/{held.name}:{tag}", f"oci:{tmp_path / 'copy'}:it"]
        subprocess.run([*command, *names], check=True, timeout=60)
        assert (tmp_path / "copy/blobs" / held.tags[tag].replace(":", "/")).is_file()
        copied = {f"sha256:{path.name}" for path in tmp_path.glob("copy/blobs/sha256/*")}
        assert copied & set(held.layers) == set(registry.reads()) & set(held.layers)
