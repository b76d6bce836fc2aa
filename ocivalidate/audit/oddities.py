"""What may be wrong with a storage, whatever its blobs hold: a table of the kinds of :class:`store.Odd`."""

from __future__ import annotations

from collections.abc import Mapping

# A blob whose name is no digest; an entry where a blob should be that is no file.
NAME, NOT_A_FILE = "name", "not-a-file"
# The file that makes a link holds no digest, or another one than its path; it leads out of the storage.
LINK_CONTENT, LINK_PATH, LEADS_OUT = "link-content", "link-path", "leads-out"
# Zero bytes in place of a blob that is nowhere in the storage.
PLACEHOLDER = "placeholder"
# Nothing that this form of storage has; what could not be read.
STRANGER, UNREADABLE = "stranger", "unreadable"

CLAUSES: Mapping[str, str] = {
    NAME: "storage/blob.name",
    NOT_A_FILE: "storage/blob.kind",
    LINK_CONTENT: "storage/link.content",
    LINK_PATH: "storage/link.path",
    LEADS_OUT: "storage/link.out",
    PLACEHOLDER: "storage/blob.placeholder",
    STRANGER: "storage/entry.unknown",
    UNREADABLE: "storage/entry.readable",
}
"""Kind → the clause that it breaks."""
