"""Every distinct blob is read once, as the server's own log tells."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from fixtures.registries import servers
from fixtures.registries.content import images
from fixtures.registries.lying import Registry, serving
from fixtures.registries.pushing import push
from fixtures.registries.storing import FORMS, Tree
from tests.integration.audit.auditing import audited_at, found, not_sound
from tests.integration.audit.needs import need

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("count", [20, pytest.param(300, marks=pytest.mark.audit)])
@pytest.mark.parametrize("name", servers.REGISTRIES)
def test_a_registry_is_asked_once_for_every_blob(name: str, count: int, tmp_path: Path) -> None:
    start, program = servers.REGISTRIES[name]
    need(program)
    content = images(count)
    root = tmp_path / "root"
    root.mkdir()
    if name != "crane":
        Tree(root, content).write()
    with start(root, tmp_path) as server:
        if name == "crane":
            push(server.host, content)
        report = audited_at(f"docker://{server.host}")
        assert found(report) == set()
        assert not_sound(report) == set()
        reads = server.reads()
    # The lists of what refers to a manifest, which are no blobs: each image below which it is asks for one.
    lists = {name: reads.pop(name) for name in [*reads] if ":" not in name}
    assert set(lists) <= {tag for held in content.repositories.values() for tag in held.tags}
    assert max(lists.values()) <= 4
    assert reads == Counter(dict.fromkeys(content.blobs, 1))


@pytest.mark.parametrize("form", ["distribution", "zot"])
def test_a_bucket_is_asked_once_for_every_blob(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("versitygw")
    pytest.importorskip("obstore")
    content = images(20)
    FORMS[form](tmp_path / "root/bucket", content).write()
    with servers.s3(tmp_path / "root", tmp_path) as server:
        for name, value in servers.s3_environment(server).items():
            monkeypatch.setenv(name, value)
        report = audited_at("s3://bucket")
        assert found(report) == set()
        assert not_sound(report) == set()
        pattern = r"/([0-9a-f]{64})/data$" if form == "distribution" else r"/blobs/sha256/([0-9a-f]{64})$"
        reads = server.reads(pattern)
    assert reads == Counter({digest.partition(":")[2]: 1 for digest in content.blobs})


def test_one_repository_of_a_registry_is_audited_alone() -> None:
    content = images(20)
    with serving(Registry(content)) as registry:
        report = audited_at(f"docker://{registry.host}/team0/app0")
        assert found(report) == set()
        held = content.repositories["team0/app0"]
        assert registry.reads() == Counter(dict.fromkeys((*held.layers, *held.manifests), 1))
