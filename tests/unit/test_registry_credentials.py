"""Where credentials are looked for, in which order, and that none of them is ever shown."""

from __future__ import annotations

import base64
import json
import os
import pickle
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from ocivalidate.registry import credentials
from ocivalidate.registry.certificates import context_for
from ocivalidate.registry.credentials import Credential, find
from ocivalidate.registry.failing import RegistryError
from ocivalidate.registry.tokens import Authority

SECRET = "pa55word-that-must-not-show"


def auth(user: str, password: str = SECRET) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def write(path: Path, content: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def user_for(tmp_path: Path, auths: dict[str, Any], host: str, repository: str = "team/app") -> str:
    return find(host, repository, write(tmp_path / "auth.json", {"auths": auths}), {}).user


@pytest.mark.parametrize(
    ("key", "host"),
    [
        ("registry.example", "registry.example"),
        ("https://registry.example", "registry.example"),
        ("https://registry.example/v2/", "registry.example"),
        ("registry.example:5000", "registry.example:5000"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "docker.io"),
        ("index.docker.io", "docker.io"),
        ("registry.example/team", "registry.example"),
        ("registry.example/team/app", "registry.example"),
    ],
)
def test_keys_that_mean_a_registry(key: str, host: str, tmp_path: Path) -> None:
    assert user_for(tmp_path, {key: auth("me")}, host) == "me"


@pytest.mark.parametrize("key", ["registry.example:5000", "other.example", "registry.example/other", "example"])
def test_keys_that_mean_another_one(key: str, tmp_path: Path) -> None:
    assert user_for(tmp_path, {key: auth("me")}, "registry.example") == ""


def test_the_smallest_part_counts(tmp_path: Path) -> None:
    auths = {"h.example": auth("all"), "h.example/team": auth("team"), "h.example/team/app": auth("app")}
    for repository, user in (("team/app", "app"), ("team/b", "team"), ("x", "all")):
        assert user_for(tmp_path, auths, "h.example", repository) == user


def test_the_order_of_files(tmp_path: Path) -> None:
    places = {
        "runtime": ("XDG_RUNTIME_DIR", "containers/auth.json"),
        "config": ("XDG_CONFIG_HOME", "containers/auth.json"),
        "docker": ("DOCKER_CONFIG", "config.json"),
    }
    environment = {"HOME": str(tmp_path / "home")}
    for name, (variable, file) in reversed(places.items()):
        environment[variable] = str(tmp_path / name)
        write(tmp_path / name / file, {"auths": {"h.example": auth(name)}})
        assert find("h.example", "a", "", environment).user == name
    write(tmp_path / "named.json", {"auths": {"h.example": auth("named")}})
    environment["REGISTRY_AUTH_FILE"] = str(tmp_path / "named.json")
    assert find("h.example", "a", "", environment).user == "named"
    # What is named counts alone.
    write(tmp_path / "empty.json", {})
    assert not find("h.example", "a", str(tmp_path / "empty.json"), environment)


def test_the_usual_places(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path)}
    assert not find("h.example", "a", "", environment)
    write(tmp_path / ".docker/config.json", {"auths": {"h.example": auth("docker")}})
    assert find("h.example", "a", "", environment).user == "docker"
    write(tmp_path / ".config/containers/auth.json", {"auths": {"h.example": auth("podman")}})
    assert find("h.example", "a", "", environment).user == "podman"


def test_identity_tokens(tmp_path: Path) -> None:
    file = write(tmp_path / "auth.json", {"auths": {"h.example": {"identitytoken": SECRET}}})
    found = find("h.example", "a", file, {})
    assert (found.identity, found.password) == (SECRET, "")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[]", "is not a JSON object"),
        ("{", "is not a JSON object"),
        (f'{{"auths": "{SECRET}', "is not a JSON object"),
        ({"auths": {"h.example": {"auth": "***"}}}, "is not base64 of USER:PASSWORD"),
        ({"auths": {"h.example": {"auth": base64.b64encode(b"\xff").decode()}}}, "is not base64"),
    ],
)
def test_a_file_that_cannot_be_used(content: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=told) as raised:
        find("h.example", "a", write(tmp_path / "auth.json", content), {})
    assert SECRET not in str(raised.value)
    assert raised.value.__context__ is None


def test_a_named_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="no such file"):
        find("h.example", "a", str(tmp_path / "none"), {})


@pytest.mark.parametrize("content", [{}, {"auths": None}, {"auths": {"h.example": 1}}, {"credHelpers": []}])
def test_what_is_not_there_is_no_credential(content: Any, tmp_path: Path) -> None:
    assert not find("h.example", "a", write(tmp_path / "auth.json", content), {})


