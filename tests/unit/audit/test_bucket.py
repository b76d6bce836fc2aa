"""A storage in a bucket is what it is in a folder; no server makes it hang, and nothing tells a secret."""

from __future__ import annotations

import contextlib
import pickle
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from fixtures.registries.content import Content, images
from fixtures.registries.storing import FORMS
from ocivalidate.audit.store import Store
from ocivalidate.audit.stores import bucket, bucket_names, bucket_stream
from ocivalidate.audit.stores.bare import BareStore
from ocivalidate.audit.stores.bucket import BucketFiles
from ocivalidate.audit.stores.bucket_errors import in_a_line
from ocivalidate.audit.stores.bucket_names import Bucket, opened, parse
from ocivalidate.audit.stores.bucket_stream import BucketStream
from ocivalidate.audit.stores.files import FILE, FOLDER, Entry, everywhere
from ocivalidate.audit.stores.recognising import open_store, recognise
from ocivalidate.errors import CannotJudge, Unreadable
from tests.unit.audit.storages import layout, parts, write
from tests.unit.audit.test_tree import ODD, odd, sound

obstore = pytest.importorskip("obstore")
memory = pytest.importorskip("obstore.store").MemoryStore


def filled(files: Mapping[str, bytes]) -> BucketFiles:
    store = memory()
    for path, data in files.items():
        store.put(path, data)
    return BucketFiles("s3://bucket", store)


