"""``image`` and ``unpack`` agree on every image, and what they accept becomes what the specification says.

Images are drawn at random, with few names so that layers meet. What is wrong with one is a clause to both, with the
same exit code, and a sound one is the tree of ``applying.py``, which knows nothing of how we unpack.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, strategies as st

from ocivalidate import check_image
from ocivalidate.errors import UnpackError
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import ExitCode, exit_code
from ocivalidate.rules.refusals import Refused
from ocivalidate.unpack import UnpackOptions, unpack_image
from tests.property.applying import Applied, Parts, Thing, Unclear
from tests.property.layers_drawn import Drawn, drawn

SEEDS = st.integers(0, 2**48)
ROOT = os.geteuid() == 0
_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
    stat.S_IFCHR: "char",
    stat.S_IFBLK: "block",
}
# What is not for this file system, or the host keeps for itself.
_LEFT_OUT = ("trusted.overlay.", "security.selinux")


def outcome(source: str, bundle: str, **options: Any) -> tuple[ExitCode, set[str], str]:
    """The exit code of ``unpack``, the clauses that it names, and its message."""
    try:
        unpack_image(source, bundle, UnpackOptions(config=False, **options))
    except Refused as problem:
        return ExitCode.FINDINGS, {finding.clause.id for finding in problem.findings}, str(problem)
    except UnpackError as problem:
        return ExitCode.COULD_NOT_JUDGE, set(), str(problem)
    return ExitCode.CONFORMS, set(), ""


@given(SEEDS)
def test_image_and_unpack_agree(seed: int) -> None:
    image = drawn(seed)
    with TemporaryDirectory() as folder:
        source = str(image.layout().write(Path(folder) / "image"))
        report = check_image(source)
        code = exit_code([report])
        errors = {finding.clause.id for finding in report.findings if finding.severity is Severity.ERROR}
        for rootless in (True, False) if ROOT else (True,):
            bundle = f"{folder}/bundle-{rootless}"
            found, clauses, message = outcome(source, bundle, rootless=rootless)
            assert found == code, f"{message}\n{sorted(errors)}\n{image}"
            assert clauses <= errors, f"{message}\n{image}"
            assert bool(clauses) == bool(errors), f"{message}\n{image}"
            assert os.path.lexists(bundle) == (code is ExitCode.CONFORMS)
        if ROOT and code is ExitCode.CONFORMS:
            compare(image, f"{folder}/bundle-False/rootfs")


def compare(image: Drawn, root: str) -> None:
    """Hold a tree against the one of the specification."""
    applied = Applied()
    try:
        for entries in image.layers:
            applied.apply(entries)
    except Unclear:
        return
    want = {path: described(thing) for path, thing in applied.tree.items()}
    got = dict(look(root, ()))
    assert {path: said for path, (said, _inode) in got.items()} == want, str(image)
    assert groups({path: id(thing) for path, thing in applied.tree.items()}) == groups(
        {path: inode for path, (_said, inode) in got.items()}
    ), str(image)


def groups(inodes: dict[Parts, int]) -> set[frozenset[Parts]]:
    """The paths that are one file."""
    found: dict[int, set[Parts]] = {}
    for path, inode in inodes.items():
        found.setdefault(inode, set()).add(path)
    return {frozenset(paths) for paths in found.values()}


def described(thing: Thing) -> tuple[Any, ...]:
    """What is compared of a file."""
    mode = 0o777 if thing.kind == "link" else thing.mode
    xattrs = {key: value for key, value in thing.xattrs.items() if is_kept(key, thing.kind)}
    return thing.kind, oct(mode), thing.uid, thing.gid, thing.mtime, thing.content, thing.device, xattrs


def is_kept(key: str, kind: str) -> bool:
    """Whether an extended attribute can be there: of the values that are drawn none is an access control list."""
    if key.startswith(_LEFT_OUT) or not key.startswith(("user.", "trusted.", "security.")):
        return False
    return kind in ("file", "folder") or not key.startswith("user.")


def look(root: str, path: Parts) -> Any:
    """Everything below a folder, and the folder itself."""
    full = os.path.join(root, *path)
    status = os.lstat(full)
    kind = _KINDS[stat.S_IFMT(status.st_mode)]
    content: bytes | str = b""
    if kind == "file":
        content = Path(full).read_bytes()
    elif kind == "link":
        content = os.readlink(full)
    device = (os.major(status.st_rdev), os.minor(status.st_rdev)) if kind in ("char", "block") else (0, 0)
    xattrs = {key: os.getxattr(full, key, follow_symlinks=False) for key in os.listxattr(full, follow_symlinks=False)}
    mode = stat.S_IMODE(status.st_mode)
    said = (kind, oct(mode), status.st_uid, status.st_gid, int(status.st_mtime), content, device, xattrs)
    yield path, (said, status.st_ino)
    if kind == "folder":
        for name in os.listdir(full):
            yield from look(root, (*path, name))


def test_what_is_drawn_is_of_every_sort() -> None:
    """A test of nothing but refusals, or of nothing but sound images, would show little."""
    with TemporaryDirectory() as folder:
        codes = []
        for seed in range(150):
            target = drawn(seed).layout().write(Path(folder) / str(seed))
            codes.append(exit_code([check_image(str(target))]))
    assert 30 < codes.count(ExitCode.CONFORMS) < 120
