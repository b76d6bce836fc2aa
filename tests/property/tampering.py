"""What becomes of a document when somebody tampers with it: changes of its tree, and of the bytes that it is in."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable

from ocivalidate.rules import schema
from ocivalidate.rules.clauses import PLATFORMS
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES
from tests.property.growing import VERSION_MEMBERS, grown
from tests.property.trees import Container, Members, Raw, Tree, containers

# --- Odd values

TEXTS = [
    *["", "/", "..", "../x", "rootfs", "a/b", "C:\\x", "\\\\.\\pipe\\x", "\x00", "/a\x00b", "\x1b[31mred", "\u202eabc"],
    *["a\nb", "::set-env name=x::y", "]]>", "[red]x[/]", "# TODO", "😀", "é" * 40, "x" * 3000, "%d", "eth0", "0-3,7"],
    *["3-0", "all", "N", "1:2", "CAP_SYS_ADMIN", "cap_kill", "CAP_NOPE", "SCMP_ACT_NOTIFY", "RLIMIT_NOFILE", "user"],
    *["bind", "idmap", "ro,rw", "size=1", "A=b", "=b", "SIGTERM", "2026-01-31T23:59:59Z", "1.0.0", "2MB", "1KB"],
    *["\u2028", "\ufffe", "\U0010ffff", "linux", "amd64", "/proc/self/ns/net", "/dev/null", "/etc", "~", "~1", "a~0/b"],
]
NUMBERS = [
    0,
    1,
    -1,
    7,
    512,
    4096,
    *(base + step for base in (2**31, 2**32, 2**63, 2**64, -(2**63)) for step in (-1, 0, 1)),
]
FLOATS = [1.0, 0.5, -0.0, 1e3, 1e15, 1e22, 1.5e300, 5e-324, 4294967296.0, 18446744073709551616.0]
LITERALS = [
    *["1.0", "1e3", "1E+2", "-0", "1e400", "-1e999", "9" * 4301, "-" + "9" * 5000, "0.1e-400", "1" + "0" * 400],
    *['"\\ud800"', '"x\\udc00y"', '"\\ud83d\\ude00"', '"\\u0000"', '"\\/"', "NaN", "-Infinity", "01", "+1", "'x'"],
]
NAMES = [
    "",
    "com.example.x-new",
    "x",
    "$ref",
    "__proto__",
    "a/b",
    "~",
    "\x00",
    "\x1b[2J",
    "é",
    "linux",
    "path",
    "\u202e",
    "0",
]
VERSIONS = [
    *[
        "1.0",
        "v1.0.0",
        "1.0.0.0",
        "01.0.0",
        "1.0.0-",
        "1.0.0-01",
        "",
        " 1.0.0",
        "1.0.0\n",
        "latest",
        "1.0.0+b",
        "1.0.0-rc1",
    ],
    *[
        "1.0.0-rc.10+x",
        "1.3.0-dev",
        "1.2.99",
        "1.4.0",
        "2.0.0",
        "0.9.0",
        "1.99.0",
        "999999999999999999999.0.0",
        "1.1.0-rc.1",
    ],
    "1." + "9" * 300 + ".0",
]


def odd_value(dice: random.Random) -> Tree:
    """Some value, of any type."""
    choices: list[Callable[[], Tree]] = [
        lambda: dice.choice([None, True, False]),
        lambda: dice.choice(TEXTS),
        lambda: dice.choice(NUMBERS),
        lambda: dice.choice(FLOATS),
        lambda: Raw(dice.choice(LITERALS)),
        lambda: dice.choice([[], Members(), [[]], [None], Members([("", None)])]),
        lambda: [dice.choice(TEXTS) for _ in range(dice.randrange(4))],
    ]
    return dice.choice(choices)()


def _deep(dice: random.Random) -> Raw:
    depth = dice.choice([2, 20, 400, 505, 511, 512, 513, 2000])
    opening, closing = dice.choice([("[", "]"), ('{"a":', "}"), ('[{"linux":', "}]")])
    return Raw(opening * depth + "1" + closing * depth)


# --- Changes of a tree


def _a_slot(tree: Tree, dice: random.Random) -> tuple[Container, int] | None:
    """A place in a container that has something in it: nearer ones and deeper ones alike."""
    filled = [container for container in containers(tree) if container]
    if not filled:
        return None
    container = dice.choice(filled)
    return container, dice.randrange(len(container))


def _put(container: Container, index: int, value: Tree) -> None:
    if isinstance(container, Members):
        container[index] = (container[index][0], value)
    else:
        container[index] = value


def _taken(container: Container, index: int) -> Tree:
    return container[index][1] if isinstance(container, Members) else container[index]


def change_value(tree: Tree, dice: random.Random, _kind: str) -> None:
    """Another value, most often of another type."""
    slot = _a_slot(tree, dice)
    if slot:
        _put(*slot, odd_value(dice))


def move_value(tree: Tree, dice: random.Random, _kind: str) -> None:
    """A copy of another part of the document."""
    source, target = _a_slot(tree, dice), _a_slot(tree, dice)
    if source and target:
        _put(*target, copy.deepcopy(_taken(*source)))


def echo(tree: Tree, dice: random.Random, _kind: str) -> None:
    """Two members of one name, in different objects, with the same value: what has to be unique is not."""
    named: dict[str, list[tuple[Members, int]]] = {}
    for container in containers(tree):
        if isinstance(container, Members):
            for index, (name, _member) in enumerate(container):
                named.setdefault(name, []).append((container, index))
    shared = [places for places in named.values() if len(places) > 1]
    if shared:
        source, target = dice.sample(dice.choice(shared), k=2)
        _put(*target, copy.deepcopy(_taken(*source)))


def delete(tree: Tree, dice: random.Random, _kind: str) -> None:
    """One member or entry less."""
    slot = _a_slot(tree, dice)
    if slot:
        del slot[0][slot[1]]


def repeat(tree: Tree, dice: random.Random, _kind: str) -> None:
    """A member name or an entry twice, with the same value or another one."""
    slot = _a_slot(tree, dice)
    if slot:
        container, index = slot
        value = copy.deepcopy(_taken(container, index)) if dice.random() < 0.5 else odd_value(dice)
        where = dice.randrange(len(container) + 1)
        if isinstance(container, Members):
            container.insert(where, (container[index][0], value))
        else:
            container.insert(where, value)


def rename(tree: Tree, dice: random.Random, _kind: str) -> None:
    """Another name for a member: other case, a typing error, or something else altogether."""
    objects = [container for container in containers(tree) if isinstance(container, Members) and container]
    if objects:
        members = dice.choice(objects)
        index = dice.randrange(len(members))
        name, value = members[index]
        members[index] = (_misspelt(name, dice), value)


def _misspelt(name: str, dice: random.Random) -> str:
    place = dice.randrange(len(name) + 1)
    return dice.choice(
        [
            name.swapcase(),
            name.capitalize(),
            name[:place] + name[place + 1 :],
            name[:place] + name[place : place + 2][::-1] + name[place + 2 :],
            name[:place] + "s" + name[place:],
            dice.choice(NAMES),
        ]
    )


def add_stranger(tree: Tree, dice: random.Random, _kind: str) -> None:
    """A member of some name."""
    objects = [container for container in containers(tree) if isinstance(container, Members)]
    if objects:
        members = dice.choice(objects)
        members.insert(dice.randrange(len(members) + 1), (dice.choice(NAMES), odd_value(dice)))


def graft(tree: Tree, dice: random.Random, kind: str) -> None:
    """A member that some release knows, where it belongs: nothing of the specification is left out."""
    node, members = schema.everything(kind), tree
    while isinstance(members, Members) and node.get("properties"):
        name = dice.choice(list(node["properties"]))
        node = node["properties"][name]
        present = [member for known, member in members if known == name]
        if not present or dice.random() < 0.2:
            members.append((name, grown(node, name, dice, 0.5)))
            return
        members = present[-1]
        if isinstance(members, list) and not isinstance(members, Members) and members and "items" in node:
            node, members = node["items"], dice.choice(members)


def change_version(tree: Tree, dice: random.Random, kind: str) -> None:
    """Any version, or what is none."""
    name = VERSION_MEMBERS[kind]
    for index, (known, _value) in enumerate(tree if isinstance(tree, Members) else []):
        if known == name:
            tree[index] = (name, dice.choice([dice.choice(RUNTIME_RELEASES), dice.choice(VERSIONS)]))


def move_section(tree: Tree, dice: random.Random, _kind: str) -> None:
    """A platform's section is moved, copied to or exchanged with another platform's."""
    if not isinstance(tree, Members):
        return
    for index, (name, section) in enumerate(tree):
        if name in PLATFORMS:
            other = dice.choice(PLATFORMS)
            tree[index] = (other, section)
            if dice.random() < 0.5:
                tree.append((name, copy.deepcopy(section)))
            return
    tree.append((dice.choice(PLATFORMS), Members()))


def nest_deeply(tree: Tree, dice: random.Random, _kind: str) -> None:
    """Arrays or objects inside each other."""
    slot = _a_slot(tree, dice)
    if slot:
        _put(*slot, _deep(dice))


def crowd(tree: Tree, dice: random.Random, _kind: str) -> None:
    """Some dozens of copies of an array's entries."""
    arrays = [container for container in containers(tree) if container and not isinstance(container, Members)]
    if arrays:
        array = dice.choice(arrays)
        array.extend(copy.deepcopy(dice.choice(array)) for _ in range(dice.choice([1, 5, 40])))


