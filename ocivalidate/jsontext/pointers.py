"""JSON pointers (RFC 6901): how a member of a document is named."""

from __future__ import annotations

import functools
import re

Path = tuple["Path", str | int] | None
"""The way to a value: that to what is around it, and the name or index there; ``None`` for the whole document.

Making one costs next to nothing, however deep it leads. A pointer is made only of one that is shown.
"""

_BAD_ESCAPE = r"~(?![01])"
_PLAIN_NAME = r"[A-Za-z_$][A-Za-z0-9_$]*"
# Of a longer way, a message shows the end.
_LONGEST_WAY = 16
_LONGEST_NAME = 80
_LONGEST_POINTER = 4096


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
        raise ValueError("a JSON pointer must be empty or start with /")
    if re.search(_BAD_ESCAPE, pointer):
        raise ValueError("in a JSON pointer, ~ must be followed by 0 or 1")
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/")]


def tokens_of(path: Path) -> list[str | int]:
    """The member names and array indexes on the way, from the outermost."""
    found: list[str | int] = []
    while path is not None:
        path, token = path
        found.append(token)
    return found[::-1]


def path_of(*parts: str | int) -> Path:
    """The path through these member names and array indexes."""
    path: Path = None
    for part in parts:
        path = (path, part)
    return path


def pointer_to(path: Path) -> str:
    """The pointer to where a path leads."""
    return pointer_of(*tokens_of(path))


def bounded(pointer: str) -> str:
    """The pointer, or that of the innermost value around it whose pointer is of a length to show."""
    return pointer if len(pointer) <= _LONGEST_POINTER else pointer[: pointer.rfind("/", 0, _LONGEST_POINTER)]


def below(pointer: str, name: str | int) -> str:
    """The pointer of a member or entry of what ``pointer`` leads to."""
    return f"{pointer}/{escape_token(str(name))}"


def place(pointer: str, *more: str) -> str:
    """How a member is called in messages.

    ``process.user.uid``, ``mounts[3].type``, ``annotations["a.b"]``, or ``the document``.
    """
    return _called([*parse_pointer(pointer), *more])


def place_at(path: Path, *more: str) -> str:
    """:func:`place` for a path; of one that is very long, the end."""
    found: list[str | int] = []
    while path is not None and len(found) <= _LONGEST_WAY:
        path, token = path
        found.append(token)
    shown = _called([*found[::-1], *more])
    return shown if path is None else f"…{shown}"


def _called(tokens: list[str | int] | list[str]) -> str:
    text = ""
    for step in tokens:
        if isinstance(step, int) and text:
            text += f"[{step}]"
        else:
            first, later = _step(str(step)[: _LONGEST_NAME + 1])
            text += later if text else first
    return text or "the document"


@functools.lru_cache(maxsize=256)
def _step(name: str) -> tuple[str, str]:
    """How a member is called where it comes first, and behind others."""
    token = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
    if (token.isascii() and token.isidentifier()) or re.fullmatch(_PLAIN_NAME, token):
        return token, f".{token}"
    quoted = f'["{token}"]'
    return quoted, f"[{token}]" if token.isdigit() else quoted
