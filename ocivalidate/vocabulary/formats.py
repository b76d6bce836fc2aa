"""Forms of text that several specifications ask for: dates, URIs, media types, base64."""

from __future__ import annotations

import base64
import re

_DATE_TIME = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12][0-9]|3[01])"
    r"[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])",
)
_LONG_MONTHS = frozenset({1, 3, 5, 7, 8, 10, 12})
_FEBRUARY = 2

_PCHAR = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_REG_NAME = r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
_HOST = rf"(?:\[(?:[0-9A-Fa-f:.]+|[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\]|{_REG_NAME})"
_AUTHORITY = rf"(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{{2}})*@)?{_HOST}(?::[0-9]*)?"
_URI = re.compile(
    rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?://{_AUTHORITY}(?:/{_PCHAR}*)*|/?(?:{_PCHAR}+(?:/{_PCHAR}*)*)?)"
    rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[/?])*)?"
)
URI_FORM = _URI.pattern.replace("?P<scheme>", "?:")

_RESTRICTED_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
MEDIA_TYPE_FORM = rf"{_RESTRICTED_NAME}/{_RESTRICTED_NAME}"
_MEDIA_TYPE = re.compile(MEDIA_TYPE_FORM)

# Without the possessive repeat, which only Python has: the same texts, in any dialect.
BASE64_FORM = r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def is_date_time(text: str) -> bool:
    """Whether ``text`` is a ``date-time`` of RFC 3339, section 5.6, of a day that its month has (section 5.7)."""
    match = _DATE_TIME.fullmatch(text)
    return match is not None and int(match["day"]) <= _days(int(match["year"]), int(match["month"]))


def _days(year: int, month: int) -> int:
    if month == _FEBRUARY:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 31 if month in _LONG_MONTHS else 30


def uri_scheme(text: str) -> str:
    """The scheme, in lower case, of the URI (RFC 3986, section 3) that ``text`` is; empty when it is none."""
    match = _URI.fullmatch(text)
    return match["scheme"].lower() if match else ""


def is_media_type(text: str) -> bool:
    """Whether ``text`` is a media type without parameters, both names as RFC 6838, section 4.2, restricts them."""
    return _MEDIA_TYPE.fullmatch(text) is not None


def base64_bytes(text: str) -> bytes | None:
    """What ``text`` encodes (RFC 4648, section 4: padded, and no other characters); ``None`` when it is not base64."""
    return base64.b64decode(text) if _BASE64.fullmatch(text) else None
