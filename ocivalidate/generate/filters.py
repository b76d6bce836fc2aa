"""Options about the seccomp filter."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Self

from ocivalidate.errors import OptionError
from ocivalidate.generate.draft import Draft
from ocivalidate.generate.sources import read_json
from ocivalidate.generate.table import Phase, option

_ARCHITECTURE = 'annotations["org.opencontainers.image.architecture"]'


class FilterOptions(Draft):
    """``linux.seccomp``, and for which machine a profile is converted."""

    _architecture = ""
    _kernel: tuple[int, int] | None = None
    _profile: Any = None
    _filter: Any = None

    @option(
        "--arch",
        group="security",
        metavar="ARCH",
        phase=Phase.FIRST,
        help="the architecture to convert an engine's seccomp profile for, by its Go name: amd64, arm64 "
        "(default: that of the image, or of this machine)",
    )
    def arch(self, architecture: str) -> Self:
        """The architecture for which profiles are converted, as Go calls it.

        Without this call it is that of the annotation ``org.opencontainers.image.architecture``, or of this machine.
        """
        from ocivalidate.generate.seccomp import ARCHITECTURES

        if architecture not in ARCHITECTURES:
            raise OptionError(f"unknown architecture {architecture!r}; known are {', '.join(ARCHITECTURES)}")
        self._architecture = architecture
        return self

    @option(
        "--kernel",
        group="security",
        metavar="VERSION",
        phase=Phase.FIRST,
        help="the kernel version to convert an engine's seccomp profile for: 5.10 (default: newer than any)",
    )
    def kernel(self, version: str) -> Self:
        """The kernel for which profiles are converted; without it, one that is newer than any in a profile."""
        from ocivalidate.generate.seccomp import kernel_version

        self._kernel = kernel_version(version)
        return self

    def _seccomp(self, file: str) -> None:
        self._profile = self._filter = None
        if file == "unconfined":
            self._drop("linux.seccomp")
            return
        if file == "builtin":
            raise OptionError("the builtin profile is part of the engine; seccomp=FILE takes its source file")
        profile = read_json(file)
        from ocivalidate.generate.seccomp import is_for_engines

        if is_for_engines(profile):
            self._profile = profile
            self._convert_profile()
        else:
            self._put("linux.seccomp", profile)

    def _convert_profile(self) -> None:
        """Convert the profile for the capabilities that there are by now, unless something else changed it since."""
        from ocivalidate.generate.seccomp import ARCHITECTURES, Target, architecture_here, converted

        if self._profile is None or self._get("linux.seccomp") != self._filter is not None:
            return
        architecture = self._architecture or self._get(_ARCHITECTURE) or architecture_here()
        if architecture not in ARCHITECTURES:
            raise OptionError(f"the profile does not support the architecture {architecture!r}; --arch chooses another")
        bounding = self._entries("process.capabilities.bounding")
        found = converted(self._profile, Target(architecture, frozenset(map(str, bounding)), self._kernel))
        self._put("linux.seccomp", found)
        self._filter = deepcopy(found)
