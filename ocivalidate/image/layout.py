"""Judges the files of an image before their content: which ones exist, and of what type."""

from __future__ import annotations

from ocivalidate.image.context import ImageContext
from ocivalidate.image.sources.source import (
    BLOBS,
    FILE,
    FOLDER,
    INDEX_JSON,
    LEADS_OUT,
    LINK,
    MANIFEST_JSON,
    OCI_LAYOUT,
    OUTSIDE,
    Entry,
)
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.declared import judges
from ocivalidate.rules.findings import Location
from ocivalidate.rules.ledger import Ledger
from ocivalidate.vocabulary.wording import excerpt

BLOBS_EXIST = "image/image-layout.blobs.exists"
LAYOUT_EXISTS = "image/image-layout.oci-layout.exists"
INDEX_EXISTS = "image/image-layout.index-json.exists"
BLOB_KIND = "safety/image.blob.kind"
BLOB_LINK = "safety/image.blob.link"
LINK_OUT = "safety/image.link-out"
LIMIT = "safety/image.limit"
REPEATED = "safety/image.archive.repeated"
# The files that a layout must have.
_FILES = ((OCI_LAYOUT, LAYOUT_EXISTS), (INDEX_JSON, INDEX_EXISTS))


@judges(LIMIT)
def judge_files(context: ImageContext, ledger: Ledger) -> None:
    """Judge the files that the walk looked at, and what kept it from going further."""
    found = context.found
    _judge_repeated(context, ledger)
    if MANIFEST_JSON in found.entries:
        is_outside(found.entries[MANIFEST_JSON], context, ledger)
    if found.is_layout:
        _judge_layout(context, ledger)
    for path, references in found.references.items():
        judge_blob_file(path, found.entries[path], str(references[0].digest or ""), context, ledger)
    if found.indexes:
        ledger.judged(LIMIT)
    for path, message in found.exceeded:
        ledger.add(LIMIT, Location(context.shown(path)), message)


@judges(LINK_OUT)
def is_outside(entry: Entry | None, context: ImageContext, ledger: Ledger) -> bool:
    """Judge whether a link here leads out of the layout, so that it is not read; each is reported once."""
    if context.source.confined:
        ledger.judged(LINK_OUT)
    if entry is None or entry.kind != OUTSIDE:
        return False
    hint = "not read; --follow-links reads through such links"
    ledger.add(LINK_OUT, Location(context.shown(entry.link)), LEADS_OUT, got=excerpt(entry.target), hint=hint)
    return True


@judges(BLOB_KIND, BLOB_LINK)
def judge_blob_file(path: str, entry: Entry | None, digest: str, context: ImageContext, ledger: Ledger) -> int | None:
    """Judge whether a blob is a file; return its size if it is one or a link to one."""
    if entry is None or is_outside(entry, context, ledger):
        return None
    ledger.judged(BLOB_KIND, BLOB_LINK)
    location = Location(context.shown(path), digest=digest)
    if entry.kind not in (FILE, LINK):
        ledger.add(BLOB_KIND, location, f"a blob is {entry.what or 'a directory'}, not a file")
        return None
    if entry.kind == LINK and context.source.symlinks:
        ledger.add(BLOB_LINK, location, "a blob is a symbolic link to a file")
    return entry.size


@judges(REPEATED)
def _judge_repeated(context: ImageContext, ledger: Ledger) -> None:
    repeats = context.source.repeats()
    if repeats is None:
        return
    ledger.judged(REPEATED)
    for path, alike in repeats:
        message = f"a path occurs twice in the archive{', with the same content' if alike else ''}"
        severity = Severity.NOTE if alike else None
        ledger.add(REPEATED, Location(context.shown(path)), message, severity=severity)


@judges(BLOBS_EXIST, LAYOUT_EXISTS, INDEX_EXISTS)
def _judge_layout(context: ImageContext, ledger: Ledger) -> None:
    entries = context.found.entries
    blobs = entries.get(BLOBS)
    ledger.judged(BLOBS_EXIST)
    if not is_outside(blobs, context, ledger) and (blobs is None or blobs.kind != FOLDER):
        ledger.add(BLOBS_EXIST, Location(context.shown(BLOBS)), "the layout has no blobs directory")
    for path, clause in _FILES:
        entry = entries.get(path)
        if is_outside(entry, context, ledger):
            ledger.unjudged(clause, "leads out of the layout")
            continue
        ledger.judged(clause)
        if entry is None or entry.kind not in (FILE, LINK):
            message = f"the layout has no file {path}" if entry is None else f"{path} is {entry.what or 'a directory'}"
            ledger.add(clause, Location(context.shown(path)), message)
