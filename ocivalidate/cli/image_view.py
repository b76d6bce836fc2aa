"""What a terminal shows of an image: the progress of the work, and a tree of what the image is made of."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ocivalidate.cli.streams import errors_on_terminal
from ocivalidate.image.blobs import Progress
from ocivalidate.report.escape import line_start, visible
from ocivalidate.report.fitting import Digests
from ocivalidate.report.painting import Line
from ocivalidate.rules.findings import Report

# Anything faster is over before it can be read.
_WORTH_SHOWING = 64 << 20
_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


@contextlib.contextmanager
def progress_bar(source: str) -> Iterator[Progress | None]:
    """A bar on standard error, if that is a terminal: bytes read, rate and time left. It leaves nothing behind."""
    if not errors_on_terminal():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress as Bar,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    bar = Bar(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
    with bar:
        task = bar.add_task(visible(source).replace("[", "\\["), total=None, visible=False)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=total >= _WORTH_SHOWING)

        yield show


def tree(report: Report, width: int) -> list[Line]:
    """The images of a report, each with its config and its layers; on a terminal (of ``width``) digests are short."""
    images = report.facts.get("images", [])
    if not images:
        return []
    lines: list[Line] = [[(line_start(visible(report.subject)), "strong")]]
    lines += [line for image in images for line in _image(image)]
    if not width:
        return lines
    short = Digests(text for line in lines for text, _style in line).shortened
    return [[(short(text), style) for text, style in line] for line in lines]


def _image(image: dict[str, Any]) -> Iterator[Line]:
    name = f" {image['name']}" if "name" in image else ""
    about = f"{image['manifest']}{visible(name)} {visible(image.get('platform', ''))}"
    yield [("  manifest ", "frame"), (about, "")]
    if "config" in image:
        image_id = " (the ImageID)" if "image_id" in image else ""
        yield [("    config ", "frame"), (f"{visible(image['config'])}{image_id}", "")]
    for layer in image["layers"]:
        yield [("    layer  ", "frame"), (f"{visible(layer['digest'])}  {_about(layer)}", "")]
        if "diff_id" in layer:
            yield [("           diffID ", "frame"), (visible(layer["diff_id"]), "")]
            yield [("           ChainID ", "frame"), (visible(layer["chain_id"]), "")]


def _about(layer: dict[str, Any]) -> str:
    if layer.get("absent"):
        return "absent"
    parts = [_size(layer["size"])]
    if "compression" in layer:
        parts.append(f"{layer['compression']}, {_size(layer['inflated'])} inflated")
    if "entries" in layer:
        parts.append(f"{layer['entries']} entries")
    return "; ".join(parts)


def _size(number: int) -> str:
    for unit, name in _UNITS:
        if number >= unit:
            return f"{number / unit:.1f} {name}"
    return f"{number} bytes"
