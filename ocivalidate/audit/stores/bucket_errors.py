"""What went wrong with a bucket, in a line of ours: an address may be signed, and what a server writes is its own."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Final

from ocivalidate.errors import Unreadable

_DENIED, _NOT_ACCEPTED = "access is denied", "the credentials are not accepted"
_NO_PATH = "it has a key with an empty part, or . or .., which is no path"
_CODES: Final = {
    "NoSuchBucket": "there is no such bucket",
    "ContainerNotFound": "there is no such bucket",
    "InvalidBucketName": "no bucket can have this name",
    "InvalidAccessKeyId": _NOT_ACCEPTED,
    "SignatureDoesNotMatch": _NOT_ACCEPTED,
    "InvalidToken": _NOT_ACCEPTED,
    "XAdminUserNotFound": _NOT_ACCEPTED,
    "ExpiredToken": _NOT_ACCEPTED,
    "AuthenticationFailed": _NOT_ACCEPTED,
    "AuthorizationHeaderMalformed": "the bucket is in another region: set AWS_REGION",
    "PermanentRedirect": "the bucket is in another region: set AWS_REGION",
}
_STATUSES: Final = {
    "301": "the bucket is in another region: set AWS_REGION",
    "307": "the bucket is in another region: set AWS_REGION",
    "401": _NOT_ACCEPTED,
    "403": _DENIED,
    "404": "there is no such thing",
    "412": "it changed while it was being read",
    "416": "it does not hand out that part of an object",
    "429": "it asks for patience again and again",
    "503": "it asks for patience again and again",
}
_CLASSES: Final = {
    "FileNotFoundError": "there is no such object",
    "PermissionDeniedError": _DENIED,
    "UnauthenticatedError": _NOT_ACCEPTED,
    "PreconditionError": "it changed while it was being read",
    "InvalidPathError": _NO_PATH,
}
# Of what never got an answer, or none that makes sense; the first one that fits counts.
_WORDS: Final = (
    (r"invalid path", _NO_PATH),
    (
        r"169\.254\.169\.254|[Mm]etadata|[Cc]redential|service account",
        "there are no credentials for it in the environment",
    ),
    (r"TimedOut|timed out|kind: Timeout", "it does not answer in time"),
    (r"kind: Connect|error sending request|dns error", "it cannot be reached"),
    (r"builder error|URL scheme is not allowed", "its endpoint is not an address that can be asked"),
    (r"kind: (?:Decode|Body|Interrupted)|error decoding|connection closed", "the connection breaks off"),
    (r"[Rr]ange|NotPartial", "it does not hand out parts of objects"),
)
_STATUS = re.compile(r"status code: ([0-9]{3})")
_CODE = re.compile(r"<Code>([A-Za-z]{1,64})</Code>")
_LONGEST = 1 << 16


def in_a_line(error: BaseException) -> str:
    """What an error of the library means."""
    text = str(error)[:_LONGEST]
    status, code = _STATUS.search(text), _CODE.search(text)
    if status:
        if code and code[1] in _CODES:
            return _CODES[code[1]]
        said = _STATUSES.get(status[1]) or f"it answers with status {status[1]}"
        return f"{said} ({code[1]})" if code else said
    named = _CLASSES.get(type(error).__name__)
    return named or next((said for words, said in _WORDS if re.search(words, text)), "what it answers makes no sense")


@contextlib.contextmanager
def failing(name: str, path: str = "") -> Iterator[None]:
    """Raise what the library raises as :class:`Unreadable`, and :class:`FileNotFoundError` as it is."""
    try:
        yield
    except (FileNotFoundError, KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException as error:  # noqa: BLE001  # a panic of the library is no Exception
        place = f"{name.rstrip('/')}/{path}" if path else name
        said = str(error) if isinstance(error, Unreadable) else in_a_line(error)
        raise Unreadable(said if said.startswith(name) else f"{place}: {said}") from None
