"""A disk that is full where an audit keeps what it reads: one line, and no verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.registries.content import images
from fixtures.registries.storing import FORMS
from ocivalidate.audit import tables
from ocivalidate.audit.api import audit
from ocivalidate.rules.findings import ExitCode, exit_code


@pytest.mark.parametrize("pages", [5, 30, 33])
@pytest.mark.parametrize("form", ["distribution", "blobs"])
def test_a_full_disk_is_one_line(form: str, pages: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database may have so many pages: from then on SQLite says what it says when the disk is full."""
    storage = FORMS[form](tmp_path, images(10)).write()
    monkeypatch.setattr(tables, "_FAST", f"{tables._FAST} PRAGMA max_page_count={pages};")
    report = audit(str(storage.root))
    assert exit_code([report]) is ExitCode.COULD_NOT_JUDGE
    assert report.problem.startswith("the file of what an audit reads cannot be used: ")
    assert report.problem.endswith("TMPDIR says where it is")
