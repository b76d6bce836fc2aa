"""What the paths on the command line of ``bundle`` and ``image`` mean: themselves, or what is found below them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ocivalidate.errors import UsageError
from ocivalidate.vocabulary.wording import shortened

if TYPE_CHECKING:
    from ocivalidate.cli.settings import Settings
    from ocivalidate.many.globs import Pattern
    from ocivalidate.many.walk import Input, Walk

_MOST_PATTERNS = 1000
_MOST_NAMED = 20
# What makes a folder an input of its own, without another look at it.
_MARKS = {"bundle": "config.json", "image": "oci-layout"}


def inputs(command: str, paths: Sequence[str], settings: Settings) -> tuple[list[tuple[str, str]], list[str]]:
    """The inputs, each with what keeps it from being judged, and what ``-v`` says of the search for them.

    Raises :class:`UsageError` for a pattern that is none.
    """
    excluded = _patterns(settings["exclude"], settings.origins.get("exclude", ()))
    if all(_is_plain(command, path) for path in paths):
        # Most runs: nothing is searched.
        return [(path, "") for path in paths], []
    from ocivalidate.many.inputs import TAKING, Inputs
    from ocivalidate.many.walk import Rules

    home = os.path.dirname(os.path.abspath(settings.file)) if "exclude" in settings.changed else _here()
    rules = Rules(
        TAKING[command],
        settings["max-size"],
        excluded,
        home,
        settings["respect-gitignore"],
        settings["follow-links"],
    )
    found = Inputs(command, rules)
    wanted: list[Input] = found.of(paths)
    return [*wanted], [*_told(found.walk)]


def _is_plain(command: str, path: str) -> bool:
    return (
        path == "-"
        or (command == "image" and is_name(path))
        or os.path.isfile(path)
        or os.path.lexists(os.path.join(path, _MARKS[command]))
    )


def is_name(path: str) -> bool:
    """Whether this is the name of an image as skopeo writes it, and no path."""
    from ocivalidate import meanings

    return bool(meanings.transport(path)[0])


def _patterns(written: Sequence[str], origins: Sequence[str]) -> tuple[Pattern, ...]:
    if not written:
        return ()
    from ocivalidate.cli.settings import told_by

    with told_by(origins):
        return _read(written)


def _read(written: Sequence[str]) -> tuple[Pattern, ...]:
    from ocivalidate.many.globs import pattern

    if len(written) > _MOST_PATTERNS:
        raise UsageError(f"exclude has {len(written):,} patterns; at most {_MOST_PATTERNS:,} are allowed")
    found = []
    for text in written:
        one = pattern(text.removeprefix("./"))
        if one is None:
            raise UsageError(f"exclude: not a pattern as in .gitignore: {shortened(text, 80)}")
        found.append(one)
    return tuple(found)


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:
        return os.sep


def _told(walk: Walk) -> Iterator[str]:
    """What was walked, and what was passed over."""
    if not walk.folders:
        return
    yield f"folders walked: {walk.folders:,}"
    for kind, number in sorted(walk.left_out.items()):
        if number:
            yield f"left out, {kind}: {number:,}"
    for path in walk.strange[:_MOST_NAMED]:
        yield f"left out, not a file: {path}"
    if len(walk.strange) > _MOST_NAMED:
        yield f"left out, not a file: {len(walk.strange) - _MOST_NAMED:,} more"