def of_folder(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def everything(store: Store) -> dict[str, Any]:
    """All that a store says but the age of files, in order."""
    return {
        "form": store.form,
        "held": sorted(store.blobs()),
        "links": {name: sorted(store.links(name)) for name in sorted(store.repositories())},
        "uploads": sorted((one.path, one.size) for one in store.uploads()),
        "odd": sorted(store.oddities()),
    }


@pytest.fixture(scope="module")
def content() -> Content:
    return images(12)


@pytest.mark.parametrize("form", FORMS)
def test_a_bucket_says_what_a_folder_says(form: str, content: Content, tmp_path: Path) -> None:
    FORMS[form](tmp_path, content).write()
    files = of_folder(tmp_path)
    # A bucket has no empty folders.
    first = min(content.repositories)
    more = {"zot": f"{first}/.uploads/1", "containerd": "io.containerd.content.v1.content/ingest/1/data"}
    if form in more:
        files |= {more[form]: b"123"}
        write(tmp_path, files)
    with open_store(str(tmp_path)) as local, recognise(filled(files)) as remote:
        assert everything(remote) == everything(local)
        for name, held in content.repositories.items():
            for wanted in (*held.manifests, *held.layers):
                found = remote.find(name, wanted)
                assert found is not None
                assert found == local.find(name, wanted)
            source, same = remote.whole(name), local.whole(name)
            assert (source is None) == (same is None)
            if source and same:
                for path in ("index.json", *(f"blobs/{one.replace(':', '/')}" for one in held.layers)):
                    assert source.read(path, 1 << 20) == same.read(path, 1 << 20)
                    assert source.opener(path)().readinto(memoryview(bytearray(1))) == 1
                assert source.children("blobs") == same.children("blobs") == ["sha256"]
                assert source.children("blobs/sha256") == same.children("blobs/sha256")


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_in_a_bucket(name: str) -> None:
    files, kind, path, text = ODD[name]
    if name == "a folder where a file belongs":
        pytest.skip("the folder is more than its key")
    with recognise(filled(sound() | files)) as store:
        if not any(files.values()) and path in files:
            # An empty object may stand for a folder.
            assert odd(store) == {} or name == "an empty link"
            return
        [one] = odd(store)[kind]
        assert one.path == path
        assert text in one.text


def test_folders_of_their_own_are_no_files() -> None:
    markers = ["docker", "docker/registry/v2/blobs", "docker/registry/v2/repositories/library/alpine/_uploads", "x"]
    with recognise(filled(sound() | dict.fromkeys(markers, b""))) as store:
        assert odd(store) == {}
        assert [*store.repositories()] == ["library/alpine"]


# --- Walks


class Counted:
    """Counts the listings that are begun."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun: list[str | None] = []
        real = obstore.list

        def begin(*args: Any, **options: Any) -> Any:
            self.begun.append(options["offset"])
            return real(*args, **options)

        monkeypatch.setattr(obstore, "list", begin)


def walked(files: BucketFiles, path: str, enter: Callable[[str], bool] = everywhere) -> list[tuple[str, str]]:
    return [(entry.path, entry.kind) for entry in files.walk(path, enter)]


def test_a_folder_that_is_not_entered_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    files = filled({"a/1": b"", "b/c/2": b"", "b/d": b"", "b.x": b"", "c/3": b""})
    assert walked(files, "", lambda path: path != "b/c") == [
        ("a/1", FILE),
        ("b.x", FILE),
        ("b/c", FOLDER),
        ("b/d", FILE),
        ("c/3", FILE),
    ]
    assert walked(files, "", lambda _path: False) == [("a", FOLDER), ("b.x", FILE), ("b", FOLDER), ("c", FOLDER)]
    assert walked(files, "b") == [("b/c/2", FILE), ("b/d", FILE)]
    assert counted.begun == [None] * 3


def test_a_large_folder_that_is_not_entered_is_jumped_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "_PAGE", 10)
    counted = Counted(monkeypatch)
    files = filled({f"a/{number:03}": b"" for number in range(100)} | {"a0": b"", "a/z/1": b"", "b": b""})
    files._store.put("a/\xe9", b"")
    assert walked(files, "", lambda _path: False) == [("a", FOLDER), ("a0", FILE), ("b", FILE)]
    assert counted.begun == [None, "a/~"]


def test_keys_without_order_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    files = filled({"a/1": b"", "b/1": b"", "c": b""})
    real = obstore.list
    monkeypatch.setattr(obstore, "list", lambda *args, **options: [[*page][::-1] for page in real(*args, **options)])
    with pytest.raises(Unreadable, match="it lists its keys in no order"):
        walked(files, "")


def test_a_listing_is_read_by_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = 0

    def pages(*_args: Any, **_options: Any) -> Iterator[list[dict[str, Any]]]:
        nonlocal taken
        store = memory()
        store.put("x", b"")
        item = obstore.head(store, "x")
        while True:
            taken += 1
            yield [{**item, "path": f"a/{taken:09}/{number}"} for number in range(10)]

    monkeypatch.setattr(obstore, "list", pages)
    first = next(iter(filled({}).walk("a")))
    assert (first.path, taken) == ("a/000000001/0", 1)


# --- Objects


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_stream, "PIECE", 10)
    monkeypatch.setattr(bucket_stream, "_CHUNK", 4)


def read(stream: BucketStream, size: int = 7) -> bytes:
    data, buffer = b"", memoryview(bytearray(size))
    while count := stream.readinto(buffer):
        data += bytes(buffer[:count])
    stream.close()
    return data


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 20, 105])
@pytest.mark.usefixtures("small")
def test_an_object_is_read_to_its_end(size: int) -> None:
    data = bytes(range(size))
    assert read(filled({"a": data}).open("a")) == data


@pytest.mark.usefixtures("small")
def test_what_breaks_off_is_asked_for_again_from_there_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    real = obstore.get

    class Broken:
        def __init__(self, result: Any) -> None:
            self.meta = result.meta
            self.all = bytes(result.bytes())

        def stream(self, **_options: Any) -> Iterator[bytes]:
            yield self.all[:3]
            if len(self.all) > 3:
                raise obstore.exceptions.GenericError("error decoding response body")

    def get(store: Any, path: str, *, options: Any) -> Broken:
        asked.append(options["range"])
        return Broken(real(store, path, options=options))

    monkeypatch.setattr(obstore, "get", get)
    assert read(filled({"a": bytes(range(12))}).open("a")) == bytes(range(12))
    assert asked == [(0, 10), (3, 10), (6, 10), (9, 10), (10, 20)]


@pytest.mark.usefixtures("small")
def test_what_brings_nothing_again_and_again_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    class Empty:
        meta: ClassVar = {"size": 5, "e_tag": None}

        def stream(self, **_options: Any) -> Iterator[bytes]:
            nonlocal asked
            asked += 1
            return iter(())

    files = filled({"a": b"123"})
    monkeypatch.setattr(obstore, "get", lambda *_args, **_options: Empty())
    with pytest.raises(Unreadable, match=r"^s3://bucket/a: the connection breaks off$"):
        files.open("a")
    assert asked == 4


def test_an_address_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def get(*_args: Any, **_options: Any) -> Any:
        raise obstore.exceptions.GenericError("error sending request http://user:secret@host/key?sig=secret")

    files = filled({"a": b"123"})
    monkeypatch.setattr(obstore, "get", get)
    with pytest.raises(Unreadable) as caught:
        files.open("a")
    assert str(caught.value) == "s3://bucket/a: it cannot be reached"
    assert caught.value.__cause__ is None
    assert [*files.contents(["a"], 10)] == [("a", None)]


class Server:
    """Answers every request with the same bytes, and with nothing more once they are sent."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                asked, _address = self.listener.accept()
                self.open.append(asked)
                asked.recv(1 << 16)
                asked.sendall(self.answer)

    def close(self) -> None:
        self.listener.close()
        for asked in self.open:
            asked.close()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "it does not answer in time"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n<", "it does not answer in time"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "what it answers makes no sense"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "it answers with status 500"),
        (b"HTTP/1.1 302 No\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n", ""),
        (b"SSH-2.0-server\r\n", "it cannot be reached"),
    ],
)
@pytest.mark.usefixtures("credentials")
def test_a_server_that_limps_or_lies_is_a_line(answer: bytes, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, none = timedelta(seconds=1), timedelta(milliseconds=1)
    monkeypatch.setattr(bucket_names, "_CLIENT", {"timeout": seconds, "connect_timeout": seconds})
    retries = {
        "max_retries": 1,
        "retry_timeout": seconds,
        "backoff": {"init_backoff": none, "max_backoff": none, "base": 2},
    }
    monkeypatch.setattr(bucket_names, "_RETRIES", retries)
    server = Server(answer)
    try:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.listener.getsockname()[1]}")
        begun = time.monotonic()
        with pytest.raises(Unreadable) as caught:
            open_store("s3://bucket")
        assert str(caught.value).startswith("s3://bucket: ")
        assert str(caught.value).endswith(said)
        assert time.monotonic() - begun < 20
    finally:
        server.close()


