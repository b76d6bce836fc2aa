"""Checks of annotations and labels, which follow the same rules (image-spec annotations.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ocivalidate.image.documents.registry import CONFIG, INDEX, MANIFEST, on_annotations
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.rules.clauses import Severity
from ocivalidate.vocabulary import digests
from ocivalidate.vocabulary.annotation_keys import IMAGE, NAMESPACE, is_foreign
from ocivalidate.vocabulary.formats import is_date_time, uri_scheme
from ocivalidate.vocabulary.licenses import is_license_expression

REVERSE_DOMAIN = "image/annotations.key-reverse-domain"
RESERVED = "image/annotations.org-opencontainers-reserved"
IMAGE_RESERVED = "image/annotations.org-opencontainers-image-reserved"
CREATED = "image/annotations.created.rfc3339"
URLS = {
    "url": "image/annotations.url.url",
    "documentation": "image/annotations.documentation.url",
    "source": "image/annotations.source.url",
}
LICENSES = "image/annotations.licenses.spdx"
ONLY_INDEX_JSON = "image/annotations.ref-name.only-index-json"
CHARSET = "image/annotations.ref-name.charset"
GRAMMAR = "image/annotations.ref-name.grammar"
BASE_DIGEST = "image/annotations.base-digest.digest"
BASE_NAME = "image/annotations.base-name.format"
QUALIFIED = "image/annotations.base-name.fully-qualified"

REF_NAME = f"{IMAGE}ref.name"

_REF_NAME_CHARACTERS = re.compile(r"[A-Za-z0-9._:@/+-]*")
_COMPONENT = r"[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*"
_REF_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")

# Characters that no URL contains (RFC 3986, RFC 3987): space, control characters, URL delimiters.
_NEVER_IN_URLS = re.compile(r'[\x00-\x20\x7f<>"{}|\\^`]')

# The format of distribution/distribution: a name, then a tag, a digest or both.
_DOMAIN_PART = r"(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])"
_DOMAIN = rf"(?:{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?"
_PATH_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,}"
_REFERENCE = re.compile(rf"(?:{_DOMAIN}/)?{_PATH_PART}(?:/{_PATH_PART})*(?::{_TAG})?(?:@{_DIGEST})?")


@on_annotations("*", REVERSE_DOMAIN)
def key_is_well_named(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Anything with a dot or a slash passes: large projects use keys such as buildkit/createdat."""
    if not _is_named_after_somebody(node.name):
        message = "an annotation key is not in reverse domain notation"
        yield node.breaks(REVERSE_DOMAIN, message, got=node.name, want="a key such as com.example.key", at_name=True)


