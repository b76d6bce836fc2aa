"""Signed manifests of Docker's schema 1: their digest is that of the text without the signatures.

The signatures stand in the text itself (libtrust's "pretty" form of RFC 7515): the protected header of each says how
much of the text was there before they were put in, and how that ended. Registries make up new ones for each answer.
"""

from __future__ import annotations

import base64
from typing import Any

from ocivalidate.jsontext.documents import read_document
from ocivalidate.vocabulary.digests import Digest, of

_MARKS = (b'"signatures"', b'"protected"')
_LONGEST_TAIL = 1000


def unsigned(data: bytes) -> bytes:
    """The text that was signed; ``data`` itself if there are no signatures in it, or none of this form."""
    if not all(mark in data for mark in _MARKS):
        return data
    value = read_document(data).value
    signatures = value.get("signatures") if isinstance(value, dict) else None
    first = signatures[0] if isinstance(signatures, list) and signatures else None
    header = _header(first.get("protected")) if isinstance(first, dict) else {}
    length, tail = header.get("formatLength"), _decoded(header.get("formatTail"))
    if type(length) is not int or not 0 <= length <= len(data) or not tail or len(tail) > _LONGEST_TAIL:
        return data
    return data[:length] + tail


def digest_of(data: bytes, wanted: Digest) -> Digest:
    """The digest of a document: of its unsigned text if that is the wanted one, else of its bytes."""
    plain = of(data, wanted.algorithm)
    if plain == wanted:
        return plain
    text = unsigned(data)
    return wanted if text is not data and of(text, wanted.algorithm) == wanted else plain


def _header(protected: Any) -> dict[str, Any]:
    value = read_document(_decoded(protected)).value
    return value if isinstance(value, dict) else {}


def _decoded(text: Any) -> bytes:
    if not isinstance(text, str):
        return b""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