@pytest.mark.usefixtures("small")
def test_an_object_that_changes_is_not_mixed_with_another_one() -> None:
    files = filled({"a": b"x" * 30})
    stream = files.open("a")
    while stream._next and not stream._next.done():
        pass
    files._store.put("a", b"y" * 30)
    with pytest.raises(OSError, match="it changed while it was being read"):
        read(stream)


@pytest.mark.usefixtures("small")
def test_more_bytes_than_were_asked_for_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = 0

    class Endless:
        meta: ClassVar = {"size": 5, "e_tag": None}

        def stream(self, **_options: Any) -> Iterator[bytes]:
            nonlocal taken
            while True:
                taken += 1
                yield b"abcd"

    monkeypatch.setattr(obstore, "get", lambda *_args, **_options: Endless())
    with ThreadPoolExecutor(1) as pool:
        assert read(BucketStream(memory(), "s3://b", "a", pool)) == b"abcda"
    assert taken == 2


def test_no_object() -> None:
    files = filled({"a/b": b""})
    with pytest.raises(Unreadable, match=r"^s3://bucket/a: there is no such object$"):
        files.open("a")
    assert files.look("a") == Entry("a", FOLDER)
    assert files.look("b") is None
    assert files.look("a//b") is None
    assert [*files.contents(["a", "a/b", "x"], 9)] == [("a", None), ("a/b", None), ("x", None)]


def test_of_blobs_that_nothing_names_no_more_is_asked_for_than_tells_what_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    fetch = bucket_stream.fetch

    def counted(store: Any, path: str, start: int, length: int, version: str = "") -> bucket_stream.Piece:
        asked.append(length)
        return fetch(store, path, start, length, version)

    monkeypatch.setattr(bucket, "fetch", counted)
    files = {f"blobs/{parts(data)}": data for data in (b"%d" % number * 1000 for number in range(300))}
    with BareStore(filled(files)) as store:
        found = {held.path: data for held, data in store.starts(store.blobs(), 64)}
    assert found == {path: data[:64] for path, data in files.items()}
    assert asked == [64] * 300


