"""Judges one document of an image by itself."""

from __future__ import annotations

from ocivalidate.image.documents.reading import Read
from ocivalidate.image.documents.subjects import SUBJECTS
from ocivalidate.rules.checks import CheckContext, Node
from ocivalidate.rules.judge import judge
from ocivalidate.rules.ledger import Ledger


def judge_read(read: Read, release: str, ledger: Ledger) -> None:
    """Judge a document as the type it was read as."""
    judge(SUBJECTS[read.kind], read.document, CheckContext(Node(None), release), ledger)
