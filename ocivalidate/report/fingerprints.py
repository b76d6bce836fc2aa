"""Names of findings by which a service knows them again in the next run, whatever has moved meanwhile."""

from __future__ import annotations

import hashlib
import re
from collections import Counter

from ocivalidate.report.places import Spot
from ocivalidate.rules.findings import Finding

# A number in a pointer: the place in an array, which changes with each entry before it.
_INDEX = re.compile(r"/(?:0|[1-9][0-9]*)(?=/|\Z)")
_BLOB = re.compile(r"(?:^|/)blobs/[a-z0-9]+(?:[+._-][a-z0-9]+)*/[0-9a-fA-F]{32,}\Z")


class Fingerprints:
    """Makes one for each result, and knows which there have been in this run: no two are the same."""

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def of(self, clause: str, spot: Spot, finding: Finding | None = None, case: str = "") -> str:
        """The fingerprint of a violation: the id of its clause, and where it stands without what moves.

        Lines do not count, nor numbers of entries in arrays (the value that was found does, in their place), nor
        digests of blobs, which change with each build.
        """
        parts = [clause, spot.file, spot.inner, "", "", "", case]
        if finding:
            place = finding.location
            pointer = place.pointer or ""
            shape = _INDEX.sub("/*", pointer)
            file, inner = (_BLOB.sub("", text) for text in (spot.file, spot.inner))
            value = finding.got if shape != pointer and (file, inner) == (spot.file, spot.inner) else ""
            parts = [clause, file, inner, shape, value, place.member, place.case]
        digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass"))
        self._seen[digest.digest()] += 1
        return f"{digest.hexdigest()}:{self._seen[digest.digest()]}"
