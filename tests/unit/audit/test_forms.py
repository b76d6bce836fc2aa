"""Every form of storage is recognised by its form alone, and says what it holds."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from fixtures.registries.content import Content, images
from fixtures.registries.storing import FORMS, Layouts, Zot
from ocivalidate.audit.store import TAG, Held, Store
from ocivalidate.audit.stores.recognising import UNKNOWN, open_store
from ocivalidate.errors import CannotJudge, NotMeant
from tests.unit.audit.storages import digest, layout, parts, write

NAMING = ["distribution", "layouts", "zot"]


@pytest.fixture(scope="module")
def content() -> Content:
    return images(24)


def read(store: Store, held: Held) -> bytes:
    """The bytes of a blob, as another process reads them."""
    stream = pickle.loads(pickle.dumps(store.opener(held)))()  # noqa: S301  # our own
    found, buffer = b"", memoryview(bytearray(4096))
    while count := stream.readinto(buffer):
        found += bytes(buffer[:count])
    stream.close()
    return found


@pytest.mark.parametrize("form", FORMS)
def test_every_blob_is_held_and_can_be_read(form: str, content: Content, tmp_path: Path) -> None:
    FORMS[form](tmp_path, content).write()
    with open_store(str(tmp_path)) as store:
        assert store.form == form
        held = [*store.blobs()]
        assert {one.digest for one in held} == {*content.blobs}
        assert all(read(store, one) == content.blobs[one.digest] for one in held)
        assert {one.size - len(content.blobs[one.digest]) for one in held} == {0}
        assert form == "layouts" or len(held) == len(content.blobs)
        assert [*store.uploads()] == []
        assert [*store.oddities()] == []


@pytest.mark.parametrize("form", NAMING)
def test_repositories_and_their_tags(form: str, content: Content, tmp_path: Path) -> None:
    FORMS[form](tmp_path, content).write()
    with open_store(str(tmp_path)) as store:
        assert sorted(store.repositories()) == sorted(content.repositories)
        for name, held in content.repositories.items():
            assert {link.tag: link.digest for link in store.links(name) if link.kind == TAG} == held.tags
            for wanted in (*held.manifests, *held.layers):
                found = store.find(name, wanted)
                assert found is not None
                assert read(store, found) == content.blobs[wanted]
            assert store.find(name, digest(b"nobody has this")) is None


def test_a_file_with_several_names_is_one_blob(content: Content, tmp_path: Path) -> None:
    """Zot on disk: equal blobs are hard links."""
    storage = Layouts(tmp_path, content)
    storage.write()
    first: dict[str, Path] = {}
    for held in content.repositories.values():
        (tmp_path / held.name / ".uploads").mkdir()
        for name in (*held.manifests, *held.layers):
            file = storage.blob(held.name, name)
            if first.setdefault(name, file) != file:
                file.unlink()
                os.link(first[name], file)
    with open_store(str(tmp_path)) as store:
        assert store.form == "zot"
        paths = {one.path for one in store.blobs()}
        assert len(paths) == len(content.blobs)
        assert {
            found.path
            for held in content.repositories.values()
            for name in held.layers
            if (found := store.find(held.name, name))
        } <= paths


def test_a_repository_is_one_layout_with_the_bytes_of_its_blobs(content: Content, tmp_path: Path) -> None:
    Zot(tmp_path, content).write()
    with open_store(str(tmp_path)) as store:
        for name, held in content.repositories.items():
            source = store.whole(name)
            assert source is not None
            with source:
                for wanted in (*held.manifests, *held.layers):
                    path = f"blobs/{wanted.replace(':', '/')}"
                    entry = source.entry(path)
                    assert entry is not None
                    assert entry.size == len(content.blobs[wanted])
                    assert source.read(path, 1 << 20) == content.blobs[wanted]
                    assert pickle.loads(pickle.dumps(source.opener(path)))().readinto(memoryview(bytearray(9)))  # noqa: S301
                assert source.entry("index.json") is not None
                assert source.children("blobs") == ["sha256"]


def test_a_placeholder_of_what_is_nowhere(content: Content, tmp_path: Path) -> None:
    storage = Zot(tmp_path, content)
    storage.write()
    shared = next(
        name
        for name in content.blobs
        if sum(name in (*held.manifests, *held.layers) for held in content.repositories.values()) == 2
    )
    storage.blob("", shared).unlink()
    with open_store(str(tmp_path)) as store:
        assert shared not in {one.digest for one in store.blobs()}
        [odd] = store.oddities()
        assert (odd.kind, odd.digest) == ("placeholder", shared)
        assert odd.text == f"zero bytes stand in for {shared}, whose content is nowhere in the storage"
        assert store.find(odd.repository, shared) is None


def test_the_blob_of_nothing_is_no_placeholder(tmp_path: Path) -> None:
    write(tmp_path, layout("a", (b"",)) | {"a/.uploads/1": b"123", "_trivy/db": b""})
    with open_store(str(tmp_path)) as store:
        assert store.form == "zot"
        assert [(one.digest, one.size) for one in store.blobs()] == [(digest(b""), 0)]
        assert [(one.path, one.size) for one in store.uploads()] == [("a/.uploads/1", 3)]
        assert [*store.oddities()] == []


def test_blobs_in_one_place_for_all_repositories(tmp_path: Path) -> None:
    """Zot since 2.1: the bytes are in ``_blobstore``, and the newest releases keep nothing else."""
    files = layout("a", (), {"1": b"m"}) | layout("b", (), {"1": b"m"})
    files |= {f"b/blobs/{parts(b'm')}": b"", f"_blobstore/blobs/{parts(b'm')}": b"m"}
    with open_store(str(write(tmp_path, files))) as store:
        assert store.form == "zot"
        assert sorted(store.repositories()) == ["a", "b"]
        assert [one.path for one in store.blobs()] == [f"_blobstore/blobs/{parts(b'm')}"]
        for name in ("a", "b"):
            assert store.find(name, digest(b"m")) == Held(digest(b"m"), 1, f"_blobstore/blobs/{parts(b'm')}")
            source = store.whole(name)
            assert source is not None
            assert source.read(f"blobs/{parts(b'm')}", 9) == b"m"
            source.close()


def test_layouts_at_any_depth(tmp_path: Path) -> None:
    files = layout("", (b"1",)) | layout("a/b/c", (b"2",), {"v": b"2"}) | layout("a/b", (b"3",)) | {"notes": b""}
    with open_store(str(write(tmp_path, files))) as store:
        assert store.form == "layouts"
        assert sorted(store.repositories()) == [".", "a/b", "a/b/c"]
        assert {one.path for one in store.blobs()} == {
            f"{at}blobs/{parts(data)}" for at, data in (("", b"1"), ("a/b/c/", b"2"), ("a/b/", b"3"))
        }
        assert [(link.tag, link.digest) for link in store.links("a/b/c")] == [("v", digest(b"2"))]
        assert [*store.links(".")] == []
        assert store.find(".", digest(b"1")) is not None
        assert [*store.oddities()] == []


def test_no_layout_is_read_through_a_link_that_leads_out(tmp_path: Path) -> None:
    write(tmp_path / "outside", layout("x", (b"1",)))
    root = write(tmp_path / "root", layout("a", (b"2",)))
    (root / "out").symlink_to(tmp_path / "outside" / "x")
    (root / "in").symlink_to(root / "a")
    with open_store(str(root)) as store:
        assert [*store.repositories()] == ["a"]
        assert [(one.kind, one.path) for one in store.oddities()] == [("leads-out", "out")]
        with pytest.raises(CannotJudge, match="leads out of the folder"):
            store.whole("out")


def test_what_lies_among_bare_blobs(tmp_path: Path) -> None:
    files = {
        f"blobs/{parts(b'x')}": b"x",
        "blobs/sha256/tmp-1": b"",
        "blobs/README": b"",
        "blobs/sha256/.DS_Store": b"",
    }
    write(tmp_path, files)
    (tmp_path / "blobs/sha256" / ("0" * 64)).mkdir()
    with open_store(str(tmp_path)) as store:
        assert store.form == "blobs"
        assert [one.digest for one in store.blobs()] == [digest(b"x")]
        assert [*store.repositories()] == []
        assert {(one.kind, one.path) for one in store.oddities()} == {
            ("name", "blobs/sha256/tmp-1"),
            ("stranger", "blobs/README"),
            ("not-a-file", f"blobs/sha256/{'0' * 64}"),
        }
    with open_store(str(tmp_path / "blobs")) as store:
        assert [one.path for one in store.blobs()] == [parts(b"x")]


def test_what_containerd_was_fetching(tmp_path: Path) -> None:
    files = {
        f"blobs/{parts(b'x')}": b"x",
        "ingest/abc/data": b"1234",
        "ingest/abc/ref": b"r",
        "ingest/abc/startedat": b"2020-01-01T00:00:00Z",
    }
    with open_store(str(write(tmp_path, files))) as store:
        assert store.form == "containerd"
        [upload] = store.uploads()
        assert (upload.path, upload.size) == ("ingest/abc", 5)
        assert upload.age > 86400


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "there is nothing in it"),
        ({"readme": b""}, UNKNOWN),
        ({"repositories/x/y": b"", "blob/z": b""}, UNKNOWN),
    ],
)
def test_no_storage_at_all(files: dict[str, bytes], message: str, tmp_path: Path) -> None:
    with pytest.raises(NotMeant) as caught:
        open_store(str(write(tmp_path, files)))
    assert str(caught.value) == message


def test_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(CannotJudge, match="no such file or directory"):
        open_store(str(tmp_path / "gone"))


@pytest.mark.parametrize("names", [("repositories", "blobs"), ("docker/registry/v2", "v2")])
def test_layouts_may_be_called_like_parts_of_a_tree(names: tuple[str, ...], tmp_path: Path) -> None:
    write(tmp_path, {path: data for name in names for path, data in layout(name, (b"1",)).items()})
    with open_store(str(tmp_path)) as store:
        assert store.form == "layouts"
        assert sorted(store.repositories()) == sorted(names)


@pytest.mark.parametrize("part", ["blobs", "blobs/sha256", "repositories", "repositories/group-0", ""])
def test_a_part_of_a_registrys_tree_is_not_taken_for_a_storage(part: str, tmp_path: Path) -> None:
    tree = tmp_path / "docker/registry/v2"
    FORMS["distribution"](tmp_path, images(6)).write()
    target = tree / part if part != "repositories/group-0" else next((tree / "repositories").iterdir())
    if not part:
        open_store(str(target)).close()
        return
    with pytest.raises(NotMeant, match="a part of the storage of a registry: name the folder that has"):
        open_store(str(target))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("localhost:5000", "docker://localhost:5000"),
        ("http://localhost:5000/", "docker://localhost:5000"),
        ("https://registry.example.org/v2/", "docker://registry.example.org"),
        ("registry.example.org/team/app", "docker://registry.example.org/team/app"),
        ("oci://registry.example.org/team", "docker://registry.example.org/team"),
    ],
)
def test_a_registry_written_as_others_do_is_told_how_to_write_it(written: str, meant: str) -> None:
    with pytest.raises(CannotJudge, match=f"for a registry write {meant}$"):
        open_store(written)


@pytest.mark.parametrize("written", ["alpine", "./layouts", "/nowhere.d/x", "x.tar"])
def test_another_path_that_is_not_there_is_told_as_it_is(written: str) -> None:
    with pytest.raises(CannotJudge, match=r"^no such file or directory$"):
        open_store(written)


def test_a_folder_above_storages_is_no_part_of_one(tmp_path: Path) -> None:
    FORMS["distribution"](tmp_path / "a" / "b", images(6)).write()
    with pytest.raises(NotMeant, match=r"^no storage of images that is known"):
        open_store(str(tmp_path))
