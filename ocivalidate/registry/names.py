"""Names of images in registries, as docker and skopeo write them: ``docker://HOST[:PORT]/NAME[:TAG|@DIGEST]``.

The grammar of names and tags is that of distribution-spec; what docker adds to a short name is that of distribution's
``reference``: no host means Docker Hub, and a name without a slash there is one of ``library``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ocivalidate.errors import Unreadable
from ocivalidate.vocabulary import digests
from ocivalidate.vocabulary.image_names import is_repository, is_tag
from ocivalidate.vocabulary.wording import shortened

PREFIX = "docker://"
HUB = "docker.io"
LATEST = "latest"
# Other names of Docker Hub, and where its API is.
_HUBS = frozenset({HUB, "index.docker.io", "registry-1.docker.io"})
_HUB_API = "registry-1.docker.io"
_LONGEST = 1024
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?")
_LARGEST_PORT = 65535


class ImageName(NamedTuple):
    """An image in a registry. ``tag`` and ``digest`` may be empty; a digest counts more than a tag."""

    host: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def reference(self) -> str:
        """The tag or digest by which the registry is asked."""
        return self.digest or self.tag or LATEST

    @property
    def place(self) -> str:
        """Host and repository, as users write them."""
        return f"{PREFIX}{self.host}/{self.repository}"

    def __str__(self) -> str:
        return f"{self.place}@{self.digest}" if self.digest else f"{self.place}:{self.reference}"


class Place(NamedTuple):
    """A registry, or one repository in it: ``repository`` is empty for the whole."""

    host: str
    repository: str = ""


def parse_image(text: str) -> ImageName:
    """Read the name of an image, with ``docker://`` in front of it or not. Raises :class:`Unreadable`."""
    name = _bare(text)
    found, problem = _image(name)
    if found is None:
        raise Unreadable(
            f"not the name of an image: {problem}; write docker://HOST/NAME:TAG or docker://HOST/NAME@DIGEST"
        )
    return found


def parse_place(text: str) -> Place:
    """Read the name of a registry or of a repository in one, with or without ``docker://``.

    Raises :class:`Unreadable`.
    """
    if not _bare(text).strip("/"):
        raise Unreadable("not the name of a registry: write docker://HOST, or docker://HOST/NAME for a repository")
    host, slash, _rest = _bare(text).rstrip("/").partition("/")
    if not slash and is_host(host):
        return Place(_hub(host))
    found = parse_image(text.rstrip("/"))
    if found.tag or found.digest:
        raise Unreadable(
            "this names one image: write docker://HOST for a registry or docker://HOST/NAME for a repository"
        )
    return Place(found.host, found.repository)


def meant_image(text: str) -> str:
    """``docker://…`` for what can only be the name of an image in a registry, or nothing.

    It has a host, a tag or a digest.
    """
    found, _problem = _image(text)
    first, slash, _rest = text.partition("/")
    telling = found is not None and (found.tag or found.digest or (slash and is_host(first)))
    return f"{PREFIX}{text}" if telling else ""


def meant_place(text: str) -> str:
    """``docker://…`` for what can only be a registry or a repository in one, however it is written, or nothing."""
    bare = re.sub(r"^(?:https?|oci)://", "", text)
    bare = re.sub(r"/v[12]$", "", bare.rstrip("/")) if bare != text else bare.rstrip("/")
    host, slash, repository = bare.partition("/")
    telling = bare != text.rstrip("/") or (is_host(host) and (slash or ":" in host or host == "localhost"))
    if not telling or _HOST.fullmatch(host) is None or (slash and not is_repository(repository)):
        return ""
    return f"{PREFIX}{bare}"


def is_host(text: str) -> bool:
    """Whether the first part of a name is that of a registry: it has a dot or a port, or is ``localhost``."""
    match = _HOST.fullmatch(text)
    port = int(match["port"] or 1) if match else 0
    return 0 < port <= _LARGEST_PORT and (any(mark in text for mark in ".:[") or text == "localhost")


def api_host(host: str) -> str:
    """The host of the API, with its port if that is given."""
    return _HUB_API if host in _HUBS else host


def is_hub(host: str) -> bool:
    """Whether this is Docker Hub."""
    return host in _HUBS


def referrers_tag(digest: str) -> str:
    """The tag under which referrers are listed where there is no API for it (referrers tag schema)."""
    algorithm, _, encoded = digest.partition(":")
    return re.sub(r"[^A-Za-z0-9._-]", "-", f"{algorithm[:32]}-{encoded[:64]}")


def _bare(text: str) -> str:
    return text.removeprefix(PREFIX)


def _shown(text: str) -> str:
    """A part of a name in one line."""
    return shortened(text if text.isprintable() else ascii(text), 80)


def _no_repository(name: str) -> str:
    lower = ", which is in lower case" if is_repository(name.lower()) else ""
    return f"{_shown(name)} is not a repository{lower}"


def _has_port(text: str) -> bool:
    """Whether this is a host with a port, and not a name with a tag: the host has a dot, or is ``localhost``."""
    host, _colon, port = text.rpartition(":")
    return port.isdecimal() and is_host(text) and (host == "localhost" or "." in host or host.startswith("["))


def _hub(host: str) -> str:
    return HUB if host in _HUBS else host


def _image(name: str) -> tuple[ImageName | None, str]:
    """The image of this name, or why it is none."""
    if len(name) > _LONGEST:
        return None, f"it has {len(name)} characters"
    rest, at, digest = name.partition("@")
    first, slash, below = rest.partition("/")
    if _has_port(rest):
        return None, f"{rest} is a registry, which ocivalidate audit {PREFIX}{rest} judges as a whole"
    host, path = (first, below) if slash and is_host(first) else (HUB, rest)
    colon = path.rfind(":")
    repository, tag = (path[:colon], path[colon + 1 :]) if colon > path.rfind("/") else (path, "")
    host = _hub(host)
    if host == HUB and repository and "/" not in repository:
        repository = f"library/{repository}"
    faults = (
        (not repository, "there is no name in it"),
        (not is_repository(repository), _no_repository(repository)),
        (colon > path.rfind("/") and not is_tag(tag), f"{_shown(tag)} is not a tag"),
        (bool(at) and digests.parse(digest) is None, f"{_shown(digest)} is not a digest"),
    )
    problem = next((text for wrong, text in faults if wrong), "")
    return (None, problem) if problem else (ImageName(host, repository, tag, digest), "")
