"""Why an image could not be unpacked. Whatever was written by then is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocivalidate.rules.findings import Finding


class UnpackError(Exception):
    """Unpacking is not possible here, or not like this. The message is one line."""


class Refused(UnpackError):
    """The image is at fault; ``findings`` say where, unless the message says it all."""

    def __init__(self, message: str, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(message)
        self.findings = findings


class Changed(UnpackError):
    """Somebody else changed the folder while it was written."""

    def __init__(self, path: bytes) -> None:
        from ocivalidate.image.layers.problems import shown

        super().__init__(f"somebody else changed the folder while it was written: {shown(path)}")
