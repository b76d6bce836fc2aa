"""Unpacking images: the library call behind ``ocivalidate unpack``. Nothing here prints or exits."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import Any

from ocivalidate.errors import OptionError, UnpackError, Unreadable
from ocivalidate.image.accounts import KNOWN as USER_KNOWN
from ocivalidate.image.layers import users
from ocivalidate.image.layers.limits import DEFAULT, LayerLimits
from ocivalidate.image.layers.problems import shown
from ocivalidate.image.limits import Limits
from ocivalidate.image.names import refuse_no_platform
from ocivalidate.image.sources.source import Source
from ocivalidate.registry.options import RegistryOptions
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.declared import judges
from ocivalidate.rules.findings import Finding, Report
from ocivalidate.rules.refusals import Refused
from ocivalidate.system.arguments import StrPath, given, known, limits, path_text
from ocivalidate.system.reasons import reason
from ocivalidate.unpack import inroot
from ocivalidate.unpack.attributes import IdRange, Notes, Owners
from ocivalidate.unpack.choice import Chosen, choose, open_image
from ocivalidate.unpack.convert import convert, platform, working_folder
from ocivalidate.unpack.extract import Extractor
from ocivalidate.unpack.flags import CAN_UNPACK, NEW_FILE
from ocivalidate.unpack.folders import Tree
from ocivalidate.unpack.generator import ConfigSteps, leave_out_groups, map_ids, own_ids, unmapped
from ocivalidate.unpack.layers import Layers, TryAgain
from ocivalidate.unpack.mark import CONFIG, ROOTFS
from ocivalidate.unpack.openfiles import folders_to_keep_open, is_too_few, too_few
from ocivalidate.unpack.privileged import told
from ocivalidate.unpack.staging import Staging
from ocivalidate.unpack.target import Target, mode_of, split
from ocivalidate.unpack.verdict import refusing
from ocivalidate.vocabulary.versions import IMAGE_CHOICES

Progress = Callable[[int, int], None]
"""Called with how many bytes of the layers have been read, and how many there are."""


@dataclass(frozen=True, slots=True)
class UnpackOptions:
    """How to unpack.

    ``ref`` and ``platform`` (``os/architecture[/variant]``) choose among several images. ``force``: replace what is at
    the target. ``rootfs`` and ``config``: make this part of the bundle. ``rootless``: unpack without root privileges
    (default: when not run as root). ``uid_map`` and ``gid_map``: ids in the container and their counterparts on the
    host. ``ignore``: clauses of ``safety/`` whose findings do not keep the image from being unpacked. ``follow_links``:
    links in a layout folder may lead out of it. ``spec_version``: the release of image-spec that the image is held to,
    or ``next`` for its draft (default: the newest release). ``registry``: how registries are reached.
    """

    ref: str | None = None
    platform: str | None = None
    force: bool = False
    rootfs: bool = True
    config: bool = True
    rootless: bool | None = None
    uid_map: tuple[IdRange, ...] = ()
    gid_map: tuple[IdRange, ...] = ()
    ignore: tuple[str, ...] = ()
    generator: ConfigSteps = field(default_factory=ConfigSteps)
    limits: Limits = field(default_factory=Limits)
    layer_limits: LayerLimits = DEFAULT
    follow_links: bool = False
    spec_version: str | None = None
    registry: RegistryOptions = RegistryOptions()  # noqa: RUF009 - a tuple cannot change


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A finished bundle. ``image``: the digest of the manifest.

    ``findings``: what is wrong with the image but did not keep it from being unpacked; ``notes``: where the bundle
    deviates from the image; ``report``: what ``check_config`` says of the config.json.
    """

    bundle: str
    image: str
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    report: Report | None = None