@CONFIG.check("/config/Labels/*", REVERSE_DOMAIN)
def label_is_well_named(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A note only: labels such as maintainer are older than the rule, and most images have one."""
    if not _is_named_after_somebody(node.name):
        message = "a label is not in reverse domain notation"
        want = "a key such as com.example.key"
        yield node.breaks(REVERSE_DOMAIN, message, got=node.name, want=want, severity=Severity.NOTE, at_name=True)


def _is_named_after_somebody(key: str) -> bool:
    return "." in key or "/" in key


@CONFIG.check("/config/Labels/*", RESERVED, IMAGE_RESERVED)
@on_annotations("*", RESERVED, IMAGE_RESERVED)
def key_is_not_reserved(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Keys that any OCI specification defines are fine in every release."""
    if is_foreign(node.name):
        clause, part = (IMAGE_RESERVED, IMAGE[:-1]) if node.name.startswith(IMAGE) else (RESERVED, NAMESPACE)
        yield node.breaks(clause, f"no specification defines this key of {part}", got=node.name, at_name=True)


@on_annotations(f"{IMAGE}created", CREATED)
def created_is_a_date(node: Node, context: CheckContext) -> Iterator[Violation]:
    """An empty value is allowed, as for every annotation."""
    if node.value and not is_date_time(node.value):
        message = "the annotation is not a valid RFC 3339 date-time"
        yield node.breaks(CREATED, message, want="such as 2026-01-31T23:59:59Z")


@on_annotations(f"{IMAGE}url", URLS["url"])
@on_annotations(f"{IMAGE}documentation", URLS["documentation"])
@on_annotations(f"{IMAGE}source", URLS["source"])
def link_is_a_url(node: Node, context: CheckContext) -> Iterator[Violation]:
    """What works in a browser or a version control tool weighs less than what cannot be a URL at all."""
    if not node.value or uri_scheme(node.value):
        return
    hopeless = _NEVER_IN_URLS.search(node.value)
    severity = None if hopeless else Severity.WARNING
    clause = URLS[node.name.removeprefix(IMAGE)]
    yield node.breaks(
        clause, "the annotation is not a valid URL", want="such as https://example.com/", severity=severity
    )


@on_annotations(f"{IMAGE}licenses", LICENSES)
def licenses_are_an_expression(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Only the grammar: the list of licenses grows with every release of SPDX."""
    if node.value and not is_license_expression(node.value):
        message = "the annotation is not a valid SPDX license expression"
        yield node.breaks(LICENSES, message, want="such as Apache-2.0 OR MIT")


@INDEX.check(f"/manifests/*/annotations/{REF_NAME}", CHARSET, GRAMMAR)
def ref_name_is_a_reference(node: Node, context: CheckContext) -> Iterator[Violation]:
    """An empty value is allowed, as for every annotation."""
    if not _REF_NAME_CHARACTERS.fullmatch(node.value):
        yield node.breaks(CHARSET, "the name has characters other than A-Z a-z 0-9 - . _ : @ / +")
    elif node.value and not _REF_NAME.fullmatch(node.value):
        message = "the name is not made of letters and digits joined by single separators or --"
        yield node.breaks(GRAMMAR, message, want="such as stable-release or registry.example.com/app:1.0")


@INDEX.check(("/annotations", "/subject/annotations"), ONLY_INDEX_JSON)
@MANIFEST.check(
    ("/annotations", "/config/annotations", "/layers/*/annotations", "/subject/annotations"), ONLY_INDEX_JSON
)
def ref_name_counts_nowhere_else(node: Node, context: CheckContext) -> Iterator[Violation]:
    """On an entry of any index it may have a meaning: the document alone does not show whether a layout has it."""
    name = node.get(REF_NAME)
    if name is not None:
        message = f"{REF_NAME} has a meaning only on entries of index.json"
        yield name.breaks(ONLY_INDEX_JSON, message, got=name.name, at_name=True)


@on_annotations(f"{IMAGE}base.digest", BASE_DIGEST)
def base_digest_is_a_digest(node: Node, context: CheckContext) -> Iterator[Violation]:
    """An empty value is what buildah writes for an image that is based on nothing."""
    problem = digests.problem(node.value, context.release) if node.value else ""
    if problem:
        yield node.breaks(BASE_DIGEST, f"the annotation is not a valid digest: {problem}")


@on_annotations(f"{IMAGE}base.name", BASE_NAME, QUALIFIED)
def base_name_is_a_full_reference(node: Node, context: CheckContext) -> Iterator[Violation]:
    """An image that is based on nothing has an empty value (buildah) or scratch (Docker's official images)."""
    want = "such as registry.example.com/my-org/my-image:tag"
    if node.value in ("", "scratch"):
        return
    if not _REFERENCE.fullmatch(node.value):
        yield node.breaks(BASE_NAME, "the annotation is not a valid image reference", want=want)
    elif not _has_registry(node.value):
        yield node.breaks(QUALIFIED, "the reference names no registry", want=want)


def _has_registry(reference: str) -> bool:
    """As distribution distinguishes a registry from the first component of a path."""
    first, slash, _ = reference.partition("/")
    return slash != "" and (first == "localhost" or "." in first or ":" in first)
