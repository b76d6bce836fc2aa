"""What the checks of image-spec judge, where JSON Schema can say it too."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.image.documents import media_types
from ocivalidate.image.documents.annotations import URLS
from ocivalidate.image.documents.configs import SETS
from ocivalidate.image.documents.descriptors import FORMATS, UPPERCASE
from ocivalidate.printed.row import WITHOUT_NUL, Row, member_in, required, whole
from ocivalidate.printed.rows import DATE
from ocivalidate.vocabulary.digests import HEX_LENGTHS, registered
from ocivalidate.vocabulary.formats import BASE64_FORM, MEDIA_TYPE_FORM, URI_FORM
from ocivalidate.vocabulary.versions import IMAGE_RELEASES, NEXT

_KEY = "org.opencontainers.image."
_ALGORITHM = r"[a-z0-9]+(?:[+._-][a-z0-9]+)*"
_DIGEST = rf"{_ALGORITHM}:[A-Za-z0-9=_-]+"
_REGISTERED = registered(IMAGE_RELEASES[-1])
_SOUND = "|".join(rf"{name}:[a-f0-9]{{{length}}}" for name, length in _REGISTERED.items())
_SOUND_DIGEST = rf"{_SOUND}|{''.join(f'(?!{name}:)' for name in _REGISTERED)}{_DIGEST}"
# What the draft registers beyond that.
_DRAFTED = [name for name in registered(NEXT) if name not in _REGISTERED]
_PORT = "[0-9]{1,5}(?:-[0-9]{1,5})?(?:/(?:[tT][cC][pP]|[uU][dD][pP]|[sS][cC][tT][pP]))?"
NUL = "safety/image.config.text.nul"
# The digits of numbers up to 4294967294, by where they first are less than its own.
_HIGHEST_ID = "4294967294"
_TEN_DIGITS = "|".join(
    rf"{_HIGHEST_ID[:at]}[0-{int(digit) - 1}][0-9]{{{9 - at}}}" for at, digit in enumerate(_HIGHEST_ID) if digit != "0"
)
_ID = rf"0*(?:[0-9]{{1,9}}|{_TEN_DIGITS}|{_HIGHEST_ID})"
_WHO = rf"(?:{_ID}|[^:]*[^:0-9][^:]*)"
_MEDIA_TYPE = whole(MEDIA_TYPE_FORM)
# Type of document → where descriptors, and annotations, stand in it.
_DESCRIPTORS = {
    "image-index": ("/manifests/*", "/subject"),
    "image-manifest": ("/config", "/layers/*", "/subject"),
    "image-descriptor": ("",),
}


def _digest(algorithm: str) -> str:
    """What a digest of an algorithm looks like, and any digest of another."""
    return rf"(?!{algorithm}:)[\s\S]*|{algorithm}:[a-f0-9]{{{HEX_LENGTHS[algorithm]}}}"


def _annotations(at: str) -> Iterator[Row]:
    place = f"{at}/annotations"
    yield Row("image/annotations.created.rfc3339", place, {"properties": {f"{_KEY}created": DATE}})
    for name, clause in URLS.items():
        hopeless = {"properties": {f"{_KEY}{name}": whole(r'[^\u0000-\u0020\u007f<>"{}|\\^`]*')}}
        yield Row(clause, place, hopeless)


def _descriptor(at: str) -> Iterator[Row]:
    yield Row("image/descriptor.mediaType.rfc6838", f"{at}/mediaType", _MEDIA_TYPE)
    yield Row("image/descriptor.artifactType.rfc6838", f"{at}/artifactType", _MEDIA_TYPE)
    yield Row("image/descriptor.digest.grammar", f"{at}/digest", whole(_DIGEST))
    for algorithm, lower in UPPERCASE.items():
        for clause in (FORMATS[algorithm], lower):
            yield Row(clause, f"{at}/digest", whole(_digest(algorithm)))
    yield Row("image/descriptor.urls.rfc3986", f"{at}/urls/*", whole(URI_FORM))
    yield Row("image/descriptor.data.base64", f"{at}/data", whole(BASE64_FORM))
    yield from _annotations(at)


def _with_descriptors(kind: str) -> Iterator[Row]:
    for at in _DESCRIPTORS[kind]:
        yield from _descriptor(at)


def _index() -> Iterator[Row]:
    yield from _with_descriptors("image-index")
    yield from _annotations("")
    yield Row("image/image-index.mediaType.value", "/mediaType", {"enum": sorted(media_types.INDEXES)})
    yield Row("image/image-index.artifactType.rfc6838", "/artifactType", _MEDIA_TYPE)
    for name in ("config", "layers"):
        yield Row("safety/image.index.ambiguous", "", {"not": required(name)})


def _manifest() -> Iterator[Row]:
    yield from _with_descriptors("image-manifest")
    yield from _annotations("")
    yield Row("image/manifest.mediaType.value", "/mediaType", {"enum": sorted(media_types.MANIFESTS)})
    yield Row("image/manifest.artifactType.rfc6838", "/artifactType", _MEDIA_TYPE)
    yield Row("safety/image.manifest.ambiguous", "", {"not": required("manifests")})
    empty = {
        "if": {
            "properties": {
                "config": {"properties": {"mediaType": {"const": media_types.EMPTY}}, **required("mediaType")}
            }
        },
        "then": required("artifactType"),
    }
    yield Row("image/manifest.artifactType.with-empty-config", "", empty)


def _config() -> Iterator[Row]:
    date = {**DATE, "minLength": 1}
    yield Row("image/config.created.rfc3339", "/created", date)
    yield Row("image/config.history.created.rfc3339", "/history/*/created", date)
    yield Row("image/config.rootfs.diff_ids.digest", "/rootfs/diff_ids/*", whole(_SOUND_DIGEST))
    for algorithm in _DRAFTED:
        at = "/rootfs/diff_ids/*"
        yield Row("image/config.rootfs.diff_ids.digest", at, whole(_digest(algorithm)), since=NEXT)
    for name, clause in SETS.items():
        yield Row(clause, f"/config/{name}/*", {"maxProperties": 0})
    yield Row("image/config.config.ExposedPorts.keys", "/config/ExposedPorts", {"propertyNames": whole(_PORT)})
    windows = member_in("os", "windows")
    yield Row("image/config.config.User.format", "/config/User", whole("|[^:]+(?::[^:]+)?"), {"not": windows})
    yield Row("image/config.config.Env.format", "/config/Env/*", {"pattern": "="})
    yield Row("image/config.config.Env.format", "/config/Env/*", {"pattern": "^[^=]"}, {"not": windows})
    yield Row("safety/image.config.user.no-id", "/config/User", whole(rf"|{_WHO}(?::{_WHO})?"), {"not": windows})
    linux, named = member_in("os", "linux"), {"prefixItems": [{"minLength": 1}]}
    first = {"properties": {"Entrypoint": {"maxItems": 0}}}
    yield Row("safety/image.config.program", "/config/Entrypoint", named, linux)
    only_cmd = {"allOf": [linux, {"properties": {"config": first}}]}
    yield Row("safety/image.config.program", "/config/Cmd", named, only_cmd)
    yield Row("safety/image.config.label.key", "/config/Labels", {"propertyNames": {"minLength": 1}})
    for member in ("User", "Env/*", "Entrypoint/*", "Cmd/*", "WorkingDir"):
        yield Row(NUL, f"/config/{member}", whole(WITHOUT_NUL))
    yield Row(NUL, "/config/Volumes", {"propertyNames": whole(WITHOUT_NUL)})


IMAGE_ROWS = {
    "image-layout": (),
    "image-index": tuple(_index()),
    "image-manifest": tuple(_manifest()),
    "image-config": tuple(_config()),
    "image-descriptor": tuple(_with_descriptors("image-descriptor")),
}
