"""Helpers of the tests of blobs: blobs in memory, and streams cut into chunks of any size."""

from __future__ import annotations

import io
from collections.abc import Iterator

from ocivalidate.image.layers.blob import BlobFacts, BlobRequest, Opener, verify
from ocivalidate.image.layers.buffers import Chunk, Pull
from ocivalidate.image.layers.compression import detect, inflate
from ocivalidate.image.layers.facts import TarFacts
from ocivalidate.image.layers.limits import DEFAULT, LayerLimits
from ocivalidate.image.layers.problems import Kind, Problem
from ocivalidate.image.layers.scan import TarScanner


def opener(data: bytes) -> Opener:
    return lambda: io.BytesIO(data)


def check_layer(data: bytes, limits: LayerLimits = DEFAULT, size: int | None = None) -> BlobFacts:
    request = BlobRequest(opener(data), layer=True, size=len(data) if size is None else size, limits=limits)
    return verify(request)


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def pull(data: bytes, size: int) -> Pull:
    """Gives chunks of one buffer that is written over each time, as a file is read."""
    rest = chunks(data, size)
    buffer = bytearray(size)

    def next_chunk() -> Chunk:
        chunk = next(rest, b"")
        buffer[: len(chunk)] = chunk
        return memoryview(buffer)[: len(chunk)]

    return next_chunk


def inflated(data: bytes, size: int = 1 << 20, *, exact: bool = True) -> tuple[bytes, tuple[Problem, ...]]:
    stream = inflate(detect(data), pull(data, size), DEFAULT, exact=exact)
    out = bytearray()
    while chunk := stream.read():
        out += chunk
    return bytes(out), stream.problems


def scan(data: bytes, size: int = 1 << 20, limits: LayerLimits = DEFAULT) -> TarFacts:
    scanner = TarScanner(limits)
    for chunk in chunks(data, size):
        scanner.feed(memoryview(chunk))
    return scanner.finish()


def kinds(facts: TarFacts) -> list[Kind]:
    return [problem.kind for problem in facts.problems]
