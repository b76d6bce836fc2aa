"""Lists that come in pages: tags, repositories, referrers. Lists that never end have an end here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

from ocivalidate.jsontext.documents import read_document
from ocivalidate.registry.failing import RegistryError
from ocivalidate.vocabulary.wording import shortened

# RFC 8288: <address>; rel="next"
_LINK = re.compile(r'<([^<>]{1,8192})>\s*((?:;[^,;"]*(?:"[^"]*")?)*)')
_NEXT = re.compile(r';\s*rel\s*=\s*"?next"?\s*(?:;|$)', re.IGNORECASE)
_LONGEST_LINK = 16384
_MOST_EMPTY = 10


def next_page(here: str, link: str) -> str:
    """The address of the next page, or nothing. It may only be at the registry itself, below ``/v2/``.

    Raises :class:`RegistryError` for one that leads elsewhere.
    """
    found: str = next((match[1] for match in _LINK.finditer(link[:_LONGEST_LINK]) if _NEXT.search(match[2])), "")
    if not found:
        return ""
    try:
        address = urljoin(here, found)
        now, then = urlsplit(here), urlsplit(address)
        same = (now.scheme, now.netloc) == (then.scheme, then.netloc) and then.path.startswith("/v2/")
    except ValueError:
        same, address = False, ""
    if not same:
        raise RegistryError(f"{urlsplit(here).netloc}: the next page of a list is at another place")
    return address


class Pages:
    """Counts the pages of one list, and ends one that does not move on."""

    def __init__(self, shown: str, most: int, names: int) -> None:
        self._shown = shown
        self._most = most
        self._names = names
        self._seen: set[int] = set()
        self._empty = 0

    def take(self, address: str, entries: int) -> None:
        """Take the address of a page with so many entries. Raises :class:`RegistryError` when it is enough."""
        self._empty = 0 if entries else self._empty + 1
        if hash(address) in self._seen:
            raise RegistryError(f"{self._shown}: the list leads back to a page that was read already")
        self._seen.add(hash(address))
        self._names -= entries
        if self._names < 0:
            raise RegistryError(f"{self._shown}: the list does not end: too many entries")
        if len(self._seen) > self._most or self._empty > _MOST_EMPTY:
            what = (
                f"more than {self._most} pages"
                if self._empty <= _MOST_EMPTY
                else f"more than {_MOST_EMPTY} empty pages"
            )
            raise RegistryError(f"{self._shown}: the list does not end: {what}")


def texts(data: bytes, member: str, shown: str) -> Iterator[str]:
    """The texts in a member of a page. Raises :class:`RegistryError` for anything else."""
    document = read_document(data, shown)
    value: Any = document.value.get(member) if isinstance(document.value, dict) else None
    absent = isinstance(document.value, dict) and member in document.value and value is None
    if not document.usable or not (absent or isinstance(value, list)):
        what = "not JSON" if not document.usable else f"without a list of {member}"
        raise RegistryError(f"{shown}: the answer is {what}: {shortened(_start(data), 60)}")
    for text in value or ():
        if not isinstance(text, str):
            raise RegistryError(f"{shown}: the list of {member} has entries that are no names")
        yield text


def _start(data: bytes) -> str:
    """The beginning of a page in letters: a page of HTML shows that another program answers."""
    return "HTML" if re.match(rb"\s*<(?:!doctype|html)", data[:200], re.IGNORECASE) else f"{len(data)} bytes"
