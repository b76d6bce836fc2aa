"""Witnesses on whole images: the layouts of ``fixtures/layouts`` that break what no single document can break."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ocivalidate import resources
from ocivalidate.image.layers.judging import BROKEN, PAYLOAD
from ocivalidate.image.layers.problems import SUMMARIES

if TYPE_CHECKING:
    from fixtures.layouts.witnesses import ImageWitness


def layouts() -> Any:
    """The package that builds layouts."""
    return resources.load_package("fixtures", "layouts")


@functools.cache
def image_witness(clause_id: str) -> ImageWitness | None:
    """The witness for a clause on files, blobs, layers or several documents; ``None`` when it has none of this sort."""
    found: ImageWitness | None = layouts().WITNESSES.get(clause_id)
    if found is not None:
        return found
    kinds = [kind for kind, broken in BROKEN.items() if broken.clause == clause_id]
    if not kinds:
        return None
    witness: ImageWitness | None = layouts().layer_witness(SUMMARIES[kinds[0]], frozenset(kind.value for kind in kinds))
    return witness


def claimed() -> set[str]:
    """Every clause that is judged on whole images, beside those that single documents can break."""
    return {*layouts().WITNESSES, *PAYLOAD.values(), *(broken.clause for broken in BROKEN.values())}
