"""The forms of ``-v``, ``--mount`` and ``--tmpfs``, as arguments of the methods."""

from __future__ import annotations

import re
from collections.abc import Callable

from ocivalidate.errors import OptionError
from ocivalidate.generate import units
from ocivalidate.generate.mount_words import LEFT_OUT, PROPAGATIONS, REFUSED
from ocivalidate.generate.table import Arguments
from ocivalidate.generate.tree import Tree
from ocivalidate.generate.values import boolean

# A drive or a network path of Windows has a backslash; without one, a colon always separates.
_SIDE = r"(?:[A-Za-z]:\\[^:]*|\\\\[^:]*|[^:]*)"
_VOLUME = re.compile(rf"({_SIDE}):({_SIDE}|[A-Za-z]:)(?::([^:]*))?")
VOLUME_FORM = "SOURCE:DESTINATION[:OPTIONS]"
_SYNONYMS = {"src": "source", "dst": "destination", "target": "destination", "ro": "readonly"}
_IDMAP = re.compile(r"(?:uids|gids)=[0-9-]+(?:#[0-9-]+)*")
_PERCENT = re.compile(r"[0-9]{1,3}%")

ENGINE_TYPES = {
    "volume": "volumes belong to an engine; type=bind mounts a folder of the host: type=bind,src=./data,dst=/data",
    "cluster": "volumes belong to an engine; type=bind mounts a folder of the host: type=bind,src=./data,dst=/data",
    "image": "images belong to an engine; ocivalidate unpack writes one to a folder, which type=bind mounts",
    "glob": "a config has no patterns; write a --mount for each folder",
}
"""Types of ``--mount`` that ask an engine for something, and what to write instead."""

_RECURSIVE = {"enabled": [], "disabled": ["bind"], "writable": [], "readonly": ["rro"]}


def is_path(source: str) -> bool:
    """Whether a source is a path for sure, and not the name of a volume: engines tell them apart by how they start."""
    return source.startswith(("/", ".", "\\")) or source[1:3] == ":\\"


def named_volume(source: str) -> str:
    """Why a source without a slash in front is refused."""
    return (
        f"{source!r} would be a volume, and volumes belong to an engine; "
        f"for a folder of the host write ./{source.lstrip('~/') or 'data'} (in the bundle) or its absolute path"
    )


def read_volume(text: str) -> Arguments:
    """``SOURCE:DESTINATION[:OPTIONS]``."""
    match = _VOLUME.fullmatch(text)
    if match is None and text.startswith("/") and ":" not in text:
        raise OptionError(
            f"{text!r} is not of the form {VOLUME_FORM}: volumes without a source belong to an engine; --tmpfs {text} "
            "is empty, too"
        )
    if match is None or not match[1] or not match[2]:
        raise OptionError(f"{text!r} is not of the form {VOLUME_FORM}")
    words = [word for word in (match[3] or "").split(",") if word]
    options, mappings = _idmapped([(name, value if equals else None) for name, equals, value in map(_split, words)])
    return match[1], match[2], tuple(options), mappings.get("uids"), mappings.get("gids")


def _split(word: str) -> tuple[str, str, str]:
    return word.partition("=")


def _idmapped(pairs: list[tuple[str, str | None]]) -> tuple[list[str], dict[str, list[Tree]]]:
    options: list[str] = []
    mappings: dict[str, list[Tree]] = {}
    for name, value in pairs:
        if name in ("idmap", "ridmap") and value:
            mappings = _read_idmap(value)
            options.append(name)
        else:
            options.append(name if value is None else f"{name}={value}")
    return options, mappings


def read_tmpfs(text: str) -> Arguments:
    """``PATH[:OPTIONS]``."""
    destination, _colon, words = text.partition(":")
    return destination, tuple(word for word in words.split(",") if word)


def read_mount(text: str) -> Arguments:
    """``type=bind,src=/a,dst=/b,ro`` as destination, type, source, options, uid mappings and gid mappings."""
    named: dict[str, str] = {}
    pairs: list[tuple[str, str | None]] = []
    for word, value in _fields(text):
        name = _SYNONYMS.get(word.lower(), word.lower() if word.lower() in _BY_ANY_CASE else word)
        if name in ("type", "source", "destination"):
            named[name] = value or ""
        else:
            pairs.append((name, value))
    kind, source = named.get("type", ""), named.get("source", "")
    # docker reads types in any case; those of other file systems are what the kernel calls them.
    kind = kind.lower() if kind.lower() in ("bind", "tmpfs", *ENGINE_TYPES) else kind
    if kind in ENGINE_TYPES:
        raise OptionError(ENGINE_TYPES[kind])
    if not named.get("destination"):
        raise OptionError(f"{text!r} has no dst=PATH")
    if not kind and source and not is_path(source):
        raise OptionError(f"{named_volume(source)}, or say type=bind")
    kind = kind or "bind"
    words, mappings = _idmapped(_spelled_out(kind, pairs))
    return named["destination"], kind, source, tuple(words), mappings.get("uids"), mappings.get("gids")


