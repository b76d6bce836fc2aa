"""Checks of Solaris: mounts there (runtime-spec config.md), and its section (config-solaris.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ocivalidate.bundle.paths import not_absolute
from ocivalidate.bundle.registry import CONFIG
from ocivalidate.rules.checks import CheckContext, Node, Violation

DESTINATION_ABSOLUTE = "runtime/config.mounts.destination.absolute-solaris"
LIMITPRIV = "runtime/config-solaris.limitpriv.format"
NCPUS = "runtime/config-solaris.cappedCPU.ncpus.format"

# priv_str_to_set(3C): names of privileges or of whole sets; a leading ! or - removes one from the set.
_PRIVILEGE = r"[!-]?[A-Za-z0-9_]+"
_NCPUS = r"[0-9]+(\.[0-9]*)?|\.[0-9]+"


@CONFIG.check("/mounts/*/destination", DESTINATION_ABSOLUTE)
def destination_is_absolute_on_solaris(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Beside Linux or Windows, their rules judge it: one defect is reported once."""
    if not context.on("linux", "windows"):
        yield from not_absolute(node, DESTINATION_ABSOLUTE, context.platforms)


@CONFIG.check("/solaris/limitpriv", LIMITPRIV)
def limitpriv_is_a_privilege_set(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Which privileges there are depends on the release of Solaris.

    An empty text is the empty set; braces enclose an extended policy, which has a different grammar.
    """
    text = node.value
    if not text or "{" in text or all(re.fullmatch(_PRIVILEGE, part.strip()) for part in text.split(",")):
        return
    yield node.breaks(
        LIMITPRIV, f"{node.place} is not a valid list of privileges", want="privilege names separated by commas"
    )


@CONFIG.check("/solaris/cappedCPU/ncpus", NCPUS)
def ncpus_is_a_number(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A decimal number, as zonecfg(1M) accepts it."""
    if not re.fullmatch(_NCPUS, node.value):
        yield node.breaks(NCPUS, f"{node.place} is not a number of CPUs", want="a number such as 8, 1.25 or .75")
