"""Image configurations that are drawn at random: forms that people write, and those that nobody should."""

from __future__ import annotations

import random
from typing import Any

from fixtures.layouts import Entry, tars
from fixtures.layouts.build import Image, Index, Layer, Layout
from fixtures.layouts.tars import folder, hardlink, symlink, whiteout

_LONG = "n" * 300
_IDS = ("0", "1000", "00", "007", "4294967294", "4294967295", "4294967296", "99999999999", "-1", "+1", "1.5", "\u0661")
_NAMES = ("root", "app", "nobody", "", " ", "a b", "\u00fc", "x\0y", "a/b", "#1", "big", "huge", "\ud800")
_TEXTS = ("", "a", " ", "/", "a\nb", "\0", "\u00fc", "\ud800", _LONG, "..", "-x")
_ENTRIES = ("A=1", "A=", "=1", "A", "", "=", "A=1=2", "PATH=/x", "PATH", "a b=1", "A=\0", "\u00fc=\ud800", "=C:=x")
_FOLDERS = ("/", "/a", "a", "", "..", "/..", "/a/../b", "a\0b", "//", f"/{_LONG}", "/x" * 300, "/etc/passwd", "C:\\x")
_KEYS = (
    "",
    "a",
    "com.example.a",
    "org.opencontainers.image.os",
    "a b",
    "\0",
    "/",
    "\u00fc",
    _LONG,
    "A",
    "a.A",
    "\ud800",
)
_PORTS = ("80", "80/tcp", "0/tcp", "65536", "1-2/udp", "", "x", "80/TCP", "9/sctp", "\0", " 80", "80,81")
_SIGNALS = ("SIGTERM", "9", "", "SIGRTMIN+3", "KILL", "SIGX", "\0", "-1", "65", "a b")
_OSES = ("linux",) * 12 + ("windows", "windows", "freebsd", "solaris", "darwin", "", "Linux", "\0", "plan9", "zos")
_ARCHITECTURES = ("amd64",) * 4 + ("arm64", "arm", "", "x86_64", "\0", "AMD64", "wasm")
_VARIANTS = ("", "v7", "v8", "v99", "\0")
_ODD: tuple[Any, ...] = (None, 0, True, [], {}, "x", [None], {"a": 1})

# What stands in /etc/passwd and /etc/group of an image, in layers from the lowest.
_PASSWD = b"root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:\nbig:x:4294967294:7::/:\nhuge:x:4294967295:7::/:\na b:x:5:5:::\n"
_GROUP = b"root:x:0:\napp:x:1000:app,root\nbig:x:4294967294:app\nhuge:x:4294967295:root\n\xc3\xbc:x:9:\n"
USERS: tuple[tuple[list[Entry], ...], ...] = (
    ([],),
    ([Entry("etc/passwd", _PASSWD), Entry("etc/group", _GROUP)],),
    ([Entry("etc/passwd", _PASSWD), Entry("etc/group", _GROUP)], [whiteout("etc/passwd")]),
    ([Entry("etc/passwd", b"other:x:1:1\n")], [Entry("etc/passwd", _PASSWD), Entry("etc/group", _GROUP)]),
    ([Entry("etc/passwd", _PASSWD), Entry("etc/group", _GROUP)], [Entry("etc/.wh..wh..opq"), Entry("etc/x")]),
    ([Entry("usr/etc/passwd", _PASSWD), Entry("usr/etc/group", _GROUP), symlink("etc", "/usr/etc")],),
    ([Entry("p", _PASSWD), symlink("etc/passwd", "../../p"), hardlink("etc/group", "p")],),
    ([Entry("p", _PASSWD), Entry("g", _GROUP)], [hardlink("etc/passwd", "p"), hardlink("etc/group", "g")]),
    ([symlink("etc/passwd", "passwd"), folder("etc/group/")],),
    ([Entry("etc/passwd", b"\0" * 50 + b"\napp\napp:x:\n:::\n" + _PASSWD[:-1]), Entry("etc/group", b"app:x:-1:\n")],),
)


def configuration(seed: int) -> tuple[dict[str, Any], tuple[list[Entry], ...]]:
    """The members of a configuration, most of them sound, and the layers that it is for."""
    rng = random.Random(seed)  # noqa: S311  # tests
    config: dict[str, Any] = {"Cmd": ["/bin/sh"]}
    found: dict[str, Any] = {"config": config}
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        name, made = rng.choice(tuple(_MEMBERS.items()))
        value = made(rng) if rng.random() < 0.95 else rng.choice(_ODD)
        if name[0].islower():
            found[name] = value
        else:
            config[name] = value
    if rng.random() < 0.02:
        found["config"] = rng.choice(_ODD)
    return found, rng.choice(USERS)


def layout(config: dict[str, Any], layers: tuple[list[Entry], ...]) -> Layout:
    """An image of the two."""
    made = tuple(Layer(tars.tar(entries)) for entries in layers)
    platform = {name: config[name] for name in ("os", "architecture", "variant") if isinstance(config.get(name), str)}
    platform = {"architecture": "amd64", "os": "linux", **platform}
    return Layout(Index((Image(made, platform=platform, config=config),)))


def _user(rng: random.Random) -> str:
    def one() -> str:
        return rng.choice(_IDS + _NAMES + ("root", "app", "1000") * 4)

    return rng.choice((one(), one(), f"{one()}:{one()}", f"{one()}:{one()}", f"{one()}:{one()}:{one()}"))


def _list(*texts: str) -> Any:
    return lambda rng: rng.choices(texts, k=rng.choice((0, 1, 1, 2, 3)))


def _set(*texts: str) -> Any:
    return lambda rng: {text: {} for text in rng.choices(texts, k=rng.choice((0, 1, 1, 2)))}


def _labels(rng: random.Random) -> dict[str, str]:
    return {rng.choice(_KEYS): rng.choice(_TEXTS) for _ in range(rng.choice((0, 1, 1, 2)))}


def _one(*texts: str) -> Any:
    return lambda rng: rng.choice(texts)


_MEMBERS: dict[str, Any] = {
    "User": _user,
    "Env": _list(*_ENTRIES),
    "Entrypoint": _list("/bin/sh", *_TEXTS),
    "Cmd": _list("/bin/sh", *_TEXTS),
    "WorkingDir": _one(*_FOLDERS),
    "Labels": _labels,
    "StopSignal": _one(*_SIGNALS),
    "ExposedPorts": _set(*_PORTS),
    "Volumes": _set(*_FOLDERS),
    "ArgsEscaped": lambda rng: rng.random() < 0.5,
    "os": _one(*_OSES),
    "architecture": _one(*_ARCHITECTURES),
    "variant": _one(*_VARIANTS),
    "author": _one(*_TEXTS),
    "created": _one("2026-01-31T23:59:59Z", "", "x", "\0"),
    "os.version": _one("", "10.0.1", "\0"),
    "os.features": _list("", "win32k", "\0", "sse4"),
}
