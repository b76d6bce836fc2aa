"""Names of images: which image ``app`` or ``docker.io/library/app:latest`` refers to."""

from __future__ import annotations

from collections.abc import Iterable

from ocivalidate.errors import OptionError

# The parts that docker adds to a short name (distribution's reference: familiar and normalized names).
_PREFIXES = ("docker.io/library/", "docker.io/", "index.docker.io/library/", "index.docker.io/", "library/")
_LATEST = ":latest"
_LONGEST_NUMBER = 10


def refuse_no_platform(platform: str | None, option: str = "platform") -> None:
    """Refuse a platform that is not of the form ``os/architecture[/variant]``. Raises :class:`OptionError`."""
    parts = platform.split("/") if platform is not None else ["", ""]
    if platform is not None and (not 2 <= len(parts) <= 3 or not all(parts) or any(map(str.isspace, platform))):
        raise OptionError(f"{option} wants OS/ARCH or OS/ARCH/VARIANT, not {platform}")


def position(wanted: tuple[str, ...]) -> int | None:
    """The position that ``@0`` means, the name of skopeo for the first entry; ``None`` for other names."""
    number = wanted[0].removeprefix("@") if len(wanted) == 1 and wanted[0].startswith("@") else ""
    return int(number) if number.isascii() and number.isdigit() and len(number) < _LONGEST_NUMBER else None


def meant(wanted: Iterable[str], known: Iterable[str]) -> set[str]:
    """The known names that the wanted ones refer to.

    A wanted name that is not known verbatim matches those that docker considers equal.
    """
    names = set(known)
    familiar: dict[str, set[str]] = {}
    for name in names:
        familiar.setdefault(_familiar(name), set()).add(name)
    found: set[str] = set()
    for name in wanted:
        found |= {name} if name in names else familiar.get(_familiar(name), set())
    return found


def _familiar(name: str) -> str:
    prefix = next((prefix for prefix in _PREFIXES if name.startswith(prefix)), "")
    short = name.removeprefix(prefix)
    return short if "@" in short or ":" in short.rpartition("/")[2] else short + _LATEST
