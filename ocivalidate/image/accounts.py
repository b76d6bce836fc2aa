"""Whether the image defines the user that its configuration names, by /etc/passwd and /etc/group of its layers.

Layers are read again only for a name. A model of the root file system (:mod:`ocivalidate.image.layers.stack`) says
which entry is the file. Entries named like it are kept during the pass; if the file is another entry, the layers are
read once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

from ocivalidate.errors import OciValidateError, TooLarge
from ocivalidate.image.graph import Image, Reference
from ocivalidate.image.layers import users
from ocivalidate.image.layers.blob import BlobRequest, certain, single_pass
from ocivalidate.image.layers.feeding import Inline
from ocivalidate.image.layers.limits import LayerLimits
from ocivalidate.image.layers.paths import REGULAR, SPARSE
from ocivalidate.image.layers.pax import Extension
from ocivalidate.image.layers.readers import Names
from ocivalidate.image.layers.scan import kind_of
from ocivalidate.image.layers.stack import Fault, Stack
from ocivalidate.image.stacks import Given, Replayer, Rereading, Trail, sound_layers
from ocivalidate.rules.checks import Node
from ocivalidate.rules.declared import judges

KNOWN = "safety/image.config.user.known"
_UNREAD = "not all layers of an image were read"
_FILES = (users.PASSWD, users.GROUP)
_NAMES = frozenset(path.rpartition("/")[2].encode() for path in _FILES)
# Limit on the content kept of candidate files, in total.
_MOST_KEPT = 4 * users.LARGEST


class _Faulty(OciValidateError):
    """The layers cannot be applied, so there is no root file system to look at."""


class _NotCertain(OciValidateError):
    """The fast library rejected a valid stream."""


class Accounts(Rereading):
    """Judges the users of all images of one source."""

    def __init__(self, *given: *Given) -> None:
        super().__init__(*given)
        # The files of the layers that were read last.
        self._last: tuple[tuple[str, ...], dict[str, bytearray | None]] = ((), {})

    @judges(KNOWN)
    def judge(self, image: Image) -> None:
        """Judge whether the image defines the user that it runs as."""
        text = named_user(image.config)
        if not text or not image.has_filesystem_layers:
            return
        layers = sound_layers(image, self._facts, self._sound)
        if len(layers) < len(image.layers):
            unread = any(layer.path not in self._facts for layer in image.layers)
            self._ledger.leave_open(KNOWN, _UNREAD if unread else "not all layers are present and intact")
            return
        try:
            files = self._files(layers)
            users.resolve(text, lambda path: _lines(path, files))
        except users.Unknown as problem:
            self._ledger.add(KNOWN, self._context.config_place(image, "/config/User"), str(problem))
        except (TooLarge, OSError) as problem:
            self._ledger.leave_open(KNOWN, str(problem))
        except _Faulty:
            self._ledger.leave_open(KNOWN, "follows from another finding")
        else:
            self._ledger.judged(KNOWN)

    def _files(self, layers: list[Reference]) -> dict[str, bytearray | None]:
        """The content of each file that exists; ``None``: it exists, but its content is not known."""
        paths = tuple(layer.path for layer in layers)
        if self._last[0] != paths or not paths:
            try:
                found = self._look(layers, exact=False)
            except _NotCertain:
                found = self._look(layers, exact=True)
            self._last = (paths, found)
        return self._last[1]

    def _look(self, layers: list[Reference], *, exact: bool) -> dict[str, bytearray | None]:
        kept = _Kept(None)
        model = self._read(layers, kept, exact=exact)
        wanted = {path: number for path in _FILES if (number := model.file_at(path.encode())) is not None}
        if not kept.has(wanted.values()):
            kept = _Kept(frozenset(wanted.values()))
            self._read(layers, kept, exact=exact)
        return {path: kept.content.get(number) for path, number in wanted.items()}

    def _read(self, layers: list[Reference], kept: _Kept, *, exact: bool) -> Stack:
        """Take the entries of all layers. Raises :class:`_Faulty`, :class:`_NotCertain`, :class:`OSError`."""
        model = Stack(self._limits.entries)
        for number, layer in enumerate(layers):
            if not self._may_read(self._facts[layer.path].inflated):
                raise TooLarge("too many images share these layers")
            model.begin_layer(number)
            faults: list[tuple[str, Fault]] = []
            if not self._scan(layer, _Reader(self._limits, model, faults, kept), exact=exact):
                raise _NotCertain
            if faults:
                raise _Faulty
        return model


def named_user(config: Node | None) -> str:
    """``config.User`` if it is valid and has a name that the files of the image must resolve; else empty."""
    if config is None or config.text("os") == "windows":
        return ""
    text = config.text("config", "User") or ""
    user, colon, group = text.partition(":")
    if not user or (colon and not group) or ":" in group or "\0" in text or not users.are_named(text):
        return ""
    return "" if any(users.is_number(part) and not users.is_id(part) for part in (user, group)) else text


def _lines(path: str, files: dict[str, bytearray | None]) -> Iterator[bytes]:
    if path not in files:
        return
    content = files[path]
    if content is None:
        raise TooLarge(f"/{path} is a sparse file")
    try:
        yield from users.lines(BytesIO(content))
    except TooLarge as problem:
        raise TooLarge(f"/{path} {problem}") from problem


class _Kept:
    """The content of files, by the number of their entry; ``None`` for a sparse file.

    ``wanted``: which ones; ``None``: those with a likely name, up to a limit.
    """

    def __init__(self, wanted: frozenset[int] | None) -> None:
        self._wanted = wanted
        self._left = _MOST_KEPT
        self.content: dict[int, bytearray | None] = {}

    @property
    def by_name(self) -> bool:
        """Whether contents are kept by the names of their entries."""
        return self._wanted is None

    def has(self, numbers: object) -> bool:
        """Whether all of these were kept."""
        return self.content.keys() >= set(numbers)  # type: ignore[call-overload, no-any-return]

    def begin(self, number: int, name: bytes, size: int, *, sparse: bool) -> bytearray | None:
        """What receives the content of an entry; ``None``: nothing does."""
        if self._wanted is None:
            if name.rpartition(b"/")[2] not in _NAMES or size > self._left:
                return None
            self._left -= size
        elif number not in self._wanted:
            return None
        self.content[number] = None if sparse else bytearray()
        return self.content[number]


class _Tape:
    """In place of the model where entries are only noted: all of them can be written."""

    def __init__(self) -> None:
        self.entries = 0

    def add(self, _path: bytes, _kind: bytes, _link: bytes) -> None:
        self.entries += 1


class _Reader(Replayer):
    """Hands the entries to the model, and the content of some to be kept."""

    def __init__(self, limits: LayerLimits, model: Stack, faults: list[tuple[str, Fault]], kept: _Kept) -> None:
        super().__init__(limits, model, faults)
        self._kept = kept
        self.follows = kept.by_name
        self._chunk = memoryview(b"")
        self._chunk_start = self._missing = 0
        self._into = bytearray()
        self._is_sparse = False

    def follow(self, trail: Trail) -> None:
        """Take the entries of a trail, and of its contents those that are to be kept."""
        for number, (name, kind, link, size, sparse) in enumerate(trail.entries, 1):
            self._hand_on(name, kind, link)
            if kind_of(name, kind) in (REGULAR, SPARSE):
                into = self._kept.begin(self._model.entries, name, size, sparse=sparse)
                if into is not None:
                    into += trail.content[number] or b""

    def feed(self, chunk: bytes | memoryview) -> None:
        """Take the next bytes."""
        view = memoryview(chunk)
        self._chunk, self._chunk_start = view, self._size
        if self._missing:
            self._pour(view)
        super().feed(view)
        self._chunk = memoryview(b"")

    def _pour(self, view: memoryview) -> None:
        part = view[: self._missing]
        self._into += part
        self._missing -= len(part)

    def _extended(self, said: Extension, own: Names, kind: bytes, size: int) -> tuple[bytes, bytes, int]:
        self._is_sparse = bool(said.sparse_form)
        return super()._extended(said, own, kind, size)

    def _entry(self, name: bytes, kind: bytes, link: bytes, size: int, block: bytes) -> None:
        start, sparse, self._is_sparse = self._next, self._is_sparse or kind == SPARSE, False
        super()._entry(name, kind, link, size, block)
        if kind_of(name, kind) not in (REGULAR, SPARSE):
            return
        into = self._kept.begin(self._model.entries, name, size, sparse=sparse)
        if into is not None:
            # One byte beyond the limit shows that there is more.
            self._into, self._missing = into, min(size, users.LARGEST + 1)
            self._pour(self._chunk[start - self._chunk_start :])


class Recorder(_Reader):
    """Notes the trail of one layer."""

    def __init__(self, limits: LayerLimits) -> None:
        super().__init__(limits, _Tape(), [], _Kept(None))  # type: ignore[arg-type]  # what is used of a model
        self._noted: list[tuple[bytes, bytes, bytes, int, bool]] = []

    def _entry(self, name: bytes, kind: bytes, link: bytes, size: int, block: bytes) -> None:
        sparse = self._is_sparse or kind == SPARSE
        self._noted.append((bytes(name), bytes(kind), bytes(link), size, sparse))
        super()._entry(name, kind, link, size, block)

    def trail(self) -> Trail:
        """The trail, once all of the layer was fed."""
        found = self._kept.content.items()
        return Trail(self._noted, {number: None if data is None else bytes(data) for number, data in found})


def trail_of(request: BlobRequest) -> Trail:
    """Read a layer, and note its trail. Raises :class:`OSError`."""
    recorder = Recorder(request.limits)
    if not certain(single_pass(request, lambda _more: None, Inline(), recorder, exact=False)):
        recorder = Recorder(request.limits)
        single_pass(request, lambda _more: None, Inline(), recorder, exact=True)
    return recorder.trail()
