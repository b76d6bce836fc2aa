"""What the layers of an image make, by the letter of image-spec layer.md: a plain dict from paths to what stands there.

Written against the specification alone, for images that are sound: of a layer whiteouts are applied first, as they are
about lower layers whatever their place, then the entries in their order. Links on a path are followed below the root.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from fixtures.layouts import Entry

Parts = tuple[str, ...]
_TYPES = {"0": "file", "7": "file", "\0": "file", "5": "folder", "2": "link", "6": "fifo", "3": "char", "4": "block"}
_HARDLINK = "1"
_MOST_LINKS = 40


class Unclear(Exception):
    """The specification does not say what the layer makes: its own whiteouts concern what it refers to."""


@dataclass(eq=False)
class Thing:
    """What stands at one path or, with hard links, at several."""

    kind: str
    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    content: bytes | str = b""
    device: tuple[int, int] = (0, 0)
    xattrs: dict[str, bytes] = field(default_factory=dict)


class Applied:
    """The root file system so far; the root itself is the empty path."""

    def __init__(self) -> None:
        self.tree: dict[Parts, Thing] = {(): Thing("folder")}

    def apply(self, entries: Iterable[Entry]) -> None:
        """Apply a layer. Raises :class:`Unclear`."""
        entries = [entry for entry in entries if entry.type == _HARDLINK or entry.type in _TYPES]
        whiteouts = [entry for entry in entries if _is_whiteout(entry)]
        textual = {parts(entry.name) for entry in entries}
        for entry in whiteouts:
            self._hide(parts(entry.name), textual)
        for entry in entries:
            if not _is_whiteout(entry):
                self._take(entry, clear=not whiteouts)

    def _hide(self, path: Parts, textual: set[Parts]) -> None:
        parent = self.find(path[:-1])
        if parent is None:
            return
        if parent != path[:-1] and any(path[:end] in textual for end in range(1, len(path))):
            raise Unclear
        hidden = path[-1][4:]
        if hidden == ".wh..opq":
            self._remove(parent, itself=False)
        elif not hidden.startswith(".wh."):
            self._remove((*parent, hidden))

    def _take(self, entry: Entry, *, clear: bool) -> None:
        path = parts(entry.name)
        if not path:
            self._give(self.tree[()], entry)
            return
        parent = self.find(path[:-1], make=True)
        assert parent is not None
        path = (*parent, path[-1])
        if entry.type == _HARDLINK:
            self._link(path, parts(entry.link), clear=clear)
            return
        kind = "folder" if entry.type == "\0" and str(entry.name).endswith("/") else _TYPES[entry.type]
        known = self.tree.get(path)
        if kind != "folder" or known is None or known.kind != "folder":
            self._remove(path)
            known = self.tree[path] = Thing(kind)
        self._give(known, entry)

    def _link(self, path: Parts, target: Parts, *, clear: bool) -> None:
        parent = self.find(target[:-1])
        source = None if parent is None else (*parent, target[-1])
        if source is None or source not in self.tree:
            # A whiteout of the same layer may have hidden it.
            assert not clear
            raise Unclear
        if source != path:
            thing = self.tree[source]
            self._remove(path)
            self.tree[path] = thing

    def _give(self, thing: Thing, entry: Entry) -> None:
        thing.mode, thing.uid, thing.gid, thing.mtime = entry.mode, entry.uid, entry.gid, entry.mtime
        thing.xattrs = {
            key.removeprefix("SCHILY.xattr."): value.encode() if isinstance(value, str) else value
            for key, value in (entry.pax or {}).items()
            if key.startswith("SCHILY.xattr.")
        }
        if thing.kind == "file":
            thing.content = entry.content
        elif thing.kind == "link":
            assert isinstance(entry.link, str)
            thing.content = entry.link
        elif thing.kind in ("char", "block"):
            thing.device = entry.device

    def _remove(self, path: Parts, *, itself: bool = True) -> None:
        for known in [known for known in self.tree if known[: len(path)] == path and (itself or known != path)]:
            del self.tree[known]

    def find(self, path: Parts, *, make: bool = False) -> Parts | None:
        """Where a folder really is; ``None``: nowhere."""
        here: Parts = ()
        left, links = list(path), 0
        while left:
            name = left.pop(0)
            if name in ("", "."):
                continue
            if name == "..":
                here = here[:-1]
                continue
            thing = self.tree.get((*here, name))
            if thing is None and make:
                thing = self.tree[*here, name] = Thing("folder")
            if thing is not None and thing.kind == "link":
                links += 1
                assert isinstance(thing.content, str)
                here = () if thing.content.startswith("/") else here
                left = thing.content.split("/") + left
            elif thing is not None and thing.kind == "folder":
                here = (*here, name)
            else:
                assert not make
                return None
            if links > _MOST_LINKS:
                assert not make
                return None
        return here


def parts(name: str | bytes) -> Parts:
    """The names on a path as it stands in a layer."""
    assert isinstance(name, str)
    found: list[str] = []
    for part in name.split("/"):
        if part == "..":
            del found[-1:]
        elif part not in ("", "."):
            found.append(part)
    return tuple(found)


def _is_whiteout(entry: Entry) -> bool:
    path = parts(entry.name)
    return bool(path) and path[-1].startswith(".wh.")
