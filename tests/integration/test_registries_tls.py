"""Registries with TLS: authorities of one's own, certificates of clients, and proxies (openssl makes certificates)."""

from __future__ import annotations

import contextlib
import http.server
import select
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import Image, Layer
from fixtures.registries.content import Content
from fixtures.registries.lying import PASSWORD, Registry, serving
from ocivalidate.audit.api import audit
from ocivalidate.audit.options import AuditOptions
from ocivalidate.image.api import ImageOptions, check_image
from ocivalidate.registry.options import RegistryLimits, RegistryOptions
from ocivalidate.rules.findings import ExitCode, Report, exit_code

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates"),
]
LIMITS = RegistryLimits(connect=5, silence=5, answer=5, attempts=2, pause=0.01)


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority (ca.crt), and certificates of it for the server and for a client."""
    folder = tmp_path_factory.mktemp("certificates")
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    ca = ("-CA", f"{folder}/ca.crt", "-CAkey", f"{folder}/ca.key")
    openssl(*new, "-keyout", f"{folder}/ca.key", "-out", f"{folder}/ca.crt", "-subj", "/CN=authority")
    for name in ("server", "client"):
        san = ("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE")
        files = ("-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.cert")
        openssl(*new, *ca, *files, "-subj", f"/CN={name}", *san)
    return folder


def tls(certificates: Path, *, asks: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.cert", certificates / "server.key")
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificates / "ca.crt")
    return context


def content() -> Content:
    held = Content()
    held.repository("app").push(Image((Layer(),), None), "1")
    return held


def judged(served: Registry, **options: Any) -> Report:
    registry = RegistryOptions(**{"tls_verify": True, "limits": LIMITS, **options})
    return check_image(f"docker://{served.host}/app:1", options=ImageOptions(registry=registry))


def folder_with(certificates: Path, target: Path, *names: str) -> str:
    target.mkdir()
    for name in names:
        shutil.copy(certificates / name, target)
    return str(target)


def test_an_authority_of_ones_own(certificates: Path, tmp_path: Path) -> None:
    with serving(Registry(content()), tls(certificates)) as served:
        unknown = judged(served)
        known = judged(served, cert_dir=folder_with(certificates, tmp_path / "certs", "ca.crt"))
        loose = judged(served, tls_verify=False)
        here = judged(served, tls_verify=None)
    assert "its certificate is not valid here" in unknown.problem
    assert "--cert-dir" in unknown.problem
    assert [(one.problem, exit_code([one])) for one in (known, loose, here)] == [("", ExitCode.CONFORMS)] * 3


def test_a_certificate_of_the_client(certificates: Path, tmp_path: Path) -> None:
    names = ("ca.crt", "client.cert", "client.key")
    with serving(Registry(content()), tls(certificates, asks=True)) as served:
        without = judged(served, cert_dir=folder_with(certificates, tmp_path / "a", "ca.crt"))
        having = judged(served, cert_dir=folder_with(certificates, tmp_path / "b", *names))
    assert (having.problem, exit_code([having])) == ("", ExitCode.CONFORMS)
    assert exit_code([without]) is ExitCode.COULD_NOT_JUDGE
    assert "\n" not in without.problem


def test_the_folder_of_a_host(certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with serving(Registry(content()), tls(certificates)) as served:
        target = tmp_path / ".config/containers/certs.d" / served.host
        target.parent.mkdir(parents=True)
        folder_with(certificates, target, "ca.crt")
        report = judged(served)
    assert (report.problem, exit_code([report])) == ("", ExitCode.CONFORMS)


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("ca.crt", "nonsense", "not a certificate in PEM form"),
        ("client.cert", "nonsense", "there is no client.key beside it"),
    ],
)
def test_a_certificate_that_is_none(file: str, text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(text)
    with serving(Registry(content())) as served:
        report = judged(served, cert_dir=str(tmp_path))
    assert report.problem == f"{tmp_path}/{file}: {told}"


# --- Proxies


class Tunnel(http.server.BaseHTTPRequestHandler):
    """A proxy that leads everything to one place."""

    target: tuple[str, int]
    seen: list[tuple[str, str]]

    def do_CONNECT(self) -> None:
        self.seen.append((self.path, self.headers.get("Proxy-Authorization", "")))
        with socket.create_connection(self.target) as there:
            self.send_response(200)
            self.end_headers()
            ends = [self.connection, there]
            while ready := select.select(ends, [], [], 5)[0]:
                for one in ready:
                    with contextlib.suppress(OSError):
                        if data := one.recv(1 << 16):
                            (there if one is self.connection else self.connection).sendall(data)
                            continue
                    return

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # that of http.server
        """Say nothing."""


@contextlib.contextmanager
def tunnel(target: tuple[str, int]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    seen: list[tuple[str, str]] = []
    handler = type("Handler", (Tunnel,), {"target": target, "seen": seen})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        server.server_close()


def test_a_proxy(certificates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Registry(content()), tls(certificates)) as served:
        port = int(served.host.rpartition(":")[2])
        with tunnel(("127.0.0.1", port)) as (proxy, seen):
            monkeypatch.setenv("HTTPS_PROXY", f"http://somebody:{PASSWORD}@{proxy}")
            monkeypatch.setenv("NO_PROXY", "other.example")
            registry = RegistryOptions(tls_verify=False, limits=LIMITS)
            options = ImageOptions(registry=registry)
            report = check_image("docker://registry.example/app:1", options=options)
            monkeypatch.setenv("HTTPS_PROXY", f"http://somebody:{PASSWORD}@127.0.0.1:1")
            strict = ImageOptions(registry=registry._replace(tls_verify=True))
            gone = check_image("docker://registry.example/app:1", options=strict)
    assert (report.problem, exit_code([report])) == ("", ExitCode.CONFORMS)
    assert {host for host, _sent in seen} == {"registry.example:443"}
    assert all(sent.startswith("Basic ") for _host, sent in seen)
    assert "its proxy cannot be used" in gone.problem
    assert PASSWORD not in f"{report!r}{gone!r}"


def test_certificates_that_nobody_should_believe(certificates: Path, tmp_path: Path) -> None:
    """Expired, for another host, or of another authority: one line, and nothing is asked for."""
    expired, elsewhere = tmp_path / "expired", tmp_path / "elsewhere"
    for folder in (expired, elsewhere):
        folder.mkdir()
        (folder / "index.txt").write_text("")
        (folder / "serial").write_text("01")
    _signed(certificates, expired, "IP:127.0.0.1", "20200102000000Z")
    _signed(certificates, elsewhere, "DNS:elsewhere.example", "20991231000000Z")
    known = folder_with(certificates, tmp_path / "certs", "ca.crt")
    other = folder_with(expired, tmp_path / "other", "server.cert")
    (tmp_path / "other/server.cert").rename(tmp_path / "other/other.crt")
    rows = [(expired, known, "certificate has expired"), (elsewhere, known, "IP address mismatch")]
    rows.append((certificates, other, "unable to get local issuer certificate"))
    for folder, cert_dir, told in rows:
        with serving(Registry(content()), tls(folder)) as served:
            options = RegistryOptions(tls_verify=True, limits=LIMITS, cert_dir=cert_dir)
            report = audit(f"docker://{served.host}", options=AuditOptions(registry=options))
        assert told in report.problem
        assert exit_code([report]) is ExitCode.COULD_NOT_JUDGE
        assert not served.requests


def _signed(certificates: Path, folder: Path, name: str, end: str) -> None:
    """Make a certificate of the authority for a server of another name, or another time."""
    section = f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/index.txt\nserial={folder}/serial\nnew_certs_dir={folder}\n"
    (folder / "ca.cnf").write_text(f"{section}default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
    (folder / "san").write_text(f"subjectAltName={name}\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{folder}/server.key")
    openssl("req", "-new", *key, "-out", f"{folder}/csr", "-subj", "/CN=server")
    ours = ("-cert", f"{certificates}/ca.crt", "-keyfile", f"{certificates}/ca.key", "-config", f"{folder}/ca.cnf")
    times = ("-startdate", "20200101000000Z", "-enddate", end)
    files = ("-extfile", f"{folder}/san", "-in", f"{folder}/csr", "-out", f"{folder}/server.cert")
    openssl("ca", "-batch", "-notext", *ours, *times, *files)