def unpack_image(
    source: StrPath, bundle: StrPath, options: UnpackOptions | None = None, *, progress: Progress | None = None
) -> Unpacked:
    """Make a bundle from an image (image-spec layer.md and conversion.md).

    ``source``: a layout folder, an archive of a layout or of ``docker save``, ``-`` for standard input, or a name as
    skopeo writes it (``docker://HOST/NAME:TAG``, ``oci:DIR:REF`` …). ``bundle``: a folder that does not exist yet, or
    is empty. ``options``: which image, and how to unpack it. ``progress`` is called with the number of layer bytes read
    so far and the total.

    The bundle is either complete or absent. Raises :class:`UnpackError` when unpacking is not possible,
    :class:`Refused` when the image is at fault, :class:`OptionError` for an option that makes no sense, and
    ``TypeError`` for one of another type.
    """
    source, bundle = path_text(source, "source"), path_text(bundle, "bundle")
    options = given(options, UnpackOptions, "options")
    _refuse_nonsense(options)
    if not CAN_UNPACK:
        raise UnpackError("unpacking needs Linux")
    split(bundle)
    try:
        with open_image(
            source,
            options.limits,
            options.layer_limits,
            follow_links=options.follow_links,
            registry=options.registry,
        ) as opened:
            return _Run(opened, bundle, options, progress).unpack()
    except (Unreadable, UnpackError, OSError) as problem:
        if is_too_few(problem):
            raise too_few() from problem
        if isinstance(problem, UnpackError):
            raise
        if isinstance(problem, Unreadable):
            raise UnpackError(f"{source}: {problem}") from problem
        raise UnpackError(f"{bundle}: {reason(problem)}") from problem


def _refuse_nonsense(options: UnpackOptions) -> None:
    refuse_no_platform(options.platform)
    given(options.registry, RegistryOptions, "registry")
    known(options.spec_version, IMAGE_CHOICES, "release of image-spec")
    given(options.layer_limits, LayerLimits, "layer_limits")
    limits(given(options.limits, Limits, "limits")._asdict(), asdict(options.layer_limits))
    Selection(ignore=options.ignore).refuse_unmatched()
    if not options.rootfs and not options.config:
        raise OptionError("neither rootfs nor config: there is nothing to make")


