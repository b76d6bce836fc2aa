"""What is told of an image does not depend on the order in which an index lists what is in it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from fixtures.layouts import Image, Index, Layer, Layout, tar, to_json
from fixtures.layouts.tars import Entry
from ocivalidate.image.api import check_image

Json = dict[str, Any]
OCI = "application/vnd.oci.image."
TYPES = [
    f"{OCI}manifest.v1+json",
    f"{OCI}index.v1+json",
    f"{OCI}config.v1+json",
    f"{OCI}layer.v1.tar+gzip",
    f"{OCI}layer.v1.tar",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.empty.v1+json",
    "application/x",
]
PLATFORMS = [None, {"architecture": "amd64", "os": "linux"}, {"architecture": "arm64", "os": "linux"}]


def base() -> tuple[Layout, list[Json]]:
    """A layout with an index in an index, and descriptors of every blob in it."""
    layout = Layout(Index((Index((Image((Layer(tar([Entry("a", b"x")])),), name=None),), name="all"),)))
    layout.add(b'{"manifests":[],"layers":[],"config":{}}', "application/x")
    blobs = sorted(path for path in layout.files if path.startswith("blobs/"))
    return layout, [{"digest": "sha256:" + path.rpartition("/")[2], "size": len(layout.files[path])} for path in blobs]


LAYOUT, BLOBS = base()
# As a manifest, as a config or as a layer: the first three types are drawn more often than those of others.
KINDS = st.sampled_from(TYPES[:3]) | st.sampled_from(TYPES)
DESCRIPTORS = st.builds(
    lambda blob, kind, more, platform: (
        {"mediaType": kind, "digest": blob["digest"], "size": blob["size"] + more}
        | ({"platform": platform} if platform else {})
    ),
    st.sampled_from(BLOBS),
    KINDS,
    st.sampled_from([0, 0, 1]),
    st.sampled_from(PLATFORMS),
)
MANIFESTS = st.builds(
    lambda config, layers, subject: (
        {"schemaVersion": 2, "mediaType": TYPES[0], "artifactType": "application/x", "config": config, "layers": layers}
        | ({"subject": subject} if subject else {})
    ),
    DESCRIPTORS,
    st.lists(DESCRIPTORS, min_size=1, max_size=2),
    st.none() | DESCRIPTORS,
)


def told(entries: list[Json], manifests: list[Json], order: list[int], target: Path) -> list[Any]:
    """What is found where: in index.json by which of the entries it is."""
    layout = Layout()
    layout.files = dict(LAYOUT.files)
    listed = [*entries, *(layout.add(to_json(manifest), TYPES[0]) for manifest in manifests)]
    index = json.loads(LAYOUT.files["index.json"])
    listed += index["manifests"]
    layout.edit("index.json", lambda found: found.update(manifests=[listed[number] for number in order]))
    report = check_image(str(layout.write(target)))
    found = []
    for finding in report.findings:
        place, pointer = finding.location, finding.location.pointer or ""
        match = re.match("/manifests/([0-9]+)(.*)", pointer) if place.file.endswith("index.json") else None
        where = f"entry {order[int(match[1])]}{match[2]}" if match else pointer
        message = re.sub(r"manifests\[[0-9]+\]", "manifests[]", finding.message)
        found.append((finding.clause.id, where, place.file.rpartition("/")[2], message, finding.got, finding.want))
    return [sorted(found), {result.clause.id: result.outcome for result in report.results}]


MANIFEST = next(blob for blob in BLOBS if b'"layers":[{' in LAYOUT.files["blobs/" + blob["digest"].replace(":", "/")])
AS_CONFIG = {
    "schemaVersion": 2,
    "mediaType": TYPES[0],
    "config": MANIFEST | {"mediaType": TYPES[2]},
    "layers": [MANIFEST | {"mediaType": "application/x"}],
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    entries=st.lists(DESCRIPTORS, min_size=1, max_size=4),
    manifests=st.lists(MANIFESTS, min_size=1, max_size=3),
    order=st.permutations(range(8)),
)
@example(entries=[MANIFEST | {"mediaType": TYPES[0]}], manifests=[AS_CONFIG], order=[1, 0, 2])
def test_the_order_of_an_index_decides_nothing(
    entries: list[Json], manifests: list[Json], order: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    number = len(entries) + len(manifests) + 1
    target = tmp_path_factory.mktemp("order")
    one = told(entries, manifests, list(range(number)), target / "one")
    assert told(entries, manifests, [place for place in order if place < number], target / "other") == one
