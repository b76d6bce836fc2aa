"""Which values of ociVersion a runtime accepts."""

from __future__ import annotations

import json
from typing import Any

from ocivalidate.runtime import RUNTIME_RELEASES, CaseContext, case

INVALID_ERROR = "config.valid-values.invalid-error"
# No SemVer 2.0.0 version by any reading. Runtimes that look at the major number alone are many ("1.0", "v1.0.0").
NO_VERSIONS: dict[str, Any] = {"empty": "", "a word": "invalid", "a number": 1.0}


def _with_version(trial: CaseContext, version: Any) -> dict[str, Any]:
    return trial.config("wait") | {"ociVersion": version}


@case("runtime.create.creates", needs=["root"])
def earlier_releases(trial: CaseContext) -> None:
    """A config of any release up to the one that the runtime claims is accepted: they are compatible."""
    bundle = trial.bundle(trial.config("wait"))
    for version in filter(trial.holds, RUNTIME_RELEASES):
        trial.rewrite(bundle, _with_version(trial, version))
        container = trial.container(bundle=bundle)
        created = container.create()
        message = f"a config of {version} is refused: {created.last_error_line}"
        trial.expect("runtime.create.creates", message, got=created.ok, want=True)
        container.clean_up()


ACCEPTED = {
    "ociVersionMin": "features.ociVersionMin.accepted",
    "ociVersionMax": "features.ociVersionMax.accepted",
}


@case(*ACCEPTED.values(), needs=["root", "features"])
def claimed_versions(trial: CaseContext) -> None:
    """The oldest and the newest version that the runtime claims to know are accepted, as it words them."""
    for name, clause in ACCEPTED.items():
        claimed = (trial.subject.features or {}).get(name)
        container = trial.container(_with_version(trial, claimed))
        created = container.create()
        message = f"{name} {json.dumps(claimed)} is refused as ociVersion: {created.last_error_line}"
        trial.expect(clause, message, got=created.ok and bool(claimed), want=True)
        state = container.state() if created.ok else {}
        trial.expect(clause, "no container comes of it", got=state.get("status"), want="created")


@case(INVALID_ERROR, needs=["root"])
def no_version(trial: CaseContext) -> None:
    """What is no SemVer version is refused."""
    config = trial.config("wait")
    trial.control(config)
    bundle = trial.bundle(config)
    for what, version in NO_VERSIONS.items():
        _is_refused(trial, bundle, _with_version(trial, version), f"{what}, {json.dumps(version)}, is accepted")


@case(INVALID_ERROR, needs=["root"])
def no_version_at_all(trial: CaseContext) -> None:
    """A config without ociVersion is refused."""
    config = trial.config("wait")
    trial.control(config)
    bundle = trial.bundle(config)
    _is_refused(
        trial, bundle, {name: config[name] for name in config if name != "ociVersion"}, "no ociVersion is accepted"
    )


@case(INVALID_ERROR, needs=["root"])
def later_major(trial: CaseContext) -> None:
    """A major version that nobody has written, and with which nothing is compatible, is refused."""
    config = trial.config("wait")
    trial.control(config)
    bundle = trial.bundle(config)
    for version in ("2.0.0", "99.0.0"):
        _is_refused(trial, bundle, _with_version(trial, version), f"the unknown major version {version} is accepted")


def _is_refused(trial: CaseContext, bundle: Any, config: dict[str, Any], message: str) -> None:
    trial.rewrite(bundle, config)
    container = trial.container(bundle=bundle)
    created = container.create()
    got = "created" if created.ok else created.last_error_line
    trial.expect_that(INVALID_ERROR, message, held=created.refused, got=got, want="an error", pointer="/ociVersion")
    container.clean_up()
