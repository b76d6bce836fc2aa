"""One registry: manifests, blobs, lists. Nothing of the size of what it holds is kept."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from urllib3.response import BaseHTTPResponse as Response

from ocivalidate.registry.answers import BLOB, MANIFEST, REFERRERS, Answer, answer
from ocivalidate.registry.bodies import Body
from ocivalidate.registry.credentials import Credential, find
from ocivalidate.registry.failing import ConnectionFailed, NotThere, RegistryError
from ocivalidate.registry.names import api_host, referrers_tag
from ocivalidate.registry.options import RegistryOptions
from ocivalidate.registry.pages import Pages, next_page, texts
from ocivalidate.registry.tokens import CATALOG, Authority
from ocivalidate.registry.transport import Transport, in_words, is_led_away, origin
from ocivalidate.vocabulary import digests
from ocivalidate.vocabulary.image_names import is_repository, is_tag
from ocivalidate.vocabulary.wording import shortened

INDEX = "application/vnd.oci.image.index.v1+json"
# What is asked for, so that nothing is converted for us.
ACCEPT = (
    f"{INDEX}, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.v1+prettyjws, application/vnd.docker.distribution.manifest.v1+json, "
    "application/json, */*"
)
_PLURAL = {MANIFEST: "manifests", BLOB: "blobs", REFERRERS: "referrers"}
_OK, _PARTIAL = 200, 206
# Registries without the API for referrers answer in many ways.
_NO_REFERRERS = (400, 404, 405, 406, 415, 501)
_NAMES_IN_A_PAGE = 1000
_TELLING = 12
_MOST_WITHOUT = 10_000
# So much more than there should be is read, to say how much it is.
_SLACK = 1 << 20


class Page(NamedTuple):
    """A page of a list: its bytes, what was said beside them, and the names in it, if it is one of names."""

    data: bytes
    said: Answer
    names: tuple[str, ...] = ()


class Registry:
    """A registry, for several threads. Pickled, it is opened again where it arrives, with the credentials there.

    ``host`` is as users write it, with its port. Every method raises :class:`RegistryError`, and :class:`NotThere` for
    what the registry says that it does not have.
    """

    def __init__(
        self, host: str, options: RegistryOptions | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self.host = host
        self.options = options or RegistryOptions()
        self._environment = os.environ if environment is None else environment
        self._limits = self.options.limits
        self._transport = Transport(self.options, self._environment)
        self._lock = threading.Lock()
        self._base = ""
        self._authority: Authority | None = None
        self._credentials: dict[str, Credential] = {}
        # Whether it has lists of referrers, as one that came shows, and repositories in which it says that it has none.
        self._lists = False
        self._without_lists: set[str] = set()

    def __repr__(self) -> str:
        return f"Registry({self.host!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _opened, (self.host, self.options)

    # --- Content

    def head(self, kind: str, repository: str, asked: str) -> Answer:
        """What the registry says of a manifest or a blob without sending it. Its status may be 404, or 405."""
        response = self._ask("HEAD", self._path(kind, repository, asked), repository, statuses=(_OK, 404, 405))
        response.close()
        return self._said("HEAD", kind, asked, response)

    def open(self, kind: str, repository: str, asked: str, size: int = -1) -> Body:
        """A manifest or a blob, as a stream that ends not long after ``size`` bytes, if that is not negative."""
        path = self._path(kind, repository, asked)

        def ask(offset: int) -> Response:
            headers = {"Range": f"bytes={offset}-"} if offset else {}
            return self._ask("GET", path, repository, headers, statuses=(_OK, _PARTIAL) if offset else (_OK,))

        response = ask(0)
        said = self._said("GET", kind, asked, response)
        body = Body(response, said, ask, self._transport, self._limits, self.host)
        body.most = min(size + _SLACK, self._limits.largest) if size >= 0 else self._limits.blob
        return body

    def read(self, kind: str, repository: str, asked: str, most: int) -> tuple[bytes, Answer]:
        """The first ``most`` bytes of a document, with what was said beside it."""
        return self._read(self.open(kind, repository, asked), most)

    def document(self, repository: str, asked: str, most: int) -> tuple[bytes, Answer]:
        """A manifest by tag or digest, of at most ``most`` bytes, with what was said beside it."""
        return self._whole(self.open(MANIFEST, repository, asked), most)

    def _whole(self, body: Body, most: int) -> tuple[bytes, Answer]:
        data, said = self._read(body, most + 1)
        if len(data) > most:
            raise RegistryError(f"{self.host}: a document has more than {most} bytes")
        return data, said

    def _read(self, body: Body, most: int) -> tuple[bytes, Answer]:
        problem, data = "", b""
        try:
            data = body.read(most)
        except OSError as error:
            problem = str(error)
        finally:
            body.close()
        if problem:
            raise RegistryError(problem)
        self._refuse_echo(data)
        return data, computed(body.answers[0], data)

    # --- Lists

    def tags(self, repository: str) -> Iterator[str]:
        """The tags of a repository, in the order of the registry, which is not to be trusted."""
        path = f"/v2/{self._repository(repository)}/tags/list?n={_NAMES_IN_A_PAGE}"
        for page in self._pages(path, repository, member="tags"):
            for tag in page.names:
                if not is_tag(tag):
                    raise RegistryError(f"{self.host}/{repository}: {shortened(repr(tag), 80)} is not a tag")
                yield tag

    def repositories(self) -> Iterator[str]:
        """The repositories of the registry (its catalog), in its order."""
        for page in self._pages(f"/v2/_catalog?n={_NAMES_IN_A_PAGE}", "", CATALOG, member="repositories"):
            for name in page.names:
                if not is_repository(name):
                    raise RegistryError(f"{self.host}: {shortened(repr(name), 80)} is not a repository")
                yield name

    def referrers(self, repository: str, digest: str, tagged: Sequence[bytes] | None = None) -> Iterator[Page]:
        """The pages of the list of those that refer to a manifest: by the API, or by the tag that stands for it.

        ``tagged``: what has that tag, if the caller knows. A registry that has given no such list, and says 404, does
        not have the API (distribution-spec, Listing Referrers): it is not asked for others of the repository.
        """
        if repository in self._without_lists:
            yield from self._tagged(repository, digest, tagged)
            return
        path = f"/v2/{self._repository(repository)}/referrers/{quote(digest, safe=':+._-=')}"
        pages = self._pages(path, repository, asked=digest)
        try:
            first = next(pages)
        except NotThere as error:
            if error.status == 404 and not self._lists and len(self._without_lists) < _MOST_WITHOUT:
                self._without_lists.add(repository)
            yield from self._tagged(repository, digest, tagged)
            return
        self._lists = True
        self._without_lists.clear()
        yield first
        yield from pages

    def _tagged(self, repository: str, digest: str, known: Sequence[bytes] | None) -> Iterator[Page]:
        if known is not None:
            yield from (Page(data, Answer("GET", MANIFEST, "", _OK)) for data in known)
            return
        tag = referrers_tag(digest)
        try:
            data, said = self.document(repository, tag, self._limits.page)
        except NotThere:
            return
        yield Page(data, said)

    def _pages(
        self, path: str, repository: str, scope: str = "", *, member: str = "", asked: str = ""
    ) -> Iterator[Page]:
        """The pages of a list: of the names in a member, or of referrers."""
        kind = "" if member else REFERRERS
        shown = f"{self.host}/{repository}".rstrip("/")
        pages = Pages(shown, self._limits.pages, self._limits.names)
        address = path
        while address:
            response = self._ask("GET", address, repository, scope=scope, absent=(404,) if member else _NO_REFERRERS)
            said = self._said("GET", kind, asked, response)
            again = functools.partial(self._page_again, address, repository, scope)
            body = Body(response, said, again, self._transport, self._limits, self.host)
            link = response.headers.get("Link", "")
            data, said = self._whole(body, self._limits.page)
            names = tuple(texts(data, member, f"{shown}: its list of {member}")) if member else ()
            pages.take(address, len(names) if member else data.count(b'"digest"'))
            yield Page(data, said, names)
            address = self._below(next_page(self._address(address), link))

    def _page_again(self, address: str, repository: str, scope: str, _offset: int) -> Response:
        return self._ask("GET", address, repository, scope=scope)

    # --- Requests

    def _ask(
        self,
        method: str,
        path: str,
        repository: str,
        headers: Mapping[str, str] | None = None,
        *,
        scope: str = "",
        statuses: tuple[int, ...] = (_OK,),
        absent: tuple[int, ...] = (404,),
    ) -> Response:
        """One request, authorized as the registry wants it; the answer has one of the statuses."""
        try:
            response = self._authorized(method, path, repository, headers or {}, scope)
        except RegistryError as error:
            problem = self._without_secrets(error)
        else:
            if response.status in statuses:
                return response
            response.close()
            problem = self._refusal(response.status, repository, absent)
        raise problem

    def _authorized(self, method: str, path: str, repository: str, headers: Mapping[str, str], scope: str) -> Response:
        authority = self._reach()
        scope = scope or (f"repository:{repository}:pull" if repository else CATALOG)
        response, header = None, ""
        for _attempt in range(2):
            header = authority.header(scope)
            sent = {"Accept": ACCEPT, **headers, **({"Authorization": header} if header else {})}
            response = self._transport.send(method, self._address(path), sent)
            if response.status != 401:
                break
            if is_led_away(response):
                # It may not say where the credentials of this registry go.
                response.close()
                raise RegistryError(f"{self.host} redirects to a host that wants credentials of its own (401)")
            challenge = ", ".join(response.headers.getlist("WWW-Authenticate"))
            response.close()
            authority.answer(challenge, scope, header, lambda: self._credential(repository))
        assert response is not None  # noqa: S101 - the loop has run
        return response

    def _refusal(self, status: int, repository: str, absent: tuple[int, ...]) -> RegistryError:
        shown = f"{self.host}/{repository}".rstrip("/")
        if status in absent:
            return NotThere(f"{shown} does not have it ({in_words(status)})", status=status)
        if status in (401, 403):
            how = "with these credentials" if self._credentials.get(repository) else "without credentials"
            return RegistryError(f"{shown} may not be read {how} ({in_words(status)})", status=status)
        return RegistryError(f"{shown} answers {in_words(status)}", status=status)

    def _reach(self) -> Authority:
        """Find out, once, by which scheme the registry is reached."""
        with self._lock:
            if self._authority is None:
                plain = self._transport.trusts_plain(origin(f"https://{api_host(self.host)}").host)
                scheme = self._scheme() if plain else "https"
                self._base = f"{scheme}://{api_host(self.host)}"
                self._authority = Authority(self.host, self._ask_service, self._transport.trusts_plain)
            return self._authority

    def _scheme(self) -> str:
        """``https`` where that is spoken, else ``http``: where plain HTTP is allowed, docker tries both too."""
        try:
            self._transport.once("GET", f"https://{api_host(self.host)}/v2/", {}).close()
        except ConnectionFailed:
            return "http"
        return "https"

    def _ask_service(self, method: str, address: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Ask a token service."""
        response = self._transport.send(method, address, headers, body)
        said = Answer(method, "", "", response.status)
        whole = Body(response, said, lambda _offset: response, self._transport, self._limits, origin(address).shown)
        try:
            return response.status, whole.read(self._limits.token)
        except OSError:
            return response.status, b""
        finally:
            whole.close()

    def _credential(self, repository: str) -> Credential:
        if repository not in self._credentials:
            # Of a large registry not all are kept.
            self._credentials = {}
            found = find(self.host, repository, self.options.authfile, self._environment)
            self._credentials[repository] = found
        return self._credentials[repository]

    def _path(self, kind: str, repository: str, asked: str) -> str:
        return f"/v2/{self._repository(repository)}/{_PLURAL[kind]}/{quote(asked, safe=':+._-=')}"

    def _repository(self, repository: str) -> str:
        if not is_repository(repository):
            raise RegistryError(f"{shortened(repository, 80)} is not a repository")
        return repository

    def _address(self, path: str) -> str:
        return path if "://" in path[:8] else f"{self._base}{path}"

    def _below(self, address: str) -> str:
        return address.removeprefix(self._base)

    # --- What is never shown

    def _said(self, method: str, kind: str, asked: str, response: Response) -> Answer:
        """What was said, without a credential that a header repeats."""
        said = answer(method, kind, asked, response.status, response.headers)
        secrets = self._secrets()
        shown = [text and ("(credentials)" if _has(text, secrets) else text) for text in (said.digest, said.media_type)]
        return said._replace(digest=shown[0], media_type=shown[1], elsewhere=is_led_away(response))

    def _refuse_echo(self, data: bytes) -> None:
        if any(secret.encode() in data for secret in self._secrets()):
            raise RegistryError(f"{self.host} repeats the credentials that were sent to it, in a document")

    def _without_secrets(self, error: RegistryError) -> RegistryError:
        """The error, unless a host to which it led us is called by a secret."""
        said = str(error).lower()
        if any(secret.lower() in said for secret in self._secrets()):
            return RegistryError(f"{self.host} leads to a host that is called by the credentials sent to it")
        return error

    def _secrets(self) -> frozenset[str]:
        """What was sent and can be told from other texts: a short password may be a word of the document."""
        known = self._authority.secrets() if self._authority is not None else frozenset()
        return frozenset(secret for secret in known if len(secret) >= _TELLING)

    def stop(self) -> None:
        """Let nothing wait any more."""
        self._transport.stop()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()


def _opened(host: str, options: RegistryOptions) -> Registry:
    """The registry in a process to which it was sent, the same for all that is sent there."""
    return _shared(host, options, os.getpid())


@functools.lru_cache(maxsize=16)
def _shared(host: str, options: RegistryOptions, _process: int) -> Registry:
    return Registry(host, options)


def _has(text: str, secrets: frozenset[str]) -> bool:
    return any(secret in text for secret in secrets)


def computed(said: Answer, data: bytes) -> Answer:
    """The answer with the digest of the document, in the algorithm of its header."""
    named = digests.parse(said.digest or "")
    algorithm = named.algorithm if named and digests.computable(named.algorithm) else "sha256"
    return said._replace(computed=str(digests.of(data, algorithm)))
