"""Oddities that listings come upon, kept within bounds until they are asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from ocivalidate.audit import oddities
from ocivalidate.audit.store import Odd
from ocivalidate.audit.stores.files import FILE, FOLDER, OUTSIDE, UNREADABLE, Entry
from ocivalidate.image.sources.litter import is_litter
from ocivalidate.vocabulary.wording import shortened

MOST_OF_A_KIND = 1000


class Noted:
    """What was odd, each once: the first of each kind, and how many others there were.

    ``markers``: empty files that are in the way stand for folders, and are not odd.
    """

    def __init__(self, most: int = MOST_OF_A_KIND, *, markers: bool = False) -> None:
        self._markers = markers
        self._most = most
        self._kept: dict[tuple[str, str], Odd] = {}
        self._seen: dict[str, int] = {}
        self._lock = threading.Lock()

    def note(self, odd: Odd) -> None:
        """Keep it, if there are not too many of its kind."""
        key = odd.kind, odd.path
        with self._lock:
            if key in self._kept:
                return
            self._seen[odd.kind] = self._seen.get(odd.kind, 0) + 1
            if self._seen[odd.kind] <= self._most:
                self._kept[key] = odd

    def entry(self, entry: Entry, wanted: str, kind: str = oddities.STRANGER, digest: str = "") -> None:
        """Keep that something else than what is ``wanted`` stands at a path; files that lie about everywhere pass.

        ``digest``: that of the blob which nobody finds by it.
        """
        kind = {OUTSIDE: oddities.LEADS_OUT, UNREADABLE: oddities.UNREADABLE}.get(entry.kind, kind)
        if kind == oddities.STRANGER and self.passes(entry):
            return
        self.note(Odd(kind, entry.path, f"{in_words(entry)}{wanted and f' where {wanted} belongs'}", digest))

    def passes(self, entry: Entry) -> bool:
        """Whether it is a file that desktops, file systems and tools for buckets leave everywhere."""
        return is_litter(entry.name) or (self._markers and entry.kind == FILE and not entry.size)

    def all(self) -> Iterator[Odd]:
        """What was kept, and a line for each kind of which there was more."""
        with self._lock:
            kept, seen = [*self._kept.values()], dict(self._seen)
        yield from kept
        for kind, number in seen.items():
            if number > self._most:
                yield Odd(kind, "", f"{number - self._most} others like these are not told")


def in_words(entry: Entry) -> str:
    """What stands at a path."""
    return shortened(entry.what) or ("a folder" if entry.kind == FOLDER else "a file")
