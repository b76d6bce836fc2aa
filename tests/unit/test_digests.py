"""Digests: the grammar, the rules of registered algorithms, and hashing."""

from __future__ import annotations

import pytest

from ocivalidate.vocabulary import digests

SHA256 = "a" * 64
SHA512 = "b" * 128


@pytest.mark.parametrize(
    "text",
    [
        f"sha256:{SHA256}",
        f"sha512:{SHA512}",
        f"blake3:{SHA256}",
        "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8",
        "sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564",
        "a.b_c-d:x=",
    ],
)
def test_sound_digests_are_read_and_spelled_as_they_were(text: str) -> None:
    assert digests.problem(text) == ""
    assert str(digests.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        (SHA256, "no ':'"),
        (f":{SHA256}", "no algorithm"),
        (f"SHA256:{SHA256}", "the algorithm is not made of"),
        (f"sha256+:{SHA256}", "the algorithm is not made of"),
        (f"sha++256:{SHA256}", "the algorithm is not made of"),
        ("sha256:", "nothing after ':'"),
        ("sha256:../../etc/passwd", "characters other than a-z A-Z"),
        (f"sha256:{SHA256}\n", "characters other than a-z A-Z"),
        ("\u017fha256:" + SHA256, "the algorithm is not made of"),
        (f"sha256:{SHA256[1:]}", "63 hexadecimal digits instead of 64"),
        (f"sha256:{SHA512}", "128 hexadecimal digits instead of 64"),
        (f"sha512:{SHA256}", "64 hexadecimal digits instead of 128"),
        (f"sha256:{SHA256.upper()}", "uppercase"),
        (f"sha256:{'g' * 64}", "characters other than the hexadecimal digits"),
        (f"sha256:{'G' * 64}", "characters other than the hexadecimal digits"),
    ],
)
def test_malformed_digests_are_told_why(text: str, reason: str) -> None:
    assert digests.parse(text) is None
    assert reason in digests.problem(text)


def test_the_grammar_alone_does_not_know_lengths() -> None:
    assert digests.grammar_problem("sha256:abc") == ""
    assert digests.split("sha256:abc") == digests.Digest("sha256", "abc")
    assert digests.encoded_problem("unregistered:ABC") == ""


@pytest.mark.parametrize("encoded", [SHA512, SHA256.upper(), "q-_=", "1"])
def test_what_1_1_1_does_not_register_is_judged_by_its_grammar_alone(encoded: str) -> None:
    found = digests.parse(f"blake3:{encoded}")
    assert found is not None
    assert digests.unverifiable(found)
    assert digests.encoded_problem(str(found))


def test_why_a_digest_cannot_be_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    assert digests.unverifiable(digests.Digest("sha512", SHA512)) == ""
    assert digests.unverifiable(digests.Digest("md5", "1")) == "md5 is not computed here"
    monkeypatch.setattr(digests, "_blake3", lambda: None)
    reason = digests.unverifiable(digests.Digest("blake3", SHA256))
    assert reason == "blake3 is not computed here without ocivalidate[blake3] installed"


def test_blake3_is_computed_where_its_package_is_installed() -> None:
    pytest.importorskip("blake3")
    assert digests.of(b"", "blake3").encoded == "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
    assert digests.unverifiable(digests.Digest("blake3", SHA256)) == ""


def test_hashes_are_those_of_the_standards() -> None:
    assert str(digests.of(b"")) == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digests.of(b"", "sha512").encoded.startswith(
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
    )


def test_an_algorithm_that_is_not_computed_here_is_refused() -> None:
    assert not digests.computable("md5")
    with pytest.raises(ValueError, match="md5 is not computed here"):
        digests.hasher("md5")
