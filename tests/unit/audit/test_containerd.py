"""containerd's content store with the database that names its blobs, and databases that are none."""

from __future__ import annotations

import contextlib
import struct
import time
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from fixtures.layouts import Image, Index, Layer
from fixtures.registries import bolt as making
from fixtures.registries.bolt import PAGE, Tree, database, metadata
from fixtures.registries.content import Content
from ocivalidate.audit.api import audit
from ocivalidate.audit.store import LAYER, TAG
from ocivalidate.audit.stores.bolt import Bolt, Bucket, Damaged
from ocivalidate.audit.stores.recognising import open_store
from ocivalidate.rules.findings import exit_code
from tests.unit.audit.storages import digest, parts, write

CONTENT, DATABASE = "io.containerd.content.v1.content", "io.containerd.metadata.v1.bolt/meta.db"


def opened(data: bytes) -> Bolt:
    return Bolt(lambda offset, length: data[offset : offset + length], len(data))


def whole(base: Bolt, bucket: Bucket) -> dict[bytes, object]:
    return {key: whole(base, value) if isinstance(value, Bucket) else value for key, value in base.items(bucket)}


def everything(data: bytes) -> dict[bytes, object]:
    base = opened(data)
    return whole(base, base.root)


TREES: dict[str, Tree] = {
    "nothing": {},
    "values": {b"a": b"1", b"b": b""},
    "a bucket in a value": {b"a": {b"x": b"y"}},
    "buckets in buckets": {b"a": {b"b": {b"c": {b"d": b"e" * 300}}}},
    "many keys": {b"%05d" % number: b"v%d" % number for number in range(300)},
    "large values": {b"a": {b"%d" % number: b"x" * 5000 for number in range(30)}},
}


@pytest.mark.parametrize("name", TREES)
def test_what_was_written_is_read(name: str) -> None:
    assert everything(database(TREES[name])) == TREES[name]


def test_the_newer_one_of_two_roots_counts_unless_it_is_half_written() -> None:
    old, new = database({b"a": b"old"}), database({b"a": b"new"})
    both = old[:PAGE] + new[PAGE : 2 * PAGE] + new[2 * PAGE :]
    assert opened(both).transaction == 1
    torn = bytearray(both)
    torn[PAGE + 60] ^= 1
    assert opened(bytes(torn)).transaction == 0
    without_first = bytearray(both)
    without_first[20] ^= 1
    assert opened(bytes(without_first)).transaction == 1


@pytest.mark.parametrize("data", [b"", b"x" * 100, bytes(10 * PAGE), database({})[:PAGE]])
def test_what_is_no_database(data: bytes) -> None:
    with pytest.raises(Damaged):
        everything(data)


def test_pages_that_lead_back_to_each_other_end() -> None:
    data = bytearray(database({b"%05d" % number: b"" for number in range(300)}))
    root = struct.unpack_from("<Q", data, 16 + 16)[0]
    count = struct.unpack_from("<H", data, root * PAGE + 10)[0]
    for index in range(count):
        struct.pack_into("<Q", data, root * PAGE + 16 + 16 * index + 8, root)
    begun = time.monotonic()
    with pytest.raises(Damaged):
        everything(bytes(data))
    assert time.monotonic() - begun < 5


@given(st.lists(st.tuples(st.integers(0, 10 * PAGE), st.integers(0, 255)), min_size=1, max_size=20))
def test_no_byte_makes_it_more_than_damaged(changes: list[tuple[int, int]]) -> None:
    data = bytearray(metadata({"default": ({"a:1": digest(b"1")}, [digest(b"%d" % number) for number in range(50)])}))
    for place, value in changes:
        data[place % len(data)] = value
    with contextlib.suppress(Damaged):
        everything(bytes(data))


def node(root: Path, data: bytes) -> str:
    blobs = {f"{CONTENT}/blobs/{parts(one)}": one for one in (b"m", b"l")}
    return str(write(root, blobs | {f"{CONTENT}/ingest/.keep": b"", DATABASE: data}))


