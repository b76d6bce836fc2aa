"""Judging an image takes time that grows with the image: what once took the square of it, and what comes near.

``benchmarks/growth.py`` measures every dimension, in larger samples.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from benchmarks.growth_samples import IMAGES
from ocivalidate.image.api import check_image

# Dimension → how many things the smaller sample has.
ONCE_SQUARE = {
    "absent descriptors": 200,
    "descriptors without a platform": 200,
    "descriptors of the empty type": 100,
    "descriptors with data": 100,
    "wrong platforms": 100,
    "wrong sizes": 200,
    "one layer of a wrong type many times": 200,
    "layers": 100,
    "hard links across layers": 20,
    "one layer of links many times": 25,
    "manifests of one config": 30,
    "archive paths deeper and deeper": 200,
    "archive of links to links": 500,
    "archive of one image many times": 150,
}
_TIMES = 6


def seconds(path: Path) -> float:
    """The CPU seconds of the best of a few runs: others on the machine make it longer, never shorter."""
    taken = []
    for _again in range(2):
        start = time.process_time()
        check_image(str(path))
        taken.append(time.process_time() - start)
    return min(taken)


@pytest.mark.parametrize(("name", "number"), ONCE_SQUARE.items(), ids=ONCE_SQUARE)
def test_time_grows_with_the_image(name: str, number: int, tmp_path: Path) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    small.mkdir()
    large.mkdir()
    first = seconds(IMAGES[name](small, number))
    second = seconds(IMAGES[name](large, number * _TIMES))
    # The square would be 36 times as much.
    assert second < 2 * _TIMES * first + 0.02
