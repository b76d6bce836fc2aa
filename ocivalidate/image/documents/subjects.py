"""The types of image documents, each of which can be judged by itself."""

from __future__ import annotations

from collections.abc import Mapping

from ocivalidate.image.documents import registry
from ocivalidate.rules.checks import Registry
from ocivalidate.rules.declared import judged_by_table
from ocivalidate.rules.judge import PROBLEM_CLAUSES, DocumentType

PROBLEMS: Mapping[str, str] = PROBLEM_CLAUSES | {
    "syntax": "image/considerations.json.syntax",
    "encoding": "image/considerations.json.utf8",
    "duplicate-name": "image/considerations.json.no-duplicate-names",
    "lone-surrogate": "image/considerations.i-json.surrogates",
}
KEY_UNIQUE = "image/annotations.key-unique"
BY_CASE = "safety/image.members.case"
judged_by_table(__name__, "PROBLEMS", set(PROBLEMS.values()) - set(PROBLEM_CLAUSES.values()))
judged_by_table(__name__, "KEY_UNIQUE", [KEY_UNIQUE])
judged_by_table(__name__, "BY_CASE", [BY_CASE])
_TEXT = ("image-json", "json")
_DESCRIPTORS = ("image-descriptor", "image-annotations")


def _subject(kind: str, checks: Registry, *subjects: str, unique: str = "annotations") -> DocumentType:
    return DocumentType(
        kind,
        frozenset({kind, *subjects, *_TEXT}),
        checks,
        problems=PROBLEMS,
        unique={unique: KEY_UNIQUE} if unique else {},
        audience="tools",
        by_case=BY_CASE,
    )


LAYOUT = _subject("image-layout", registry.LAYOUT, unique="")
INDEX = _subject("image-index", registry.INDEX, *_DESCRIPTORS)
MANIFEST = _subject("image-manifest", registry.MANIFEST, *_DESCRIPTORS)
# Labels follow the rules of annotations.
CONFIG = _subject("image-config", registry.CONFIG, "image-annotations", unique="Labels")
DESCRIPTOR = _subject("image-descriptor", registry.DESCRIPTOR, *_DESCRIPTORS)

# Document type → how it is judged.
SUBJECTS: Mapping[str, DocumentType] = {
    subject.kind: subject for subject in (LAYOUT, INDEX, MANIFEST, CONFIG, DESCRIPTOR)
}
