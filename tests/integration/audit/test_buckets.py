"""Storages in buckets of a real S3 server: what is read, in how many requests, and by whom."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.registries import servers
from fixtures.registries.content import Content, images
from fixtures.registries.storing import FORMS, Tree
from ocivalidate.audit.stores.recognising import open_store
from ocivalidate.errors import CannotJudge

pytestmark = pytest.mark.integration
pytest.importorskip("obstore")


@pytest.fixture(scope="module")
def content() -> Content:
    return images(20, 100_000)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[servers.Server, Path]]:
    if reason := servers.absent("versitygw"):
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("s3")
    (folder / "root").mkdir()
    with servers.s3(folder / "root", folder) as started:
        yield started, folder / "root"


@pytest.fixture
def bucket(
    server: tuple[servers.Server, Path], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Callable[[], Path]:
    """Makes the folder of a bucket, and the environment that leads to it."""
    started, root = server
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{started.host}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", servers.ACCESS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", servers.SECRET)
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name.lower())[:60].strip("-")

    def make() -> Path:
        (root / name).mkdir()
        return root / name

    return make


@pytest.mark.parametrize("form", FORMS)
def test_a_bucket_is_read_as_the_folder_is(form: str, content: Content, bucket: Callable[[], Path]) -> None:
    root = bucket()
    FORMS[form](root / "some/prefix", content).write()
    with open_store(str(root / "some/prefix")) as local, open_store(f"s3://{root.name}/some/prefix/") as remote:
        assert type(remote) is type(local) or form == "layouts"
        held = sorted(remote.blobs())
        assert held == sorted(local.blobs())
        assert sorted(remote.repositories()) == sorted(local.repositories())
        for name in local.repositories():
            assert sorted(remote.links(name)) == sorted(local.links(name))
            for digest in content.repositories[name].layers:
                assert remote.find(name, digest) == local.find(name, digest)
        assert [*remote.oddities()] == []
        assert [*remote.uploads()] == []


def test_few_requests_list_a_bucket(
    content: Content, bucket: Callable[[], Path], server: tuple[servers.Server, Path]
) -> None:
    root = bucket()
    Tree(root, content).write()
    with open_store(f"s3://{root.name}") as store:
        before = len(server[0].requests())
        count = len([*store.blobs()])
        assert count == len(content.blobs)
        assert len(server[0].requests()) - before == 1
        before = len(server[0].requests())
        links = sum(len([*store.links(name)]) for name in store.repositories())
        # One for each link, and one for tags, manifests and layers of each repository.
        assert len(server[0].requests()) - before <= links + 3 * len(content.repositories) + 1


def test_another_process_reads_a_blob_with_its_own_credentials(content: Content, bucket: Callable[[], Path]) -> None:
    root = bucket()
    Tree(root, content).write()
    with open_store(f"s3://{root.name}") as store:
        largest = max(store.blobs(), key=lambda held: held.size)
        pickled = pickle.dumps(store.opener(largest))
    assert servers.SECRET.encode() not in pickled
    code = (
        "import pickle, sys, hashlib\n"
        "stream = pickle.loads(bytes.fromhex(sys.argv[1]))()\n"
        "buffer, state = memoryview(bytearray(1 << 16)), hashlib.sha256()\n"
        "while count := stream.readinto(buffer): state.update(buffer[:count])\n"
        "print(state.hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, pickled.hex()], check=True, text=True, capture_output=True, timeout=60
    )
    assert f"sha256:{done.stdout.strip()}" == largest.digest


@pytest.mark.parametrize(
    ("variable", "value", "name", "said"),
    [
        ("AWS_SECRET_ACCESS_KEY", "not-the-Secret", "", "the credentials are not accepted"),
        ("AWS_ACCESS_KEY_ID", "not-the-Access", "", "the credentials are not accepted"),
        ("AWS_REGION", "us-east-1", "no-such-bucket", "there is no such bucket"),
        ("AWS_REGION", "us-east-1", "", "there is nothing in it"),
    ],
)
def test_what_cannot_be_read_is_a_line(
    variable: str, value: str, name: str, said: str, bucket: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(CannotJudge) as caught:
        open_store(f"s3://{name or bucket().name}")
    assert str(caught.value).endswith(said)
    assert not {value, servers.SECRET} & {*str(caught.value).split()}
