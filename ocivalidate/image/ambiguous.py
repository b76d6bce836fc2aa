"""Archives that readers may take for different images: ``manifest.json`` beside a layout, or with ambiguous members."""

from __future__ import annotations

from ocivalidate.errors import Unreadable
from ocivalidate.image.comparing import CONTENT
from ocivalidate.image.context import ImageContext
from ocivalidate.image.found import Saved
from ocivalidate.image.limits import Limits
from ocivalidate.image.sources import docker_archive
from ocivalidate.image.sources.docker_archive import MEMBERS
from ocivalidate.image.sources.source import FILE, INDEX_JSON, LINK, MANIFEST_JSON, Source
from ocivalidate.jsontext.documents import Document
from ocivalidate.jsontext.pointers import parse_pointer
from ocivalidate.rules.declared import judges
from ocivalidate.rules.findings import Location
from ocivalidate.rules.ledger import Ledger
from ocivalidate.vocabulary import digests
from ocivalidate.vocabulary.wording import shortened

AMBIGUOUS = "safety/image.archive.ambiguous"
_SHOWN = 60
# The number of tokens in the pointer to a member of an entry.
_IN_ENTRY = 2


@judges(CONTENT)
def judge_saved(saved: Saved, context: ImageContext, ledger: Ledger) -> None:
    """Judge the manifest.json that the images were taken from."""
    _judge_names(saved.manifest.document, context, ledger)
    for path, (named, computed) in saved.configs.items():
        if named is None:
            continue
        ledger.judged(CONTENT)
        if named != computed:
            place = Location(context.shown(path), digest=str(named))
            message = "the name of a config is not the digest of its content"
            ledger.add(CONTENT, place, message, got=str(computed), want=str(named))


@judges(AMBIGUOUS)
def _judge_names(document: Document, context: ImageContext, ledger: Ledger) -> None:
    """Members that differ only in case are the same to docker, but not to case-sensitive readers."""
    ledger.judged(AMBIGUOUS)
    file = context.shown(MANIFEST_JSON)
    for problem in document.problems:
        place = parse_pointer(problem.pointer)
        if problem.kind == "duplicate-name" and len(place) == _IN_ENTRY and place[-1].casefold() in MEMBERS:
            message = f"a member occurs twice in an object: {shortened(place[-1], _SHOWN)}"
            ledger.add(AMBIGUOUS, Location(file, f"/{place[0]}"), message)
    for number, entry in enumerate(document.value):
        seen: dict[str, str] = {}
        for name in entry:
            first = seen.setdefault(name.casefold(), name)
            if first is not name and name.casefold() in MEMBERS:
                message = f"two members differ only in case: {shortened(first, _SHOWN)} and {shortened(name, _SHOWN)}"
                ledger.add(AMBIGUOUS, Location(file, f"/{number}"), message)


@judges(AMBIGUOUS)
def judge_beside_index(context: ImageContext, limits: Limits, ledger: Ledger) -> None:
    """Compare the manifest.json beside an index.json with what the index refers to: readers use one or the other.

    A manifest.json in another format is any other file. An absent manifest may have that config.
    """
    found, source = context.found, context.source
    if any(reference.kind in ("index", "manifest") for every in found.absent.values() for reference in every):
        return
    if found.spoilt or not docker_archive.is_there(source, limits.document):
        return
    try:
        images = docker_archive.read_images(source, limits.document).images
    except Unreadable:
        return
    ledger.judged(AMBIGUOUS)
    known = {image.config_reference.digest for image in found.images if image.config_reference is not None}
    if any(digest is None or digests.unverifiable(digest) for digest in known):
        return
    algorithms = {digest.algorithm for digest in known if digest is not None}
    read: dict[str, bool] = {}
    for image in images:
        if image.config not in read:
            read[image.config] = _is_one_of(known, algorithms, image.config, source, limits)
        if not read[image.config]:
            place = Location(context.shown(MANIFEST_JSON), f"/{image.number}/Config")
            message = (
                f"{MANIFEST_JSON} refers to an image that {INDEX_JSON} does not refer to: readers pick one or the other"
            )
            ledger.add(AMBIGUOUS, place, message, got=shortened(image.config, _SHOWN))


def _is_one_of(
    known: set[digests.Digest | None], algorithms: set[str], path: str, source: Source, limits: Limits
) -> bool:
    """Whether a config has one of these digests. An absent config refers to nothing."""
    entry = source.entry(path)
    if entry is None or entry.kind not in (FILE, LINK) or entry.size > limits.document:
        return True
    data = source.read(path, limits.document)
    return not known.isdisjoint(digests.of(data, algorithm) for algorithm in algorithms)
