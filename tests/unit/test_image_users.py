"""Whether an image knows the user that it names, by /etc/passwd and /etc/group as its layers leave them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import Entry, Image, Index, Layer, Layout, tars
from fixtures.layouts.tars import folder, hardlink, symlink, whiteout
from ocivalidate import check_image
from ocivalidate.image import accounts, stacks
from ocivalidate.image.accounts import KNOWN
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Outcome, Report
from ocivalidate.rules.refusals import Refused
from tests.unit.unpacking import image, unpack

PASSWD, GROUP = b"root:x:0:0:::\napp:x:1000:1000:::\n", b"app:x:1000:\nstaff:x:50:root\n"
FILES = [Entry("etc/passwd", PASSWD), Entry("etc/group", GROUP)]
APART = [Entry("p", PASSWD), Entry("g", GROUP)]
OTHER = [Entry("etc/passwd", b"other:x:1:1:::\n"), Entry("etc/group", b"other:x:1:\n")]
CHAIN = [symlink("etc/passwd", "/l0"), *(symlink(f"l{number}", f"l{number + 1}") for number in range(39))]

Layers = Sequence[list[Entry]]
KNOWING: dict[str, Layers] = {
    "in one layer": [FILES],
    "below others": [FILES, [Entry("x")], []],
    "in the place of another": [OTHER, FILES],
    "not hidden by a whiteout of the same layer": [OTHER, [whiteout("etc"), *FILES]],
    "links": [[*APART, symlink("etc/passwd", "../p"), symlink("etc/group", "/./g")]],
    "links out of the root": [[*APART, symlink("etc/passwd", "../../../p"), symlink("etc/group", "/../g")]],
    "hard links": [APART, [hardlink("etc/passwd", "p"), hardlink("etc/group", "g")]],
    "a folder that is a link": [[Entry("u/passwd", PASSWD), Entry("u/group", GROUP), symlink("etc", "u")]],
    "what a hard link kept": [[*FILES, Entry("x")], [hardlink("p", "etc/passwd"), symlink("n", "p")], [whiteout("x")]],
    "without an end of the line": [[Entry("etc/passwd", PASSWD[:-1]), Entry("etc/group", GROUP[:-1])]],
    "a link with a dot at its end": [[*APART, symlink("etc/passwd", "/p/."), symlink("etc/group", "/g/")]],
    "40 links": [[*FILES[1:], *CHAIN, Entry("l39", PASSWD)]],
    "among much": [[Entry("etc/passwd", b"#" * 79 + b"\n" + PASSWD * 9000), Entry("etc/group", GROUP)]],
}
NOT_KNOWING: dict[str, Layers] = {
    "no layers' files": [[Entry("x")]],
    "others": [FILES, OTHER],
    "a whiteout": [FILES, [whiteout("etc/passwd"), whiteout("etc/group")]],
    "a whiteout of the folder": [FILES, [whiteout("etc")]],
    "an opaque whiteout": [FILES, [Entry("etc/.wh..wh..opq")]],
    "folders": [[folder("etc/passwd/"), folder("etc/group/")]],
    "links to themselves": [[symlink("etc/passwd", "passwd"), symlink("etc/group", "group")]],
    "links to nothing": [[*APART, symlink("etc/passwd", "q"), symlink("etc/group", "p/../g")]],
    "a link to a name that is too long": [[Entry("etc/passwd", type="2", pax={"linkpath": "n" * 256})]],
    "a FIFO": [[Entry("etc/passwd", type="6"), Entry("etc/group", type="6")]],
    "a type that nothing is made of": [[Entry("etc/passwd", type="V"), Entry("etc/group", type="V")]],
    "41 links": [[*FILES[1:], *CHAIN, symlink("l39", "l40"), Entry("l40", PASSWD)]],
    "names within names": [[Entry("etc/passwd", b"xapp:x:1:1\napp2:x:2:2\n"), Entry("etc/group", b"staffs:x:1:\n")]],
    "lines that are none": [[Entry("etc/passwd", b"app:x:1\napp:x:-1:0\napp:x:4294967295:0\n")]],
}


def judged(layers: Layers, user: str, work: Path, compression: str = "gzip") -> tuple[Report, list[str]]:
    source = image(*layers, compression=compression, User=user).write(work / "judged")
    report = check_image(str(source))
    return report, [found.clause.id for found in report.findings if found.severity is Severity.ERROR]


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("layers", KNOWING.values(), ids=KNOWING)
def test_somebody_known(layers: Layers, compression: str, tmp_path: Path) -> None:
    report, errors = judged(layers, "app", tmp_path, compression)
    assert errors == []
    assert [result.outcome for result in report.results if result.clause.id == KNOWN] == [Outcome.PASS]
    unpack(image(*layers, User="app"), tmp_path)


@pytest.mark.parametrize("user", ["app", "app:0", "0:staff"])
@pytest.mark.parametrize("layers", NOT_KNOWING.values(), ids=NOT_KNOWING)
def test_somebody_unknown(layers: Layers, user: str, tmp_path: Path) -> None:
    known = user == "0:staff" and any(entry.name == "etc/group" and entry.content == GROUP for entry in layers[-1])
    _report, errors = judged(layers, user, tmp_path)
    assert errors == ([] if known else [KNOWN])
    if not known:
        with pytest.raises(Refused) as caught:
            unpack(image(*layers, User=user), tmp_path)
        assert [found.clause.id for found in caught.value.findings] == [KNOWN]


@pytest.mark.parametrize("user", ["", "0", "7:8", "4294967294:1"])
def test_numbers_need_no_files(user: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts.Accounts, "_scan", None)
    assert judged([[Entry("x")]], user, tmp_path)[1] == []


def test_the_finding_says_who_and_where(tmp_path: Path) -> None:
    (found,) = judged([OTHER], "app", tmp_path)[0].findings
    assert found.message == "Config.User names 'app', but /etc/passwd of the image has no such user"
    assert found.location.pointer == "/config/User"
    assert found.location.line is not None


def test_a_file_that_is_too_large_is_left_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocivalidate.image.layers.users.LARGEST", 1000)
    report, errors = judged([[Entry("etc/passwd", b"x\n" * 600)]], "app", tmp_path)
    (result,) = (result for result in report.results if result.clause.id == KNOWN)
    assert (errors, result.outcome, result.reason) == ([], Outcome.SKIP, "/etc/passwd has more than 1000 bytes")


def test_files_beyond_what_is_kept_are_found_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "_MOST_KEPT", 100)
    many = [Entry(f"{number}/passwd", b"x" * 30) for number in range(9)]
    assert judged([[*many, *FILES]], "app:staff", tmp_path)[1] == []


def test_images_that_share_layers_are_looked_at_a_bounded_number_of_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "_ALWAYS", 0)
    reads: list[int] = []

    def counted(*given: Any, **more: Any) -> bool:
        reads.append(1)
        return stacks.Rereading._scan(*given, **more)

    monkeypatch.setattr(accounts.Accounts, "_scan", counted)
    base, upper = Layer(tars.tar(FILES)), [Layer(tars.tar([Entry("x", text)])) for text in (b"1", b"2")]
    images = [
        Image((base, upper[number % 2]), name=str(number), config={"config": {"User": "app"}, "author": str(number)})
        for number in range(60)
    ]
    report = check_image(str(Layout(Index(images)).write(tmp_path / "image")))
    assert [found for found in report.findings if found.severity is Severity.ERROR] == []
    assert len(reads) <= 17 * 3
