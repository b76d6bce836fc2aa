"""What names the next, and that the next, is read and judged as often as there is of it, whatever holds it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ocivalidate.audit.api import audit
from ocivalidate.audit.walks import TOO_MUCH
from ocivalidate.image.api import check_image
from ocivalidate.image.documents.reading import read
from ocivalidate.image.limits import Limits
from ocivalidate.rules.findings import ExitCode, exit_code
from ocivalidate.rules.judge import judge
from tests.unit.audit.storages import blob, digest, layout, parts, repository, write

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
EMPTY = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2}
DEPTH = Limits().depth


def entry(data: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest(data), "size": len(data)}


def numbered(number: int, media_type: str, **members: Any) -> bytes:
    """A document that differs from others by its number."""
    fixed = {"schemaVersion": 2, "mediaType": media_type, "annotations": {"org.example.number": str(number)}}
    return json.dumps({**fixed, **members}).encode()


def index(number: int, *below: bytes, of: str = INDEX) -> bytes:
    """An index of these."""
    return numbered(number, INDEX, manifests=[entry(data, of) for data in below])


def manifest(number: int, *subject: bytes) -> bytes:
    """An artifact, which may belong to a subject."""
    belongs = {"subject": entry(subject[0], MANIFEST)} if subject else {}
    return numbered(number, MANIFEST, artifactType="application/x.a", config=EMPTY, layers=[EMPTY], **belongs)


def chained(make: Callable[..., bytes], count: int) -> Iterator[bytes]:
    """Documents, each of which names the one before."""
    before: tuple[bytes, ...] = ()
    for number in range(count):
        before = (make(number, *before),)
        yield from before


def shared(count: int) -> Iterator[bytes]:
    """Indexes that name one index of a few manifests."""
    few = [manifest(number) for number in range(8)]
    common = index(count, *few, of=MANIFEST)
    yield from (*few, common)
    yield from (index(number, common) for number in range(count))


def wide(count: int) -> Iterator[bytes]:
    """Four levels of indexes, each of which names all of the level below."""
    below: list[bytes] = []
    for level in range(4):
        below = [index(level * count + number, *below) for number in range(max(1, count // 10))]
        yield from below


SHAPES: dict[str, Callable[[int], Iterator[bytes]]] = {
    "indexes": lambda count: chained(index, count),
    "subjects": lambda count: chained(manifest, count),
    "an index that many share": shared,
    "wide and deep": wide,
}


def revisions(every: list[bytes]) -> dict[str, bytes]:
    """A repository of distribution, of which only the last manifest has a tag."""
    home = "docker/registry/v2/repositories/app/_manifests/revisions"
    files = repository("app", manifests={"t": every[-1]}, layers=(b"{}",))
    for data in every:
        files |= {**blob(data), f"{home}/{parts(data)}/link": digest(data).encode()}
    return files


def tags(every: list[bytes]) -> dict[str, bytes]:
    """A repository of distribution, of which each manifest has a tag."""
    return repository("app", manifests={f"t{number}": data for number, data in enumerate(every)}, layers=(b"{}",))


FORMS: dict[str, Callable[[list[bytes]], dict[str, bytes]]] = {
    "bare": lambda every: {f"blobs/{parts(data)}": data for data in [b"{}", *every]},
    "tags": tags,
    "revisions": revisions,
    "layouts": lambda every: layout("one", (b"{}", *every), {"t": every[-1]}),
}


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many documents were parsed, and how many judged."""
    done: Counter[str] = Counter()

    def counted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def count(*values: Any, **named: Any) -> Any:
            done[name] += 1
            return call(*values, **named)

        return count

    monkeypatch.setattr("ocivalidate.image.walk.read", counted("parsed", read))
    monkeypatch.setattr("ocivalidate.image.documents.judging.judge", counted("judged", judge))
    return done


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_work_grows_with_what_is_held(shape: str, form: str, work: Counter[str], tmp_path: Path) -> None:
    every = [*SHAPES[shape](60)]
    audit(str(write(tmp_path, FORMS[form](every))))
    # Each image is walked over by itself, but what it shares with others is judged once.
    assert work["judged"] <= 1.2 * len(every) + DEPTH
    assert work["parsed"] <= 2 * (DEPTH + 2) * len(every)


@pytest.mark.parametrize("form", ["bare", "tags"])
def test_twice_the_subjects_are_twice_the_work(form: str, work: Counter[str], tmp_path: Path) -> None:
    taken = []
    for count in (40, 80):
        work.clear()
        audit(str(write(tmp_path / f"{count}", FORMS[form]([*chained(manifest, count)]))))
        taken.append(work["parsed"])
    assert taken[1] <= 2.6 * taken[0]


@pytest.mark.parametrize(("make", "what"), [(index, "indexes are nested"), (manifest, "subjects are chained")])
def test_a_chain_that_is_too_long_is_told_in_a_line(make: Callable[..., bytes], what: str, tmp_path: Path) -> None:
    every = [*chained(make, DEPTH + 3)]
    for folder, count in (("short", DEPTH), ("long", DEPTH + 3)):
        path = str(write(tmp_path / folder, layout("", (b"{}", *every), {"t": every[count - 1]})))
        told = [one.message for report in (check_image(path), audit(path)) for one in report.findings]
        assert [one for one in told if "deep" in one] == [f"{what} more than {DEPTH} deep"] * (
            2 if count > DEPTH else 0
        )


@pytest.mark.parametrize("form", FORMS)
def test_a_fault_that_images_share_is_told_of_each(form: str, tmp_path: Path) -> None:
    fault = index(0).replace(b'"schemaVersion": 2', b'"schemaVersion": 3')
    every = [fault, *(index(number, fault) for number in range(1, 5))]
    report = audit(str(write(tmp_path, FORMS[form](every))))
    assert {one.location.digest or one.message for one in report.findings}
    wanted = {"bare": 5, "tags": 5, "revisions": 4, "layouts": 1}[form]
    assert sum(report.facts["images"][state] for state in ("broken", "unjudged", "incomplete")) == wanted


@pytest.mark.parametrize("form", ["bare", "tags"])
def test_what_too_many_share_is_told_and_not_walked_over_for_ever(
    form: str, work: Counter[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = 32
    monkeypatch.setattr("ocivalidate.audit.walks._LEAST", 0)
    monkeypatch.setattr("ocivalidate.audit.walks._TIMES", times)
    few = [manifest(number) for number in range(100)]
    common = index(100, *few, of=MANIFEST)
    every = [*few, common, *(index(number, common) for number in range(100))]
    report = audit(str(write(tmp_path, FORMS[form](every))))
    # In each of two passes; the last image may be one too many.
    assert work["parsed"] <= 2 * times * len(every) + 102
    images = report.facts["images"]
    assert images["unjudged"] > 0
    assert images["sound"] > 0
    assert images["broken"] == images["incomplete"] == 0
    assert exit_code([report]) is ExitCode.COULD_NOT_JUDGE
    assert {one["problem"] for one in report.facts["not_sound"]} == {TOO_MUCH}
