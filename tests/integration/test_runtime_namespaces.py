"""Processes that hold namespaces for containers to join."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="makes namespaces, as root"),
]

if sys.platform == "linux":
    from ocivalidate.errors import CannotJudge
    from ocivalidate.runtime.kernel.namespaces import NAMESPACE_FILES, NamespaceHolder, namespaces_of

TYPES = ("pid", "network", "mount", "ipc", "uts")


def test_what_is_held_is_new_and_ends_with_the_holder() -> None:
    holder = NamespaceHolder(TYPES, hostname="held.example")
    try:
        own, others = namespaces_of(), holder.namespaces()
        assert {kind for kind, file in NAMESPACE_FILES.items() if own[file] != others[file]} == set(TYPES)
        assert os.readlink(holder.path("uts")) == others["uts"]
        entered = subprocess.run(
            [*holder.enter(), "/bin/readlink", "/proc/self/ns/mnt"], capture_output=True, text=True, check=True
        )
        assert entered.stdout.strip() == others["mnt"]
        assert os.uname().nodename != "held.example"
    finally:
        holder.close()
    assert not Path(f"/proc/{holder.pid}").exists()


def test_mappings_are_written() -> None:
    holder = NamespaceHolder(["user"], mappings=[(0, 200000, 10)])
    try:
        lines = [Path(f"/proc/{holder.pid}/{kind}_map").read_text(encoding="ascii").split() for kind in ("uid", "gid")]
    finally:
        holder.close()
    assert lines == [["0", "200000", "10"]] * 2


def test_what_cannot_be_made_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocivalidate.runtime.kernel.namespaces._FLAGS", {"uts": 0x1})
    with pytest.raises(CannotJudge, match="cannot create namespaces uts"):
        NamespaceHolder(["uts"])
