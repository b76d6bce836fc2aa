"""Limits on resources that fewer hosts can have: block devices, huge pages, network, RDMA, and ``unified``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ocivalidate.runtime import CaseContext, Container, case, cgroup_values, cgroups, limits

THROTTLES = ("throttleReadBpsDevice", "throttleWriteBpsDevice", "throttleReadIOPSDevice", "throttleWriteIOPSDevice")
MISSING = "config-linux.resources.unified.missing-controller-error"
WRITTEN = "config-linux.resources.unified.unknown-written"
ENABLED = "config-linux.resources.unified.controllers-enabled"


@case(
    limits.CREATE_RESOURCES,
    sets=limits.pointers(*(f"blockIO/{name}/*/{leaf}" for name in THROTTLES for leaf in ("major", "minor", "rate"))),
    needs=["root"],
)
def block_io_throttles(trial: CaseContext) -> None:
    """How fast a device may be read and written, in bytes and in operations, is as the config says."""
    value = ("rbps=1000000", "io.max") if limits.is_unified(trial) else ("1000000", "blkio.throttle.read_bps_device")
    device = limits.device_for(trial, limits.io_controller(trial), *value)
    rates = zip(THROTTLES, (7654321, 6543217, 765, 654), strict=True)
    limits.limited(trial, {"blockIO": {name: [{**device, "rate": rate}] for name, rate in rates}})


@case(sets=limits.pointers("blockIO/weight"), needs=["root"])
def block_io_weight(trial: CaseContext) -> None:
    """The weight of the group among those that use block devices is that of the config."""
    limits.io_controller(trial)
    limits.limited(trial, {"blockIO": {"weight": 345}})


@case(sets=limits.pointers("blockIO/weight"), needs=["root"])
def block_io_weight_out_of_range(trial: CaseContext) -> None:
    """A weight that no scheduler takes is refused, or is the nearest that one takes; zero may be taken for none."""
    controller = limits.io_controller(trial)
    usual = weight_of(trial.container().must_create(), controller)
    if not usual:
        trial.skip("this kernel has no weights in control groups")
    # By the files that there can be: bfq takes 1 to 1000, others 10 to 1000, and io.weight 1 to 10000.
    least, most = {"1", "10"}, {"1000", "10000"}
    for weight, fine in ((0, {usual, *least}), (5, {"5", *least}), (1001, most), (65535, most)):
        config = trial.config("wait")
        config["linux"]["resources"] = {"blockIO": {"weight": weight}}
        container = trial.container(config)
        done = container.create()
        got = weight_of(container, controller) if done.ok else "refused"
        container.clean_up()
        message = f"a weight of {weight} is made another: {got}"
        held = done.refused or got in fine
        trial.applied(f"{cgroup_values.RESOURCES}/blockIO/weight", got=held, want=True, message=message)


def weight_of(container: Container, controller: str) -> str:
    """The weight that stands in the group of a container; empty where there are none."""
    files = ("io.bfq.weight", "io.weight") if controller == "io" else ("blkio.bfq.weight", "blkio.weight")
    texts = (cgroups.content(container.group_folder(controller), file) for file in files)
    return next((text.split()[-1] for text in texts if text), "")


@case(sets=limits.pointers("blockIO/leafWeight"), needs=["root", "cgroup:v1"])
def block_io_leaf_weight(trial: CaseContext) -> None:
    """The weight of the group's own tasks against those of groups below is that of the config."""
    limits.io_controller(trial)
    limits.limited(trial, {"blockIO": {"leafWeight": 345}})


@case(
    sets=limits.pointers(*(f"blockIO/weightDevice/*/{leaf}" for leaf in ("major", "minor", "weight"))), needs=["root"]
)
def block_io_weight_device(trial: CaseContext) -> None:
    """The weight of the group on one device is that of the config."""
    controller = limits.io_controller(trial)
    files = (
        ("io.bfq.weight", "io.weight")
        if limits.is_unified(trial)
        else ("blkio.bfq.weight_device", "blkio.weight_device")
    )
    device = limits.device_for(trial, controller, "345", *files)
    limits.limited(trial, {"blockIO": {"weightDevice": [{**device, "weight": 234}]}})


@case(sets=limits.pointers("blockIO/weightDevice/*/leafWeight"), needs=["root", "cgroup:v1"])
def block_io_leaf_weight_device(trial: CaseContext) -> None:
    """The weight of the group's own tasks on one device is that of the config."""
    device = limits.device_for(trial, limits.io_controller(trial), "345", "blkio.leaf_weight_device")
    limits.limited(trial, {"blockIO": {"weightDevice": [{**device, "leafWeight": 234}]}})


# -------------------------------------------------------------------------------------------------- pages and networks


