"""What all cases of a run share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ocivalidate.runtime.driving.subject import RuntimeUnderTest
from ocivalidate.runtime.kernel import cgroups
from ocivalidate.runtime.kernel.host import Host
from ocivalidate.runtime.kernel.nodes import Devices


class Declared(Protocol):
    """What a case declares before it runs: see :class:`~ocivalidate.runtime.cases.Case`."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def sets(self) -> tuple[str, ...]:
        """Pointers of the properties that it sets and observes."""

    @property
    def clauses(self) -> tuple[str, ...]:
        """Ids of all clauses that it judges."""

    @property
    def timeout(self) -> float:
        """Seconds for the whole case."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """What all cases of a run share.

    ``prefix`` begins the ids of all containers, ``group`` is the control group above all of theirs, ``rootfs`` the root
    filesystem that every bundle gets a copy of, ``folder`` where cases have their folders.
    """

    subject: RuntimeUnderTest
    host: Host
    layout: cgroups.Layout
    prefix: str
    group: str
    rootfs: Path
    folder: Path
    # Whether what happens is kept, with what stands in control groups, for whoever looks into a failure.
    keeps: bool = False
    # The root filesystem that the caller gave, ``""`` for none.
    given_rootfs: str = ""
    # What stands in /dev for the runtime; nothing of it is watched where it could change nothing.
    devices: Devices = field(default_factory=Devices)
    # Whether a refusal that the specification permits is a failure.
    strict: bool = False
    # How much slower than usual everything goes here: 1 at least, and every deadline is as much later.
    pace: float = 1.0
    # Whether containers have a kernel of their own, as in a sandbox. Then the process that the runtime names runs that
    # kernel, and not the program; and what it shows in the container need not be what ours would.
    own_kernel: bool = False
    # The configs that this runtime has been seen to accept, as text: a control is needed once a run, not once a case.
    accepted: set[str] = field(default_factory=set)
    # One at a time: the same control, tried by two cases at once, would be two containers in one control group.
    trying: threading.Lock = field(default_factory=threading.Lock)
    # What of the folder and the group of the run somebody else has removed, so that nothing can be judged.
    missing: Callable[[], str] = lambda: ""
