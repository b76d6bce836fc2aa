"""Witnesses that are whole images: layouts of ``fixtures/layouts``, for clauses that no single document can break."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ocivalidate import resources
from ocivalidate.image.layers.problems import SUMMARIES, Kind

if TYPE_CHECKING:
    from fixtures.layouts.served import ServedWitness
    from fixtures.layouts.witnesses import ImageWitness


def layouts() -> Any:
    """The package that builds layouts."""
    return resources.load_package("fixtures", "layouts")


def served_witness(clause_id: str) -> ServedWitness | None:
    """The witness for a clause on what a registry says beside the content; ``None`` if it has no such witness."""
    found: ServedWitness | None = layouts().SERVED.get(clause_id)
    return found


@functools.cache
def image_witness(clause_id: str) -> ImageWitness | None:
    """The witness for a clause on files, blobs, layers, several documents or storage; ``None`` if it has none."""
    found: ImageWitness | None = layouts().WITNESSES.get(clause_id) or layouts().STORAGE.get(clause_id)
    if found is not None:
        return found
    layer = layouts().LAYERS.get(clause_id)
    if layer is None:
        return None
    text = SUMMARIES[Kind(layer.partition("/")[0])]
    witness: ImageWitness = layouts().layer_witness(layer, text)
    return witness
