from __future__ import annotations

import base64

import pytest
from hypothesis import given, strategies as st

from ocivalidate.vocabulary.formats import base64_bytes, is_date_time, is_media_type, uri_scheme


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T23:59:59Z",
        "2026-01-31t23:59:59z",
        "2026-01-31T23:59:59.123456789Z",
        "2026-01-31T23:59:59+05:30",
        "2026-01-31T23:59:59-00:00",
        "2016-12-31T23:59:60Z",
        "0001-01-01T00:00:00Z",
        "0000-02-29T00:00:00Z",
        "2024-02-29T00:00:00Z",
        "2000-02-29T00:00:00Z",
    ],
)
def test_date_times(text: str) -> None:
    assert is_date_time(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-31",
        "2026-01-31 23:59:59Z",
        "2026-01-31T23:59:59",
        "2026-01-31T23:59Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T23:60:00Z",
        "2026-01-31T23:59:61Z",
        "2026-01-31T23:59:59.Z",
        "2026-01-31T23:59:59,5Z",
        "2026-01-31T23:59:59+0530",
        "2026-01-31T23:59:59+24:00",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "26-01-31T23:59:59Z",
        " 2026-01-31T23:59:59Z",
        "2026-01-31T23:59:59Z\n",
        "٢٠٢٦-01-31T23:59:59Z",
    ],
)
def test_no_date_times(text: str) -> None:
    assert not is_date_time(text)


@given(st.datetimes(timezones=st.timezones()))
def test_every_moment_is_a_date_time(moment: object) -> None:
    text = moment.isoformat() if hasattr(moment, "isoformat") else ""
    # Zones of former times were not always whole minutes off, which RFC 3339 cannot say.
    if text.count(":") == 3:
        assert is_date_time(text)


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("https://example.com", "https"),
        ("HTTP://example.com/a/b?c=d/e#f", "http"),
        ("https://user@[2001:db8::1]:8080/", "https"),
        ("https://example.com/%41", "https"),
        ("mailto:somebody@example.com", "mailto"),
        ("urn:example:a", "urn"),
        ("file:///etc/motd", "file"),
        ("a:", "a"),
        ("", ""),
        ("example.com", ""),
        ("//example.com", ""),
        ("/etc/motd", ""),
        ("git@example.com:a/b.git", ""),
        ("https://example.com/a b", ""),
        ("https://example.com/%4", ""),
        ("https://example.com/%zz", ""),
        ("https://example.com:port/", ""),
        ("https://[example.com]/", ""),
        ("https://example.com/a#b#c", ""),
        ("https://example.com/{a}", ""),
        ("https://example.com/ä", ""),
        ("1a://example.com", ""),
        ("https://example.com\n", ""),
    ],
)
def test_uris(text: str, scheme: str) -> None:
    assert uri_scheme(text) == scheme


@pytest.mark.parametrize(
    "text",
    ["a/b", "application/vnd.oci.image.manifest.v1+json", "text/x.A1!#$&-^_.+", f"{'a' * 127}/{'b' * 127}"],
)
def test_media_types(text: str) -> None:
    assert is_media_type(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a/",
        "/b",
        "a/b/c",
        "a b/c",
        ".a/b",
        "a/+b",
        "text/plain; charset=utf-8",
        "a/b\n",
        f"{'a' * 128}/b",
        "ä/b",
        "a/b*",
    ],
)
def test_no_media_types(text: str) -> None:
    assert not is_media_type(text)


@given(st.binary())
def test_base64_comes_back(data: bytes) -> None:
    assert base64_bytes(base64.b64encode(data).decode()) == data


@pytest.mark.parametrize("text", ["e30", "e30==", "e3", "e3 0=", "e30=\n", "\ne30=", "e30=e30=", "_-8=", "=", "ä"])
def test_no_base64(text: str) -> None:
    assert base64_bytes(text) is None


@given(st.text())
def test_any_text_gets_an_answer(text: str) -> None:
    assert is_date_time(text) in (True, False)
    assert is_media_type(text) in (True, False)
    assert uri_scheme(text) == "" or text.casefold().startswith(uri_scheme(text))
    assert base64_bytes(text) is None or len(text) % 4 == 0
