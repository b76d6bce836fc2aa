"""JSON pointers (RFC 6901): how a member of a document is named."""

from __future__ import annotations

import re

_BAD_ESCAPE = r"~(?![01])"
_PLAIN_NAME = r"[A-Za-z_$][A-Za-z0-9_$]*"


def escape_token(name: str) -> str:
    """One member name as it stands in a pointer: ``~`` becomes ``~0`` and ``/`` becomes ``~1``."""
    return name.replace("~", "~0").replace("/", "~1")


def pointer_of(*parts: str | int) -> str:
    """The pointer that leads through these member names and array indexes; without any, the whole document (``""``)."""
    return "".join(f"/{escape_token(str(part))}" for part in parts)


def parse_pointer(pointer: str) -> list[str]:
    """The member names and array indexes of a pointer, unescaped.

    Raises ``ValueError`` when it is no pointer: it is neither empty nor starts with ``/``, or a ``~`` is not followed
    by 0 or 1.
    """
    if pointer == "":
        return []
    if not pointer.startswith("/"):
        raise ValueError("a JSON pointer is empty or starts with /")
    if re.search(_BAD_ESCAPE, pointer):
        raise ValueError("in a JSON pointer, ~ is followed by 0 or 1")
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/")]


def below(pointer: str, name: str | int) -> str:
    """The pointer of a member or entry of what ``pointer`` leads to."""
    return f"{pointer}/{escape_token(str(name))}"


def place(pointer: str, *more: str) -> str:
    """How a member is called in messages.

    ``process.user.uid``, ``mounts[3].type``, ``annotations["a.b"]``, or ``the document``.
    """
    text = ""
    for token in [*parse_pointer(pointer), *more]:
        if re.fullmatch(_PLAIN_NAME, token):
            text += f".{token}" if text else token
        elif token.isdigit() and text:
            text += f"[{token}]"
        else:
            text += f'["{token}"]'
    return text or "the document"
