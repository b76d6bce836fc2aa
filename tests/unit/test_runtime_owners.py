"""Names that tell who holds a thing, and whether it lives."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ocivalidate.runtime.kernel import processes
from ocivalidate.runtime.kernel.owners import Owner, fate, token_of

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="as /proc tells")


@pytest.fixture
def here() -> Owner:
    return Owner.this_process()


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def of(pid: int, here: Owner) -> Owner:
    return replace(here, pid=pid, began=processes.began(pid))


def test_a_token_is_read_from_the_names_of_all_that_bears_it(here: Owner) -> None:
    token = here.token()
    for name in (f"ocivalidate-{token}", f"ocivalidate-{token}-case-1", f"ocivalidate-{token}-case-1.scope"):
        assert token_of(name, "ocivalidate-") == token


@pytest.mark.parametrize(
    "name",
    [
        *("ocivalidate-", "ocivalidate-notes", "ocivalidate-0.1.0", "ocivalidate-ca90d5", "ocivalidate-ca90d5-case-1"),
        *("ocivalidate-conformance-tests", "ocivalidate-abcdefghijklmnopq", "ocivalidate-ABCDEFGHIJKLMNOP", "another"),
        *("xocivalidate-abcdefghijklmnop", "ocivalidate-abcdefghijklmno"),
    ],
)
def test_other_names_have_none(name: str) -> None:
    assert token_of(name, "ocivalidate-") == ""


def test_two_tokens_of_one_owner_differ(here: Owner) -> None:
    assert len({here.token() for _ in range(20)}) > 10


def test_who_lives_and_who_is_dead(here: Owner, sleeper: subprocess.Popen[bytes]) -> None:
    own, other = here.token(), of(sleeper.pid, here).token()
    assert (fate(own, here), fate(other, here)) == ("alive", "alive")
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert fate(other, here) == "dead", "nobody has asked for its exit status, and it is dead all the same"
    sleeper.wait()
    assert fate(other, here) == "dead"


def test_a_pid_of_before_is_another_process(here: Owner, sleeper: subprocess.Popen[bytes]) -> None:
    before = replace(of(sleeper.pid, here), began="1")
    assert fate(before.token(), here) == "dead"


@pytest.mark.parametrize("change", [{"boot": "another"}, {"pid_namespace": "pid:[1]"}, {"time_namespace": "time:[1]"}])
def test_another_world_cannot_be_looked_into(change: dict[str, Any], here: Owner) -> None:
    assert fate(replace(here, pid=4_000_000, began="1", **change).token(), here) == "unknown"
    assert fate(replace(here, **change).token(), here) == "unknown"


def test_a_kernel_without_an_id_proves_nothing(here: Owner) -> None:
    nameless = replace(here, boot="")
    assert fate(replace(nameless, pid=4_000_000).token(), nameless) == "unknown"


def test_mount_namespaces_make_no_other_world(here: Owner) -> None:
    assert fate(replace(here, mount_namespace="mnt:[1]").token(), here) == "alive"


def test_processes_that_are_hidden_are_not_dead(
    here: Owner, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = of(sleeper.pid, here).token()
    monkeypatch.setattr(processes, "began", lambda _pid: "")
    monkeypatch.setattr(os.path, "exists", lambda _path: False)
    assert fate(token, here) == "unknown"
