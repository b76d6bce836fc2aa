"""Options that only Windows and virtual machines have."""

from __future__ import annotations

from typing import Self

from ocivalidate.errors import OptionError
from ocivalidate.generate.draft import Draft
from ocivalidate.generate.table import option
from ocivalidate.system.arguments import StrPath, path_text

_ISOLATIONS = ("process", "hyperv")


class PlatformOptions(Draft):
    """What Windows and virtual machines have and nobody else."""

    _layers: tuple[str, ...] = ()

    @option(
        "--layer",
        group="platforms",
        metavar="FOLDER",
        help="Windows: a folder with a layer of the image, topmost first; may be repeated",
    )
    def layer(self, folder: StrPath) -> Self:
        """Windows: a folder with a layer of the image. The first one replaces the example of the defaults."""
        self._layers = (*self._layers, path_text(folder, "folder"))
        return self._put("windows.layerFolders", list(self._layers))

    @option(
        "--isolation",
        group="platforms",
        metavar="process|hyperv",
        help="Windows: process shares the kernel of the host (needs --rootfs), hyperv does not",
    )
    def isolation(self, kind: str) -> Self:
        """Windows: ``hyperv`` for a container with a kernel of its own, ``process`` for one that shares the host's."""
        if kind not in _ISOLATIONS:
            raise OptionError(f"unknown isolation {kind!r}; known are {', '.join(_ISOLATIONS)}")
        if kind == "hyperv":
            self._drop("root")
            return self._put("windows.hyperv", self._get("windows.hyperv", {}))
        return self._drop("windows.hyperv")

    @option("--vm-kernel", group="platforms", metavar="PATH", help="virtual machine: path of the kernel on the host")
    def vm_kernel(self, path: str) -> Self:
        """The kernel of the virtual machine, a path on the host."""
        return self._put("vm.kernel.path", path)
