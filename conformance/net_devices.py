"""Network devices that move from the network namespace of the runtime into that of the container.

No device of the host is touched: the runtime itself runs in a network namespace of the case's own, in which the devices
are made.
"""

from __future__ import annotations

import subprocess
from ipaddress import IPv6Address
from typing import Any

from ocivalidate.runtime import CannotJudge, CaseContext, Container, NamespaceHolder, caller, case, programs, steps

DEVICES = "config-linux.netDevices"
NEEDS = ("root", "program:ip", "namespace:network")
MAC, MTU, ADDRESS = "02:00:00:00:00:0a", 1400, "192.0.2.10"
ADDRESS6 = IPv6Address("2001:db8::a")


class Network:
    """A network namespace of the case's own."""

    def __init__(self, trial: CaseContext) -> None:
        try:
            self._holder = NamespaceHolder(("network",))
        except CannotJudge as reason:
            trial.skip(str(reason))
        trial.undo(self._holder.close)
        self.path = self._holder.path("network")
        self.wrapper = caller(network=self.path)

    def ip(self, *words: str) -> str:
        """Run a command of iproute2 in it."""
        done = subprocess.run(
            [*self.wrapper, *programs.command("ip", *words)], capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout

    def add(self, trial: CaseContext, *names: str) -> None:
        """Make devices, each with a peer that stays."""
        for name in names:
            try:
                self.ip("link", "add", name, "type", "veth", "peer", "name", f"{name}p")
            except subprocess.CalledProcessError as problem:
                trial.skip(f"no veth devices can be made here: {problem.stderr.strip()}")

    def names(self) -> set[str]:
        """The devices in it."""
        lines = self.ip("-o", "link", "show").splitlines()
        return {line.split(": ")[1].partition("@")[0] for line in lines}


def with_devices(trial: CaseContext, network: str = "", **devices: dict[str, str]) -> dict[str, Any]:
    """A config with these devices, in a new network namespace or that of a file."""
    config = trial.config(*steps(["interfaces"], ["read", "/proc/net/if_inet6"], ["wait"]))
    config["linux"]["namespaces"].append({"type": "network"} | ({"path": network} if network else {}))
    config["linux"]["netDevices"] = devices
    return config


def started(trial: CaseContext, outside: Network, config: dict[str, Any]) -> Container:
    """A container that the runtime made from within the network namespace ``outside``."""
    container = trial.container(config)
    return container.must_create(wrapper=outside.wrapper).must_start()


@case(
    *(f"{DEVICES}.{name}" for name in ("available", "name.default", "preserve-attributes", "set-up")),
    sets=["/linux/netDevices/*/name"],
    needs=NEEDS,
)
def devices_move_into_the_container(trial: CaseContext) -> None:
    """Devices are in the container under the names they are given or had, with all attributes, and up."""
    outside = Network(trial)
    outside.add(trial, "first", "second")
    outside.ip("link", "set", "first", "mtu", str(MTU), "address", MAC)
    outside.ip("address", "add", f"{ADDRESS}/24", "dev", "first")
    outside.ip("-6", "address", "add", f"{ADDRESS6}/64", "dev", "first", "nodad")
    container = started(trial, outside, with_devices(trial, first={"name": "eth7"}, second={}))
    facts = container.facts()
    seen = facts.value("interfaces")
    inside, left = set(seen) & {"eth7", "first", "second"}, outside.names() & {"first", "second"}
    names = {"inside": sorted(inside), "outside": sorted(left)}
    trial.applied("/linux/netDevices/*/name", got="eth7" in seen and "first" not in seen, want=True)
    trial.expect(
        "config-linux.netDevices.available", "devices", got=names, want={"inside": ["eth7", "second"], "outside": []}
    )
    trial.expect(
        "config-linux.netDevices.name.default", "a device without a name is not called as before", got="second" in seen
    )
    states = {name: seen.get(name, {}).get("up") for name in ("eth7", "second")}
    trial.expect("config-linux.netDevices.set-up", "devices are not up", got=states, want=dict.fromkeys(states, True))
    moved = seen.get("eth7", {})
    got = {name: moved.get(name) for name in ("mtu", "mac", "address")}
    got["IPv6"] = ADDRESS6.packed.hex() in facts.value("read")
    want = {"mtu": MTU, "mac": MAC, "address": ADDRESS, "IPv6": True}
    trial.expect("config-linux.netDevices.preserve-attributes", "attributes are lost", got=got, want=want)


@case("config-linux.netDevices.check-move", "config-linux.netDevices.name-conflict-error", needs=NEEDS)
def what_cannot_move_is_refused(trial: CaseContext) -> None:
    """A name that is taken is refused where a free one is accepted; so is a device that cannot move or is not there."""
    outside, inside = Network(trial), Network(trial)
    outside.add(trial, "first", "second")
    inside.add(trial, "eth0")
    # What is accepted stands first: the refusals differ in the device or its name alone.
    started(trial, outside, with_devices(trial, inside.path, second={"name": "eth1"}))
    taken = with_devices(trial, inside.path, first={"name": "eth0"})
    for clause, message, config in (
        ("name-conflict-error", "a name that is taken is accepted", taken),
        ("check-move", "lo, which cannot move, is accepted", with_devices(trial, lo={"name": "other"})),
        ("check-move", "a device that is not there is accepted", with_devices(trial, absent={})),
    ):
        container = trial.container(config)
        done = container.create(wrapper=outside.wrapper)
        trial.expect_that(f"{DEVICES}.{clause}", message, held=done.refused, got=done.last_error_line, want="an error")
        container.clean_up()


@case("config-linux.netDevices.name-template", needs=NEEDS)
def name_with_a_template_gets_a_number(trial: CaseContext) -> None:
    """A new name that ends in %d is never taken: the kernel gives it a number that is free."""
    outside, inside = Network(trial), Network(trial)
    outside.add(trial, "first")
    inside.add(trial, "eth0")
    config = with_devices(trial, inside.path, first={"name": "eth%d"})
    seen = started(trial, outside, config).facts().value("interfaces")
    got = sorted(name for name in seen if name.startswith("eth") and not name.endswith("p"))
    trial.expect(
        "config-linux.netDevices.name-template", "a name that ends in %d gets no number", got=got, want=["eth0", "eth1"]
    )


@case("config-linux.netDevices.no-lifecycle-mgmt", "config-linux.netDevices.no-move-out", needs=NEEDS)
def devices_are_left_alone_afterwards(trial: CaseContext) -> None:
    """What becomes of a device in the container is not the runtime's business, and it stays there after delete."""
    outside, inside = Network(trial), Network(trial)
    outside.add(trial, "first")
    container = started(trial, outside, with_devices(trial, inside.path, first={"name": "eth7"}))
    container.facts()
    inside.ip("link", "set", "eth7", "down")
    inside.ip("link", "set", "eth7", "mtu", "1300")
    container.state()
    container.must_kill("CONT")
    after = inside.ip("-o", "link", "show", "eth7")
    got = {"up": "UP" in after.partition("<")[2].partition(">")[0].split(","), "mtu": "mtu 1300 " in after}
    message = "a device is changed after the start"
    trial.expect("config-linux.netDevices.no-lifecycle-mgmt", message, got=got, want={"up": False, "mtu": True})
    container.must_kill().wait_stopped()
    container.must_delete()
    names = {"inside": "eth7" in inside.names(), "outside": sorted(outside.names() & {"eth7", "first"})}
    trial.expect(
        "config-linux.netDevices.no-move-out", "the device was moved", got=names, want={"inside": True, "outside": []}
    )
