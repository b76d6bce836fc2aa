"""Judges the layers of an image applied in order: entries that cannot be written although each layer is valid alone.

The hashes of paths from the pass over each layer show that almost no image needs a second pass: if no directory of one
layer is a file or a link in another, and no hard link refers to another layer, nothing depends on the layers below.
Otherwise the layers are read once more, and :mod:`ocivalidate.image.layers.stack` takes their entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from ocivalidate.image.context import ImageContext
from ocivalidate.image.graph import Image, Reference
from ocivalidate.image.layers import judging
from ocivalidate.image.layers.blob import BlobFacts, BlobRequest, certain, single_pass
from ocivalidate.image.layers.facts import TarFacts, Used
from ocivalidate.image.layers.feeding import Inline
from ocivalidate.image.layers.limits import LayerLimits
from ocivalidate.image.layers.paths import normalise
from ocivalidate.image.layers.problems import shown
from ocivalidate.image.layers.scan import TarScanner, kind_of
from ocivalidate.image.layers.stack import Fault, Stack
from ocivalidate.image.sources.source import Source
from ocivalidate.rules.declared import judges
from ocivalidate.rules.findings import Location
from ocivalidate.rules.ledger import Ledger
from ocivalidate.system.reasons import reason

# How often, in total, layers are read again for images that share them: an index may list any number of images.
_MOST_AGAIN, _ALWAYS = 16, 1 << 32
# How many files and directories the layers of one image may make, as a multiple of the limit on one layer.
_MOST_NAMES = 4


class Trail(NamedTuple):
    """The entries of a layer as they came, so that it need not be read again for what depends on several layers.

    ``entries``: name, type, link, size, and whether it is sparse. ``content``: that of files with the names of which
    the content may be asked for, by the number of the entry from 1 on; ``None`` for a sparse one.
    """

    entries: Sequence[tuple[bytes, bytes, bytes, int, bool]]
    content: Mapping[int, bytes | None]


Trails = Callable[[str, BlobRequest], Trail]
"""Gives the trail of the layer at a path, which the request reads if need be. Raises :class:`OSError`."""

Given = tuple[Source, dict[str, BlobFacts], set[str], ImageContext, Ledger, LayerLimits, Trails | None]


class Rereading:
    """Reads layers again, for what depends on several of them. ``facts`` and ``sound`` are those of the blobs."""

    def __init__(
        self,
        source: Source,
        facts: dict[str, BlobFacts],
        sound: set[str],
        context: ImageContext,
        ledger: Ledger,
        limits: LayerLimits,
        trails: Trails | None = None,
    ) -> None:
        self._trails = trails
        self._source = source
        self._facts = facts
        self._sound = sound
        self._context = context
        self._ledger = ledger
        self._limits = limits
        # Bytes of tars that may still be read again, so that work grows with the image, not with the references to it.
        self._left = _ALWAYS + _MOST_AGAIN * sum(found.inflated for found in facts.values() if found.tar)

    def _may_read(self, size: int) -> bool:
        """Whether this many bytes of tars may be read again; they then count as read."""
        self._left -= size
        return self._left >= 0

    def _scan(self, layer: Reference, scanner: Replayer, *, exact: bool) -> bool:
        """Feed a layer to a scanner; False: the fast library rejected a valid stream.

        Raises :class:`OSError`.
        """
        opener, size = self._source.opener(layer.path), self._facts[layer.path].size
        request = BlobRequest(opener, (), layer=True, diff_algorithms=(), size=size, limits=self._limits)
        if self._trails is not None and scanner.follows:
            scanner.follow(self._trails(layer.path, request))
            return True
        facts = single_pass(request, lambda _more: None, Inline(), scanner, exact=exact)
        return exact or certain(facts)


class Stacks(Rereading):
    """Judges the stacks of all images of one source."""

    def __init__(self, *given: *Given) -> None:
        super().__init__(*given)
        self._known: set[tuple[str, ...]] = set()
        self._told: set[tuple[str, str, Fault]] = set()

    def judge(self, image: Image) -> None:
        """Judge what depends on lower layers, as far as these are valid."""
        stack = sound_layers(image, self._facts, self._sound)
        paths = tuple(layer.path for layer in stack)
        if not stack or paths in self._known:
            return
        self._known.add(paths)
        self._ledger.judged(judging.PARENT, judging.LINK_TARGET)
        tars = [tar for path in paths if (tar := self._facts[path].tar) is not None]
        if not needs_a_second_look(tars, self._limits.entries):
            return
        if not self._may_read(sum(tar.size for tar in tars)):
            self._ledger.leave_open(judging.PARENT, "too many images share these layers")
            return
        if self._replay(stack, exact=False) is None:
            self._replay(stack, exact=True)

    def _replay(self, stack: list[Reference], *, exact: bool) -> bool | None:
        """Report what cannot be written; ``None``: the fast library rejected a valid stream."""
        found: list[tuple[Reference, list[tuple[str, Fault]]]] = []
        model = Stack(self._limits.entries)
        for number, layer in enumerate(stack):
            model.begin_layer(number)
            faults: list[tuple[str, Fault]] = []
            found.append((layer, faults))
            if not self._read(layer, model, faults, exact=exact):
                return None
            if faults:
                # Anything above would be a guess.
                break
            if model.names > _MOST_NAMES * self._limits.entries:
                self._ledger.leave_open(judging.PARENT, "the layers make too many files")
                break
        for layer, faults in found:
            for member, fault in faults:
                self._tell(layer, member, fault)
        return True

    def _read(self, layer: Reference, model: Stack, faults: list[tuple[str, Fault]], *, exact: bool) -> bool:
        try:
            return self._scan(layer, Replayer(self._limits, model, faults), exact=exact)
        except OSError as problem:
            self._ledger.error(judging.PARENT, f"{layer.path}: {reason(problem)}")
            return True

    def _tell(self, layer: Reference, member: str, fault: Fault) -> None:
        key = (layer.path, member, fault)
        if key in self._told:
            return
        self._told.add(key)
        tell_fault(layer, member, fault, self._facts[layer.path], self._context, self._ledger)


@judges(judging.PARENT, judging.NAME, judging.THROUGH_LINK, judging.LINK_TARGET, judging.LIMIT)
def tell_fault(
    layer: Reference, member: str, fault: Fault, facts: BlobFacts, context: ImageContext, ledger: Ledger
) -> None:
    """Report that an entry of a layer cannot be written over the layers below."""
    links = facts.tar.hardlinks if facts.tar is not None and fault.clause == judging.LINK_TARGET else ()
    later = any(link.later and link.member == member for link in links)
    message = "a hard link comes before its target" if later else fault.message
    place = Location(context.shown(layer.path), digest=str(layer.digest or ""), member=member)
    ledger.add(fault.clause, place, message, got=fault.got)


def sound_layers(image: Image, facts: dict[str, BlobFacts], sound: set[str]) -> list[Reference]:
    """The lowest layers below the first one with an error: anything above it would be a guess."""
    stack = []
    for layer in image.layers:
        found = facts.get(layer.path)
        if layer.path not in sound or found is None or found.tar is None or not is_sound(found):
            break
        stack.append(layer)
    return stack


def is_sound(facts: BlobFacts) -> bool:
    """Whether nothing in a layer itself keeps it from being unpacked."""
    return facts.tar is not None and judging.fatal_kinds().isdisjoint(facts.counts)


def needs_a_second_look(tars: list[TarFacts], most_folders: int) -> bool:
    """Whether an entry of these layers may depend on another layer, or they make too many directories in total.

    Hashes with different keys cannot be compared.
    """
    if any(tar.hardlinks_unknown for tar in tars):
        return True
    used = [tar.used for tar in tars if tar.used is not None]
    if sum(one.folders for one in used) > most_folders or len({one.key for one in used}) > 1:
        return True
    return len(used) > 1 and _meet(used)


def _meet(used: Iterable[Used]) -> bool:
    """Whether a directory that holds entries of one layer is something else in another."""
    distinct = {id(one): one for one in used}.values()
    above: set[int] = set()
    for one in distinct:
        above.update(one.above)
    return any(not above.isdisjoint(one.solid) for one in distinct)


class Replayer(TarScanner):
    """Hands the entries of a layer to the model, and keeps the first ones that cannot be written.

    ``follows``: a trail has all that it asks for.
    """

    follows = True

    def __init__(self, limits: LayerLimits, model: Stack, faults: list[tuple[str, Fault]]) -> None:
        super().__init__(limits)
        self._model = model
        self._faults = faults

    def _entry(self, name: bytes, kind: bytes, link: bytes, size: int, block: bytes) -> None:
        super()._entry(name, kind, link, size, block)
        self._hand_on(name, kind, link)

    def follow(self, trail: Trail) -> None:
        """Take the entries of a trail in place of the bytes of the layer."""
        for name, kind, link, _size, _sparse in trail.entries:
            self._hand_on(name, kind, link)

    def _hand_on(self, name: bytes, kind: bytes, link: bytes) -> None:
        fault = self._model.add(normalise(name).text, kind_of(name, kind), link)
        if fault is not None and len(self._faults) < self._limits.problems:
            self._faults.append((shown(name), fault))
