"""Files that grant privileges to whoever reaches them: setuid and setgid programs, capabilities, devices.

They are normal in a root file system, below a folder that only its owner can enter. Where others can, a note says so.
"""

from __future__ import annotations

import os
import stat

from ocivalidate.image.layers.paths import BLOCK_DEVICE, CHARACTER, REGULAR
from ocivalidate.image.layers.problems import shown
from ocivalidate.unpack.entries import Entry
from ocivalidate.unpack.folders import Folder, Tree

_CAPABILITIES = b"security.capability"
_SETID = stat.S_ISUID | stat.S_ISGID
# More than any real image has; a hostile one may have a million.
_MOST = 10_000


class Privileged:
    """The names of such files as they are written; some may be gone at the end."""

    def __init__(self) -> None:
        self._names: dict[tuple[Folder, bytes], bool] = {}

    def see(self, folder: Folder, name: bytes, entry: Entry) -> None:
        """Record an entry, which replaces whatever had its name before."""
        capable = any(key == _CAPABILITIES for key, _value in entry.attributes.xattrs)
        gives = entry.kind == REGULAR and (capable or bool(entry.attributes.mode & _SETID))
        if not gives and entry.kind not in (CHARACTER, BLOCK_DEVICE):
            if self._names:
                self._names.pop((folder, name), None)
        elif len(self._names) < _MOST:
            self._names[folder, name] = capable

    def link(self, source: Folder, base: bytes, folder: Folder, name: bytes) -> None:
        """A hard link grants what its target grants."""
        if (source, base) in self._names and len(self._names) < _MOST:
            self._names[folder, name] = self._names[source, base]

    def left(self, tree: Tree) -> tuple[int, bytes]:
        """How many of them still exist and still grant something, and the path of the first."""
        count, first = 0, b""
        for (folder, name), capable in self._names.items():
            if not tree.has(folder):
                continue
            try:
                mode = os.stat(name, dir_fd=tree.descriptor(folder), follow_symlinks=False).st_mode
            except FileNotFoundError:
                continue
            if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or (stat.S_ISREG(mode) and (capable or mode & _SETID)):
                count += 1
                first = first or b"/".join(filter(None, (folder.path, name)))
        return count, first


def told(count: int, first: bytes, bundle: str) -> tuple[str, ...]:
    """The line about such files in a bundle that others can enter."""
    if not count:
        return ()
    more = f" and {count - 1} more" if count > 1 else ""
    who = f"other users of this host can enter {bundle} (chmod go-rwx prevents it)"
    return (f"{who} and use setuid and setgid programs, file capabilities or devices: {shown(first)}{more}",)
