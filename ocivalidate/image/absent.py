"""What an image refers to but does not contain.

Blobs that are absent are legal in a layout (image-spec image-layout.md: the blobs directory MAY be missing referenced
blobs), but the verdict has to say so. ``docker save`` of an image that was pulled for one platform writes the index of
all platforms.
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
    """Report what is absent; return the facts for the report. ``present``: how many blobs exist besides documents.

    With ``complete`` each is a finding. If no image has both manifest and config, nothing was judged.
    """
    absent = context.found.absent
    if complete:
        ledger.judged(BLOB_ABSENT)
    judged = any(is_there(context.found, image.config_reference) for image in context.found.images)
    for path, references in sorted(absent.items()):
        wanted = next((reference for reference in references if not by_right(reference)), None)
        if complete and wanted is not None:
            place = Location(context.shown(path), digest=str(wanted.digest or ""))
            message = f"the blob that a {wanted.role} descriptor refers to is absent"
            ledger.add(BLOB_ABSENT, place, message, hint=f"referenced by {context.way_to(wanted)}")
        document = next((reference for reference in references if reference.role in _DOCUMENTS), None)
        # With --complete the absent blob is a finding already; one is enough.
        if document is not None and not judged and not complete:
            ledger.error(CONTENT, f"the {called(document)} is absent")
    parts = list(_incomplete(context, present))
    return {"incomplete": "; ".join(parts)} if parts else {}


def _incomplete(context: ImageContext, present: int) -> Iterator[str]:
    """The parts of an image that were not examined."""
    found = context.found
    if found.absent:
        total = len(found.absent) + present + found.blobs_read
        yield f"{len(found.absent)} of {total} blobs absent, not verified{_platforms(found.absent)}"
    for reason, number in Counter(context.unverified.values()).items():
        yield f"{number} not verified: {shortened(reason, _SHOWN_REASON)}"
    for path, reason in list(found.spoilt.items())[:_SHOWN_PLATFORMS]:
        yield f"what {shortened(path, _SHOWN_PATH)} refers to is not judged: it {reason}"
    if len(found.spoilt) > _SHOWN_PLATFORMS:
        yield f"and {len(found.spoilt) - _SHOWN_PLATFORMS} more such documents"


def is_there(found: WalkResult, reference: Reference | None) -> bool:
    """Whether the target of a reference is not known to be absent."""
    return reference is None or reference.path not in found.absent


def called(reference: Reference) -> str:
    """The name of a reference's target in a line of output."""
    platform = _platform(reference)
    return f"{reference.role} {reference.digest or reference.path}" + (f" for {platform}" if platform else "")


def by_right(reference: Reference) -> bool:
    """Whether a layer may be missing from a complete layout, because it is fetched from elsewhere."""
    return reference.media_type in media_types.FOREIGN or reference.urls


def _platforms(absent: dict[str, list[Reference]]) -> str:
    """The platforms whose manifests are absent, without the attestations that builders attach."""
    every = (reference for references in absent.values() for reference in references)
    found = sorted({_platform(reference) for reference in every if reference.role == "manifest"} - {""})
    real = [name for name in found if not name.startswith("unknown")]
    more = f" and {len(real) - _SHOWN_PLATFORMS} more" if len(real) > _SHOWN_PLATFORMS else ""
    return f"; missing: {', '.join(real[:_SHOWN_PLATFORMS])}{more}" if real else ""


def _platform(reference: Reference) -> str:
    platform = reference.platform or {}
    parts = (platform.get(name) for name in ("os", "architecture", "variant"))
    return shortened("/".join(part for part in parts if isinstance(part, str) and part), _SHOWN_PLATFORM)