def test_the_first_bytes_of_many_objects_in_their_order() -> None:
    files = filled({f"{number:03}": b"%d and more" % number for number in range(150)})
    names = [f"{number:03}" for number in range(149, -1, -1)]
    assert [*files.contents(names, 3)] == [(name, (b"%d and more" % int(name))[:3]) for name in names]


# --- Names, settings, secrets


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("s3://bucket", Bucket("s3", "bucket")),
        ("s3://bucket/", Bucket("s3", "bucket")),
        ("gs://my.bucket/a/b/", Bucket("gs", "my.bucket", "a/b")),
        ("az://container/reg istry", Bucket("az", "container", "reg istry")),
    ],
)
def test_names_of_buckets(text: str, found: Bucket) -> None:
    assert parse(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "s3://",
        "s3:///x",
        "s3://key:secret@bucket/x",
        "s3://b?secret",
        "s3://b/x#secret",
        "s3://b/a//b",
        "s3://b/../b",
        "s4://b",
        "s3://b/\n",
    ],
)
def test_what_is_no_name_of_a_bucket(text: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse(text)
    assert str(caught.value).startswith("not the name of a bucket: write s3://BUCKET/PREFIX")
    assert "secret" not in str(caught.value)


SECRET = "hunter2/SECRET+key"


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_REGION", "here")


@pytest.mark.usefixtures("credentials")
def test_no_secret_is_kept_or_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocivalidate.audit.stores.bucket_names._RETRIES", {"max_retries": 0})
    files = BucketFiles("s3://bucket/a")
    assert SECRET.encode() not in pickle.dumps(files)
    again = pickle.loads(pickle.dumps(files))  # noqa: S301  # our own
    assert (again.name, again._store.prefix) == ("s3://bucket/a", "a")
    with pytest.raises(Unreadable) as caught:
        recognise(files)
    assert str(caught.value).endswith("it cannot be reached")
    assert SECRET not in repr(caught.value.__dict__) + repr(caught.value.__cause__) + repr(files) + str(files._store)


def test_azure_needs_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Unreadable, match="az:// needs the name of the account in AZURE_STORAGE_ACCOUNT_NAME"):
        opened(Bucket("az", "container"))
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", "account")
    assert "container" in str(opened(Bucket("az", "container", "x")))
    assert "bucket" in str(opened(Bucket("gs", "bucket")))


def test_settings_that_make_no_sense_are_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "not an address")
    with pytest.raises(CannotJudge) as caught:
        recognise(BucketFiles("s3://bucket"))
    assert "\n" not in str(caught.value)
    assert "not an address" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("status code: 404 Not Found: <Error><Code>NoSuchBucket</Code>", "there is no such bucket"),
        (
            "status code: 403 Forbidden: <Code>SignatureDoesNotMatch</Code><K>secret</K>",
            "the credentials are not accepted",
        ),
        ("status code: 403 Forbidden", "access is denied"),
        ("status code: 403 Forbidden: <Code>AllAccessDisabled</Code>", "access is denied (AllAccessDisabled)"),
        ("status code: 418 I'm a teapot: secret", "it answers with status 418"),
        ("status code: 503 <Code>SlowDown</Code>", "it asks for patience again and again (SlowDown)"),
        (
            "error performing token request to http://169.254.169.254/latest",
            "there are no credentials for it in the environment",
        ),
        ("reqwest::Error { kind: Request, source: TimedOut }", "it does not answer in time"),
        ("kind: Connect, ConnectError tcp", "it cannot be reached"),
        ("what is this secret", "what it answers makes no sense"),
    ],
)
def test_errors_in_a_line(text: str, said: str) -> None:
    assert in_a_line(obstore.exceptions.GenericError(text)) == said


def test_layouts_in_a_bucket_may_be_those_of_zot() -> None:
    with recognise(filled(layout("a", (b"1",)) | {f"b/blobs/{parts(b'1')}": b""} | layout("b"))) as store:
        assert store.form == "layouts"
        assert [one.path for one in store.blobs()] == [f"a/blobs/{parts(b'1')}"]
        assert [*store.oddities()] == []
