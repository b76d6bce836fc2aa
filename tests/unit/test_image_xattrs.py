"""Which values of extended attributes Linux takes: what we say is what setxattr(2) says."""

from __future__ import annotations

import errno
import os
import random
import struct
from pathlib import Path

import pytest

from ocivalidate.image.layers.problems import Kind
from ocivalidate.image.layers.xattrs import faults

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may set these attributes")
ACL, CAPABILITY = b"system.posix_acl_access", b"security.capability"
_TAGS = [(1, 4, 32), (1, 4, 16, 32), (1, 2, 4, 16, 32), (1, 2, 4, 8, 16, 32), (1, 2, 4, 32), (1, 4, 8, 8, 16, 32), ()]


def is_told(name: bytes, value: bytes) -> bool:
    return [kind for kind, _message in faults({name: value})] == [Kind.XATTR_FORM]


@pytest.mark.parametrize("name", [b"user.", b"trusted.", b"security.", b"system.", b"", b"user." + b"x" * 251])
def test_names_that_no_system_takes(name: bytes) -> None:
    assert is_told(name, b"1")


@pytest.mark.parametrize("name", [b"user.x", b"trusted.x", b"odd", b"odd.", b"security.x", b"com.apple.quarantine"])
def test_other_names_are_fine(name: bytes) -> None:
    assert not is_told(name, b"1")


def acl(dice: random.Random) -> bytes:
    value = struct.pack("<I", dice.choice([2, 2, 2, 2, 1]))
    for usual in dice.choice(_TAGS):
        odd = dice.random() < 0.05
        tag, rights = (dice.choice([1, 2, 4, 8, 16, 32, 3]), dice.choice([0, 7, 8])) if odd else (usual, 7)
        value += struct.pack("<HHI", tag, rights, dice.choice([0, 5, 5, 5, 0xFFFFFFFF]))
    return value if dice.random() > 0.1 else value[: dice.randint(0, len(value))]


def capability(dice: random.Random) -> bytes:
    first = dice.choice([0x01000000, 0x02000000, 0x03000000, 0x02000001, 0x02000002, 0x05000000])
    return struct.pack("<I", first) + bytes(dice.choice([0, 4, 8, 12, 16, 20, 24]))


@ROOT
@pytest.mark.parametrize(("name", "make"), [(ACL, acl), (CAPABILITY, capability)], ids=["acl", "capability"])
def test_values_are_judged_as_the_kernel_judges_them(name: bytes, make: object, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    dice, taken = random.Random(1), 0  # noqa: S311  # nothing here is a secret
    for _ in range(2000):
        value = make(dice)  # type: ignore[operator]  # one of the two above
        try:
            os.setxattr(file, name, value)
            refused = False
            taken += 1
        except OSError as error:
            if error.errno == errno.EOPNOTSUPP and make is acl and value[:4] == struct.pack("<I", 2):
                pytest.skip("this file system has no access control lists")
            refused = error.errno == errno.EINVAL
        assert is_told(name, value) == refused, value.hex()
    assert 100 < taken < 1900
