"""Documents that were judged and break no image: another image that shares one need not judge it again."""

from __future__ import annotations

import hashlib

from ocivalidate.image.documents.judging import judge_read
from ocivalidate.image.documents.reading import Read
from ocivalidate.rules.ledger import Ledger

# Each is kept as a hash, so that memory stays flat.
_MOST = 50_000
_BYTES = 16


class Harmless:
    """Judges documents, and knows those of which all is told once that there is to tell."""

    def __init__(self) -> None:
        self._known: set[bytes] = set()

    def judge(self, read: Read, release: str, ledger: Ledger) -> None:
        """Judge a document, unless it is known to break nothing."""
        said = f"{read.kind} {read.document.name}\0{read.document.text}".encode(errors="surrogatepass")
        key = hashlib.blake2b(said, digest_size=_BYTES).digest()
        if key in self._known:
            return
        before = ledger.standing()
        judge_read(read, release, ledger)
        if ledger.is_harmless_since(before):
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known.add(key)

    def forget(self) -> None:
        """Know of none: an image was not judged to its end, and what was said of its documents is lost."""
        self._known.clear()
