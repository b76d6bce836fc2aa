"""The keys below org.opencontainers, which belong to the OCI specifications."""

from __future__ import annotations

NAMESPACE = "org.opencontainers"
IMAGE = f"{NAMESPACE}.image."

# Every key of the namespace that an OCI specification of any version or release candidate defines: runtime-spec,
# image-spec (annotations.md, conversion.md) and distribution-spec. Tools of any age copy them from place to place, so
# none of them is ever a finding.
DEFINED = frozenset(
    IMAGE + name
    for name in (
        "architecture author authors base.digest base.name created description documentation exposedPorts licenses os "
        "os.features os.version ref.name revision source stopSignal title url variant vendor version"
    ).split()
) | frozenset(
    f"{NAMESPACE}.{name}" for name in ("artifact.created", "artifact.description", "referrers.filtersApplied")
)

# Encrypted layers, proposed to image-spec and written by encryption tools as if it had been accepted.
_ENCRYPTION = f"{IMAGE}enc."


def is_foreign(key: str) -> bool:
    """Whether a key lies in the namespace although no specification defines it.

    The namespace ends at a dot: org.opencontainersx is another namespace.
    """
    if key in DEFINED or key.startswith(_ENCRYPTION):
        return False
    return f"{key}.".startswith(f"{NAMESPACE}.")
