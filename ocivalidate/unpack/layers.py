"""Applies the layers of an image in order, and verifies each while it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ocivalidate.errors import OciValidateError, UnpackError
from ocivalidate.image import blobs
from ocivalidate.image.found import Blob
from ocivalidate.image.graph import Reference
from ocivalidate.image.layers.blob import BlobFacts, BlobRequest, certain, single_pass
from ocivalidate.image.layers.compression import Compression
from ocivalidate.image.layers.feeding import Inline
from ocivalidate.image.layers.gzip_stream import fast_library
from ocivalidate.image.layers.limits import LayerLimits
from ocivalidate.image.sources.source import Source
from ocivalidate.image.stacks import tell_fault
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.refusals import Refused
from ocivalidate.system.reasons import reason
from ocivalidate.unpack.choice import Chosen
from ocivalidate.unpack.entries import LayerReader
from ocivalidate.unpack.extract import Extractor
from ocivalidate.unpack.pipeline import write_layer
from ocivalidate.unpack.verdict import fatal_kinds, refusing
from ocivalidate.vocabulary import digests

Progress = Callable[[int], None]
"""Called with the number of layer bytes read since the last call."""


class TryAgain(OciValidateError):
    """The fast library rejected a valid stream: everything must be written again without it."""


class Layers:
    """The layers of one image; call :meth:`write` for each, from the lowest."""

    def __init__(self, source: Source, chosen: Chosen, selection: Selection, limits: LayerLimits) -> None:
        self._source = source
        self._chosen = chosen
        self._limits = limits
        self._fatal = fatal_kinds(selection)

    def __len__(self) -> int:
        return len(self._chosen.image.layers)

    @property
    def size(self) -> int:
        """How many bytes have to be read."""
        return sum(self._blob(layer).size for layer in self._chosen.image.layers)

    def write(self, number: int, extractor: Extractor, progress: Progress, *, exact: bool) -> None:
        """Write a layer and judge it.

        Raises :class:`Refused` when it does not match the image, :class:`UnpackError`, :class:`TryAgain`.
        """
        layer = self._chosen.image.layers[number]
        blob = self._blob(layer)
        request = self._request(layer, blob)
        reader = LayerReader(self._limits, extractor, self._fatal)
        extractor.begin_layer(number)
        try:
            facts = write_layer(request, progress, reader, exact=exact)
            facts = _exactly(facts, request, exact=exact)
        except OSError as error:
            raise UnpackError(f"cannot read {layer.path}: {reason(error)}") from error
        self._judge(layer, blob, facts, reader)

    def _blob(self, layer: Reference) -> Blob:
        if not layer.path:
            raise Refused(f"layer {layer.number} has no valid digest")
        found = self._chosen.context.found.blobs.get(layer.path)
        if found is None:
            raise UnpackError(f"layer {layer.number} is absent: {layer.path}")
        return found

    def _request(self, layer: Reference, blob: Blob) -> BlobRequest:
        known = [digest for digest in (layer.digest,) if digest is not None and not digests.unverifiable(digest)]
        wanted = [digest for digest in (self._diff_id(layer),) if not digests.unverifiable(digest)]
        algorithms, diff_algorithms = (tuple(digest.algorithm for digest in found) for found in (known, wanted))
        # One of the two is enough: the configuration names the uncompressed layer, the manifest its bytes.
        if not algorithms and not diff_algorithms:
            reason = digests.unverifiable(layer.digest or self._diff_id(layer))
            raise UnpackError(f"layer {layer.number} cannot be verified: {reason}")
        opener = self._source.opener(layer.path)
        return BlobRequest(opener, algorithms, True, diff_algorithms, blob.size, limits=self._limits)

    def unverified(self) -> Iterator[str]:
        """Lines on digests that were not compared, though each layer was verified by another one."""
        image, unverified = self._chosen.image, self._chosen.context.unverified
        for reference in (image.manifest, image.config_reference):
            if reference is not None and reference.path in unverified:
                yield f"the {reference.role} is not verified: {unverified[reference.path]}"
        for layer in image.layers:
            for what, digest in (("digest", layer.digest), ("diffID", self._diff_id(layer))):
                reason = digests.unverifiable(digest) if digest is not None else ""
                if reason:
                    other = "diffID" if what == "digest" else "digest"
                    yield f"layer {layer.number} is verified by its {other} alone: {reason}"

    def _diff_id(self, layer: Reference) -> digests.Digest:
        entries = self._chosen.image.diff_ids or []
        found = digests.parse(str(entries[layer.number].value))
        if found is None:
            raise Refused(f"the diffID of layer {layer.number} is not a valid digest")
        return found

    def _judge(self, layer: Reference, blob: Blob, facts: BlobFacts, reader: LayerReader) -> None:
        context, ledger, image = self._chosen.context, self._chosen.ledger, self._chosen.image
        sound = blobs.judge_blob(blob, facts, context, ledger)
        expected = self._diff_id(layer)
        same = expected in facts.diff_ids or digests.unverifiable(expected) != ""
        if sound and not same and facts.diff_ids:
            blobs.judge_diff_ids(image, {layer.path: facts}, {layer.path}, context, ledger)
        findings, fault = refusing(ledger.findings()), reader.fault
        if fault is not None and sound and not findings:
            tell_fault(layer, *fault, facts, context, ledger)
            findings = refusing(ledger.findings())
        if findings or not sound or not same or reader.unwritten:
            why = f"{fault[0]}: {fault[1].message}" if fault else facts.failure or "it does not match the image"
            reason = "" if findings else f": {why}"
            raise Refused(f"layer {layer.number} is not unpacked{reason}", findings)


def _exactly(facts: BlobFacts, request: BlobRequest, *, exact: bool) -> BlobFacts:
    """The facts, checked again with the standard library if the fast one reported a problem."""
    if exact or facts.compression is not Compression.GZIP or fast_library() is None or certain(facts):
        return facts
    found = single_pass(request, lambda _more: None, Inline(), exact=True)
    if certain(found):
        raise TryAgain
    return found