def test_namespaces_are_repositories_and_images_tags(tmp_path: Path) -> None:
    name, long = "docker.io/library/app:1", "docker.io/library/" + "x" * 300 + ":2"
    held = [digest(b"m"), digest(b"l"), digest(b"gone")]
    data = metadata({"default": ({name: digest(b"m"), long: digest(b"m")}, held), "k8s.io": ({}, [digest(b"l")])})
    with open_store(node(tmp_path, data)) as store:
        assert (store.form, store.named) == ("containerd", True)
        assert [*store.repositories()] == ["default", "k8s.io"]
        assert {(link.tag, link.digest) for link in store.links("default") if link.kind == TAG} == {
            (name, digest(b"m")),
            (long, digest(b"m")),
        }
        assert {link.digest for link in store.links("default") if link.kind == LAYER} == {*held}
        assert store.find("default", digest(b"m")) is not None
        assert store.find("default", digest(b"gone")) is None
        assert store.find("k8s.io", digest(b"m")) is None
        assert store.expects("default", digest(b"gone"))
        assert not store.expects("k8s.io", digest(b"gone"))
        assert [*store.oddities()] == []


def test_an_image_that_names_no_digest(tmp_path: Path) -> None:
    with open_store(node(tmp_path, metadata({"default": ({"a:1": "none", "b:1": "none"}, [])}))) as store:
        assert [(link.tag, link.digest) for link in store.links("default")] == [("a:1", ""), ("b:1", "")]
        assert [(one.kind, one.tag, one.text) for one in store.oddities()] == [
            ("link-content", "a:1", "the image a:1 names no digest"),
            ("link-content", "b:1", "the image b:1 names no digest"),
        ]


@pytest.mark.parametrize("data", [b"", b"garbage", database({b"v1": {b"x": b"y"}})[: 2 * PAGE]])
def test_without_its_database_only_blobs_are_known(data: bytes, tmp_path: Path) -> None:
    with open_store(node(tmp_path, data)) as store:
        assert [*store.repositories()] == []
        assert not store.named
        assert {one.digest for one in store.blobs()} == {digest(b"m"), digest(b"l")}
        [odd] = store.oddities()
        assert (odd.kind, odd.path) == ("unreadable", DATABASE)
        assert odd.text.startswith("what names the blobs is not known: it ")


def test_an_image_of_a_node_lacks_only_what_its_namespace_says_that_it_holds(tmp_path: Path) -> None:
    """A node fetches the blobs of its own platform alone."""
    here, elsewhere = Image(name="app"), Image(layers=(Layer(b"elsewhere"),))
    content = Content()
    root = content.repository("x").push(Index((here, elsewhere)))["digest"]
    here_alone = Content()
    own = here_alone.repository("x")
    own.push(here)
    held = [root, *own.manifests, *own.layers]
    files = {f"{CONTENT}/blobs/{one.replace(':', '/')}": content.blobs[one] for one in held}
    files[f"{CONTENT}/ingest/.keep"] = b""
    database_of_it = metadata({"default": ({"app:1": root}, held)})
    target = str(write(tmp_path, files | {DATABASE: database_of_it}))
    report = audit(target)
    assert (exit_code([report]), report.facts["images"]["sound"]) == (0, 1)
    (tmp_path / CONTENT / "blobs" / next(iter(own.layers)).replace(":", "/")).unlink()
    report = audit(target)
    assert (exit_code([report]), report.facts["images"]["incomplete"]) == (1, 1)
    assert {finding.clause.id for finding in report.findings} == {"storage/blob.absent"}


def test_the_maker_sums_as_bolt_does() -> None:
    # FNV-1a of "a" (Fowler, Noll, Vo: test vectors).
    assert making.fnv(b"a") == 0xAF63DC4C8601EC8C
