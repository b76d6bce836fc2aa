"""Why a text is not JSON (RFC 8259), in plain words and with the exact position.

The scanner in ``positions`` knows *that* it cannot go on, where, and what it wanted there; this module says what the
writer of the text did wrong. Only malformed texts get here: it need not be fast, but every step is linear.
"""

from __future__ import annotations

import re
from typing import Final

from ocivalidate.errors import Malformed

# What the scanner wants next.
VALUE: Final = "value"
ELEMENT: Final = "first element"
NAME: Final = "name"
MEMBER: Final = "first member"
COLON: Final = "colon"
AFTER_ELEMENT: Final = "after an element"
AFTER_MEMBER: Final = "after a member"
END: Final = "end"

WHITE_SPACE: Final = " \t\n\r"

_EXPECTED = {
    VALUE: "a value",
    ELEMENT: "a value or the end of the array",
    NAME: "a member name in double quotes",
    MEMBER: "a member name in double quotes or the end of the object",
    COLON: "a colon after the member name",
    AFTER_ELEMENT: "a comma or the end of the array",
    AFTER_MEMBER: "a comma or the end of the object",
    END: "the end of the text after the JSON value",
}

_VALUES = (VALUE, ELEMENT)
_NAMES = (NAME, MEMBER)
_AFTER = (AFTER_ELEMENT, AFTER_MEMBER, END)
_ANY = tuple(_EXPECTED)

# What the scanner wanted, what stands there instead, and what to say. The first row that fits speaks. {found} is what
# the pattern matched (only where that is plain ASCII), {code} is its first character as U+XXXX.
_FAULTS: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = tuple(
    (wanted, re.compile(pattern), message)
    for wanted, pattern, message in (
        (_ANY, r"//|/\*|#", "comments are not JSON"),
        (_ANY, r"\ufeff", "a byte order mark is not JSON"),
        (_ANY, r"[\x00-\x1f\x7f]", "control character {code} outside a string"),
        (_ANY, r"\s", "{code} is not whitespace in JSON"),
        (_VALUES + _NAMES, r"'", "JSON strings need double quotes, not single quotes"),
        (_VALUES + _NAMES, r"[`\u2018-\u201f\u00ab\u00bb]", "JSON strings need straight double quotes, not {code}"),
        (_VALUES, r"[-+]?(?:NaN|Infinity)(?!\w)", "{found} is not JSON"),
        (_VALUES, r"(?i:true|false|null)(?!\w)", "{found} must be lower case in JSON"),
        (_VALUES, r"(?:None|undefined|nil)(?!\w)", "{found} is not JSON: write null"),
        (_VALUES, r"\+", "a number cannot start with a plus sign"),
        (_VALUES, r"-?\.[0-9]", "a number needs a digit before its decimal point"),
        (_VALUES, r"-", "a minus sign needs a digit after it"),
        (_VALUES, r",", "a value is missing before the comma"),
        (_NAMES, r",", "a member is missing before the comma"),
        (_VALUES, r"\w+", "expected a value, found a bare word: strings need double quotes"),
        (_NAMES, r"[\w$]+", "a member name needs double quotes"),
        (_AFTER, r"(?<=[0-9])[0-9]+", "a number cannot start with 0"),
        (_AFTER, r"(?<=[0-9])\.(?![0-9])", "a number needs a digit after its decimal point"),
        (_AFTER, r"(?<=[0-9])[eE](?=[-+\s,\]}]|\Z)", "a number needs a digit in its exponent"),
        (_AFTER, r"(?<=[0-9])[.\w]+", "this is not a JSON number"),
        ((AFTER_MEMBER, MEMBER), r"\]", "expected the end of an object, found the end of an array"),
        ((AFTER_ELEMENT, ELEMENT), r"\}", "expected the end of an array, found the end of an object"),
        ((END,), r"[\]}]", "a closing bracket without an opening one"),
        ((END,), r"", "there is text after the end of the JSON value"),
    )
)

_SPACE = re.compile(f"[{WHITE_SPACE}]*")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_CONTROLS = {
    "\n": "a line break inside a string: its closing quote is missing, or the break must be written \\n",
    "\r": "a line break inside a string: its closing quote is missing, or the break must be written \\r",
    "\t": "a tab inside a string must be written \\t",
}


def code_point(character: str) -> str:
    """A character as ``U+XXXX``, so that a message stays one harmless line whatever stands in the text."""
    return f"U+{ord(character):04X}"


def misplaced(text: str, position: int, wanted: str) -> Malformed:
    """What to say when ``wanted`` does not stand at ``position``, nor after the white space there.

    ``wanted`` is one of the constants above.
    """
    offset = _end_of(_SPACE, text, position)
    if offset == len(text):
        return Malformed(_at_the_end(text, wanted), offset)
    comma = _comma_before(text, offset)
    if text[offset] in "]}" and wanted in (VALUE, NAME) and comma is not None:
        return Malformed("a comma before a closing bracket is not JSON", comma)
    for wants, pattern, message in _FAULTS:
        match = pattern.match(text, offset) if wanted in wants else None
        if match is not None:
            words = message.format(found=match[0], code=code_point(text[offset]))
            return Malformed(words, offset, len(match[0]))
    return Malformed(f"expected {_EXPECTED[wanted]}", offset)


def bad_string(text: str, start: int) -> Malformed:
    """What is wrong with the string that opens at ``start`` and is known to be malformed."""
    position = start + 1
    while True:
        position = _end_of(_PLAIN, text, position)
        escape = _ESCAPE.match(text, position)
        if escape is None:
            break
        position = escape.end()
    found = text[position : position + 2]
    if found in ("", "\\"):
        return Malformed("the text ends inside a string", start)
    if found[0] != "\\":
        character = found[0]
        message = _CONTROLS.get(character, f"control character {code_point(character)} inside a string must be escaped")
        return Malformed(message, position)
    if found[1] == "u":
        return Malformed("\\u takes four hexadecimal digits", position, 2)
    shown = found if "!" <= found[1] <= "~" else f"\\ before {code_point(found[1])}"
    return Malformed(f"{shown} is not an escape in a JSON string", position, 2)


def _end_of(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _at_the_end(text: str, wanted: str) -> str:
    if wanted == VALUE and not text.strip(WHITE_SPACE):
        return "the text is empty: expected a JSON value"
    return f"the text ends too early: expected {_EXPECTED[wanted]}"


def _comma_before(text: str, offset: int) -> int | None:
    before = offset - 1
    while before >= 0 and text[before] in WHITE_SPACE:
        before -= 1
    return before if before >= 0 and text[before] == "," else None
