"""Every distinct blob is read once, as the server's own log tells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from fixtures.registries import servers
from fixtures.registries.content import images
from fixtures.registries.lying import Registry, serving
from fixtures.registries.pushing import push
from fixtures.registries.storing import FORMS, Tree
from tests.integration.audit.auditing import audited_at, found, not_sound
from tests.integration.audit.needs import need

# So many manifests and blobs are looked at before they are read.
SAMPLE = 16

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
        requests = server.requests()
    by_digest, by_tag = read(requests)
    assert max(by_digest.values()) == max(by_tag.values()) == 1
    # A tag gives its manifest at once, without a look at its digest.
    assert by_digest.keys() | {content.tags[tag] for tag in by_tag} == content.blobs.keys()
    lists = [one for one in requests if "/referrers/" in one.path]
    assert len(lists) == len({one.path for one in lists})
    # The first answers show how it makes them. Else only what is read through another repository is looked at, and what
    # came by a tag and is a subject.
    looks = Counter(one.path.rpartition("/")[2] for one in requests if one.method == "HEAD")
    shared = sum(len(held.layers) + len(held.manifests) for held in content.repositories.values()) - len(content.blobs)
    subjects = sum(len(held.referrers) for held in content.repositories.values())
    assert looks.total() <= 4 * SAMPLE + shared + subjects


def read(requests: Iterable[servers.Request]) -> tuple[Counter[str], Counter[str]]:
    """How often each blob was read by its digest, and each manifest by a tag of a repository."""
    by_digest: Counter[str] = Counter()
    by_tag: Counter[str] = Counter()
    for one in requests:
        found = re.search(r"^/v2/(.+)/(?:blobs|manifests)/([^/?]+)$", one.path)
        if found and one.method == "GET" and one.status in (200, 206):
            if ":" in found[2]:
                by_digest[found[2]] += 1
            else:
                by_tag[f"{found[1]}:{found[2]}"] += 1
    return by_digest, by_tag


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