def _fields(text: str) -> list[tuple[str, str | None]]:
    """The fields between commas; one in double quotes may hold commas itself, as in every CSV."""
    import csv  # few command lines have one

    try:
        words = next(csv.reader([text], strict=True), [])
    except csv.Error as problem:
        raise OptionError(f"{text!r} cannot be split at its commas: {problem}") from None
    return [(name, value if equals else None) for name, equals, value in map(_split, words)]


def _spelled_out(kind: str, pairs: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    """The names of ``--mount`` in the words of mount(8)."""
    found: list[tuple[str, str | None]] = []
    for name, value in pairs:
        read = _NAMES.get(name)
        prefix = name.partition("-")[0]
        if prefix in ("bind", "tmpfs", "volume", "image") and "-" in name and (prefix != kind or read is None):
            if prefix == kind:
                raise OptionError(f"a {kind} mount has no {name}")
            raise OptionError(f"{name} is for type={prefix}, but this is type={kind}")
        if read is not None:
            found += [(word, setting) for word, setting in map(_word, read(name, value))]
        elif kind == "bind" and value is not None and name not in ("idmap", "ridmap", *LEFT_OUT, *REFUSED):
            raise OptionError(f"a bind mount takes no {name}={value}")
        elif not name:
            raise OptionError("an option is empty: two commas in a row, or one at an end")
        else:
            found.append((name, value))
    _check_recursion(pairs, found)
    return found


def _word(text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    return name, value if equals else None


def _check_recursion(pairs: list[tuple[str, str | None]], found: list[tuple[str, str | None]]) -> None:
    """bind-recursive=readonly is a stronger readonly, which docker wants to be there as well."""
    if ("rro", None) in found and ("bind-recursive", "readonly") in pairs:
        if ("ro", None) not in found:
            raise OptionError("bind-recursive=readonly also needs readonly")
        found.remove(("ro", None))


def _asked(value: str | None) -> bool:
    return value is None or boolean({"1": "true", "0": "false"}.get(value, value))


def _propagation(_name: str, value: str | None) -> list[str]:
    if value not in PROPAGATIONS:
        raise OptionError(f"bind-propagation is one of {', '.join(PROPAGATIONS)}, not {value or ''!r}")
    return [value or ""]


def _recursive(_name: str, value: str | None) -> list[str]:
    if value not in _RECURSIVE:
        raise OptionError(f"bind-recursive is one of {', '.join(_RECURSIVE)}, not {value or ''!r}")
    return _RECURSIVE[value]


def _tmpfs_size(_name: str, value: str | None) -> list[str]:
    text = value or ""
    return [f"size={text if _PERCENT.fullmatch(text) else units.size(text)}"]


def _tmpfs_mode(_name: str, value: str | None) -> list[str]:
    return [f"mode={units.octal(value or ''):04o}"]


def _owner(name: str, value: str | None) -> list[str]:
    return [name] if _asked(value) else []


_NAMES: dict[str, Callable[[str, str | None], list[str]]] = {
    "readonly": lambda _name, value: ["ro"] if _asked(value) else ["rw"],
    "rw": lambda _name, value: ["rw"] if _asked(value) else ["ro"],
    "bind-propagation": _propagation,
    "bind-nonrecursive": lambda _name, value: ["bind"] if _asked(value) else [],
    "bind-recursive": _recursive,
    "tmpfs-size": _tmpfs_size,
    "tmpfs-mode": _tmpfs_mode,
    "U": _owner,
    "chown": _owner,
    "z": _owner,
    "Z": _owner,
}
# Names that docker reads in any case: all but those of podman that a case tells apart.
_BY_ANY_CASE = frozenset(
    {"type", "source", "destination", *(name for name in _NAMES if name.lower() not in ("u", "z"))}
)


def _read_idmap(text: str) -> dict[str, list[Tree]]:
    """``uids=0-100000-65536#...;gids=...``: ids in the container, ids on the host, how many."""
    mappings: dict[str, list[Tree]] = {}
    for side in text.split(";"):
        if not _IDMAP.fullmatch(side):
            raise OptionError(f"{text!r} is not of the form uids=CONTAINER-HOST-SIZE;gids=CONTAINER-HOST-SIZE")
        name, _equals, ranges = side.partition("=")
        mappings[name] = [_mapping(entry) for entry in ranges.split("#")]
    return mappings


def _mapping(text: str) -> Tree:
    numbers = [units.count(part) for part in text.split("-")]
    if len(numbers) != 3:
        raise OptionError(f"{text!r} is not of the form CONTAINER-HOST-SIZE")
    return dict(zip(("containerID", "hostID", "size"), numbers, strict=True))
