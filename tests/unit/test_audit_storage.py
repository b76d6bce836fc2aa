"""What an audit finds in a storage: every clause by its witness, and nothing else; what breaks by it, and what not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fixtures.layouts import STORAGE, Artifact, Image, Index, Layer, Layout, Tree, blob_path, tar, zot
from fixtures.layouts.storage import ROOT, other, written
from fixtures.layouts.tars import Entry
from ocivalidate.audit.api import audit
from ocivalidate.audit.book import Book
from ocivalidate.audit.options import AuditOptions
from ocivalidate.rules.clauses import Severity, load
from ocivalidate.rules.findings import ExitCode, Report, exit_code
from tests.saved import sha256
from tests.unit.audit.storages import repository

CONTENT = "image/image-layout.blobs.content-matches"


def clauses(report: Report) -> list[str]:
    return [finding.clause.id for finding in report.findings]


def states(report: Report) -> dict[str, str]:
    """How each tag fares that is not sound."""
    return {f"{one['repository']}:{one['name']}": one["state"] for one in report.facts["not_sound"]}


@pytest.mark.parametrize("clause", STORAGE)
def test_a_witness_breaks_its_clause_and_nothing_else(clause: str, tmp_path: Path) -> None:
    report = audit(str(STORAGE[clause].breaks(tmp_path / "storage")))
    assert clauses(report) == [clause]
    wanted = ExitCode.FINDINGS if load()[clause].severity is Severity.ERROR else ExitCode.CONFORMS
    assert exit_code([report]) is wanted


def test_every_clause_on_storage_has_a_witness() -> None:
    assert STORAGE.keys() == set(load("storage"))


def sound() -> Tree:
    tree = Tree()
    tree.push("app", Image())
    tree.push("app", Index((Image(name=None), other())), "all")
    tree.push("library/base", other(), "v1")
    tree.push("library/base", Artifact(subject=Image(name=None)), "signature")
    return tree


def test_a_sound_storage_has_no_findings(tmp_path: Path) -> None:
    report = audit(str(sound().write(tmp_path)))
    assert (report.findings, report.problem, exit_code([report])) == ((), "", ExitCode.CONFORMS)
    assert report.facts["images"] == {"sound": 4, "broken": 0, "incomplete": 0, "unjudged": 0}
    assert report.facts["unreferenced"] == {"blobs": 0, "bytes": 0, "certain": True}


def test_a_damaged_blob_is_told_once_with_all_that_break_by_it(tmp_path: Path) -> None:
    tree = sound()
    layer = Layer().to_bytes()
    path = tree.data(tree.add(layer))
    tree.files[path] = layer[:-1] + b"x"
    report = audit(str(tree.write(tmp_path)))
    assert clauses(report) == [CONTENT]
    found = report.findings[0]
    assert found.location.file == f"{tmp_path}/{path}"
    assert found.hint.startswith("breaks app:all, app:latest, library/base:signature")
    assert states(report) == {"app:all": "broken", "app:latest": "broken", "library/base:signature": "broken"}


def test_only_what_is_selected_is_judged(tmp_path: Path) -> None:
    tree = sound()
    del tree.files[tree.data(tree.push("broken", Image((Layer(tar([Entry("a")])),)), "v2"))]
    tree.add(b"nobody's")
    folder = str(tree.write(tmp_path))
    # What was nobody's; whose layer and configuration those of what is gone are is not known any more.
    assert sorted(clauses(audit(folder))) == ["storage/blob.unreferenced", "storage/tag.target"]
    some = audit(folder, options=AuditOptions(repositories=("app", "library/*")))
    assert (some.findings, some.facts["repositories"]["count"]) == ((), 2)
    tagged = audit(folder, options=AuditOptions(tags=("v*",)))
    assert clauses(tagged) == ["storage/tag.target"]
    assert tagged.facts["images"] == {"sound": 1, "broken": 1, "incomplete": 0, "unjudged": 0}


def test_an_absent_manifest_is_one_defect_however_many_repositories_name_it(tmp_path: Path) -> None:
    tree = sound()
    root = tree.push("other", other(), "v3")
    del tree.files[tree.data(root)]
    report = audit(str(tree.write(tmp_path)))
    told = [finding for finding in report.findings if finding.clause.severity is Severity.ERROR]
    assert [finding.clause.id for finding in told] == ["storage/tag.target"]
    assert told[0].hint == "breaks app:all, library/base:v1, other:v3"
    assert states(report) == {"app:all": "incomplete", "library/base:v1": "broken", "other:v3": "broken"}


def test_a_manifest_that_no_tag_leads_to_is_judged_too(tmp_path: Path) -> None:
    tree = sound()
    root = tree.push("app", Image((Layer(tar([Entry("a")]), diff_id="sha256:" + "0" * 64),)), "gone")
    for path in [path for path in tree.files if "/tags/gone/" in path]:
        del tree.files[path]
    report = audit(str(tree.write(tmp_path)))
    assert clauses(report) == ["image/config.diffID.uncompressed-tar"]
    assert states(report) == {f"app:@{root}": "broken"}


def test_a_manifest_that_cannot_be_followed_makes_what_is_unreferenced_uncertain(tmp_path: Path) -> None:
    tree = Tree()
    root = tree.push("app", Image())
    tree.files[tree.data(root)] += b" "
    report = audit(str(tree.write(tmp_path)))
    assert report.facts["unreferenced"]["certain"] is False
    assert states(report) == {"app:latest": "broken"}


def test_what_nothing_refers_to_is_verified_too(tmp_path: Path) -> None:
    tree = sound()
    tree.files[tree.data(tree.add(b"nobody's"))] = b"changed"
    assert clauses(audit(str(tree.write(tmp_path)))) == [CONTENT, "storage/blob.unreferenced"]


def test_a_placeholder_of_zot_is_the_blob_for_which_it_stands(tmp_path: Path) -> None:
    layout = Layout(Index((Image(),)))
    blobs = [path for path in layout.files if path.startswith("blobs/")]
    files = zot({"first": layout, "second": layout}, [("second", path) for path in blobs])
    report = audit(str(written({"_global_blobstore_migrated": b"", **files}, tmp_path)))
    assert (report.findings, report.facts["blobs"]) == ((), len(blobs))
    assert report.facts["images"]["sound"] == 2


def test_a_layer_of_an_old_manifest_is_not_unreferenced_and_is_verified(tmp_path: Path) -> None:
    storage = STORAGE["storage/manifest.schema1"].breaks(tmp_path / "storage")
    assert audit(str(storage)).facts["unreferenced"]["blobs"] == 0


@pytest.mark.parametrize("name", [b"fsLayers", b"\\u0066sLayers"])
def test_an_old_manifest_is_known_however_its_names_are_spelt(name: bytes, tmp_path: Path) -> None:
    data = b'{"schemaVersion": 1, "%s": []}' % name
    files = repository("a", manifests={"1": data})
    assert clauses(audit(str(written(files, tmp_path)))) == ["storage/manifest.schema1"]


def test_an_empty_registry_could_not_be_judged(tmp_path: Path) -> None:
    (tmp_path / ROOT / "repositories").mkdir(parents=True)
    report = audit(str(tmp_path))
    assert (report.problem, exit_code([report])) == ("", ExitCode.CONFORMS)


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_what_is_no_storage_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    report = audit(str(tmp_path / name))
    assert report.problem
    assert "\n" not in report.problem
    assert exit_code([report]) is ExitCode.COULD_NOT_JUDGE


def bare(layout: Layout, folder: Path) -> str:
    """The blobs of a layout, and nothing that names them."""
    return str(written({path: data for path, data in layout.files.items() if path.startswith("blobs/")}, folder))


def test_where_nothing_names_blobs_every_manifest_is_judged(tmp_path: Path) -> None:
    wrong = Image((Layer(tar([Entry("a")]), diff_id="sha256:" + "0" * 64),), name=None)
    layout = Layout(Index((Index((Image(name=None), wrong), name="all"),)))
    report = audit(bare(layout, tmp_path))
    assert clauses(report) == ["image/config.diffID.uncompressed-tar"]
    assert report.facts["images"] == {"sound": 1, "incomplete": 0, "unjudged": 0, "broken": 2}
    assert "unreferenced" not in report.facts


def test_where_nothing_names_blobs_nobody_knows_what_should_be_there(tmp_path: Path) -> None:
    layout = Layout(Index((Index((Image(name=None), Image((Layer(tar([Entry("a")])),), name=None)), name="all"),)))
    del layout.files[blob_path(json.loads(layout.files[layout.manifest()[0]])["manifests"][1])]
    report = audit(bare(layout, tmp_path))
    assert (report.findings, exit_code([report])) == ((), ExitCode.CONFORMS)
    assert report.facts["images"] == {"sound": 1, "incomplete": 1, "unjudged": 0, "broken": 0}


DOCUMENTS = {
    "an object": b'{"a": 1}\n',
    "after white space": b' \r\n\t{"a": 2}',
    "after much white space": b" " * 100 + b'{"a": 3}',
    "after a byte order mark": b'\xef\xbb\xbf{"a": 4}',
}
OTHERS = {
    "a layer": Layer(tar([Entry("a", b"{}")])).to_bytes(),
    "a layer whose first name is a brace": tar([Entry("{a}", b"{}")]),
    "an array": b"[{}]",
    "cut off": b'{"a": ',
    "nothing but white space": b" " * 100,
    "random": bytes(range(256)) * 10,
}


def test_where_nothing_names_blobs_only_documents_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bytes] = []
    monkeypatch.setattr(Book, "keep_document", lambda _book, _path, data: kept.append(data))
    every = [*DOCUMENTS.values(), *OTHERS.values()]
    report = audit(str(written({f"blobs/sha256/{sha256(data)}": data for data in every}, tmp_path)))
    assert sorted(kept) == sorted(DOCUMENTS.values())
    assert report.facts["blobs"] == len(every)
    assert report.findings == ()


@pytest.mark.parametrize("size", [2, 4096, 4097, 100_000])
def test_a_document_comes_out_of_the_book_as_it_went_in(size: int) -> None:
    data = b"{" + b" " * (size - 2) + b"}"
    book = Book()
    book.keep_document("a", data)
    assert (book.document("a"), book.document("b")) == (data, None)
    book.close()


def test_a_manifest_after_white_space_is_judged_where_nothing_names_it(tmp_path: Path) -> None:
    data = b"\n" * 100 + b'{"schemaVersion": 3, "mediaType": "application/vnd.oci.image.manifest.v1+json"}'
    report = audit(str(written({f"blobs/sha256/{sha256(data)}": data}, tmp_path)))
    assert report.facts["images"]["broken"] == 1


def test_it_is_a_library_call(tmp_path: Path) -> None:
    """As docs/audit.md shows it, and with a store of one's own."""
    from ocivalidate.audit import AuditOptions as Options, Store as Base, audit as call
    from ocivalidate.audit.stores.recognising import open_store

    folder = str(sound().write(tmp_path))
    report = call(folder, options=Options(repositories=("library/*",)))
    assert [(image["repository"], image["name"]) for image in report.facts["sound"]] == [
        ("library/base", "signature"),
        ("library/base", "v1"),
    ]
    with open_store(folder) as store:
        assert isinstance(store, Base)
        assert call(store).facts["images"] == call(folder).facts["images"]
    with pytest.raises(TypeError):
        call(folder, options=("app",))  # type: ignore[arg-type]  # as people write it


def test_a_blob_where_nobody_looks_is_to_be_moved_and_not_deleted(tmp_path: Path) -> None:
    root = sound().write(tmp_path)
    blobs = next(Path(root).rglob("blobs")) / "sha256"
    folder = next(path for path in sorted(blobs.glob("*/*")) if b"layers" in (path / "data").read_bytes())
    there = blobs / ("00" if folder.parent.name != "00" else "01")
    there.mkdir(exist_ok=True)
    folder.rename(there / folder.name)
    report = audit(str(root))
    [todo] = report.facts["mend"]
    assert "storage/blob.shard" in clauses(report)
    assert todo["what"].startswith(f"move {there / folder.name} below the first two digits of its digest")
