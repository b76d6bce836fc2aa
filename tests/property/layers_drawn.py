"""Layers that are drawn at random: few names, so that they collide, and everything that an entry can be."""

from __future__ import annotations

import random
from typing import NamedTuple

from fixtures.layouts import Entry, tars
from fixtures.layouts.build import Image, Index, Layer, Layout

_NAMES = ("a", "b", "c", "d", "lib", "etc")
_RARE = (
    ".wh.a",
    "x" * 255,
    "x" * 256,
    "\u00fc",
    " ",
    "..a",
    ".wh",
    ".wh..wh.plnk",
    ".wh..wh..opq",
    ".wh.",
    ".wh..",
    "a\nb",
)
_KINDS = "0" * 6 + "5" * 4 + "2" * 4 + "1" * 4 + "w" * 5 + "oo" + "6" + "3" + "4" + "V" + "7" + "\0"
_XATTRS = (
    "user.a",
    "user.",
    "security.capability",
    "trusted.x",
    "odd",
    "system.posix_acl_access",
    "trusted.overlay.opaque",
)
_COMPRESSIONS = ("none", "gzip", "zstd")


class Drawn(NamedTuple):
    """The entries of each layer, from the lowest, and how it is compressed."""

    layers: list[list[Entry]]
    compressions: list[str]

    def layout(self) -> Layout:
        """The image in a layout."""
        pairs = zip(self.layers, self.compressions, strict=True)
        return Layout(Index((Image(tuple(Layer(tars.tar(entries), how) for entries, how in pairs)),)))

    def __str__(self) -> str:
        """The layers, for people."""
        lines = [
            f"layer {number}\n" + "".join(f"  {_said(entry)}\n" for entry in layer)
            for number, layer in enumerate(self.layers)
        ]
        return "".join(lines)


def _said(entry: Entry) -> str:
    link = f" -> {entry.link!r}" if entry.link else ""
    return f"{entry.type!r} {entry.name!r}{link} {dict(entry.pax or {})} {entry.device}"


class Drawer:
    """Draws layers with one source of chance. ``odd``: how likely something is that no usual layer has."""

    def __init__(self, dice: random.Random, odd: float) -> None:
        self._dice = dice
        self._odd = odd
        self._names = _NAMES[: dice.randint(2, len(_NAMES))]
        self._depth = dice.choice([1, 2, 2, 3, 4])
        # Paths that there may be: hard links and paths through links lead to them.
        self._paths: list[str] = []

    def image(self) -> Drawn:
        """An image of one to four layers."""
        dice = self._dice
        layers = [self.layer() for _ in range(dice.choice([1, 2, 2, 3, 3, 4]))]
        if len(layers) > 1 and dice.random() < 0.03:
            layers.append(dice.choice(layers))
        return Drawn(layers, [dice.choice(_COMPRESSIONS) for _ in layers])

    def layer(self) -> list[Entry]:
        """The limit on the entries of a layer, mostly such as agree with each other."""
        taken: set[str] = set()
        entries = []
        for _ in range(self._dice.randint(0, 7)):
            path = self._path()
            if path in taken and self._dice.random() > self._odd:
                continue
            taken.add(path)
            entries.append(self._entry(path))
        return entries

    def _often(self) -> bool:
        return self._dice.random() < self._odd

    def _path(self) -> str:
        dice = self._dice
        if self._paths and dice.random() < 0.3:
            return f"{dice.choice(self._paths)}/{dice.choice(self._names)}"
        names = _NAMES + _RARE if self._often() else self._names
        return "/".join(
            dice.choice(names if self._often() else self._names) for _ in range(dice.randint(1, self._depth))
        )

    def _target(self) -> str:
        dice = self._dice
        target = dice.choice(self._paths) if self._paths and dice.random() < 0.8 else self._path()
        if dice.random() < 0.3:
            target = "../" * dice.randint(1, 2) + target
        return f"/{target}" if dice.random() < 0.3 else target

    def _entry(self, path: str) -> Entry:
        dice = self._dice
        kind = dice.choice(_KINDS)
        head, slash, base = path.rpartition("/")
        if kind == "w":
            return Entry(f"{head}{slash}.wh.{base}", self._content() if self._often() else b"")
        if kind == "o":
            return Entry(f"{path}/.wh..wh..opq")
        known = self._known() if kind == "1" and not self._often() else None
        self._paths.append(path)
        return self._made(self._written(path), kind, known)

    def _known(self) -> str | None:
        return self._dice.choice(self._paths) if self._paths else None

    def _written(self, path: str) -> str:
        """The path in one of the forms that are all the same."""
        if not self._often():
            return path
        return self._dice.choice(
            [f"./{path}", f"{path}/", f"/{path}", f"{path}/.", path.replace("/", "//"), f"{path}/../{path}"]
        )

    def _made(self, name: str, kind: str, known: str | None) -> Entry:
        dice = self._dice
        mode, owner = dice.choice([0o644, 0o755, 0, 0o4755, 0o1777]), dice.choice([0, 0, 7])
        pax: dict[str, str | bytes] = {}
        if self._often() and dice.random() < 0.3:
            pax[f"SCHILY.xattr.{dice.choice(_XATTRS)}"] = dice.choice(["x", "", "\0" * 20])
        if len(name.encode()) > 100:
            pax["path"] = name
        content = self._content() if kind in "0V7\0" else b""
        device = (dice.choice([1, 4095, 4096]), dice.choice([3, (1 << 20) - 1, 1 << 20])) if self._often() else (1, 3)
        link = known or self._target() if kind in "12" else ""
        if kind == "2" and self._often():
            link = dice.choice(["", ".", "..", "/", "x" * 300, "y/" * 2047 + "z", link + "/"])
        if len(link.encode()) > 100:
            pax["linkpath"] = link
        magic = dice.choice([tars.USTAR, tars.USTAR, tars.GNU]) if not pax else tars.USTAR
        if magic == tars.GNU and len(name.encode()) > 100:
            magic = tars.USTAR
        return Entry(
            name if kind != "5" or dice.random() < 0.5 else f"{name}/",
            content,
            type=kind,
            link=link,
            mode=mode,
            uid=owner,
            gid=owner,
            mtime=dice.choice([0, 1_700_000_000]),
            device=device if kind in "34" else (0, 0),
            magic=magic,
            pax=pax or None,
        )

    def _content(self) -> bytes:
        return self._dice.choice([b"", b"1", b"two", b"3" * 600])


def drawn(seed: int) -> Drawn:
    """The image that a number stands for."""
    dice = random.Random(seed)  # noqa: S311  # nothing here is a secret
    return Drawer(dice, dice.choice([0.0, 0.0, 0.02, 0.1, 0.3])).image()
