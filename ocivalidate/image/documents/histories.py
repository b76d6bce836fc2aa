"""Checks of the history in an image configuration (image-spec config.md#properties)."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.image.documents.common import not_a_date
from ocivalidate.image.documents.registry import CONFIG
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.rules.clauses import Severity

CREATED = "image/config.history.created.rfc3339"
COUNT = "image/config.history.empty_layer.count"


@CONFIG.check("/history/*/created", CREATED)
def created_is_a_date(node: Node, context: CheckContext) -> Iterator[Violation]:
    """When the layer was made."""
    yield from not_a_date(node, CREATED)


@CONFIG.check("/history", COUNT)
def there_is_an_entry_for_each_layer(node: Node, context: CheckContext) -> Iterator[Violation]:
    """History is optional; one unreadable entry leaves the number open."""
    layers = context.root.get("rootfs", "diff_ids")
    entries = node.children()
    if layers is None or not node.value or len(entries) != len(node.value):
        return
    # An empty_layer of a wrong type leaves the number open too.
    if any(entry.has("empty_layer") and entry.get("empty_layer") is None for entry in entries):
        return
    described = sum(entry.flag("empty_layer") is not True for entry in entries)
    if described != len(layers.value):
        message = f"history describes {described} layers, but rootfs.diff_ids has {len(layers.value)}"
        want = f"{len(layers.value)} entries without empty_layer"
        # Tools can add a layer without an entry (umoci repack --no-history): incomplete, but not wrong.
        lowered = Severity.WARNING if described < len(layers.value) else None
        hint = "empty_layer marks entries that made no layer"
        yield node.breaks(COUNT, message, got="", want=want, hint=hint, severity=lowered)
