"""The grammar of SPDX license expressions (SPDX specification 2.3, annex D)."""

from __future__ import annotations

import re

_SPACED = re.compile(r"[()]|[^\s()]+")
_LICENSE = re.compile(
    r"[A-Za-z0-9.-]+\+?|(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+|"
    r"(?:DocumentRef-[A-Za-z0-9.-]+:)?AdditionRef-[A-Za-z0-9.-]+"
)
_OPERATORS = frozenset({"AND", "OR", "WITH"})


def is_license_expression(text: str) -> bool:
    """Whether ``text`` has the form of a license expression; whether the licenses exist is not looked at."""
    depth, after_license, exception = 0, False, False
    for token in _SPACED.findall(text):
        if token == "(" and not after_license and not exception:
            depth += 1
        elif token == ")" and after_license and depth:
            depth -= 1
        elif after_license and token.upper() in _OPERATORS:
            # The operators may be written in lower case since SPDX 3; an exception follows WITH.
            after_license, exception = False, token.upper() == "WITH"
        elif not after_license and token.upper() not in _OPERATORS and _LICENSE.fullmatch(token):
            after_license, exception = True, False
        else:
            return False
    return after_license and depth == 0
