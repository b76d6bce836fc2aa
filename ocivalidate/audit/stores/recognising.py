"""Which form a storage has, by names of folders and files alone, of which a bounded number is looked at."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from itertools import islice
from typing import Final

from ocivalidate.audit.store import Store
from ocivalidate.audit.stores.bare import BareStore
from ocivalidate.audit.stores.bucket_names import SCHEMES
from ocivalidate.audit.stores.files import FILE, FOLDER, Files, below, is_file, is_folder, join
from ocivalidate.audit.stores.folder import FolderFiles
from ocivalidate.audit.stores.layouts import LayoutsStore
from ocivalidate.audit.stores.tree import TreeStore
from ocivalidate.audit.stores.zot import SHARED, UPLOADS, ZotStore
from ocivalidate.errors import NotMeant, Unreadable
from ocivalidate.image.sources.source import BLOBS, INDEX_JSON, OCI_LAYOUT
from ocivalidate.registry.names import PREFIX, meant_place
from ocivalidate.registry.options import RegistryOptions
from ocivalidate.vocabulary.digests import HEX_LENGTHS

# How many entries of a storage are looked at before its form is known.
_SAMPLE = 10_000
# Where the tree of distribution may begin, seen from the folder that is given.
_TREES = ("docker/registry/v2", "registry/v2", "v2", "")
_DEPTH_OF_SHARD, _FEW = 2, 300
_SHARD = re.compile(r"[0-9a-f]{2}")
_OF_A_REPOSITORY = frozenset({"_manifests", "_layers", "_uploads"})
_CONTENT = "io.containerd.content.v1.content"
# What zot, and nothing else, has beside its layouts.
_ZOT_FOLDERS, _ZOT_FILES = (SHARED, "_trivy"), ("_global_blobstore_migrated", "_restore_complete")

UNKNOWN: Final = (
    "no storage of images that is known: no docker/registry/v2 (distribution, harbor), no layouts (zot), no blobs, "
    "no io.containerd.content.v1.content"
)

_OF_A_TREE: Final = (
    "this is a part of the storage of a registry: name the folder that has docker/registry/v2, "
    "or blobs and repositories"
)


def open_store(name: str, registry: RegistryOptions | None = None) -> Store:
    """Open a folder, or a bucket by ``s3://``, ``gs://`` or ``az://``, as the storage that it is.

    ``docker://HOST`` and ``docker://HOST/NAME`` are a registry, reached as ``registry`` says.

    Raises :class:`Unreadable` if it cannot be read, and :class:`NotMeant` if it is no storage of images.
    """
    if name.startswith(PREFIX):
        from ocivalidate.audit.stores.remote import open_registry

        return open_registry(name, registry or RegistryOptions())
    files = _files(name)
    try:
        return recognise(files)
    except BaseException:
        files.close()
        raise


def _files(name: str) -> Files:
    if name.startswith(SCHEMES):
        from ocivalidate.audit.stores.bucket import BucketFiles

        return BucketFiles(name)
    if not os.path.lexists(name):
        place = meant_place(name)
        more = f"; for a registry write {place}" if place else ""
        raise Unreadable(f"no such file or directory{more}")
    return FolderFiles(name)


def recognise(files: Files) -> Store:
    """The storage that files are. Errors as for :func:`open_store`."""
    if not _has_anything(files):
        raise NotMeant("there is nothing in it")
    for form in _FORMS:
        store = form(files)
        if store is not None:
            return store
    raise NotMeant(_OF_A_TREE if _is_below_tree(files) else UNKNOWN)


def _tree(files: Files) -> Store | None:
    for base in _TREES:
        if _is_layout(files, base):
            continue
        repositories, blobs = join(base, "repositories"), join(base, BLOBS)
        if _holds(files, repositories, lambda name: name in _OF_A_REPOSITORY) or _is_sharded(files, blobs):
            return TreeStore(files, base)
        if base and (is_folder(files, repositories) or is_folder(files, blobs)):
            return TreeStore(files, base)
    return None


def _containerd(files: Files) -> Store | None:
    from ocivalidate.audit.stores.containerd import DATABASE, ContainerdStore

    if is_folder(files, _CONTENT):
        return ContainerdStore(files, _CONTENT, DATABASE)
    return ContainerdStore(files) if is_folder(files, BLOBS) and is_folder(files, "ingest") else None


def _bare(files: Files) -> Store | None:
    if is_folder(files, BLOBS) and not _is_layout(files, "") and not _is_layout(files, BLOBS):
        return BareStore(files)
    if any(is_folder(files, name) for name in HEX_LENGTHS):
        if _is_sharded(files, ""):
            raise NotMeant(_OF_A_TREE)
        return BareStore(files, "")
    return None


def _zot(files: Files) -> Store | None:
    if any(is_folder(files, name) for name in _ZOT_FOLDERS) or any(is_file(files, name) for name in _ZOT_FILES):
        return ZotStore(files)
    return None


def _layouts(files: Files) -> Store | None:
    found = uploads = False
    for entry in islice(files.walk("", lambda path: _may_hold_layouts(files, path)), _SAMPLE):
        found |= entry.kind == FILE and entry.name in (INDEX_JSON, OCI_LAYOUT)
        uploads |= entry.kind == FOLDER and entry.name == UPLOADS
    if not found:
        return None
    if uploads:
        return ZotStore(files)
    # Nobody but zot keeps layouts in a bucket.
    return ZotStore(files, "layouts") if files.name.startswith(SCHEMES) else LayoutsStore(files)


_FORMS: tuple[Callable[[Files], Store | None], ...] = (_tree, _containerd, _zot, _bare, _layouts)


def _is_layout(files: Files, folder: str) -> bool:
    return any(is_file(files, join(folder, name)) for name in (INDEX_JSON, OCI_LAYOUT))


def _may_hold_layouts(files: Files, path: str) -> bool:
    folder, _slash, name = path.rpartition("/")
    return name != UPLOADS and not (name == BLOBS and _is_layout(files, folder))


def _holds(files: Files, folder: str, wanted: Callable[[str], bool]) -> bool:
    """Whether a folder of such a name stands near the beginning of another one."""
    entries = islice(files.walk(folder, lambda path: not wanted(path.rpartition("/")[2])), _SAMPLE)
    return any(entry.kind == FOLDER and wanted(entry.name) for entry in entries)


def _is_sharded(files: Files, blobs: str) -> bool:
    """Whether blobs stand in folders by the first digits of their names."""
    entries = islice(files.walk(blobs, lambda path: len(below(blobs, path)) == 1), _SAMPLE)
    return any(
        len(below(blobs, entry.path)) == _DEPTH_OF_SHARD and entry.kind == FOLDER and _SHARD.fullmatch(entry.name)
        for entry in entries
    )


def _is_below_tree(files: Files) -> bool:
    """Whether this is the folder of an algorithm, of repositories or of one repository in the tree of distribution."""
    above = islice(files.walk("", lambda path: path.rpartition("/")[2] not in ("repositories", "docker")), _SAMPLE)
    if any(entry.kind == FOLDER and entry.name in _OF_A_REPOSITORY for entry in above):
        return True
    first = list(islice(files.walk("", lambda _path: False), _FEW))
    return bool(first) and all(entry.kind == FOLDER and _SHARD.fullmatch(entry.name) for entry in first)


def _has_anything(files: Files) -> bool:
    """Whether there is anything. Raises :class:`Unreadable` if that cannot be seen."""
    first = next(iter(files.walk("")), None)
    if first is not None and first.path == "" and first.what:
        raise Unreadable(first.what)
    return first is not None
