"""The state of the container process that a seccomp supervisor gets, judged against what the kernel knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ocivalidate.bundle import check_state
from ocivalidate.rules.findings import Outcome
from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.driving.container import Container

# Member of the container process state, its type, and the clauses on that, and on its being there.
MEMBERS = (
    (
        "ociVersion",
        str,
        "config-linux.containerProcessState.ociVersion.type",
        "config-linux.containerProcessState.ociVersion.required",
    ),
    (
        "pid",
        int,
        "config-linux.containerProcessState.pid.type",
        "config-linux.containerProcessState.pid.required",
    ),
    (
        "state",
        dict,
        "config-linux.containerProcessState.state.type",
        "config-linux.containerProcessState.state.required",
    ),
)
METADATA = "some words: ü"


def count_documents(message: Any) -> int:
    """How many JSON documents came one after the other on a connection; -1 if the text is none."""
    text, decoder, count = message.text.decode("utf-8", "replace").strip(), json.JSONDecoder(), 0
    while text:
        try:
            _, end = decoder.raw_decode(text)
        except ValueError:
            return -1
        text, count = text[end:].strip(), count + 1
    return count


def judge_process_state(trial: CaseContext, container: Container, message: Any) -> None:
    """Judge what a runtime sent to a seccomp supervisor: descriptors, members, and the state of the container.

    ``message`` is what came on the connection (config-linux.md, the container process state).
    """
    state = message.state()
    trial.expect(
        "config-linux.containerProcessState.json-payload", "the payload is no JSON object", got=isinstance(state, dict)
    )
    said = state if isinstance(state, dict) else {}
    _judge_descriptors(trial, said.get("fds"), message)
    for name, kind, typed, required in MEMBERS:
        trial.expect(required, f"{name} is absent", got=name in said)
        trial.expect(typed, f"{name} is of another type", got=isinstance(said.get(name), kind))
    trial.expect(
        "config-linux.containerProcessState.pid.type",
        "pid is not that of the container process",
        got=said.get("pid"),
        want=container.pid,
    )
    metadata = said.get("metadata")
    trial.expect(
        "config-linux.containerProcessState.metadata.type", "metadata is not a string", got=isinstance(metadata, str)
    )
    trial.expect("config-linux.seccomp.listenerMetadata.sent", "metadata", got=metadata, want=METADATA)
    trial.applied("/linux/seccomp/listenerMetadata", got=metadata, want=METADATA)
    _judge_container_state(trial, container, said.get("state"))


def _judge_descriptors(trial: CaseContext, names: Any, message: Any) -> None:
    """``fds`` names the descriptors that came with the first part of the message, and a listener is among them."""
    trial.expect("config-linux.containerProcessState.fds.type", "fds is not an array", got=isinstance(names, list))
    came = message.descriptors
    trial.expect_that(
        "config-linux.containerProcessState.scm-rights",
        "no descriptor came",
        held=bool(came),
        got=len(came),
        want="at least 1",
    )
    later = [len(with_it) for _, with_it in message.parts[1:]]
    trial.expect(
        "config-linux.containerProcessState.fds-first-call",
        "descriptors came after the first call",
        got=sum(later),
        want=0,
    )
    listed = names if isinstance(names, list) else []
    trial.expect("config-linux.seccomp.listener.seccompFd.required", "seccompFd in fds", got="seccompFd" in listed)
    place = listed.index("seccompFd") if "seccompFd" in listed else -1
    link = _link(came[place]) if 0 <= place < len(came) else "nothing"
    trial.expect_that(
        "config-linux.containerProcessState.fds.order",
        "the descriptor at the index of seccompFd is not a seccomp listener",
        held="seccomp notify" in link and len(listed) == len(came),
        got=link,
        want="a seccomp listener",
    )


def _judge_container_state(trial: CaseContext, container: Container, state: Any) -> None:
    """``state`` is a valid state, of this container."""
    file = trial.folder / "state.json"
    file.write_text(json.dumps(state), encoding="utf-8")
    report = check_state(str(file))
    broken = [result.clause.id for result in report.results if result.outcome is Outcome.FAIL]
    trial.expect(
        "config-linux.containerProcessState.state.type", "state is not a valid container state", got=broken, want=[]
    )
    whose = (state or {}).get("id") if not broken else None
    trial.expect(
        "config-linux.containerProcessState.state.type", "state is that of another", got=whose, want=container.id
    )


def _link(descriptor: int) -> str:
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())
