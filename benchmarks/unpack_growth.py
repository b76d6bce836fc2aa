"""Images that are large in one dimension, to see how the work of unpacking grows with it.

``DIMENSIONS`` has a maker for each dimension: it takes a number and returns a layout in which that dimension has this
size; doubling shows the growth from ``size`` on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fixtures.layouts import Entry, Image, Index, Layer, Layout, tars  # noqa: E402  # a script finds it only now


class Dimension(NamedTuple):
    """``make`` gives an image of any size in this dimension; ``size`` is one that takes a few tenths of a second."""

    make: Callable[[int], Layout]
    size: int


def image(*layers: Sequence[Entry | bytes], **config: Any) -> Layout:
    """An image of these layers; ``config`` are members of its ``config``."""
    made = tuple(Layer(tars.tar(entries)) for entries in layers)
    return Layout(Index((Image(made, config={"config": {"Cmd": ["/bin/sh"], **config}}),)))


def deep(path: str, **more: Any) -> Entry:
    """An entry with a path of any length."""
    return Entry("x", pax={"path": path}, **more)


def levels(number: int) -> str:
    """A path of so many folders."""
    return "/".join("d" * number)


def layout_with_deep_directory(number: int) -> Layout:
    """One entry for a directory of so many levels: at most 2,000, as paths end at 4,096 bytes."""
    return image([deep(levels(number) + "/", type="5", mode=0o755)])


def layout_with_deep_chain(number: int) -> Layout:
    """Directories of so many levels, each 1,000 of them behind a link of the layer below."""
    layers: list[list[Entry | bytes]] = [[tars.folder("l0/")]]
    for part in range(-(-number // 1000)):
        end = f"l{part}/{levels(1000)}"
        layers.append([deep(end + "/", type="5"), Entry(f"l{part + 1}", type="2", pax={"linkpath": end})])
    return image(*layers)


def layout_with_deep_comb(number: int) -> Layout:
    """This many levels, with a folder and a file beside each of them, and an opaque whiteout at the top of it all."""
    entries: list[Entry | bytes] = []
    for level in range(1, number + 1):
        entries += [deep(f"{levels(level)}/e/f"), deep(f"{levels(level)}/f")]
    return image([Entry("d/a")], [*entries, Entry("d/.wh..wh..opq")])


def layout_with_deep_working_folder(number: int) -> Layout:
    """A ``WorkingDir`` of so many levels."""
    return image([Entry("f")], WorkingDir="/" + levels(number))


def layout_with_large_passwd(size: int) -> Layout:
    """An ``/etc/passwd`` and an ``/etc/group`` of so many bytes, and a user at the end of both."""
    line = b"user%06d:x:1000:1000::/home:/bin/sh\n"
    lines = b"".join(line % number for number in range(size // len(line % 0)))
    group = b"".join(b"group%06d:x:%d:other\n" % (number, number) for number in range(size // 26))
    return image(
        [Entry("etc/passwd", lines + b"last:x:7:7::/:\n"), Entry("etc/group", group + b"g:x:9:a,last\n")], User="last"
    )


def layout_with_blank_passwd(size: int) -> Layout:
    """An ``/etc/passwd`` of so many bytes in the shortest lines that there are."""
    return image([Entry("etc/passwd", b":\n" * (size // 2) + b"last:x:7:7::/:\n")], User="last")


def layout_with_one_line_passwd(size: int) -> Layout:
    """An ``/etc/group`` of which one line has so many bytes."""
    members = b",".join(b"m%06d" % number for number in range(size // 8))
    return image(
        [Entry("etc/passwd", b"last:x:7:7::/:\n"), Entry("etc/group", b"g:x:9:" + members + b",last\n")], User="last"
    )


def layout_with_chained_links(number: int) -> Layout:
    """This many links, each to the one after it, and an entry behind each 40th."""
    links = [tars.symlink(f"l{at}", f"l{at + 1}" if (at + 1) % 40 else "end") for at in range(number)]
    return image([tars.folder("end/"), *links], [Entry(f"l{at}/f{at}") for at in range(0, number, 40)])


def layout_with_entries_behind_links(number: int) -> Layout:
    """This many entries behind links by turns, each to a folder of 100 levels."""
    links = [Entry(f"l{at}", type="2", pax={"linkpath": f"{at}/{levels(100)}"}) for at in range(80)]
    folders = [deep(f"{at}/{levels(100)}/", type="5") for at in range(80)]
    return image([*links, *folders], [Entry(f"l{at % 80}/f{at}") for at in range(number)])


def layout_with_whiteouts(number: int) -> Layout:
    """This many files and a whiteout for each."""
    return image([Entry(f"d/f{at}") for at in range(number)], [tars.whiteout(f"d/f{at}") for at in range(number)])


def layout_with_opaque_whiteouts(number: int) -> Layout:
    """This many entries in a directory with as many opaque whiteouts for it."""
    return image(
        [Entry("d/e/f")], [*(Entry(f"d/e/f{at}") for at in range(number)), *([Entry("d/.wh..wh..opq")] * number)]
    )


def layout_with_whiteouts_of_one(number: int) -> Layout:
    """This many entries in a directory that as many whiteouts name."""
    return image([Entry("d/e/f")], [*(Entry(f"d/e/f{at}") for at in range(number)), *([tars.whiteout("d/e")] * number)])


def layout_with_hard_links(number: int) -> Layout:
    """This many hard links to one file."""
    return image([Entry("f", b"x"), *(tars.hardlink(f"h/{at}", "f") for at in range(number))])


def layout_with_replaced_folders(number: int) -> Layout:
    """A folder of so many entries that a file replaces, and as many folders that files replace."""
    lower = [*(Entry(f"d/f{at}") for at in range(number)), *(Entry(f"e{at}/f") for at in range(number))]
    return image(lower, [Entry("d"), *(Entry(f"e{at}") for at in range(number))])


def layout_with_attributes(number: int) -> Layout:
    """This many files with an extended attribute each, which root can set everywhere."""
    return image([Entry(f"f{at}", pax={"SCHILY.xattr.user.a": "x" * 100}) for at in range(number)])


def layout_with_headers(number: int) -> Layout:
    """This many records of pax headers before one file, 9,000 of them in each header."""
    parts = [
        tars.pax_header(tars.pax_records({f"comment.{at}": "" for at in range(start, start + 9000)}))
        for start in range(0, number, 9000)
    ]
    return image([*parts, Entry("f", b"x")])


def layout_with_regions(number: int) -> Layout:
    """A sparse file of so many regions, each of one byte."""
    numbers = b"".join(b"%d\n1\n" % (2 * at) for at in range(number))
    content = tars.padded(b"%d\n" % number + numbers) + b"x" * number
    keys = {"major": "1", "minor": "0", "name": "f", "realsize": str(2 * number)}
    return image([Entry("f", content, pax={f"GNU.sparse.{key}": text for key, text in keys.items()})])


def layout_with_implied_folders(number: int) -> Layout:
    """This many folders that no entry is for."""
    return image([Entry(f"{at // 100}/{at}/f") for at in range(number)])


def layout_with_layers(number: int) -> Layout:
    """This many layers, each with a file in the same deep folder."""
    return image(*([deep(f"{levels(100)}/f{at}")] for at in range(number)))


DIMENSIONS: dict[str, Dimension] = {
    "levels of a directory": Dimension(layout_with_deep_directory, 1000),
    "levels behind links": Dimension(layout_with_deep_chain, 2000),
    "levels with neighbours": Dimension(layout_with_deep_comb, 400),
    "levels of WorkingDir": Dimension(layout_with_deep_working_folder, 1000),
    "bytes of passwd": Dimension(layout_with_large_passwd, 2 << 20),
    "lines of passwd": Dimension(layout_with_blank_passwd, 1 << 20),
    "bytes of a line of group": Dimension(layout_with_one_line_passwd, 400_000),
    "chained links": Dimension(layout_with_chained_links, 2000),
    "entries behind links": Dimension(layout_with_entries_behind_links, 400),
    "whiteouts": Dimension(layout_with_whiteouts, 3000),
    "opaque whiteouts": Dimension(layout_with_opaque_whiteouts, 1000),
    "whiteouts of one name": Dimension(layout_with_whiteouts_of_one, 1000),
    "hard links": Dimension(layout_with_hard_links, 3000),
    "replaced folders": Dimension(layout_with_replaced_folders, 700),
    "extended attributes": Dimension(layout_with_attributes, 3000),
    "records of headers": Dimension(layout_with_headers, 9000),
    "regions of a sparse file": Dimension(layout_with_regions, 20_000),
    "implied folders": Dimension(layout_with_implied_folders, 1500),
    "layers": Dimension(layout_with_layers, 40),
}
