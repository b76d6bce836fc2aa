"""Labels of SELinux, where the kernel has it and no policy was loaded."""

from __future__ import annotations

import errno
import os

import pytest

from ocivalidate import resources
from ocivalidate.runtime.running.loading import cases_of


def test_a_file_without_a_label_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    [case] = [
        one
        for one in cases_of(resources.folder("conformance") / "labels.py")
        if one.id.endswith("mounts-have-the-label")
    ]
    names = case.run.__globals__

    def refused(number: int) -> object:
        def getxattr(*_: object) -> bytes:
            raise OSError(number, os.strerror(number))

        return getxattr

    monkeypatch.setattr(os, "getxattr", refused(errno.ENODATA))
    assert names["in_other_categories"](names["label_of"]("/x")) == ""
    monkeypatch.setattr(os, "getxattr", refused(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        names["label_of"]("/x")
