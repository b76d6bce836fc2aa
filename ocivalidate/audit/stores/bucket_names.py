"""Names of buckets, ``s3://BUCKET/PREFIX``, and how obstore is told to open them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ocivalidate.errors import CannotJudge, Unreadable

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SCHEMES: Final = ("s3://", "gs://", "az://")
_NAME = re.compile(r"(?P<scheme>s3|gs|az)://(?P<bucket>[A-Za-z0-9][A-Za-z0-9._-]{0,221})(?P<prefix>/[^?#\x00-\x1f]*)?")
_NO_PARTS = frozenset({"", ".", ".."})
_FORM = "not the name of a bucket: write s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX"
# Variables in which the tools of each service look for the same.
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_ACCOUNTS = ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT")
# The account of Azurite, whose key is in its documentation.
_EMULATED = "devstoreaccount1"
_YES = frozenset({"1", "true", "yes", "on"})
# A piece of a blob has a minute, and an answer that fails some tries: nothing hangs.
_CLIENT: Final[dict[str, Any]] = {"timeout": timedelta(minutes=1), "connect_timeout": timedelta(seconds=10)}
_RETRIES: Final[dict[str, Any]] = {
    "max_retries": 4,
    "retry_timeout": timedelta(seconds=45),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=5), "base": 2},
}


class Bucket(NamedTuple):
    """A bucket, or what is below a prefix in it. ``scheme``: ``s3``, ``gs`` or ``az``."""

    scheme: str
    name: str
    prefix: str = ""


def parse(text: str) -> Bucket:
    """Read the name of a bucket. Raises :class:`Unreadable` with a line that repeats nothing: it may hold a secret."""
    found = _NAME.fullmatch(text)
    prefix = (found["prefix"] or "").strip("/") if found else ""
    if not found or (prefix and _NO_PARTS & {*prefix.split("/")}):
        raise Unreadable(_FORM)
    return Bucket(found["scheme"], found["bucket"], prefix)


def opened(bucket: Bucket) -> ObjectStore:
    """The bucket, with endpoint and credentials from the environment. Raises :class:`Unreadable`."""
    try:
        from obstore import store
    except ImportError as error:
        raise CannotJudge("buckets need ocivalidate[buckets] installed") from error

    options: dict[str, Any] = {"prefix": bucket.prefix or None, "retry_config": _RETRIES}
    makers = {"s3": store.S3Store, "gs": store.GCSStore, "az": store.AzureStore}
    options |= {"s3": _of_s3, "gs": _of_google, "az": _of_azure}[bucket.scheme]()
    client = _CLIENT | options.pop("client_options", {})
    try:
        made: ObjectStore = makers[bucket.scheme](bucket.name, client_options=client, **options)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # a panic of the library is no Exception
        raise Unreadable("the settings of the environment for this bucket make no sense") from error
    return made


def _of_s3() -> dict[str, Any]:
    endpoint = _first(os.environ, _ENDPOINTS)
    return {"endpoint": endpoint, "client_options": {"allow_http": endpoint.startswith("http://")}} if endpoint else {}


def _of_google() -> dict[str, Any]:
    """An emulator, by the variable that Google's own clients have for it, wants no credentials."""
    emulator = os.environ.get("STORAGE_EMULATOR_HOST", "")
    endpoint = emulator if not emulator or "://" in emulator else f"http://{emulator}"
    options: dict[str, Any] = {"base_url": endpoint, "skip_signature": True} if endpoint else {}
    plain = (endpoint or os.environ.get("GOOGLE_BASE_URL", "")).startswith("http://")
    return options | ({"client_options": {"allow_http": True}} if plain else {})


def _of_azure() -> dict[str, Any]:
    account = _first(os.environ, _ACCOUNTS)
    if os.environ.get("AZURE_STORAGE_USE_EMULATOR", "").lower() in _YES:
        return {"account_name": account or _EMULATED}
    if not account:
        raise Unreadable(f"az:// needs the name of the account in {_ACCOUNTS[0]}")
    return {"account_name": account}


def _first(variables: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((value for name in names if (value := variables.get(name, ""))), "")
