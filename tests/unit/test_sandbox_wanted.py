"""What --sandbox asks for, and what it cannot."""

from __future__ import annotations

import pytest

from ocivalidate.errors import OptionError
from ocivalidate.runtime.sandbox.wanted import Sandbox, parse, shown

MIB = 1 << 20


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("uml", Sandbox("uml")),
        ("uml,cgroup=v1", Sandbox("uml", cgroup="v1")),
        ("uml,cgroup=hybrid,memory=2G", Sandbox("uml", cgroup="hybrid", memory=2048 * MIB)),
        ("uml,memory=512M,cpus=2,kernel=/a b/linux=x", Sandbox("uml", memory=512 * MIB, cpus=2, kernel="/a b/linux=x")),
        ("qemu,memory=256M", Sandbox("qemu", memory=256 * MIB)),
        ("uml,memory=32M", Sandbox("uml", memory=32 * MIB)),
        ("uml,memory=64G", Sandbox("uml", memory=65536 * MIB)),
    ],
)
def test_what_is_asked_for(text: str, wanted: Sandbox) -> None:
    assert parse(text) == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", '--sandbox: unknown sandbox ""; known are uml, qemu'),
        ("vmware", "--sandbox: unknown sandbox vmware; known are uml, qemu"),
        ("uml,", '--sandbox: unknown setting ""; known are cgroup, memory, cpus, kernel'),
        ("uml,disk=1", "--sandbox: unknown setting disk; known are cgroup, memory, cpus, kernel"),
        ("uml,kernel", "--sandbox: kernel needs a value behind kernel="),
        ("uml,kernel=", "--sandbox: kernel needs a value behind kernel="),
        ("uml,cpus=1,cpus=2", "--sandbox: cpus is given twice"),
        ("uml,cgroup=v3", "--sandbox: cgroup=v3 is none of v2, v1, hybrid"),
        ("uml,cpus=0", "--sandbox: cpus=0 is no number from 1 to 64"),
        ("uml,cpus=65", "--sandbox: cpus=65 is no number from 1 to 64"),
        ("uml,cpus=two", "--sandbox: cpus=two is no number from 1 to 64"),
        *(
            (f"qemu,memory={wrong}", f"--sandbox: memory={wrong} is no amount from 256M to 64G, such as 512M or 2G")
            for wrong in ("255M", "65G")
        ),
        *(
            (f"uml,memory={wrong}", f"--sandbox: memory={wrong} is no amount from 32M to 64G, such as 512M or 2G")
            for wrong in ("1", "1K", "31M", "65G", "-1G", "1.5G", "1g", "99999999999G", "٣G", "1G\n")
        ),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(text: str, said: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse(text)
    assert str(caught.value) == said


@pytest.mark.parametrize(("memory", "said"), [(64 * MIB, "64M"), (1024 * MIB, "1G"), (1536 * MIB, "1536M")])
def test_memory_is_told_as_it_is_given(memory: int, said: str) -> None:
    assert shown(memory) == said
    assert parse(f"uml,memory={said}").memory == memory
