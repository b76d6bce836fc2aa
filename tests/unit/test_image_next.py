"""What the draft after image-spec 1.1.1 changes: each of its clauses, and the same documents by the releases before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import Entry, Image, Index, Layer, Layout, tar
from ocivalidate.image.api import check_image
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.findings import Outcome, Report
from ocivalidate.rules.refusals import Refused
from ocivalidate.unpack.api import UnpackOptions, unpack_image
from ocivalidate.vocabulary import digests
from ocivalidate.vocabulary.versions import IMAGE_RELEASES, NEXT
from tests.imagedocs import changed, told, verdicts

NEWEST = IMAGE_RELEASES[-1]
SHORT, UPPER = "blake3:" + "ab12" * 15, "blake3:" + "AB12" * 16
BARE = Layer(tar([Entry("etc", type="5"), Entry("etc/.wh.")]))
SURROGATES, NONCHARACTERS = "considerations.i-json.surrogates", "considerations.i-json.noncharacters"
NUMBERS = "considerations.i-json.numbers"


def found(kind: str, document: Any, release: str) -> set[tuple[str, str]]:
    """Severity and clause of each finding, without notes."""
    return {(severity, clause) for severity, clause, _ in told(kind, document, release) if severity != "note"}


def outcomes(report: Report) -> dict[str, tuple[Outcome, str]]:
    return {result.clause.id: (result.outcome, result.reason) for result in report.results}


# --- blake3


@pytest.mark.parametrize(("digest", "rule"), [(SHORT, "format"), (UPPER, "no-uppercase")])
def test_a_blake3_digest_of_another_form(digest: str, rule: str) -> None:
    document = changed("image-manifest", ("/config/digest", digest))
    assert found("image-manifest", document, NEWEST) == {("warning", "safety/image.digest.blake3-format")}
    assert found("image-manifest", document, NEXT) == {("error", f"descriptor.digest.blake3-{rule}")}


def test_blake3_is_registered_by_the_draft_alone() -> None:
    assert [name for name in digests.registered(NEXT) if name not in digests.registered(NEWEST)] == ["blake3"]
    assert digests.parse(SHORT) is not None
    assert digests.parse(SHORT, NEXT) is None
    good = "blake3:" + "ab12" * 16
    assert str(digests.parse(good, NEXT)) == good


@pytest.mark.parametrize("digest", [SHORT, UPPER])
def test_diff_ids_and_base_digests_have_its_form(digest: str) -> None:
    document = changed("image-config", ("/rootfs/diff_ids/0", digest))
    assert found("image-config", document, NEWEST) == set()
    assert found("image-config", document, NEXT) == {("error", "config.rootfs.diff_ids.digest")}
    base = "/annotations/org.opencontainers.image.base.digest"
    document = changed("image-manifest", (base, digest))
    assert ("error", "annotations.base-digest.digest") not in found("image-manifest", document, NEWEST)
    assert ("error", "annotations.base-digest.digest") in found("image-manifest", document, NEXT)


def test_names_of_blobs_have_its_form(tmp_path: Path) -> None:
    layout = Layout(Index((Image(),)))
    layout.files["blobs/blake3/abc"] = b"anything"
    target, clause = str(layout.write(tmp_path / "image")), "image/image-layout.blobs.name-charset"
    for release, outcome in ((NEWEST, Outcome.PASS), (NEXT, Outcome.FAIL)):
        assert outcomes(check_image(target, Selection(spec_version=release)))[clause][0] is outcome


def test_what_is_not_computed_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "_blake3", lambda: None)

    def rename(manifest: dict[str, Any]) -> None:
        manifest["layers"][0]["digest"] = name

    name = "blake3:" + "c" * 64
    layout = Layout(Index((Image((Layer(),), edit_manifest=rename),)))
    layout.files[f"blobs/{name.replace(':', '/')}"] = Layer().to_bytes()
    report = check_image(str(layout.write(tmp_path / "image")), Selection(spec_version=NEXT))
    assert "blake3 is not computed here" in outcomes(report)["image/image-layout.blobs.content-matches"][1]
    assert outcomes(report)["image/descriptor.digest.blake3-format"][0] is Outcome.PASS


# --- size


@pytest.mark.parametrize("size", [-1, -(2**63), -(2**63) - 1])
def test_a_negative_size(size: int) -> None:
    document = changed("image-manifest", ("/config/size", size))
    assert found("image-manifest", document, NEWEST) == {("error", "descriptor.size.type")}
    assert ("error", "descriptor.size.not-negative") in found("image-manifest", document, NEXT)
    assert ("error", "descriptor.size.type") not in found("image-manifest", document, NEXT)


@pytest.mark.parametrize("size", ["28", 1.5, 2**63, None])
def test_a_size_that_is_no_64_bit_integer(size: Any) -> None:
    document = changed("image-manifest", ("/config/size", size))
    for release in (NEWEST, NEXT):
        errors = {clause for severity, clause in found("image-manifest", document, release) if severity == "error"}
        assert errors == {"descriptor.size.type"}


def test_the_clause_that_said_so_before_leaves_it_to_the_new_one() -> None:
    data = json.dumps(changed("image-descriptor", ("/size", -1))).encode()
    results = {result.clause.id: result for result in verdicts("image-descriptor", data, NEXT).results}
    assert results["image/descriptor.size.not-negative"].outcome is Outcome.FAIL
    assert results["image/descriptor.size.type"].outcome is Outcome.SKIP
    assert results["image/descriptor.size.type"].reason == "told as image/descriptor.size.not-negative"
    only = Selection(select=("image/descriptor.size.type",))
    told_by = [finding.clause.id for finding in verdicts("image-descriptor", data, NEXT, only).findings]
    assert told_by == ["image/descriptor.size.type"]


@pytest.mark.parametrize("release", IMAGE_RELEASES)
def test_a_sound_document_passes_what_later_releases_say_on_their_own(release: str) -> None:
    data = json.dumps(changed("image-descriptor")).encode()
    results = {result.clause.id: result.outcome for result in verdicts("image-descriptor", data, release).results}
    assert results["image/descriptor.size.type"] is Outcome.PASS
    assert results["safety/image.digest.blake3-format"] is Outcome.PASS
    assert results["safety/json.lone-surrogate"] is Outcome.PASS


# --- whiteouts


def test_a_whiteout_that_names_nothing(tmp_path: Path) -> None:
    target = str(Layout(Index((Image((BARE,)),))).write(tmp_path / "image"))
    told_by = {
        release: [finding.clause.id for finding in check_image(target, Selection(spec_version=release)).findings]
        for release in (NEWEST, NEXT)
    }
    assert told_by == {NEWEST: ["safety/layer.whiteout-name"], NEXT: ["image/layer.whiteout.basename"]}


def test_unpack_still_goes_by_the_clause_of_the_release(tmp_path: Path) -> None:
    target = str(Layout(Index((Image((BARE,)),))).write(tmp_path / "image"))
    with pytest.raises(Refused) as refused:
        unpack_image(target, str(tmp_path / "bundle"))
    assert [finding.clause.id for finding in refused.value.findings] == ["safety/layer.whiteout-name"]
    options = UnpackOptions(ignore=("safety/layer.whiteout-name",))
    unpack_image(target, str(tmp_path / "bundle"), options)
    assert (tmp_path / "bundle" / "config.json").exists()


# --- I-JSON


def _with_member(text: str) -> bytes:
    """A sound manifest with one more member, whose value is written as it stands here."""
    return json.dumps(changed("image-manifest")).encode()[:-1] + b', "tide": ' + text.encode() + b"}"


@pytest.mark.parametrize(
    "number",
    [
        "9007199254740993",
        "-9007199254740993",
        "3.141592653589793238462643383279",
        "1e-400",
        "0.12345678901234567891",
        "1" + "0" * 400,
        "1" * 400,
        '[1, {"a": 9007199254740993}]',
        "1.00000000000000000001",
        "10000000000000000001e5",
    ],
)
def test_a_number_that_no_double_holds(number: str) -> None:
    assert found("image-manifest", _with_member(number), NEXT) == {("warning", NUMBERS)}
    assert found("image-manifest", _with_member(number), NEWEST) == set()


@pytest.mark.parametrize(
    "number",
    [
        "9007199254740992",
        "0.1",
        "1e22",
        "-0",
        "0e999999999999999999999",
        "1.50",
        "123456789.125",
        "1E3",
        "true",
        "100000000000000000000",
        "5e-324",
        "[]",
        "0.30000000000000004",
        "1" + "0" * 22,
        "1152921504606846976",
        "-1152921504606846976.0",
    ],
)
def test_a_number_that_a_double_holds(number: str) -> None:
    assert found("image-manifest", _with_member(number), NEXT) == set()


def test_a_number_beyond_all_doubles_is_told_once() -> None:
    for release in (NEWEST, NEXT):
        assert found("image-manifest", _with_member("1e400"), release) == {("error", "safety/json.number-range")}
        assert found("image-manifest", _with_member("1" * 5000), release) == {("error", "safety/json.number-range")}


def test_half_of_a_pair() -> None:
    for text in ('"\\ud800"', '{"\\udfff": 1}', '["\\ude00\\ud83d"]'):
        assert found("image-manifest", _with_member(text), NEWEST) == {("error", "safety/json.lone-surrogate")}
        assert found("image-manifest", _with_member(text), NEXT) == {("error", SURROGATES)}


@pytest.mark.parametrize("plane", [0, 1, 16])
@pytest.mark.parametrize("last", [0xFFFE, 0xFFFF])
@pytest.mark.parametrize("escaped", [True, False], ids=["escaped", "as it is"])
def test_noncharacters(plane: int, last: int, escaped: bool) -> None:  # noqa: FBT001  # one of two spellings
    letter = chr(plane << 16 | last)
    for value in (letter, {letter: 1}, [f"x{letter}y"]):
        document = _with_member(json.dumps(value, ensure_ascii=escaped))
        assert found("image-manifest", document, NEXT) == {("error", NONCHARACTERS)}
        assert found("image-manifest", document, NEWEST) == set()


@pytest.mark.parametrize("letter", ["\ufdcf", "\ufdf0", "\ufffd", "\U0001fffd", "\U0010fffd", "\0", "\ue000"])
def test_neighbours_of_noncharacters_are_fine(letter: str) -> None:
    assert found("image-manifest", _with_member(json.dumps(letter)), NEXT) == set()


def test_what_json_asked_for_before_is_asked_for_still() -> None:
    twice = b'{"imageLayoutVersion": "1.0.0", "imageLayoutVersion": "1.0.0"}'
    assert found("image-layout", twice, NEXT) == {("error", "considerations.json.no-duplicate-names")}
    marked = b'\xef\xbb\xbf{"imageLayoutVersion": "1.0.0"}'
    assert found("image-layout", marked, NEXT) == {("error", "considerations.json.utf8")}
    only = Selection(select=("image/considerations.i-json",))
    told_by = [finding.clause.id for finding in verdicts("image-layout", twice, NEXT, only).findings]
    assert told_by == ["image/considerations.i-json.no-duplicate-names"]


def test_canonical_json_is_asked_for_no_more() -> None:
    only = Selection(select=("image/considerations.canonical-json",))
    data = json.dumps({"imageLayoutVersion": "1.0.0"}).encode()
    assert len(verdicts("image-layout", data, NEWEST, only).findings) == 1
    assert verdicts("image-layout", data, NEXT, only).results == ()


# --- config


@pytest.mark.parametrize("release", [NEWEST, NEXT])
def test_null_stands_for_an_absent_config_still(release: str) -> None:
    """The draft drops the sentence on config alone: the one on every optional member stays."""
    assert found("image-config", changed("image-config", ("/config", None)), release) == set()
