"""``--changed-files``: the paths are files that changed, as pre-commit and git name them, of whatever program.

What they are part of is judged, each thing once; what is no document or image of OCI is passed over, as the
``config.json`` of another program is no finding.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator

from ocivalidate import meanings
from ocivalidate.bundle.sources import CONFIG_NAME, read_file
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.settings_table import FOUND
from ocivalidate.errors import NotMeant, TooLarge, Unreadable

_NAMES_ITS_RELEASE = b'"ociVersion"'
_IMAGES = ("layout", "saved")


def add_option(parser: DashParser, wholes: str) -> None:
    """Add the option to the parser of a command. ``wholes``: what it judges, that files are part of."""
    help_text = f"the paths are changed files of any kind: judge the {wholes} among them, and pass over the others"
    parser.group(FOUND).add_argument("--changed-files", action="store_true", help=help_text)


def bundles(files: Iterable[str], max_size: int, *, follow_links: bool) -> list[str]:
    """The files that configure containers, as far as their text tells, and those too long to be read."""
    wanted = (file for file in files if _is_file(file, follow_links=follow_links))
    return list(dict.fromkeys(file for file in wanted if _is_config(file, max_size)))


def _is_file(file: str, *, follow_links: bool) -> bool:
    """Whether a file that changed is to be looked at.

    A link that changed is a path and no document, and where it leads its author chose; one that is the ``config.json``
    of a bundle is judged as such, and not followed out of it.
    """
    is_link = os.path.islink(file) and os.path.basename(file) != CONFIG_NAME
    return os.path.isfile(file) and (follow_links or not is_link)


def _is_config(file: str, max_size: int) -> bool:
    try:
        data = read_file(file, max_size)
    except Unreadable as problem:
        # Judging it says why. A long file is rather another program's.
        return not isinstance(problem, TooLarge)
    return _NAMES_ITS_RELEASE in data or _is_container(data)


def _is_container(data: bytes) -> bool:
    """Whether a document has the members of a container."""
    try:
        return meanings.is_container(json.loads(data))
    except (ValueError, RecursionError):
        return False


def images(files: Iterable[str], *, follow_links: bool) -> list[str]:
    """The layout folders that the files are part of, and the archives of images among them."""
    return list(dict.fromkeys(_images(files, follow_links=follow_links)))


def _images(files: Iterable[str], *, follow_links: bool) -> Iterator[str]:
    known: dict[str, bool] = {}
    for file in files:
        layout = next((folder for folder in _folders_around(file) if _is_layout(folder, known)), "")
        if layout or (_is_file(file, follow_links=follow_links) and _is_image(file)):
            yield layout or file


def _folders_around(file: str) -> Iterator[str]:
    """The folders that a path goes through, the innermost first: a file of a layout may be gone."""
    folder = os.path.dirname(file)
    while True:
        yield folder or "."
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def _is_layout(folder: str, known: dict[str, bool]) -> bool:
    if folder not in known:
        known[folder] = meanings.of_path(folder) == "layout"
    return known[folder]


def _is_image(file: str) -> bool:
    from ocivalidate.image.limits import Limits
    from ocivalidate.image.sources.opening import open_source

    try:
        with open_source(file, Limits()) as source:
            return source.alone is None and meanings.of_names(source.children("")) in _IMAGES
    except NotMeant:
        return False
    except Unreadable:
        # An archive that is damaged: judging it says where.
        return meanings.of_path(file) == "archive"
