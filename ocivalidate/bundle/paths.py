"""What an absolute path is on the platforms of the specification. Text only: nothing is looked up on disk."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ocivalidate.rules.checks import Node, Violation

_WINDOWS_ABSOLUTE = r"[A-Za-z]:[\\/]|\\\\[^\\]"


def is_absolute(path: str, platforms: Iterable[str]) -> bool:
    """Whether ``path`` is absolute on any of the platforms: a document for several may use either form."""
    names = set(platforms)
    if "windows" in names and re.match(_WINDOWS_ABSOLUTE, path):
        return True
    # A Linux container on Windows has both sections, and paths of either form.
    return path.startswith("/") and names != {"windows"}


def absolute_form(platforms: Iterable[str]) -> str:
    """What an absolute path starts with on these platforms, for messages."""
    names = set(platforms)
    if names == {"windows"}:
        return "a path that starts with a drive, such as C:\\"
    return "a path that starts with / or a drive, such as C:\\" if "windows" in names else "a path that starts with /"


def not_absolute(node: Node, clause: str, platforms: Iterable[str] = ("linux",)) -> Iterator[Violation]:
    """A violation unless the path at a node is absolute on any of the platforms."""
    if not is_absolute(node.value, platforms):
        yield node.breaks(clause, f"{node.place} is not an absolute path", want=absolute_form(platforms))
