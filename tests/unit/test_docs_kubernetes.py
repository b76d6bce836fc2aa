"""The manifests for Kubernetes in docs/audit.md are YAML, fit together, and call commands that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from ocivalidate.cli.completing import parser_of

yaml = pytest.importorskip("yaml")
DOCS = Path(__file__).parents[2] / "docs/audit.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)


def documents() -> list[dict[str, Any]]:
    return [one for block in BLOCKS for one in yaml.safe_load_all(block)]


def containers() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each container with the specification of its pod."""
    pods = [one["spec"]["template"]["spec"] for one in documents() if one["kind"] in ("Job", "Deployment")]
    return [(container, pod) for pod in pods for container in pod["containers"]]


def words(container: dict[str, Any]) -> list[str]:
    """The command line, as the shell of the container makes it."""
    command = [*container["command"], *container.get("args", ())]
    if command[:2] != ["/bin/sh", "-c"]:
        return command
    [script] = command[2:]
    script = script.replace("$((JOB_COMPLETION_INDEX + 1))", "1").replace("$N", "1")
    return shlex.split(script.partition("exec ")[2])


def test_every_document_says_what_it_is() -> None:
    kinds = [(one["apiVersion"], one["kind"]) for one in documents()]
    assert kinds == [
        ("batch/v1", "Job"),
        ("v1", "Service"),
        ("apps/v1", "Deployment"),
        ("apps/v1", "Deployment"),
        ("batch/v1", "Job"),
    ]


def test_selectors_find_their_pods() -> None:
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in documents() if one["kind"] == "Deployment"]
    for one in documents():
        if one["kind"] == "Deployment":
            assert one["spec"]["selector"]["matchLabels"] == one["spec"]["template"]["metadata"]["labels"]
        if one["kind"] == "Service":
            assert one["spec"]["selector"] in labels


def test_what_is_mounted_is_a_volume() -> None:
    for container, pod in containers():
        volumes = {one["name"] for one in pod.get("volumes", ())}
        assert {one["name"] for one in container.get("volumeMounts", ())} <= volumes


def test_the_commands_are_ours_and_take_these_options() -> None:
    called = [line for container, _pod in containers() if (line := words(container))[0] == "ocivalidate"]
    assert len(called) == 2
    for line in called:
        options = parser_of("ocivalidate").parse_args(line[1:])
        assert options.journal.startswith("/audit/")


def test_shards_are_as_many_as_pods() -> None:
    job = documents()[0]["spec"]
    assert job["completionMode"] == "Indexed"
    [line] = [words(one) for one in job["template"]["spec"]["containers"]]
    assert line[line.index("--shard") + 1] == f"1/{job['completions']}"


def test_workers_are_told_where_the_scheduler_is() -> None:
    service = next(one for one in documents() if one["kind"] == "Service")
    place = f"{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"
    lines = [" ".join(words(container)) for container, _pod in containers()]
    assert [line for line in lines if f"tcp://{place}" in line]
    assert [line for line in lines if f"dask://{place}" in line]
