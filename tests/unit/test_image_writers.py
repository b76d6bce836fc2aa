"""Nothing that a known tool writes is called broken: exit code 0, and nothing but notes or a warning with its reason.

The forms are rebuilt from what the tools document and from their sources; `tests/integration` has images of the tools
themselves, as far as they are here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.layouts import Layout
from ocivalidate.cli import main
from ocivalidate.image.api import check_image
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import ExitCode, exit_code
from tests.writers import artifacts, builders, saved
from tests.writers.forms import Form, written

FORMS = {
    f"{family}: {name}": form
    for family, forms in (("builder", builders.FORMS), ("artifact", artifacts.FORMS), ("saved", saved.FORMS))
    for name, form in forms.items()
}
LAYOUTS = {name: form for name, form in FORMS.items() if isinstance(form.make(), Layout)}


def parameters(forms: dict[str, Form]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("form", forms.values(), ids=forms.keys())


@parameters(FORMS)
def test_it_is_accepted(form: Form, tmp_path: Path) -> None:
    report = check_image(str(written(form, tmp_path)))
    assert report.problem == ""
    assert exit_code([report]) is ExitCode.CONFORMS
    told = {finding.clause.id: finding.message for finding in report.findings if finding.severity is not Severity.NOTE}
    assert told.keys() == form.warns.keys(), told
    assert all(form.warns.values())
    assert ("incomplete" in report.facts) == form.incomplete


@parameters(LAYOUTS)
def test_every_blob_of_it_counts(form: Form, tmp_path: Path) -> None:
    layout = form.make()
    assert isinstance(layout, Layout)
    whole = Layout.copy(layout)
    named = b"".join(data for path, data in whole.files.items() if data[:1] in b"{[" and path != "manifest.json")
    blobs = [path for path, data in whole.files.items() if data and path.rpartition("/")[2].encode() in named]
    assert blobs
    for number, path in enumerate(blobs):
        spoilt = whole.copy()
        spoilt.files[path] = bytes([spoilt.files[path][0] ^ 1]) + spoilt.files[path][1:]
        report = check_image(str(spoilt.write(tmp_path / str(number))))
        assert exit_code([report]) is ExitCode.FINDINGS, path


@parameters({name: form for name, form in FORMS.items() if form.unpack is not None and "artifact" not in name})
def test_it_can_be_unpacked(form: Form, tmp_path: Path) -> None:
    options = [str(word) for word in form.unpack or ()]
    assert main(["unpack", "-q", str(written(form, tmp_path)), str(tmp_path / "bundle"), *options]) == 0
