"""Checks of platforms, in an index and in an image configuration (image-spec image-index.md, config.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ocivalidate.image.documents.kinds import is_docker
from ocivalidate.image.documents.registry import CONFIG, on_descriptors, parent
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.rules.clauses import Severity
from ocivalidate.vocabulary.go_platforms import GOARCH, GOOS

# Place of a platform → its clause: in a member called platform, or in an image configuration itself.
OS = {"platform": "image/image-index.manifests.platform.os.goos", "": "image/config.os.goos"}
ARCHITECTURE = {
    "platform": "image/image-index.manifests.platform.architecture.goarch",
    "": "image/config.architecture.goarch",
}
VARIANT = {"platform": "image/image-index.manifests.platform.variant.table", "": "image/config.variant.table"}
OS_FEATURES = {
    "platform": "image/image-index.manifests.platform.os.features.windows-values",
    "": "image/config.os.features.windows-values",
}
FEATURES = "image/image-index.manifests.platform.features.reserved"

# Values in real documents without a platform (attestations, signatures), or with another name than Go's.
_UNUSUAL_OS = frozenset({"", "unknown", "wasi"})
_UNUSUAL_ARCHITECTURES = frozenset({"", "unknown", "wasm32", "wasm64"})
_WINDOWS_FEATURES = frozenset({"win32k"})

# Architecture → its variants: those of the table, and those of Go's environment variable for it.
_SUFFIX = r"(?:,[a-z0-9]+)*"
VARIANTS: Mapping[str, re.Pattern[str]] = {
    "arm": re.compile(rf"v[5678]{_SUFFIX}"),
    "arm64": re.compile(rf"v[89](?:\.[0-9]+)?{_SUFFIX}"),
    "ppc64le": re.compile(r"power(?:8|9|[1-9][0-9])"),
    "riscv64": re.compile(r"rva[0-9]+[us]64"),
    "amd64": re.compile(r"v[1-9]"),
}
_VARIANT_EXAMPLES = {
    "arm": "v6, v7 or v8",
    "arm64": "such as v8",
    "ppc64le": "such as power9",
    "riscv64": "such as rva20u64",
    "amd64": "such as v2",
}


def _around(node: Node) -> str:
    """The key of the clause tables: ``platform`` for what is inside such a member, else the configuration's own."""
    return "platform" if node.pointer.rpartition("/")[0].endswith("/platform") else ""


@CONFIG.check("/os", OS[""])
@on_descriptors("/platform/os", OS["platform"])
def os_is_known(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A SHOULD: names unknown to Go are not errors."""
    if node.value not in GOOS:
        severity = Severity.NOTE if node.value in _UNUSUAL_OS else None
        message = f"{node.place} is not an operating system known to Go"
        yield node.breaks(OS[_around(node)], message, want="linux, windows, freebsd …", severity=severity)


@CONFIG.check("/architecture", ARCHITECTURE[""])
@on_descriptors("/platform/architecture", ARCHITECTURE["platform"])
def architecture_is_known(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A SHOULD: names unknown to Go are not errors."""
    if node.value not in GOARCH:
        severity = Severity.NOTE if node.value in _UNUSUAL_ARCHITECTURES else None
        message = f"{node.place} is not an architecture known to Go"
        yield node.breaks(ARCHITECTURE[_around(node)], message, want="amd64, arm64 …", severity=severity)


@CONFIG.check("/variant", VARIANT[""])
@on_descriptors("/platform/variant", VARIANT["platform"])
def variant_is_of_its_architecture(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Any variant passes for an architecture outside the table; an empty one counts as none."""
    architecture = parent(node, context).text("architecture") or ""
    known = VARIANTS.get(architecture)
    if node.value and known and not known.fullmatch(node.value):
        message = f"{node.place} is not a variant of {architecture} known to the specification or Go"
        yield node.breaks(VARIANT[_around(node)], message, want=_VARIANT_EXAMPLES[architecture])


@CONFIG.check("/os.features", OS_FEATURES[""])
@on_descriptors("/platform/os.features", OS_FEATURES["platform"])
def features_of_windows_are_known(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Only Windows has a list."""
    if parent(node, context).text("os") != "windows":
        return
    for feature in node.children():
        if feature.value not in _WINDOWS_FEATURES:
            message = f"{feature.place} is not a Windows feature listed in the specification"
            yield feature.breaks(OS_FEATURES[_around(node)], message, want="win32k")


@on_descriptors("/platform/features", FEATURES)
def reserved_features_are_not_used(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Docker's manifest lists define the member; an index only reserves it."""
    if not is_docker(context.root):
        yield node.breaks(FEATURES, f"{node.place} is reserved for future versions", at_name=True)
