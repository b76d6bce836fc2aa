"""Names of images and registries, as skopeo and docker write them; headers; which proxy counts for a host."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from ocivalidate.errors import Unreadable
from ocivalidate.registry.challenges import challenges
from ocivalidate.registry.failing import RegistryError
from ocivalidate.registry.names import ImageName, Place, api_host, meant_image, parse_image, parse_place, referrers_tag
from ocivalidate.registry.pages import next_page
from ocivalidate.registry.proxies import is_loopback, proxy_for
from ocivalidate.registry.transport import retry_after

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("written", "host", "repository", "reference"),
    [
        ("docker://alpine", "docker.io", "library/alpine", "latest"),
        ("alpine:3.19", "docker.io", "library/alpine", "3.19"),
        ("docker://team/app", "docker.io", "team/app", "latest"),
        ("docker://docker.io/alpine", "docker.io", "library/alpine", "latest"),
        ("docker://index.docker.io/alpine", "docker.io", "library/alpine", "latest"),
        ("docker://localhost/app", "localhost", "app", "latest"),
        ("docker://localhost:5000/a/b/c:1", "localhost:5000", "a/b/c", "1"),
        ("docker://registry.example.org/app", "registry.example.org", "app", "latest"),
        ("docker://[::1]:5000/app:x", "[::1]:5000", "app", "x"),
        (f"docker://host.example:443/app@{DIGEST}", "host.example:443", "app", DIGEST),
        (f"docker://host.example/app:1@{DIGEST}", "host.example", "app", DIGEST),
    ],
)
def test_a_name(written: str, host: str, repository: str, reference: str) -> None:
    found = parse_image(written)
    assert (found.host, found.repository, found.reference) == (host, repository, reference)
    assert parse_image(str(found)) == found._replace(tag="" if found.digest else found.reference)


@pytest.mark.parametrize(
    "written",
    [
        "docker://",
        "docker:///app",
        "docker://host.example/",
        "docker://host.example/App",
        "docker://host.example/app:",
        "docker://host.example/app:-x",
        f"docker://host.example/app:{'x' * 129}",
        "docker://host.example/app@sha256:abc",
        "docker://host.example/app@md5",
        "docker://host.example/../etc",
        "docker://host.example/a//b",
        "docker://host.example/app?x=1",
        "docker://host.example/app#x",
        "docker://user:pass@host.example/app",
        "docker://host.example:99999/app:1",
        "docker://host.example/a b",
        "docker://host.example/app\n:1",
        "docker://" + "a/" * 1000,
    ],
)
def test_no_name(written: str) -> None:
    with pytest.raises(Unreadable, match="not the name of an image") as raised:
        parse_image(written)
    assert "\n" not in str(raised.value)


@given(st.text(max_size=80))
def test_any_text_is_a_name_or_none(text: str) -> None:
    try:
        found = parse_image(text)
    except Unreadable:
        assert meant_image(text) == ""
        return
    assert isinstance(found, ImageName)
    # What a request is made of has no letters with which a server could be led elsewhere.
    assert not set(f"{found.host}{found.repository}{found.reference}") & set("?#%\\ \r\n\t@")


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("docker://registry.example.org", Place("registry.example.org")),
        ("docker://localhost:5000/", Place("localhost:5000")),
        ("docker://docker.io", Place("docker.io")),
        ("docker://registry.example.org/team/app", Place("registry.example.org", "team/app")),
        ("docker://team/app", Place("docker.io", "team/app")),
    ],
)
def test_a_registry_or_a_repository(written: str, place: Place) -> None:
    assert parse_place(written) == place


def test_one_image_is_no_repository() -> None:
    with pytest.raises(Unreadable, match="one image"):
        parse_place("docker://localhost/app:1")


def test_docker_hub_has_its_api_elsewhere() -> None:
    assert api_host("docker.io") == "registry-1.docker.io"
    assert api_host("ghcr.io") == "ghcr.io"


def test_the_tag_of_referrers() -> None:
    assert referrers_tag(DIGEST) == DIGEST.replace(":", "-")
    long = "test+algorithm+using+algorithm+separators:" + "x=" * 60
    assert referrers_tag(long) == "test-algorithm-using-algorithm-s-" + ("x-" * 60)[:64]


# --- Proxies


@pytest.mark.parametrize(
    ("host", "no_proxy", "direct"),
    [
        ("example.org", "", False),
        ("example.org", "example.org", True),
        ("a.example.org", "example.org", True),
        ("a.example.org", ".example.org", True),
        ("example.org", ".example.org", False),
        ("notexample.org", "example.org", False),
        ("a.example.org", "*.example.org", True),
        ("example.org", "*", True),
        ("example.org", "other.org, example.org", True),
        ("example.org", "example.org:443", True),
        ("example.org", "example.org:5000", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("11.1.2.3", "nonsense/8", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("localhost", "", True),
        ("LOCALHOST", "", True),
        ("app.localhost", "", False),
        ("127.0.0.1", "", True),
        ("::1", "", True),
    ],
)
def test_which_hosts_have_no_proxy(host: str, no_proxy: str, direct: bool) -> None:  # noqa: FBT001
    environment = {"HTTPS_PROXY": "http://proxy.example:3128", "no_proxy": no_proxy}
    assert (proxy_for("https", host, 443, environment) == "") is direct


def test_proxies_by_scheme() -> None:
    environment = {"http_proxy": "proxy.example:1", "HTTPS_PROXY": "https://proxy.example:2"}
    assert proxy_for("http", "example.org", 80, environment) == "http://proxy.example:1"
    assert proxy_for("https", "example.org", 443, environment) == "https://proxy.example:2"
    assert is_loopback("127.1.2.3")
    assert not is_loopback("128.0.0.1")


# --- Headers


def test_challenges() -> None:
    text = 'Bearer realm="https://auth.example/token",service="a \\"b\\"",scope="x, y", Basic realm="z"'
    bearer, basic = challenges(text)
    assert (bearer.scheme, bearer.parameters["service"], bearer.parameters["scope"]) == ("bearer", 'a "b"', "x, y")
    assert (basic.scheme, basic.parameters) == ("basic", {"realm": "z"})


@given(st.text(max_size=200))
def test_any_header_is_read(text: str) -> None:
    assert len(challenges(text)) <= 16
    assert retry_after(text) >= 0


@pytest.mark.parametrize(("written", "seconds"), [("0", 0), ("12", 12), ("-1", 0), ("x", 0), ("", 0), ("1e9", 0)])
def test_how_long_to_wait(written: str, seconds: float) -> None:
    assert retry_after(written) == seconds


def test_how_long_to_wait_until_a_date() -> None:
    assert retry_after("Fri, 01 Jan 2100 00:00:00 GMT") > 1e9
    assert retry_after("Fri, 01 Jan 1999 00:00:00 GMT") == 0


HERE = "https://registry.example/v2/_catalog?n=1"


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("", ""),
        ('</v2/_catalog?last=a>; rel="next"', "https://registry.example/v2/_catalog?last=a"),
        ("</v2/_catalog?last=a>; rel=next", "https://registry.example/v2/_catalog?last=a"),
        ('<x>; rel="prev", </v2/y>; rel="next"', "https://registry.example/v2/y"),
        ('<https://registry.example/v2/y>; title="a, b"; rel="next"', "https://registry.example/v2/y"),
        ("garbage", ""),
    ],
)
def test_the_next_page(link: str, address: str) -> None:
    assert next_page(HERE, link) == address


@pytest.mark.parametrize(
    "link", ["<http://registry.example/v2/y>", "<//other.example/v2/y>", "</etc>", "<file:///v2/>", "<http://[>"]
)
def test_the_next_page_is_at_the_registry(link: str) -> None:
    with pytest.raises(RegistryError, match="at another place"):
        next_page(HERE, f'{link}; rel="next"')


@pytest.mark.parametrize("host", ["localhost:5000", "registry.example.org:5000", "[::1]:5000"])
def test_a_registry_is_no_image_of_docker_hub(host: str) -> None:
    with pytest.raises(Unreadable, match="is a registry, which ocivalidate audit docker://"):
        parse_image(f"docker://{host}")


@pytest.mark.parametrize(("name", "told"), [("App", 1), ("app/", 0), ("a b", 0), ("a//b", 0)])
def test_only_a_name_that_lower_case_would_mend_is_told_so(name: str, told: int) -> None:
    with pytest.raises(Unreadable) as raised:
        parse_image(f"docker://host.example/{name}:1")
    assert ("which is in lower case" in str(raised.value)) == bool(told)


@pytest.mark.parametrize("written", ["docker://", "docker:///"])
def test_a_registry_without_a_name(written: str) -> None:
    with pytest.raises(Unreadable, match="write docker://HOST"):
        parse_place(written)
