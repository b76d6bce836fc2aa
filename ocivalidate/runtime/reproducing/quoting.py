"""Text of anybody in a shell script: as words, as the content of files, in comments. Pure.

A script is bytes: a name or an output may be no UTF-8, and is held as ``os.fsdecode`` gives it.
"""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[A-Za-z0-9@%+=:,./_-]+")
_LONGEST_REMARK = 300
# What a heredoc may hold as it is: text in lines, without control characters but tabs.
_LINES = re.compile(rb"(?:[^\x00-\x08\x0b-\x1f\x7f]*\n)*")


def word(text: str) -> str:
    """A text as one word of the shell. A NUL, which no word can have, is left out."""
    text = text.replace("\0", "")
    return text if _PLAIN.fullmatch(text) else "'" + text.replace("'", "'\\''") + "'"


def words(*texts: str) -> str:
    """Words of the shell, separated by spaces."""
    return " ".join(map(word, texts))


def remark(text: str, longest: int = _LONGEST_REMARK) -> str:
    """A text as it may stand in a comment: one line of ASCII that cannot be mistaken for anything else."""
    shown = "".join(letter if " " <= letter <= "~" else ascii(letter)[1:-1] for letter in text[: longest + 1])
    return shown if len(text) <= longest else f"{shown[:longest]}..."


def document(content: bytes) -> tuple[str, str]:
    """What writes a file's bytes to standard output: a command, and the text that has to follow on the next lines."""
    if content.endswith(b"\n") and _LINES.fullmatch(content):
        lines = set(content.decode("utf-8", "surrogateescape").split("\n"))
        end = next(name for number in range(len(lines) + 1) if (name := f"END_{number}") not in lines)
        return f"cat <<'{end}'", f"{content.decode('utf-8', 'surrogateescape')}{end}\n"
    return f"printf %b {word(octal(content))}", ""


def octal(content: bytes) -> str:
    """Bytes as ``printf %b`` reads them: what is no plain character is a backslash and digits."""
    return "".join(chr(one) if 32 <= one < 127 and one != 0x5C else f"\\0{one:03o}" for one in content)
