"""Any tree of files at all is a storage with oddities, or one line; nothing outside of it is read."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from hypothesis import given, strategies as st

from ocivalidate.audit import oddities
from ocivalidate.audit.store import Store
from ocivalidate.audit.stores.recognising import open_store
from ocivalidate.errors import CannotJudge
from tests.unit.audit.storages import digest

SECRET = b"sha256:" + b"5ec4e7" * 10 + b"5ec4"
DATA = b"data"
HEX = digest(DATA).partition(":")[2]
NAMES = st.sampled_from(
    "docker registry v2 blobs repositories _manifests _layers _uploads revisions tags current index link data sha256 "
    "sha512 index.json oci-layout _blobstore .uploads io.containerd.content.v1.content ingest startedat a B "
    f"{HEX} {HEX[:2]}".split()
) | st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=4).filter(
    lambda name: name not in (".", "..")
)
PATHS = st.lists(NAMES, min_size=1, max_size=9).map("/".join)
CONTENTS = st.sampled_from(
    [b"", DATA, digest(DATA).encode(), b"{}", b'{"manifests":[{"digest":"sha256:x"},3,{}]}', b"\xff" * 600]
) | st.binary(max_size=40)
LINKS = st.sampled_from(["..", "../..", "/", "../secret", ".", "a", "loop"])
THINGS = st.dictionaries(
    PATHS,
    st.tuples(st.just("file"), CONTENTS) | st.tuples(st.sampled_from(["link"]), LINKS) | st.just(("fifo", "")),
    max_size=12,
)
# Most random trees have no form; these do.
BASES = st.sampled_from(
    [
        "",
        "docker/registry/v2/repositories",
        "docker/registry/v2/blobs",
        "blobs",
        "io.containerd.content.v1.content",
        "_blobstore",
    ]
)


def make(root: Path, base: str, things: dict[str, tuple[str, bytes | str]]) -> None:
    (root / base).mkdir(parents=True)
    for path, (kind, what) in things.items():
        place = root / base / path
        # Two paths may want a file and a folder at one place, and some names are too long.
        with contextlib.suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            if kind == "file" and isinstance(what, bytes):
                place.write_bytes(what)
            elif kind == "link":
                place.symlink_to(what)
            else:
                os.mkfifo(place)


def everything(store: Store) -> list[str]:
    """All that a store says, as text."""
    said = [repr(one) for one in store.blobs()]
    for name in store.repositories():
        said += [name, *map(repr, store.links(name))]
        said.append(repr(store.find(name, digest(DATA))))
        with contextlib.suppress(CannotJudge):
            source = store.whole(name)
            if source is not None:
                with source:
                    said += source.children("blobs")
    for held in store.blobs():
        with contextlib.suppress(OSError):
            stream = store.opener(held)()
            buffer = memoryview(bytearray(4096))
            said.append(repr(bytes(buffer[: stream.readinto(buffer) or 0])))
            stream.close()
    said += map(repr, store.uploads())
    for odd in store.oddities():
        assert odd.kind in oddities.CLAUSES
        said.append(repr(odd))
    return said


@given(BASES, THINGS)
def test_any_tree_of_files(base: str, things: dict[str, tuple[str, bytes | str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "secret").write_bytes(SECRET)
        root = Path(folder) / "root"
        make(root, base, things)
        try:
            with open_store(str(root)) as store:
                said = "\n".join(everything(store))
        except CannotJudge as problem:
            said = str(problem)
            assert "\n" not in said
        assert SECRET.decode() not in said
