"""Foreign text made visible: what a document, a file name or a runtime says must not act on a terminal."""

from __future__ import annotations

import re

# Log readers of build services obey these wherever they stand: ##[…] (GitHub), ##vso[…] (Azure), ##teamcity[…].
_LOG_COMMAND = re.compile(r"##(?=\w*\[)")
# They obey this one (GitHub: ::set-env …) only at the start of a line.
_LINE_COMMAND = re.compile(r"^(\s*):(?=:)")


def visible(text: str, limit: int = 0) -> str:
    r"""The text on one line, with all that is not printable written as ``\x1b``, ``\u202e`` or ``\U000e0001``.

    Not printable are, as ``str.isprintable`` says: control and format characters (bidi controls among them),
    surrogates, private use and unassigned code points, and every separator but the space. With a ``limit``, at most so
    many code points are kept, and ``…``.
    """
    if limit and len(text) > limit:
        return visible(text[:limit]) + "…"
    if text.isprintable() and "##" not in text:
        return text
    return "".join(pieces(text))


def pieces(text: str) -> list[str]:
    """:func:`visible` for each code point by itself."""
    shown = [letter if letter.isprintable() else _escaped(letter) for letter in text]
    for command in _LOG_COMMAND.finditer(text):
        shown[command.start() + 1] = r"\x23"
    return shown


def line_start(line: str) -> str:
    """A line that starts with foreign text, so that no log reader takes it for a command."""
    return _LINE_COMMAND.sub(r"\1\\x3a", line)


def without_log_commands(line: str) -> str:
    """A line that is to stay as it is, but for what log readers obey wherever it stands."""
    return _LOG_COMMAND.sub(r"#\\x23", line)


# An escape of a JSON text; the first two groups are a pair of surrogates, the third is one that stands alone.
_JSON_ESCAPE = re.compile(r"\\(?:u(d[89ab]..)\\u(d[c-f]..)|u(d[89a-f]..)|.)")


def json_shield(text: str) -> str:
    r"""A JSON text in ASCII, as ``json.dumps`` writes it, that acts on no log reader and that every reader takes.

    ``##`` is written ``#\u0023``, which means the same. A surrogate that stands alone means nothing in JSON, and many
    readers refuse it: it becomes visible text, as in the other formats (``\ud800`` as ``\\ud800``).
    """
    if "\\ud" in text:
        text = _JSON_ESCAPE.sub(lambda escape: "\\" * (escape[3] is not None) + escape[0], text)
    return text.replace("##", r"#\u0023")


_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def _escaped(letter: str) -> str:
    number = ord(letter)
    if number < 0x100:
        return _SHORT.get(letter) or f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