# --- Helpers


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    if os.name != "posix":
        pytest.skip("the helper of this test is a script")
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    def make(body: str) -> None:
        file = folder / "docker-credential-tests"
        file.write_text(f"#!{sys.executable}\nimport json, sys\nasked = sys.stdin.read()\n{body}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)

    return make


@pytest.mark.parametrize("member", ["credHelpers", "credsStore"])
def test_a_helper_is_asked(helper: Any, member: str, tmp_path: Path) -> None:
    helper(f"print(json.dumps({{'ServerURL': asked, 'Username': asked, 'Secret': {SECRET!r}}}))")
    content = {"credsStore": "tests", "auths": {"h.example": {}}}
    if member == "credHelpers":
        content = {"credHelpers": {"h.example": "tests", "docker.io": "tests"}}
    file = write(tmp_path / "auth.json", content)
    found = find("h.example", "a", file, {})
    assert (found.user, found.password) == ("h.example", SECRET)
    assert find("docker.io", "library/a", file, {}).user == "https://index.docker.io/v1/"


def test_a_helper_gives_identity_tokens(helper: Any, tmp_path: Path) -> None:
    helper(f"print(json.dumps({{'Username': '<token>', 'Secret': {SECRET!r}}}))")
    found = find("h.example", "a", write(tmp_path / "auth.json", {"credsStore": "tests"}), {})
    assert found.identity == SECRET


def test_a_helper_that_has_none(helper: Any, tmp_path: Path) -> None:
    helper("print('credentials not found in native keychain'); sys.exit(1)")
    assert not find("h.example", "a", write(tmp_path / "auth.json", {"credsStore": "tests"}), {})


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (f"print({SECRET!r}); sys.exit(3)", "failed with exit code 3"),
        (f"print({SECRET!r})", "printed no JSON object"),
        ("print('[]')", "printed no JSON object"),
        (f"while True: print({SECRET!r} * 1000)", "prints more than 1048576 bytes"),
        (f"while True: print({SECRET!r} * 1000, file=sys.stderr)", "prints more than 1048576 bytes"),
    ],
)
def test_a_helper_that_fails(helper: Any, body: str, told: str, tmp_path: Path) -> None:
    helper(body)
    with pytest.raises(RegistryError, match=told) as raised:
        find("h.example", "a", write(tmp_path / "auth.json", {"credsStore": "tests"}), {})
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "body",
    [
        "import time; time.sleep(60)",
        "import os, time\nif os.fork() == 0: time.sleep(60)\nprint('{}')",
        "import os, time\nos.close(1); os.close(2); time.sleep(60)",
    ],
)
def test_a_helper_that_does_not_end_is_not_waited_for(
    helper: Any, body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(body)
    monkeypatch.setattr(credentials, "_HELPER_SECONDS", 0.3)
    with pytest.raises(RegistryError, match="takes too long"):
        find("h.example", "a", write(tmp_path / "auth.json", {"credsStore": "tests"}), {})


@pytest.mark.parametrize(
    ("name", "told"), [("absent", "is not installed"), ("../x", "characters"), ("-x", "characters")]
)
def test_a_helper_that_is_none(name: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=told):
        find("h.example", "a", write(tmp_path / "auth.json", {"credsStore": name}), {})


# --- What is never shown


def test_a_credential_shows_nothing() -> None:
    found = Credential("me", SECRET, SECRET)
    assert SECRET not in f"{found!r}{found}"
    with pytest.raises(TypeError):
        pickle.dumps(found)


def test_a_registry_with_tls_cannot_send_users_to_a_place_without() -> None:
    asked: list[str] = []

    def ask(_method: str, address: str, _headers: dict[str, str], _body: bytes) -> tuple[int, bytes]:
        asked.append(address)
        return 200, b'{"token": "x"}'

    authority = Authority("h.example", ask, lambda _host: False)
    with pytest.raises(RegistryError, match="without TLS"):
        authority.answer('Bearer realm="http://h.example/token"', "s", "", lambda: Credential("me", SECRET))
    assert asked == []


def test_an_identity_token_is_sent_in_a_form() -> None:
    sent: list[tuple[str, str, bytes]] = []

    def ask(method: str, address: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        assert "Authorization" not in headers
        sent.append((method, address, body))
        return 200, b'{"access_token": "x", "expires_in": 3600}'

    authority = Authority("h.example", ask, lambda _host: False)
    header = authority.answer(
        'Bearer realm="https://t.example/t",service="s"', "repository:a:pull", "", lambda: Credential(identity=SECRET)
    )
    assert header == "Bearer x"
    assert authority.header("repository:a:pull") == "Bearer x"
    assert authority.header("repository:b:pull") == ""
    ((method, address, body),) = sent
    assert (method, address, SECRET.encode() in body) == ("POST", "https://t.example/t", True)
    assert {SECRET, "x"} <= authority.secrets()


def test_a_token_that_ends_is_asked_for_again() -> None:
    numbers = iter(range(10))

    def ask(*_all: Any) -> tuple[int, bytes]:
        return 200, json.dumps({"token": f"t{next(numbers)}", "expires_in": 300}).encode()

    authority = Authority("h.example", ask, lambda _host: True)
    challenge = 'Bearer realm="http://h.example/token"'
    first = authority.answer(challenge, "s", "", Credential)
    assert authority.answer(challenge, "s", "", Credential) == first
    assert authority.answer(challenge, "s", first, Credential) == "Bearer t1"


@pytest.mark.parametrize("member", ["username", "password", "identitytoken"])
def test_half_a_letter_in_a_credential_shows_nothing_of_it(member: str, tmp_path: Path) -> None:
    path = write(tmp_path / "auth.json", f'{{"auths": {{"h.example": {{"{member}": "{SECRET}\\ud800"}}}}}}')
    with pytest.raises(RegistryError) as caught:
        find("h.example", "app", path, {})
    assert SECRET not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes in folders")
def test_a_pipe_where_credentials_are_kept_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / ".docker").mkdir()
    os.mkfifo(tmp_path / ".docker" / "config.json")
    with pytest.raises(RegistryError, match="not a regular file"):
        find("h.example", "app", "", {"HOME": str(tmp_path)})


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes in folders")
@pytest.mark.parametrize("names", [["a.crt"], ["a.cert", "a.key"]])
def test_a_pipe_or_a_device_among_certificates_is_not_read(names: list[str], tmp_path: Path) -> None:
    for name in names:
        os.mkfifo(tmp_path / name)
    with pytest.raises(RegistryError, match="not a regular file"):
        context_for("h.example", str(tmp_path), {}, verify=False)
    for name in names:
        (tmp_path / name).unlink()
        (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(RegistryError, match="not a regular file"):
        context_for("h.example", str(tmp_path), {}, verify=False)
