"""Checks of annotations (runtime-spec config.md#annotations)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ocivalidate.bundle.registry import CONFIG
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.vocabulary.annotation_keys import IMAGE, NAMESPACE, is_foreign
from ocivalidate.vocabulary.formats import is_date_time
from ocivalidate.vocabulary.go_platforms import GOARCH, GOOS

KEY_EMPTY = "runtime/config.annotations.key-non-empty"
REVERSE_DOMAIN = "runtime/config.annotations.key-reverse-domain"
RESERVED = "runtime/config.annotations.org-opencontainers-reserved"
OS = "runtime/config.annotations.image-os.valid"
ARCHITECTURE = "runtime/config.annotations.image-architecture.valid"
CREATED = "runtime/config.annotations.image-created.valid"
STOP_SIGNAL = "runtime/config.annotations.image-stopSignal.valid"

# A name such as SIGTERM or SIGRTMIN+3. Tools also write the name without SIG, or the number.
_SIGNAL = r"(SIG)?[A-Z][A-Z0-9]{1,9}([+-][0-9]{1,2})?|[1-9][0-9]?"


@CONFIG.check("/annotations/*", KEY_EMPTY, REVERSE_DOMAIN)
def key_is_well_named(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """Anything with a dot passes as reverse domain notation: widely used keys look like kubernetes.io/name."""
    if node.name == "":
        yield node.breaks(KEY_EMPTY, "an annotation key is empty", got='""', at_name=True)
    elif "." not in node.name:
        message = "an annotation key is not in reverse domain notation"
        yield node.breaks(REVERSE_DOMAIN, message, got=node.name, want="a key such as com.example.key", at_name=True)


@CONFIG.check("/annotations/*", RESERVED)
def key_is_not_reserved(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """Keys that any OCI specification defines are fine at any version."""
    if is_foreign(node.name):
        yield node.breaks(
            RESERVED, f"no OCI specification defines this key under {NAMESPACE}", got=node.name, at_name=True
        )


@CONFIG.check(f"/annotations/{IMAGE}os", OS)
def image_os_is_known(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """An empty value is allowed, as for every annotation."""
    if node.value and node.value not in GOOS:
        yield node.breaks(
            OS, "the annotation names an operating system that Go does not know", want="linux, windows, freebsd …"
        )


@CONFIG.check(f"/annotations/{IMAGE}architecture", ARCHITECTURE)
def image_architecture_is_known(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """An empty value is allowed, as for every annotation."""
    if node.value and node.value not in GOARCH:
        yield node.breaks(
            ARCHITECTURE, "the annotation names an architecture that Go does not know", want="amd64, arm64 …"
        )


@CONFIG.check(f"/annotations/{IMAGE}created", CREATED)
def image_created_is_a_date(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """RFC 3339, section 5.6; an empty value is allowed."""
    if node.value and not is_date_time(node.value):
        yield node.breaks(
            CREATED, "the annotation is not an RFC 3339 date and time", want="such as 2026-01-31T23:59:59Z"
        )


@CONFIG.check(f"/annotations/{IMAGE}stopSignal", STOP_SIGNAL)
def image_stop_signal_is_a_signal(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """image-spec config.md, StopSignal; an empty value is allowed."""
    if node.value and not re.fullmatch(_SIGNAL, node.value):
        yield node.breaks(
            STOP_SIGNAL, "the annotation is not the name of a signal", want="such as SIGTERM or SIGRTMIN+3"
        )
