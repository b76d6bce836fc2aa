"""A journal that was cut anywhere, as by kill -9 or a full disk, is one that resumes."""

from __future__ import annotations

import contextlib
import itertools
import random
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from fixtures.layouts import tar
from ocivalidate.audit import facts_json
from ocivalidate.audit.journal import Journal
from ocivalidate.errors import Malformed, UsageError
from ocivalidate.image.layers.blob import BlobRequest, verify
from ocivalidate.image.layers.limits import DEFAULT
from ocivalidate.vocabulary import digests
from tests.blobs import opener
from tests.property.layers_drawn import Drawer

DATA = [bytes([65 + number]) * number for number in range(3)]


def take(journal: Journal, data: bytes) -> None:
    request = BlobRequest(opener(data), layer=len(data) % 2 == 1, size=len(data), key=journal.key)
    journal.take("./registry", "blobs/x", str(digests.of(data)), request, verify(request))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("journal") / "journal"
    with Journal(str(path), DEFAULT) as journal:
        for data in DATA:
            take(journal, data)
    return path.read_bytes()


def test_a_journal_cut_at_every_byte_resumes(whole: bytes, tmp_path: Path) -> None:
    """Whatever was written to its end is known, nothing else is, and what comes next is kept; the head is cut too."""
    path = tmp_path / "journal"
    wanted = [str(digests.of(data)) for data in DATA]
    # A line is whole with its last brace, its line end or not.
    ends = [end - 1 for end in itertools.accumulate(len(line) for line in whole.splitlines(keepends=True))]
    last = ends[-3]
    for size in itertools.chain(range(0, last, 3), range(last, len(whole) + 1)):
        path.write_bytes(whole[:size])
        with Journal(str(path), DEFAULT) as journal:
            known = [kept.digest for kept in journal.entries()]
            assert known == (wanted[: sum(end <= size for end in ends[1:])] if size > ends[0] else []), size
            take(journal, b"next")
        with Journal(str(path), DEFAULT) as journal:
            assert [kept.digest for kept in journal.entries()] == [*known, str(digests.of(b"next"))], size


@given(st.data())
def test_a_journal_with_any_byte_changed_is_refused_or_says_nothing_else(
    whole: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("changed") / "journal"
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] = data.draw(st.integers(0, 255))
    path.write_bytes(changed)
    wanted = {str(digests.of(one)) for one in DATA}
    try:
        with Journal(str(path), DEFAULT) as journal:
            kept = list(journal.entries())
    except UsageError:
        return
    assert {one.digest for one in kept} <= wanted
    assert len(kept) >= len(DATA) - 2


@given(st.integers(0, 1 << 32))
def test_facts_of_any_layer_come_back_as_they_were(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311  # drawn, not secret
    for layer in Drawer(dice, 0.3).image().layers:
        facts = verify(BlobRequest(opener(tar(layer)), layer=True, used=True, key=b"k" * 16))
        assert facts_json.read(facts_json.written(facts), b"k" * 16) == facts


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["size", "tar", "used", "x"]), inner),
    max_leaves=9,
)


@given(JSON)
def test_any_json_is_facts_or_malformed(value: object) -> None:
    with contextlib.suppress(Malformed):
        facts_json.read(value, b"")
