"""The storage of distribution and harbor, and what may be odd in it."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from ocivalidate.audit import oddities
from ocivalidate.audit.store import LAYER, REVISION, SIGNATURE, TAG, Odd, Store
from ocivalidate.audit.stores.recognising import open_store
from tests.unit.audit.storages import V2, blob, digest, parts, repository, write

MANIFEST, LAYER_DATA = b'{"schemaVersion":2}', b"layer"
REPOSITORIES = f"{V2}/repositories"


def sound() -> dict[str, bytes]:
    return repository("library/alpine", manifests={"3.19": MANIFEST}, layers=(LAYER_DATA,))


def odd(store: Store) -> dict[str, list[Odd]]:
    """All that is odd, once everything was listed."""
    [*store.blobs()]
    for name in store.repositories():
        [*store.links(name)]
    [*store.uploads()]
    found: dict[str, list[Odd]] = {}
    for one in store.oddities():
        found.setdefault(one.kind, []).append(one)
    return found


def test_what_is_held_and_named(tmp_path: Path) -> None:
    with open_store(str(write(tmp_path, sound()))) as store:
        assert (store.form, store.complete) == ("distribution", True)
        assert {(held.digest, held.size) for held in store.blobs()} == {
            (digest(MANIFEST), len(MANIFEST)),
            (digest(LAYER_DATA), len(LAYER_DATA)),
        }
        assert [*store.repositories()] == ["library/alpine"]
        assert {(link.kind, link.digest, link.tag) for link in store.links("library/alpine")} == {
            (TAG, digest(MANIFEST), "3.19"),
            (REVISION, digest(MANIFEST), ""),
            (LAYER, digest(LAYER_DATA), ""),
        }
        assert odd(store) == {}


def test_every_digest_algorithm_has_its_folder(tmp_path: Path) -> None:
    files = repository("a", manifests={"1": MANIFEST}, layers=(LAYER_DATA,), algorithm="sha512")
    with open_store(str(write(tmp_path, files))) as store:
        held = store.find("a", digest(LAYER_DATA, "sha512"))
        assert held is not None
        assert held.size == len(LAYER_DATA)
        assert odd(store) == {}


def test_a_repository_inside_of_another_one_is_its_own(tmp_path: Path) -> None:
    files = sound() | repository("library/alpine/edge", layers=(b"x",)) | repository("library", layers=(b"y",))
    with open_store(str(write(tmp_path, files))) as store:
        assert sorted(store.repositories()) == ["library", "library/alpine", "library/alpine/edge"]
        assert {link.digest for link in store.links("library")} == {digest(b"y")}


def test_a_repository_hands_out_what_it_has_a_link_to(tmp_path: Path) -> None:
    files = sound() | repository("other", layers=(b"theirs",))
    with open_store(str(write(tmp_path, files))) as store:
        for data in (MANIFEST, LAYER_DATA):
            held = store.find("library/alpine", digest(data))
            assert held is not None
            buffer = bytearray(100)
            with_bytes = pickle.loads(pickle.dumps(store.opener(held)))()  # noqa: S301  # our own
            assert buffer[: with_bytes.readinto(memoryview(buffer))] == data
            with_bytes.close()
        assert store.find("library/alpine", digest(b"theirs")) is None
        assert store.find("library/alpine", "sha256:../../../../etc/passwd") is None


def test_a_link_to_what_is_gone_finds_nothing(tmp_path: Path) -> None:
    write(tmp_path, sound())
    (tmp_path / next(iter(blob(LAYER_DATA)))).unlink()
    with open_store(str(tmp_path)) as store:
        assert store.find("library/alpine", digest(LAYER_DATA)) is None


@pytest.mark.parametrize("wrong", ["_layers", "_manifests/revisions"])
def test_the_link_of_a_blob_counts_before_that_of_a_manifest(wrong: str, tmp_path: Path) -> None:
    files = repository("a", manifests={"1": MANIFEST}, layers=(MANIFEST, LAYER_DATA))
    files[f"{REPOSITORIES}/a/{wrong}/{parts(MANIFEST)}/link"] = digest(LAYER_DATA).encode()
    with open_store(str(write(tmp_path, files))) as store:
        before = store.find("a", digest(MANIFEST))
        assert before is not None
        assert before.digest == digest(LAYER_DATA if wrong == "_layers" else MANIFEST)
        [*store.blobs(), *store.links("a")]
        assert store.find("a", digest(MANIFEST)) == before


def test_what_was_listed_is_not_looked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(str(write(tmp_path, sound()))) as store:
        [*store.blobs(), *store.links("library/alpine")]
        monkeypatch.setattr(os, "open", pytest.fail)
        assert store.find("library/alpine", digest(LAYER_DATA)) is not None
        assert store.find("library/alpine", digest(MANIFEST)) is not None


def test_signatures_of_schema_1_are_links(tmp_path: Path) -> None:
    home = f"{REPOSITORIES}/library/alpine/_manifests/revisions/{parts(MANIFEST)}/signatures/{parts(b's')}"
    with open_store(str(write(tmp_path, sound() | {f"{home}/link": digest(b"s").encode()}))) as store:
        links = [link for link in store.links("library/alpine") if link.kind == SIGNATURE]
        assert [link.digest for link in links] == [digest(b"s")]
        assert odd(store) == {}


TAG_FOLDER = f"{REPOSITORIES}/library/alpine/_manifests/tags"
TAG_LINK = f"{TAG_FOLDER}/3.19/current/link"
LAYER_LINK = f"{REPOSITORIES}/library/alpine/_layers/{parts(LAYER_DATA)}/link"
BLOBS = f"{V2}/blobs/sha256"
HEX = digest(LAYER_DATA).partition(":")[2]

ODD: dict[str, tuple[dict[str, bytes], str, str, str]] = {
    "a link with garbage": (
        {LAYER_LINK: b"\x00\xff"},
        oddities.LINK_CONTENT,
        LAYER_LINK,
        r"it holds b'\x00\xff', and no digest",
    ),
    "an empty link": ({TAG_LINK: b""}, oddities.LINK_CONTENT, TAG_LINK, "it is empty, and no digest"),
    "a huge link": (
        {TAG_LINK: b"sha256:" + b"a" * 9999},
        oddities.LINK_CONTENT,
        TAG_LINK,
        "it has 10006 bytes, and no digest",
    ),
    "a link with a line break": (
        {TAG_LINK: f"{digest(MANIFEST)}\n".encode()},
        oddities.LINK_CONTENT,
        TAG_LINK,
        "and no digest",
    ),
    "a link to something else than its path says": (
        {LAYER_LINK: digest(MANIFEST).encode()},
        oddities.LINK_PATH,
        LAYER_LINK,
        f"it leads to {digest(MANIFEST)}, and its path says {digest(LAYER_DATA)}",
    ),
    "a link in a folder that makes no digest": (
        {f"{REPOSITORIES}/library/alpine/_layers/sha256/abc/link": b"sha256:abc"},
        oddities.NAME,
        f"{REPOSITORIES}/library/alpine/_layers/sha256/abc/link",
        "sha256:abc is no digest: sha256 has 3 hexadecimal digits instead of 64",
    ),
    "a tag without current": (
        {f"{TAG_FOLDER}/old/index/{parts(MANIFEST)}/link": digest(MANIFEST).encode()},
        oddities.NO_CURRENT,
        f"{TAG_FOLDER}/old",
        "the tag old has no current/link, so it names nothing",
    ),
    "a tag that nobody can write": (
        {f"{TAG_FOLDER}/a b/current/link": digest(MANIFEST).encode()},
        oddities.TAG_NAME,
        f"{TAG_FOLDER}/a b",
        "no client can ask for a tag of this name",
    ),
    "a repository that nobody can write": (
        {f"{REPOSITORIES}/Upper/_layers/{parts(LAYER_DATA)}/link": digest(LAYER_DATA).encode()},
        oddities.REPOSITORY_NAME,
        f"{REPOSITORIES}/Upper",
        "no client can ask for a repository of this name",
    ),
    "a folder of a blob without data": (
        {f"{BLOBS}/{digest(b'x')[7:9]}/{digest(b'x')[7:]}/note": b""},
        oddities.NO_DATA,
        f"{BLOBS}/{digest(b'x')[7:9]}/{digest(b'x')[7:]}",
        f"the folder of {digest(b'x')} holds no data",
    ),
    "a blob below the wrong digits": (
        {f"{BLOBS}/zz/{HEX}/data": LAYER_DATA},
        oddities.SHARD,
        f"{BLOBS}/zz/{HEX}",
        f"{digest(LAYER_DATA)} is looked for below {HEX[:2]}, and nobody finds it here",
    ),
    "a folder whose name is no digest": (
        {f"{BLOBS}/ab/abc/data": b"x"},
        oddities.NAME,
        f"{BLOBS}/ab/abc",
        "sha256:abc is no digest: sha256 has 3 hexadecimal digits instead of 64",
    ),
    "a file where a folder belongs": (
        {f"{BLOBS}/ab": b"x"},
        oddities.STRANGER,
        f"{BLOBS}/ab",
        "a file where a folder belongs",
    ),
    "a folder where a file belongs": (
        {f"{BLOBS}/{digest(b'y')[7:9]}/{digest(b'y')[7:]}/data/x": b""},
        oddities.NOT_A_FILE,
        f"{BLOBS}/{digest(b'y')[7:9]}/{digest(b'y')[7:]}/data",
        "a folder where a file belongs",
    ),
    "a file beside the repositories": (
        {f"{REPOSITORIES}/notes.txt": b""},
        oddities.STRANGER,
        f"{REPOSITORIES}/notes.txt",
        "a file where a repository belongs",
    ),
    "a file beside a link": (
        {f"{LAYER_LINK}.tmp": b""},
        oddities.STRANGER,
        f"{LAYER_LINK}.tmp",
        "a file where nothing belongs",
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd(name: str, tmp_path: Path) -> None:
    files, kind, path, text = ODD[name]
    with open_store(str(write(tmp_path, sound() | files))) as store:
        found = odd(store)
        [one] = found[kind]
        assert one.path == path
        assert text in one.text
        # A folder in place of the data is a blob without data, too.
        assert [*found] == [kind] or "belongs" in name or name == "a folder of a blob without data"


def test_a_tag_that_leads_nowhere_is_still_a_tag(tmp_path: Path) -> None:
    files = sound() | {TAG_LINK: b"garbage", f"{TAG_FOLDER}/gone/index/x": b""}
    with open_store(str(write(tmp_path, files))) as store:
        assert {(link.tag, link.digest) for link in store.links("library/alpine") if link.kind == TAG} == {
            ("3.19", ""),
            ("gone", ""),
        }
        assert {(one.tag, one.repository) for one in store.oddities()} == {
            ("3.19", "library/alpine"),
            ("gone", "library/alpine"),
        }


def test_what_a_deletion_leaves_behind_is_not_odd(tmp_path: Path) -> None:
    write(tmp_path, sound())
    gone = digest(b"gone")[7:]
    for folder in (
        f"{REPOSITORIES}/library/alpine/_manifests/revisions/sha256/{gone}",
        f"{REPOSITORIES}/library/alpine/_layers/sha256/{gone}",
        f"{BLOBS}/ab",
        f"{REPOSITORIES}/library/empty",
    ):
        (tmp_path / folder).mkdir(parents=True)
    write(
        tmp_path,
        {f"{TAG_FOLDER}/.DS_Store": b"", f"{TAG_FOLDER}/3.19/index/sha256/{gone}/link": b"sha256:" + gone.encode()},
    )
    with open_store(str(tmp_path)) as store:
        assert odd(store) == {}
        assert len([*store.links("library/alpine")]) == 3


def test_uploads_that_were_left(tmp_path: Path) -> None:
    folder = f"{REPOSITORIES}/library/alpine/_uploads"
    files = {
        f"{folder}/one/data": b"12345",
        f"{folder}/one/startedat": b"2020-01-01T00:00:00Z",
        f"{folder}/one/hashstates/sha256/5": b"",
        f"{folder}/two/data": b"",
        f"{folder}/two/startedat": b"yesterday",
    }
    write(tmp_path, sound() | files)
    os.utime(tmp_path / f"{folder}/two/data", (1000, 1000))
    with open_store(str(tmp_path)) as store:
        one, two = sorted(store.uploads())
        assert (one.path, one.size) == (f"{folder}/one", 5)
        assert one.age > 5 * 365 * 86400
        assert (two.path, two.size) == (f"{folder}/two", 0)
        assert two.age >= 0
        assert odd(store) == {}


def test_no_link_leads_out(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(LAYER_DATA)
    root = write(tmp_path / "root", sound())
    data = root / next(iter(blob(LAYER_DATA)))
    data.unlink()
    data.symlink_to(outside)
    link = root / LAYER_LINK
    link.unlink()
    link.symlink_to(outside)
    (root / REPOSITORIES / "elsewhere").symlink_to(tmp_path)
    (root / REPOSITORIES / "round").symlink_to(root / REPOSITORIES)
    with open_store(str(root)) as store:
        found = odd(store)
        assert {one.path for one in found[oddities.LEADS_OUT]} == {
            next(iter(blob(LAYER_DATA))),
            LAYER_LINK,
            f"{REPOSITORIES}/elsewhere",
        }
        assert [one.text for one in found[oddities.STRANGER]] == ["a link to a folder where a repository belongs"]
        assert store.find("library/alpine", digest(LAYER_DATA)) is None


def test_nothing_hangs_on_a_fifo(tmp_path: Path) -> None:
    write(tmp_path, sound())
    for path in (next(iter(blob(LAYER_DATA))), LAYER_LINK, TAG_LINK):
        (tmp_path / path).unlink()
        os.mkfifo(tmp_path / path)
    with open_store(str(tmp_path)) as store:
        assert {one.text for one in odd(store)[oddities.NOT_A_FILE]} == {"a FIFO where a file belongs"}
        assert store.find("library/alpine", digest(LAYER_DATA)) is None


def test_a_million_oddities_are_counted_and_not_kept(tmp_path: Path) -> None:
    write(tmp_path, sound() | {f"{BLOBS}/stray-{number}": b"" for number in range(1005)})
    with open_store(str(tmp_path)) as store:
        found = odd(store)[oddities.STRANGER]
        assert len(found) == 1001
        assert found[-1].text == "5 others like these are not told"


@pytest.mark.parametrize("base", [V2, "registry/v2", "v2", ""])
def test_the_tree_may_be_given_from_any_folder_on(base: str, tmp_path: Path) -> None:
    files = {path.removeprefix(V2): data for path, data in sound().items()}
    write(tmp_path / base, {path.lstrip("/"): data for path, data in files.items()})
    with open_store(str(tmp_path)) as store:
        assert store.form == "distribution"
        assert len([*store.blobs()]) == 2
        assert len([*store.links("library/alpine")]) == 3
