"""What tells of a person or a machine, in one table: replaced in what is kept, refused in what is handed in."""

from __future__ import annotations

import re
from typing import NamedTuple

from ocivalidate.report.escape import visible


class Kind(NamedTuple):
    """Something that no record may have: what it looks like, what stands in its place, and how it is called.

    The first group of a pattern, if it has one, stays as it is.
    """

    pattern: re.Pattern[str]
    instead: str
    called: str


# Texts come from anybody: each pattern takes time that grows as the text does. So what may be long is taken at one
# place alone, behind a look back at what cannot be part of it, and is never given back (``++``).
_NO_END = r"\s'\":,;)\]}>`"
_END = rf"[^{_NO_END}]"
_TOKEN = r"ocivalidate-(?:[a-z0-9]{16}|[a-z0-9]{0,15}…?\Z)"
_GROUP = "[0-9A-Fa-f]{1,4}"
KINDS = (
    # At the end of a text, where it may have been cut, too.
    Kind(re.compile(rf"(?<!{_END})([^/{_NO_END}]*+)/{_END}*{_TOKEN}{_END}*+"), "PATH", "a path of one run"),
    Kind(re.compile(_TOKEN), "ocivalidate-RUN", "the token of one run"),
    # A secret may stand in a path or a URL: it goes first.
    Kind(
        re.compile(
            r"gh[a-z]_[A-Za-z0-9]{20,}+|github_pat_\w{20,}+|glpat-[\w-]{16,}+|A[KS]IA[0-9A-Z]{16}|xox[a-z]-[\w-]{10,}+"
            r"|(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+\.[\w-]*+|-----BEGIN [A-Z ]++-----"
            r"|ssh-[a-z0-9]{3,9} AAAA[\w+/=]{16,}+"
            r"|(?<![\w-])(?:sk-|npm_|hf_|dckr_pat_|pypi-|AIza)[\w-]{20,}+|(?i:\bbearer )[\w.~+/=-]{16,}+"
            r"|(?i:password|passwd|secret|secret_access_key|api_?key|token)=[^\s&'\"]{4,}+"
        ),
        "TOKEN",
        "what looks like a token or a key",
    ),
    Kind(
        re.compile(rf"(?<![\w./])/*(?:/[\w.-]++){{0,16}}?/(?:home|Users)/{_END}++|(?<![\w./])/(?:root|work)/{_END}*+"),
        "PATH",
        "a path of a user",
    ),
    Kind(
        re.compile(rf"(?i)\b[a-z]:[\\/]++users[\\/]++{_END}++|%2f(?:home|users)%2f{_END}++"), "PATH", "a path of a user"
    ),
    Kind(
        re.compile(r"(?:(?<=://)[^\s/]*|(?<![\w.+-])[\w.+-]++)@[A-Za-z0-9](?:[\w.-]*\w)?"),
        "USER@HOST",
        "what looks like an address or USER@HOST",
    ),
    Kind(
        re.compile(r"(?<![\d.])(?!127\.|0\.0\.0\.0(?!\.?\d))(?:\d{1,3}\.){3}\d{1,3}(?![\d.]|[\w-])"),
        "ADDRESS",
        "what looks like a network address",
    ),
    # Of IPv6 those that an interface has: `a::b` is a name in many languages.
    Kind(
        re.compile(
            rf"(?<![\w:])(?i:[23][0-9a-f]{{3}}|f[cde][0-9a-f]{{2}})"
            rf"(?:(?::{_GROUP}){{7}}|(?::{_GROUP}){{0,6}}::(?:{_GROUP}(?::{_GROUP}){{0,6}})?)(?![\w:])"
        ),
        "ADDRESS",
        "what looks like a network address",
    ),
    Kind(
        re.compile(r"(?<![\w:-])[0-9A-Fa-f]{2}(?:(?::[0-9A-Fa-f]{2}){5}|(?:-[0-9A-Fa-f]{2}){5})(?![\w:-])"),
        "ADDRESS",
        "what looks like a network address",
    ),
)


def without(text: str) -> str:
    """The text with all of that replaced."""
    for kind in KINDS:
        text = kind.pattern.sub(rf"\1{kind.instead}" if kind.pattern.groups else kind.instead, text)
    return text


_ADDRESSES = ("USER@HOST", "ADDRESS")


NOBODY = "nothing that tells of a person or a machine"
"""What is wanted of every text of a record, in words."""


def found_in(text: str, *, address: bool = True) -> str:
    """The first that the text has of that, in words; ``""`` for nothing. ``address``: whether addresses count, too."""
    for kind in KINDS:
        match = kind.pattern.search(text)
        if match and match[0] != kind.instead and (address or kind.instead not in _ADDRESSES):
            return f"{kind.called}: {visible(match[0], 60)}"
    return ""
