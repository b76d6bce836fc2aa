"""Makes the images that ``benchmarks/image.py`` measures: trees of text and binaries, logs, random bytes, zeros."""

from __future__ import annotations

import hashlib
import random
import sys
import sysconfig
import tarfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import zstandard

from fixtures.layouts import Entry, Layout, tars, to_json

MIB, GIB = 1 << 20, 1 << 30
OCI = "application/vnd.oci.image."
_MEDIA = {"gzip": f"{OCI}layer.v1.tar+gzip", "zstd": f"{OCI}layer.v1.tar+zstd"}

TREES, ENTRIES_A_TREE, BYTES_A_FILE = 4, 33_000, 21_500
LOGS, LOG_BYTES, RANDOM_BYTES = 2, 210 * MIB, 320 * MIB


def words(count: int, seed: int) -> bytes:
    """Text with a word frequency like that of natural language."""
    chance = random.Random(seed)  # noqa: S311  # sample data
    vocabulary = ["".join(chance.choices("etaoinshrdlucmfwypvbgk", k=chance.randint(2, 11))) for _word in range(20_000)]
    weights = [1 / rank for rank in range(1, len(vocabulary) + 1)]
    return " ".join(chance.choices(vocabulary, weights, k=count)).encode()


def binaries(enough: int) -> bytes:
    """The shared libraries and programs of this machine, one after the other."""
    folders = [Path(sysconfig.get_paths()["stdlib"]), Path(sys.base_prefix, "lib"), Path("/usr/lib"), Path("/usr/bin")]
    found = bytearray()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if len(found) >= enough:
                return bytes(found)
            if path.is_file() and not path.is_symlink() and (".so" in path.name or folder.name == "bin"):
                found += path.read_bytes()[: 16 * MIB]
    return bytes(found) or words(enough // 6, 3)


class Pool:
    """The material from which file contents are cut."""

    def __init__(self, scale: float) -> None:
        self._parts = (words(int(8_000_000 * min(1, scale * 4)), 1), binaries(int(200 * MIB * min(1, scale * 4))))

    def tree(self, number: int, scale: float) -> Iterator[Entry]:
        """The entries of a tree of files, about three quarters of them text."""
        chance = random.Random(number)  # noqa: S311  # sample data
        for index in range(max(1, int(ENTRIES_A_TREE * scale))):
            folder = f"usr/share/tree{number}/package{index // 330}/module{index // 33}"
            if index % 33 == 0:
                yield Entry(f"{folder}/", type="5", mode=0o755, mtime=1_700_000_000)
            else:
                size = int(chance.expovariate(1 / BYTES_A_FILE))
                part = self._parts[chance.random() > 0.6]
                start = chance.randrange(max(1, len(part) - size))
                name = f"{folder}/some_file_{index}.dat"
                yield Entry(name, part[start : start + size], mtime=1_700_000_000 + index)

    def log(self, number: int, scale: float) -> Iterator[Entry]:
        """Large logs: lines that are nearly alike."""
        chance = random.Random(number)  # noqa: S311  # sample data
        text = self._parts[0].split(b" ", 40_000)
        lines = [
            b"2024-01-%02d host%d service[%d]: %s\n"
            % (line % 28 + 1, chance.randrange(9), chance.randrange(9999), b" ".join(text[line : line + 12]))
            for line in range(max(1, min(30_000, len(text) - 20)))
        ]
        for part in range(7):
            wanted = int(LOG_BYTES * scale / 7)
            chosen = chance.choices(lines, k=max(1, wanted // len(lines[0])))
            yield Entry(f"var/log/messages.{number}.{part}", b"".join(chosen))

    def noise(self, scale: float) -> Iterator[Entry]:
        """Random bytes, which do not compress."""
        chance = random.Random(9)  # noqa: S311  # sample data
        for part in range(16):
            yield Entry(f"var/lib/blob{part}", chance.randbytes(int(RANDOM_BYTES * scale / 16)))


class Sink:
    """Compresses a tar into a file, and computes its diffID on the way."""

    def __init__(self, path: Path, compression: str) -> None:
        self._file: BinaryIO = path.open("wb")
        self._tar = hashlib.sha256()
        self._blob = hashlib.sha256()
        self.inflated = self.size = 0
        if compression == "gzip":
            self._write(tars.GZIP_HEADER)
            self._crc = 0
            self._state: Any = zlib.compressobj(6, zlib.DEFLATED, -15)
        else:
            self._crc = -1
            self._state = zstandard.ZstdCompressor(level=3, write_checksum=True).compressobj()

    def add(self, data: bytes) -> None:
        """More of the tar."""
        self._tar.update(data)
        self.inflated += len(data)
        if self._crc >= 0:
            self._crc = zlib.crc32(data, self._crc)
        self._write(self._state.compress(data))

    def close(self) -> tuple[str, str]:
        """End the stream; the digest of the blob and the diffID."""
        self._write(self._state.flush())
        if self._crc >= 0:
            self._write(self._crc.to_bytes(4, "little") + (self.inflated & 0xFFFFFFFF).to_bytes(4, "little"))
        self._file.close()
        return self._blob.hexdigest(), self._tar.hexdigest()

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._blob.update(data)
        self.size += len(data)


def build(folder: Path, compressions: tuple[str, ...], scale: float) -> dict[str, Path]:
    """The layouts of eight layers, one for each compression, built once in a folder."""
    pool = Pool(scale)
    makers: list[Callable[[], Iterator[Entry]]] = [lambda n=n: pool.tree(n, scale) for n in range(TREES)]  # type: ignore[misc]  # its default binds the number
    makers += [lambda n=n: pool.log(n, scale) for n in range(LOGS)]  # type: ignore[misc]  # its default binds the number
    makers += [lambda: pool.noise(scale), lambda: iter([Entry("etc/motd", b"hello\n")])]
    with ThreadPoolExecutor() as threads:
        made = list(
            threads.map(lambda number: _layers(folder / f"layer{number}", makers[number](), compressions), range(8))
        )
    return {name: _layout(folder / name, [layers[name] for layers in made], name) for name in compressions}


Made = tuple[Path, str, str, int]


def _layers(path: Path, entries: Iterator[Entry], compressions: tuple[str, ...]) -> dict[str, Made]:
    """One layer in each compression: file, digest, diffID, size."""
    paths = {name: path.with_suffix(f".{name}") for name in compressions}
    sinks = {name: Sink(path, name) for name, path in paths.items()}
    for entry in entries:
        data = entry.to_bytes()
        for sink in sinks.values():
            sink.add(data)
    for sink in sinks.values():
        sink.add(bytes(tarfile.BLOCKSIZE * 2))
    return {name: (paths[name], *sink.close(), sink.size) for name, sink in sinks.items()}


def _layout(target: Path, layers: list[Made], compression: str) -> Path:
    layout = Layout.__new__(Layout)
    layout.files = {"oci-layout": to_json({"imageLayoutVersion": "1.0.0"})}
    config = layout.add(
        to_json(
            {
                "architecture": "amd64",
                "os": "linux",
                "rootfs": {
                    "type": "layers",
                    "diff_ids": [f"sha256:{diff_id}" for _path, _digest, diff_id, _size in layers],
                },
            }
        ),
        f"{OCI}config.v1+json",
    )
    described = [
        {"mediaType": _MEDIA[compression], "digest": f"sha256:{digest}", "size": size}
        for _path, digest, _diff_id, size in layers
    ]
    manifest = {"schemaVersion": 2, "mediaType": f"{OCI}manifest.v1+json", "config": config, "layers": described}
    found = layout.add(to_json(manifest), f"{OCI}manifest.v1+json")
    found["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    layout.files["index.json"] = to_json({"schemaVersion": 2, "mediaType": f"{OCI}index.v1+json", "manifests": [found]})
    layout.write(target)
    for path, digest, _diff_id, _size in layers:
        path.rename(target / "blobs" / "sha256" / digest)
    return target


def one_huge(folder: Path, compression: str, scale: float) -> Path:
    """A layout of one layer of about a gigabyte."""
    pool = Pool(scale)

    def entries() -> Iterator[Entry]:
        yield from pool.tree(8, scale)
        yield from pool.log(9, scale)

    made = _layers(folder / "huge", entries(), (compression,))[compression]
    return _layout(folder / f"huge-{compression}", [made], compression)


def zeros(folder: Path, compression: str, size: int) -> Path:
    """A layout of one layer with one file, of which a megabyte in each gigabyte is not zero."""
    chance = random.Random(4)  # noqa: S311  # sample data
    step = min(GIB, max(2, size // MIB) * MIB)
    size = max(1, size // step) * step
    nothing = bytes(step - MIB)
    packed = tars.compress(nothing, compression)
    blob, tar = hashlib.sha256(), hashlib.sha256()
    path = folder / f"zeros.{compression}"
    with path.open("wb") as file:

        def put(data: bytes, ready: bytes | None = None) -> None:
            tar.update(data)
            out = tars.compress(data, compression) if ready is None else ready
            blob.update(out)
            file.write(out)

        put(Entry("var/disk.img", size=size).to_bytes())
        for _part in range(size // step):
            put(chance.randbytes(MIB))
            put(nothing, packed)
        put(bytes(1024))
    made = (path, blob.hexdigest(), tar.hexdigest(), path.stat().st_size)
    return _layout(folder / f"zeros-{compression}", [made], compression)
