"""The targets of ``run.py``: each is given bytes, and does with them what a command does."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from ocivalidate.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import atheris  # noqa: E402  # whatever is imported below is watched

IMAGES = 10_000
MEMORY_MAY_GROW = 8 << 20

with atheris.instrument_imports(include=["ocivalidate"]):
    from ocivalidate.bundle.api import check_config, check_features, check_state
    from ocivalidate.cli.dashes import DashParser
    from ocivalidate.cli.oci_gen import main as generate
    from ocivalidate.cli.settings import add_options, settle
    from ocivalidate.image import check_image
    from ocivalidate.report import FORMATS, Options, render
    from ocivalidate.rules.clauses import Selection
    from ocivalidate.rules.findings import exit_code

from fixtures.layouts import Entry, tars  # noqa: E402

FOLDER = Path(tempfile.mkdtemp(prefix="input.", dir="."))


def documents(data: bytes) -> None:
    """A config, a state and a features structure, in every format."""
    file = FOLDER / "document.json"
    file.write_bytes(data)
    reports = [check_config(data, selection=Selection(lint=True)), check_state(str(file)), check_features(str(file))]
    for name in FORMATS:
        render(name, reports, Options(verbose=2)).encode()
    assert exit_code(reports) in (0, 1, 2)


def images(data: bytes) -> None:
    """Bytes as an archive or as a document of image-spec, in every format."""
    file = FOLDER / "image"
    file.write_bytes(data)
    report = check_image(str(file))
    for name in FORMATS:
        render(name, [report], Options(verbose=2)).encode()


def archives(data: bytes) -> None:
    """Bytes as the content, the name and the headers of entries of an archive."""
    head, _, rest = data.partition(b"\n")
    name = head[:90].decode("latin-1").replace("\0", "") or "index.json"
    whole = tars.tar(
        [Entry("oci-layout", b'{"imageLayoutVersion": "1.0.0"}'), Entry("index.json", rest), Entry(name, data)]
    )
    images(whole[: -1 - data[-1] * 8] + data if data[-1:] > b"\x80" else whole)


def options(data: bytes) -> None:
    """A command line of oci-gen, an argument a line."""
    arguments = [text for text in data.decode("utf-8", "replace").replace("\0", "").split("\n") if text != "--output"]
    if any(text.startswith(("--output", "-o", "--template", "--")) and "=/" in text for text in arguments):
        return
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()) as errors:
        code = generate(arguments, "oci-gen")
    assert code in (0, 1, 2)
    assert "internal error" not in errors.getvalue(), errors.getvalue()


def settings(data: bytes) -> None:
    """Bytes as a settings file: one that the command line names, the nearest one, and the table of a project."""
    parser = DashParser()
    add_options(parser)
    for name, before in (("ocivalidate.toml", b""), ("pyproject.toml", b"[tool.ocivalidate]\n")):
        file = FOLDER.resolve() / name
        file.write_bytes(before + data)
        with contextlib.chdir(FOLDER):
            for arguments in (["--config", str(file)], []):
                with contextlib.suppress(UsageError):
                    assert settle(parser.parse_args(arguments)).selection.level
        file.unlink()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "documents": documents,
    "images": images,
    "archives": archives,
    "options": options,
    "settings": settings,
}


def memory() -> int:
    """Judge many images in one process; the resident memory of the second half is that of the first."""
    samples = [
        tars.tar([Entry("index.json", b'{"manifests": [{}]}')]),
        tars.gzip(bytes(4096)),
        b"\x28\xb5\x2f\xfd" + bytes(90),
    ]
    first = 0
    for number in range(IMAGES):
        file = FOLDER / "image"
        file.write_bytes(samples[number % len(samples)])
        check_image(str(file))
        if number == IMAGES // 2:
            first = _resident()
    grown = _resident() - first
    print(f"{IMAGES} images: {_resident() >> 20} MB, {grown / 1024:.0f} KB more than after half of them")
    return 1 if grown > MEMORY_MAY_GROW else 0


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    wanted = sys.argv.pop(1)
    if wanted == "memory":
        sys.exit(memory())
    atheris.Setup(sys.argv, TARGETS[wanted])
    atheris.Fuzz()
