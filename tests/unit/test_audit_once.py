"""Layers that are read again, for a user by name or for what depends on several layers, are read again once for all."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from fixtures.layouts import Entry, Image, Index, Layer, Layout, Tree, folder, hardlink, symlink, tar
from ocivalidate.audit.api import audit
from ocivalidate.audit.stores.files import Opening
from ocivalidate.image.api import check_image

PASSWD = tar([folder("etc/"), Entry("etc/passwd", b"web:x:1:1::/:\n")])
STACKS = {
    "a user by name": ([PASSWD], "web"),
    "a user whom nobody knows": ([PASSWD], "nobody"),
    "a user above a change": ([PASSWD, tar([Entry("etc/passwd", b"x:x:1:1::/:\n")])], "web"),
    "a user in a link": ([PASSWD, tar([hardlink("etc/other", "etc/passwd"), symlink("etc/passwd", "other")])], "web"),
    "a file below a file": ([tar([Entry("a")]), tar([Entry("a/b")])], ""),
    "a hard link to another layer": ([tar([Entry("a")]), tar([hardlink("b", "a")])], ""),
    "a hard link to nothing": ([tar([Entry("a")]), tar([hardlink("b", "c")])], ""),
    "a folder in a link": ([tar([folder("usr/"), symlink("bin", "usr")]), tar([Entry("bin/tool")])], ""),
}


def images(name: str, count: int) -> list[Image]:
    """Images that share these layers, each with another config."""
    layers, user = STACKS[name]
    configs = [{"config": {"User": user, "Labels": {"number": str(number)}}} for number in range(count)]
    return [
        Image([Layer(data) for data in layers], name=f"v{number}", config=one) for number, one in enumerate(configs)
    ]


@pytest.mark.parametrize("name", STACKS)
def test_the_verdict_is_that_of_image(name: str, tmp_path: Path) -> None:
    path = str(Layout(Index(tuple(images(name, 3)))).write(tmp_path / "layout"))
    wanted, found = check_image(path), audit(path)
    assert [(one.clause.id, one.message, one.location) for one in found.findings] == [
        (one.clause.id, one.message, one.location) for one in wanted.findings
    ]


@pytest.mark.parametrize("name", STACKS)
def test_no_blob_is_read_more_than_twice(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: Counter[str] = Counter()
    call = Opening.__call__

    def count(opening: Opening) -> object:
        opened[opening.path] += 1
        return call(opening)

    monkeypatch.setattr(Opening, "__call__", count)
    tree = Tree()
    for number, image in enumerate(images(name, 5)):
        tree.push(f"app{number}", image)
    audit(str(tree.write(tmp_path)))
    assert max(opened.values()) <= 2
