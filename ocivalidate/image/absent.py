"""What an image refers to and does not have.

Blobs that are absent are legal in a layout (image-spec image-layout.md: the blobs directory MAY be missing referenced
blobs), but whoever reads the verdict has to know. What ``docker save`` writes of an image that was pulled for one
platform has the index of all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ocivalidate.image.comparing import CONTENT
from ocivalidate.image.context import ImageContext
from ocivalidate.image.documents import media_types
from ocivalidate.image.found import WalkResult
from ocivalidate.image.graph import Reference
from ocivalidate.rules.declared import judges
from ocivalidate.rules.findings import Location
from ocivalidate.rules.ledger import Ledger
from ocivalidate.vocabulary.wording import shortened

BLOB_ABSENT = "safety/image.blob.absent"
# The documents without which there is no image to judge.
_DOCUMENTS = ("manifest", "config")
_SHOWN_PLATFORMS, _SHOWN_PLATFORM, _SHOWN_PATH, _SHOWN_REASON = 5, 60, 90, 160


@judges(BLOB_ABSENT)
def tell_absent(context: ImageContext, ledger: Ledger, present: int, *, complete: bool) -> dict[str, Any]:
    """Tell what is absent; the facts for the report. ``present``: how many blobs there are that are no documents.

    With ``complete`` each is a finding. Where no image has its manifest and its config, nothing was judged.
    """
    absent = context.found.absent
    if complete:
        ledger.judged(BLOB_ABSENT)
    judged = any(is_there(context.found, image.config_reference) for image in context.found.images)
    for path, references in sorted(absent.items()):
        wanted = next((reference for reference in references if not _by_right(reference)), None)
        if complete and wanted is not None:
            place = Location(context.shown(path), digest=str(wanted.digest or ""))
            message = f"a blob is absent that a {wanted.role} descriptor refers to"
            ledger.add(BLOB_ABSENT, place, message, hint=f"{context.way_to(wanted)} leads to it")
        document = next((reference for reference in references if reference.role in _DOCUMENTS), None)
        # With --complete that is a finding, and one is enough.
        if document is not None and not judged and not complete:
            ledger.error(CONTENT, f"the {called(document)} is absent")
    parts = list(_incomplete(context, present))
    return {"incomplete": "; ".join(parts)} if parts else {}


def _incomplete(context: ImageContext, present: int) -> Iterator[str]:
    """What of an image was not looked at, part by part."""
    found = context.found
    if found.absent:
        total = len(found.absent) + present + found.blobs_read
        yield f"{len(found.absent)} of {total} blobs absent, not verified{_platforms(found.absent)}"
    for reason, number in Counter(context.unverified.values()).items():
        yield f"{number} not verified: {shortened(reason, _SHOWN_REASON)}"
    for path, reason in list(found.spoilt.items())[:_SHOWN_PLATFORMS]:
        yield f"what {shortened(path, _SHOWN_PATH)} refers to is not judged, as it {reason}"
    if len(found.spoilt) > _SHOWN_PLATFORMS:
        yield f"and {len(found.spoilt) - _SHOWN_PLATFORMS} more such documents"


def is_there(found: WalkResult, reference: Reference | None) -> bool:
    """Whether what a reference leads to is not known to be absent."""
    return reference is None or reference.path not in found.absent


def called(reference: Reference) -> str:
    """How a line calls what a reference leads to."""
    platform = _platform(reference)
    return f"{reference.role} {reference.digest or reference.path}" + (f" for {platform}" if platform else "")


def _by_right(reference: Reference) -> bool:
    """Whether a layer may be missing from a layout that is complete: it is fetched from elsewhere."""
    return reference.media_type in media_types.FOREIGN or reference.urls


def _platforms(absent: dict[str, list[Reference]]) -> str:
    """The platforms whose manifests are absent; not what builders attach to them, which is for none."""
    every = (reference for references in absent.values() for reference in references)
    found = sorted({_platform(reference) for reference in every if reference.role == "manifest"} - {""})
    real = [name for name in found if not name.startswith("unknown")]
    more = f" and {len(real) - _SHOWN_PLATFORMS} more" if len(real) > _SHOWN_PLATFORMS else ""
    return f"; not there: {', '.join(real[:_SHOWN_PLATFORMS])}{more}" if real else ""


def _platform(reference: Reference) -> str:
    platform = reference.platform or {}
    parts = (platform.get(name) for name in ("os", "architecture", "variant"))
    return shortened("/".join(part for part in parts if isinstance(part, str) and part), _SHOWN_PLATFORM)
