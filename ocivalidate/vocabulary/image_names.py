"""How registries and storages may call repositories and tags (distribution-spec, Pulling manifests)."""

from __future__ import annotations

import re

# The grammars of <name> and <reference>. Every letter has one way to match.
_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
# What distribution and docker take: with the host it has to fit into 255.
_LONGEST_REPOSITORY = 255


def is_repository(name: str) -> bool:
    """Whether a repository may have this name."""
    return len(name) <= _LONGEST_REPOSITORY and _REPOSITORY.fullmatch(name) is not None


def is_tag(name: str) -> bool:
    """Whether a tag may have this name."""
    return _TAG.fullmatch(name) is not None
