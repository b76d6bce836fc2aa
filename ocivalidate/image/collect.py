"""The ledger of an image: many documents and blobs come to one result for each clause."""

from __future__ import annotations

from collections.abc import Mapping

from ocivalidate.image.causes import Causes
from ocivalidate.rules.clauses import Clause, Selection
from ocivalidate.rules.ledger import Ledger, Place

__all__ = ["Collector", "Place", "open_ledger"]

Collector = Ledger


def open_ledger(clauses: Mapping[str, Clause], selection: Selection) -> Ledger:
    """A ledger that tells one defect once (``causes.py``)."""
    return Ledger(clauses, selection, causes=Causes())
