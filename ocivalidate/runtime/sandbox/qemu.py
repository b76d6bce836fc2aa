"""QEMU: the command line of a guest, and the files that it is booted with."""

from __future__ import annotations

import socket
from pathlib import Path

from ocivalidate.runtime.sandbox import images, initrd, kvm, modules
from ocivalidate.runtime.sandbox.booting import Boot, Ends, Lines
from ocivalidate.runtime.sandbox.kernels import Kernel

EVENTS, CONTROL = "/dev/vport0p1", "/dev/vport0p2"
"""The lines of the guest: events go out on the first and a word to stop comes in; the second tells how it goes."""
DISKS = ("/dev/vda", "/dev/vdb")
"""Its block devices."""
CPUS = 2
"""Its processors, if nobody says how many: cases that tell processors apart need two."""
_KERNEL, _INITRD = "vmlinux", "initrd"
# What leads to the host's files comes first; the others are there for what cases use, as far as the kernel has them.
_MODULES = (
    *("virtio_pci", "virtio_console", "9pnet_virtio", "9p"),
    *("virtio_blk", "overlay", "bfq", "dummy", "veth", "tun", "fuse", "rdma_rxe"),
)
# The kernel of an emulated machine loses ticks; nobody attacks this one from inside.
_PARAMETERS = (
    *("console=ttyS0", "loglevel=4", "panic=-1", "oops=panic", "rdinit=/init"),
    # Cases take a few of these, and wait for no more.
    *("hugepagesz=2M", "hugepages=8"),
    *("no_timer_check", "tsc=reliable", "random.trust_cpu=on", "mitigations=off", "nokaslr", "audit=0"),
)


def lines() -> tuple[Ends, Lines]:
    """New lines: our ends, and those of the guest, of which one goes both ways."""
    ours, theirs = (one.detach() for one in socket.socketpair())
    control, tell_control = (one.detach() for one in socket.socketpair())
    return Ends(ours, ours, control), Lines(theirs, theirs, tell_control)


def prepare(boot: Boot) -> None:
    """Write the kernel and its first files into the folder. Raises :class:`OSError`."""
    folder = Path(boot.folder)
    shell, libraries = images.shell()
    first = initrd.First(
        shell,
        libraries,
        [*modules.found(boot.kernel.modules).to_load(_MODULES)],
        boot.init.words,
        boot.init.variables,
    )
    (folder / _INITRD).write_bytes(initrd.archive(first))
    with open(boot.kernel.path, "rb") as file:
        (folder / _KERNEL).write_bytes(images.inflated(file.read()))


def accelerated(kernel: Kernel) -> bool:
    """Whether this host can run the guest's programs itself."""
    return kvm.works(kernel.program)


def command(boot: Boot, lines: Lines, *, fast: bool) -> list[str]:
    """The command line that boots the guest. What the kernel says goes to standard output. A panic ends it."""
    folder = boot.folder
    words = [
        *(boot.kernel.program, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
        *("-machine", f"pc,accel={'kvm' if fast else 'tcg'}", "-cpu", "max"),
        *("-m", f"{boot.sandbox.memory >> 20}M", "-smp", str(boot.sandbox.cpus or CPUS)),
        *_nodes(boot.sandbox.memory >> 20),
        *("-kernel", f"{folder}/{_KERNEL}", "-initrd", f"{folder}/{_INITRD}", "-append", " ".join(_PARAMETERS)),
        *("-chardev", "stdio,id=log,signal=off", "-serial", "chardev:log"),
        # The first device of its sort, as its lines are called by its number.
        *("-device", "virtio-serial-pci"),
        *("-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap"),
        *("-device", f"virtio-9p-pci,fsdev=host,mount_tag={initrd.TAG}"),
    ]
    for number, line in enumerate((lines.events, lines.control), start=1):
        words += ["-chardev", f"socket,id=line{number},fd={line}"]
        words += ["-device", f"virtserialport,chardev=line{number},nr={number}"]
    for number, disk in enumerate(boot.disks):
        words += ["-drive", f"file={_escaped(disk)},if=none,id=disk{number},format=raw,cache=unsafe"]
        words += ["-device", f"virtio-blk-pci,drive=disk{number}"]
    return words


def _nodes(mebibytes: int) -> list[str]:
    """Two nodes with memory, so that there is something to choose from."""
    words = []
    for number, size in enumerate((mebibytes - mebibytes // 2, mebibytes // 2)):
        words += ["-object", f"memory-backend-ram,id=node{number},size={size}M", "-numa", f"node,memdev=node{number}"]
    return words


def _escaped(path: str) -> str:
    """A path as a value among others."""
    return path.replace(",", ",,")