@case(
    limits.CREATE_RESOURCES,
    "config-linux.resources.hugepageLimits.fallback",
    sets=limits.pointers("hugepageLimits/*/limit", "hugepageLimits/*/pageSize"),
    needs=["root", "controller:hugetlb"],
)
def hugepage_limits(trial: CaseContext) -> None:
    """The limit on huge pages of each size is that of the config: reserved ones, where the kernel counts these."""
    names = [path.name for path in Path(limits.scratch(trial, "hugetlb")).glob("hugetlb.*")]
    sizes = sorted({name.split(".")[1] for name in names})
    if not sizes:
        trial.skip("this kernel has no huge pages")
    units = {"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
    wanted = [{"pageSize": size, "limit": 3 * int(size[:-2]) * units[size[-2:]]} for size in sizes]
    limits.limited(trial, {"hugepageLimits": wanted})
    clause = "config-linux.resources.hugepageLimits.fallback"
    if any(".rsvd." in name for name in names):
        trial.skip("this kernel counts reserved huge pages, so that nothing else is to be fallen back on", clause)
        return
    for entry in wanted:
        ending = "max" if limits.is_unified(trial) else "limit_in_bytes"
        file = Path(trial.containers[-1].group_folder("hugetlb"), f"hugetlb.{entry['pageSize']}.{ending}")
        got = file.read_text(encoding="ascii").strip()
        trial.expect(clause, "use of huge pages is not limited", got=got, want=str(entry["limit"]))


@case(sets=limits.pointers("network/classID"), needs=["root", "controller:net_cls"])
def network_class(trial: CaseContext) -> None:
    """The class of packets is that of the config."""
    limits.limited(trial, {"network": {"classID": 0x00100003}})


@case(
    sets=limits.pointers("network/priorities/*/name", "network/priorities/*/priority"),
    needs=["root", "controller:net_prio"],
)
def network_priorities(trial: CaseContext) -> None:
    """The priority of packets on an interface is that of the config."""
    limits.limited(trial, {"network": {"priorities": [{"name": "lo", "priority": 345}]}})


@case(sets=limits.pointers("rdma/*/hcaHandles", "rdma/*/hcaObjects"), needs=["root", "controller:rdma"])
def rdma(trial: CaseContext) -> None:
    """The limits on an RDMA device are those of the config."""
    devices = sorted(path.name for path in Path("/sys/class/infiniband").glob("*"))
    if not devices:
        trial.skip("this host has no RDMA device")
    limits.limited(trial, {"rdma": {devices[0]: {"hcaHandles": 3, "hcaObjects": 3456}}})


# ------------------------------------------------------------------------------------------------------------ unified


def with_unified(trial: CaseContext, **files: str) -> dict[str, Any]:
    """A config with values for files of version 2, by their names with ``_`` for dots."""
    config = trial.config("wait")
    config["linux"]["resources"] = {"unified": {name.replace("__", "."): text for name, text in files.items()}}
    return config


@case(MISSING, needs=["root"])
def unified_without_controller(trial: CaseContext) -> None:
    """A file of a controller that is not there is an error: one that no kernel has, or that version 1 has taken."""
    message = "unified speaks of a controller that is not there, and create does not say so"
    trial.refused(MISSING, with_unified(trial, nosuch__max="1"), message, pointer=f"{cgroup_values.RESOURCES}/unified")
    if trial.stage.layout.mode in ("v1", "hybrid") and "memory" in trial.host.controllers:
        config = with_unified(trial, memory__high="104857600")
        trial.refused(MISSING, config, message, pointer=f"{cgroup_values.RESOURCES}/unified")


@case(
    WRITTEN,
    ENABLED,
    sets=limits.pointers("unified/*"),
    needs=["root", "cgroup:v2", "controller:memory", "controller:pids"],
)
def unified(trial: CaseContext) -> None:
    """What unified says stands in the files, those that runtimes give no thought to included."""
    resources = {"unified": {"memory.high": "104857600", "memory.oom.group": "1", "pids.max": "77"}}
    container = limits.limited(trial, resources)
    for file, text in resources["unified"].items():
        folder = Path(container.group_folder(""))
        is_there = (folder / file).exists()
        trial.expect(ENABLED, f"the controller of {file} is not enabled for the group", got=is_there, want=True)
        got = (folder / file).read_text(encoding="ascii").strip() if is_there else "no such file"
        trial.expect(WRITTEN, f"{file} is not written", got=got, want=text)
    # A file that is of no controller.
    config = with_unified(trial, cgroup__max__depth="7")
    container = trial.container(config).must_create()
    got = Path(container.group_folder(""), "cgroup.max.depth").read_text(encoding="ascii").strip()
    trial.expect(WRITTEN, "cgroup.max.depth is not written", got=got, want="7")
