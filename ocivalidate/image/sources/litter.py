"""Files that desktops, file systems and tools leave in every folder, which nobody takes for a blob.

image-spec image-layout.md: files that a layout need not have SHOULD NOT be an error.
"""

from __future__ import annotations

_NAMES = frozenset(
    {
        ".DS_Store",
        ".AppleDouble",
        ".Spotlight-V100",
        ".TemporaryItems",
        ".Trashes",
        ".fseventsd",
        "__MACOSX",
        "Icon\r",
        "Thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "$RECYCLE.BIN",
        "System Volume Information",
        ".directory",
        ".gitkeep",
        ".gitignore",
        ".gitattributes",
        ".keep",
        ".nomedia",
        ".snapshot",
        ".snapshots",
        "@eaDir",
        "lost+found",
    }
)
_STARTS = ("._", ".nfs", ".fuse_hidden", ".Trash-", ".~lock.", ".goutputstream-")
_FOLDED = frozenset(name.casefold() for name in _NAMES)


def is_litter(name: str) -> bool:
    """Whether a file name is one of these; those of Windows in any case."""
    return name.casefold() in _FOLDED or name.startswith(_STARTS)
