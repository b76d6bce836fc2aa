"""What ``report`` writes of a few runs, one of them hostile: text, Markdown and JSON, and what changed between two."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ocivalidate.matrix import json_changes, json_matrix, markdown, text, text_changes
from ocivalidate.matrix.changes import difference
from ocivalidate.matrix.model import matrix
from ocivalidate.report.painting import plain
from tests.matrices import AFTER, BEFORE, BUNDLE, RUNS

Golden = Callable[[str, str], None]
WHOLE = matrix(RUNS)
CHANGED = difference(matrix(BEFORE), matrix(AFTER))
WRITTEN = {
    "matrix.txt": lambda: plain(text.lines(WHOLE)),
    "matrix.markdown": lambda: markdown.pieces(WHOLE),
    "matrix.json": lambda: json_matrix.pieces(matrix([BUNDLE]), "1.2.3"),
    "matrix-changes.txt": lambda: plain(text_changes.lines(CHANGED)),
    "matrix-changes.markdown": lambda: markdown.changes(CHANGED),
    "matrix-changes.json": lambda: json_changes.pieces(CHANGED, "1.2.3"),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written(golden: Golden, name: str) -> None:
    golden(name, "".join(WRITTEN[name]()))
