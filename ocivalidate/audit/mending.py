"""What to fetch or to delete so that what an audit found is mended: a table of the clauses, pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ocivalidate.audit.rows import Told
from ocivalidate.image.comparing import CONTENT

REPLACE, PUSH, DELETE, REBUILD, COLLECT = "replace", "push", "delete", "rebuild", "collect"
"""What to do: put the right bytes in place of wrong ones; put what is absent there; delete what leads nowhere; make an
image anew; have the registry collect its garbage."""

_SHOWN: Final = 3
OUT: Final = "storage/link.out"
SHARD: Final = "storage/blob.shard"
# Every other error is one of what somebody has built.
_REMEDIES: Mapping[str, str] = {
    CONTENT: REPLACE,
    "storage/blob.placeholder": REPLACE,
    SHARD: REPLACE,
    "storage/blob.absent": PUSH,
    "storage/blob.elsewhere": PUSH,
    "storage/tag.target": PUSH,
    "storage/tag.current": PUSH,
    "storage/link.content": REPLACE,
    "storage/link.path": REPLACE,
    "storage/link.target": DELETE,
    OUT: REPLACE,
    "storage/blob.name": DELETE,
    "storage/blob.kind": DELETE,
}


def remedy(told: Told, names: list[str]) -> dict[str, Any] | None:
    """What mends a finding by which images with these names break, as plain JSON; ``None`` where nothing breaks."""
    if not told.wound:
        return None
    finding = told.finding
    place = finding.location
    do = _REMEDIES.get(finding.clause.id, REBUILD)
    images = _listed(names, told.others)
    text = _OF_LINKS.get(finding.clause.id, "")
    if not images and do in (REPLACE, PUSH) and finding.clause.id not in (OUT, SHARD):
        do, text = DELETE, ""
    what = (text or _TEXTS[do]).format(
        images=images or "what it belongs to", file=place.file, blob=place.digest or "the blob"
    )
    return {"do": do, "what": what, "digest": place.digest, "path": place.file, "images": names, "others": told.others}


_TEXTS: Mapping[str, str] = {
    REPLACE: "pull {blob} from where it is whole, or delete {file} and push {images} again",
    PUSH: "push {images} again from where {blob} is held, or delete what refers to it",
    DELETE: "delete {file}",
    REBUILD: "build {images} anew and push it",
}
_OF_LINKS: Mapping[str, str] = {
    SHARD: "move {file} below the first two digits of its digest, where it is looked for, or push {images} again",
    "storage/link.content": "delete {file} and push {images} again",
    "storage/link.path": "delete {file} and push {images} again",
    # Whole storages are kept on another disk by such a link.
    OUT: "where {file} leads is part of the storage: audit with --follow-links; if it is not, take the link away",
}
"""What is said instead where not the bytes are wrong, but where they are, or what leads to them."""


def _listed(names: list[str], others: int) -> str:
    more = len(names) - _SHOWN + others
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
