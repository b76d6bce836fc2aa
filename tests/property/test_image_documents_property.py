"""Whatever stands in a document of an image, it is judged: never a crash, and findings that point into the document."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from ocivalidate.image.documents.subjects import SUBJECTS
from ocivalidate.jsontext.pointers import parse_pointer
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.witnesses import base_document
from ocivalidate.vocabulary.versions import IMAGE_CHOICES
from tests.imagedocs import findings

BASES = {
    "image-config": "image-config.json",
    "image-manifest": "image-artifact.json",
    "image-index": "image-index.json",
    "image-descriptor": "image-descriptor.json",
    "image-layout": "image-layout.json",
}
TEXTS = st.sampled_from(
    [
        "",
        "x",
        "2",
        "sha256:",
        f"sha256:{'0a' * 32}",
        "a/b",
        "https://a/",
        "e30=",
        "layers",
        "1.0.0",
        "A=b",
        "a:b:c",
        "\0",
        "\ud7ff",
        "ä",
    ]
) | st.text(max_size=5)
SCALARS = st.none() | st.booleans() | st.integers() | st.sampled_from([0, 2, 2**63, 1.0, 0.5, -1]) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["mediaType", "digest", "size", "platform", "os", "annotations", "data", ""]) | TEXTS,
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
EVERYTHING = Selection(select=("image", "safety", "lint"))


def places(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to all that is inside a value."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, member in members for place in ((*before, key), *places(member, (*before, key)))]


@st.composite
def tampered(draw: st.DrawFn, kind: str) -> Any:
    """A sound document with a few values replaced, taken away or added."""
    document = copy.deepcopy(base_document(BASES[kind]))
    for _ in range(draw(st.integers(1, 4))):
        found = places(document)
        if not found:
            return draw(VALUES)
        *outer, last = draw(st.sampled_from(found))
        inner = document
        for key in outer:
            inner = inner[key]
        if draw(st.integers(0, 5)):
            inner[last] = draw(VALUES)
        else:
            del inner[last]
    return document


@pytest.mark.parametrize("kind", BASES)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_document_is_judged(kind: str, data: st.DataObject) -> None:
    document = data.draw(tampered(kind) | VALUES)
    release = data.draw(st.sampled_from(IMAGE_CHOICES))
    text = json.dumps(document).encode()
    for finding in findings(kind, text, release, data.draw(st.sampled_from([Selection(), EVERYTHING]))):
        assert finding.severity.rank <= finding.clause.severity.rank
        assert finding.clause.subject in SUBJECTS[kind].subjects
        inner: Any = document
        for token in parse_pointer(finding.location.pointer or ""):
            inner = inner[int(token) if isinstance(inner, list) else token]