Edit = Callable[[Tree, random.Random, str], None]
# From the plainest to the oddest: a failing example is shown with the first that will do.
EDITS: tuple[Edit, ...] = (
    delete,
    change_value,
    graft,
    rename,
    repeat,
    add_stranger,
    move_value,
    echo,
    change_version,
    move_section,
    crowd,
    nest_deeply,
)

# --- Changes of bytes

SHARDS = [
    *[
        b"\x00",
        b"\xff",
        b"\xc3",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"\xf4\x90\x80\x80",
        b"\x1b",
        b"\r",
        b"\n",
        b"\\",
        b'"',
        b",",
    ],
    *[
        b"[",
        b"}",
        b":",
        b"//x\n",
        b"/*",
        b"'",
        b"\\u",
        b"\\ud800",
        b"NaN",
        b"e",
        b"-",
        b"1e400",
        b"\xc2\x85",
        b"\xe2\x80\xa8",
    ],
]


def flip_bits(data: bytes, dice: random.Random) -> bytes:
    """A few bits differ."""
    broken = bytearray(data)
    for _ in range(dice.choice([1, 1, 2, 8])):
        if broken:
            broken[dice.randrange(len(broken))] ^= 1 << dice.randrange(8)
    return bytes(broken)


def truncate(data: bytes, dice: random.Random) -> bytes:
    """The end is missing."""
    return data[: dice.randrange(len(data) + 1)]


def insert_shard(data: bytes, dice: random.Random) -> bytes:
    """Something stands in the way."""
    place = dice.randrange(len(data) + 1)
    return data[:place] + dice.choice(SHARDS) + data[place:]


def cut_out(data: bytes, dice: random.Random) -> bytes:
    """A piece is missing."""
    start = dice.randrange(len(data) + 1)
    return data[:start] + data[start + dice.choice([1, 2, 10, 100]) :]


def append(data: bytes, dice: random.Random) -> bytes:
    """Something follows."""
    return data + dice.choice([b"x", b"{}", data, b"\x00", b"\n\n"])


def encode_otherwise(data: bytes, dice: random.Random) -> bytes:
    """Not in UTF-8, or with a byte order mark."""
    encoding = dice.choice(["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
    return data.decode("utf-8", "replace").encode(encoding)


Breakage = Callable[[bytes, random.Random], bytes]
BREAKAGES: tuple[Breakage, ...] = (truncate, cut_out, flip_bits, insert_shard, append, encode_otherwise)