class _Run:
    """Unpacks one image into one bundle."""

    def __init__(self, source: Source, bundle: str, options: UnpackOptions, progress: Progress | None) -> None:
        self._source = source
        self._bundle = bundle
        self._options = options
        self._progress = progress
        self._selection = Selection(ignore=options.ignore, spec_version=options.spec_version)
        self._rootless = os.geteuid() != 0 if options.rootless is None else options.rootless
        self._notes = Notes()
        self._lines: tuple[str, ...] = ()
        self._report: Report | None = None

    def unpack(self) -> Unpacked:
        options = self._options
        chosen = choose(self._source, options.ref, options.platform, self._selection, options.limits)
        layers = Layers(self._source, chosen, self._selection, options.layer_limits)
        total = layers.size if self._needs_layers(chosen) else 0
        mapped = bool(options.uid_map)
        with Target(
            self._bundle,
            self._source.name,
            rootfs=options.rootfs,
            config=options.config,
            force=options.force,
            mapped=mapped,
        ) as target:
            try:
                self._stage(target, chosen, layers, total, exact=False)
            except TryAgain:
                self._notes = Notes()
                self._stage(target, chosen, layers, total, exact=True)
        if self._needs_layers(chosen):
            self._lines += tuple(layers.unverified())
        findings = chosen.ledger.findings()
        return Unpacked(self._bundle, chosen.name, findings, self._notes.lines() + self._lines, self._report)

    def _needs_layers(self, chosen: Chosen) -> bool:
        """Whether the layers must be read: for a config.json alone, only to look up a user."""
        user = chosen.config.text("config", "User") or ""
        uid, _colon, gid = user.partition(":")
        known = not user or (users.is_number(uid) and users.is_number(gid))
        return self._options.rootfs or not known

    def _stage(self, target: Target, chosen: Chosen, layers: Layers, total: int, *, exact: bool) -> None:
        """Make everything in a staging folder, and move it into its place."""
        keep = folders_to_keep_open()
        with Staging(target.beside) as staging, ExitStack() as opened:
            bundle = staging.folder(b"bundle")
            opened.callback(os.close, bundle)
            with ExitStack() as writing:
                root = staging.folder(ROOTFS, bundle)
                writing.callback(os.close, root)
                tree = Tree(root, staging.trash, most=self._options.layer_limits.entries, most_open=keep)
                writing.callback(tree.close)
                extractor = Extractor(tree, Owners(rootless=self._rootless, **self._maps()), self._notes)
                if self._needs_layers(chosen):
                    self._write_layers(layers, extractor, total, exact=exact)
                text = self._config(chosen, root, extractor)
                if self._options.rootfs and target.is_open(mapped=bool(self._options.uid_map)):
                    self._lines += told(*extractor.privileged(), self._bundle)
                extractor.finish()
            if text is not None:
                _write(bundle, text)
            self._publish(staging, bundle, target)

    def _maps(self) -> dict[str, Any]:
        return {"uids": self._options.uid_map, "gids": self._options.gid_map}

    def _write_layers(self, layers: Layers, extractor: Extractor, total: int, *, exact: bool) -> None:
        read = 0

        def tell(more: int) -> None:
            nonlocal read
            read += more
            if self._progress is not None:
                self._progress(read, total)

        for number in range(len(layers)):
            layers.write(number, extractor, tell, exact=exact)

    def _config(self, chosen: Chosen, root: int, extractor: Extractor) -> bytes | None:
        """The text of the config.json, judged first: never one that ``ocivalidate bundle`` would reject."""
        if not self._options.config:
            return None
        image, generator = chosen.config, self._options.generator
        user = image.text("config", "User")
        found = _user(chosen, user, root) if user and image.text("os") != "windows" else None
        start = generator.begin(platform(image), rootless=self._rootless)
        converted = convert(image, start, found)
        self._lines = converted.notes
        if self._rootless or self._options.uid_map or self._options.gid_map:
            self._map(converted.tree)
        finished = generator.finish(converted.tree)
        if finished.rejected:
            raise Refused("the config.json made from this image would be invalid", finished.report.findings)
        self._report = finished.report
        self._lines += tuple(unmapped(finished.tree))
        folder = working_folder(image)
        if folder and self._options.rootfs and image.text("os") != "windows" and not extractor.make_folder(folder):
            name = shown(folder.encode("utf-8", "surrogatepass"))
            self._lines += (f"WorkingDir {name} of the image is not a directory in its root file system",)
        return finished.text

    def _map(self, tree: dict[str, Any]) -> None:
        own_uids, own_gids = own_ids() if self._rootless else ((), ())
        uids, gids = self._options.uid_map or own_uids, self._options.gid_map or own_gids
        map_ids(tree, uids, gids)
        self._lines += tuple(leave_out_groups(tree, gids))

    def _publish(self, staging: Staging, bundle: int, target: Target) -> None:
        os.fchmod(bundle, mode_of(mapped=bool(self._options.uid_map)))
        strange = target.strange if target.force else None
        if self._options.rootfs and self._options.config:
            staging.publish(b"bundle", target.beside, target.name, strange=strange)
        else:
            part = ROOTFS if self._options.rootfs else CONFIG
            os.rename(part, part, src_dir_fd=bundle, dst_dir_fd=staging.descriptor)
            staging.publish(part, target.inside, part, strange=strange)
        target.keep()


@judges(USER_KNOWN)
def _user(chosen: Chosen, text: str, root: int) -> users.User:
    """Resolve ``Config.User``. Raises :class:`Refused` for a user or group that the image does not define."""
    try:
        return users.resolve(text, lambda path: _lines(root, path))
    except users.Unknown as problem:
        place = chosen.context.config_place(chosen.image, "/config/User")
        chosen.ledger.add(USER_KNOWN, place, str(problem))
        raise Refused(str(problem), refusing(chosen.ledger.findings())) from problem


def _lines(root: int, path: str) -> Iterator[bytes]:
    try:
        yield from inroot.read_lines(root, path)
    except OSError as error:
        raise UnpackError(f"cannot read /{path} of the image: {reason(error)}") from error


def _write(bundle: int, text: bytes) -> None:
    try:
        descriptor = os.open(CONFIG, NEW_FILE, 0o644, dir_fd=bundle)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            os.fchmod(descriptor, 0o644)
    except OSError as error:
        raise UnpackError(f"cannot write config.json: {reason(error)}") from error
