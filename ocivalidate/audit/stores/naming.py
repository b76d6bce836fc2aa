"""What names and links of a storage say: digests that are folders, digests and times in files."""

from __future__ import annotations

import re
from datetime import datetime

from ocivalidate.vocabulary import digests
from ocivalidate.vocabulary.wording import shortened

# Hardly any other digest is in use, and a storage has a million of them.
_USUAL = re.compile(r"sha256:[0-9a-f]{64}")


def digest(algorithm: str, encoded: str) -> str:
    """The digest that a folder and a name in it make; empty if they make none."""
    text = f"{algorithm}:{encoded}"
    return text if _USUAL.fullmatch(text) or not digests.problem(text) else ""


def digest_problem(algorithm: str, encoded: str) -> str:
    """Why a folder and a name in it make no digest, in a line."""
    return f"{shortened(f'{algorithm}:{encoded}')} is no digest: {digests.problem(f'{algorithm}:{encoded}')}"


def link_digest(content: bytes | None) -> str:
    """The digest in a file that makes a link; empty if it holds none, or more than that."""
    try:
        text = (content or b"").decode("ascii")
    except UnicodeDecodeError:
        return ""
    return "" if digests.problem(text) else text


def seconds(content: bytes | None) -> float:
    """The time in a file, as RFC 3339 writes it, in seconds since 1970; 0 if it holds none."""
    try:
        return datetime.fromisoformat((content or b"").decode("ascii").strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0
