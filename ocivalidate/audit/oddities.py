"""What may be wrong with a storage, whatever its blobs hold: a table of the kinds of :class:`store.Odd`."""

from __future__ import annotations

from collections.abc import Mapping

# A blob whose name is no digest; an entry where a blob should be that is no file.
NAME, NOT_A_FILE = "name", "not-a-file"
# The folder of a blob without the blob; a blob where nobody looks for it.
NO_DATA, SHARD = "no-data", "shard"
# The file that makes a link holds no digest, or another one than its path; it leads out of the storage.
LINK_CONTENT, LINK_PATH, LEADS_OUT = "link-content", "link-path", "leads-out"
# A tag that names nothing; names that no client can ask for.
NO_CURRENT, TAG_NAME, REPOSITORY_NAME = "no-current", "tag-name", "repository-name"
# Zero bytes in place of a blob that is nowhere in the storage.
PLACEHOLDER = "placeholder"
# Nothing that this form of storage has; what could not be read.
STRANGER, UNREADABLE = "stranger", "unreadable"

CLAUSES: Mapping[str, str] = {
    NAME: "storage/blob.name",
    NOT_A_FILE: "storage/blob.kind",
    NO_DATA: "storage/blob.data",
    SHARD: "storage/blob.shard",
    LINK_CONTENT: "storage/link.content",
    LINK_PATH: "storage/link.path",
    LEADS_OUT: "storage/link.out",
    NO_CURRENT: "storage/tag.current",
    TAG_NAME: "storage/tag.name",
    REPOSITORY_NAME: "storage/repository.name",
    PLACEHOLDER: "storage/blob.placeholder",
    STRANGER: "storage/entry.unknown",
    # Not broken by it: it could not be judged.
    UNREADABLE: "storage/entry.unknown",
}
"""Kind → the clause that it breaks."""
