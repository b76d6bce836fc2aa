"""Cases on resource control, on a folder in place of /sys/fs/resctrl, and a fake that does a runtime's work there."""

from __future__ import annotations

import functools
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ocivalidate import resources
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.findings import Outcome
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.driving import operations
from ocivalidate.runtime.driving.driver import Call
from ocivalidate.runtime.driving.subject import APPLIES
from ocivalidate.runtime.running.attempt import attempt
from ocivalidate.runtime.running.loading import load_cases
from ocivalidate.runtime.running.planning import plan
from tests.unit import faking
from tests.unit.faking import Faked

SCHEMATA = "L3:0=ffff\nMB:0=100\n"


class Resctrl:
    """What a runtime does with intelRdt, around a fake that knows nothing of it. ``fault``: what it does wrong."""

    def __init__(self, root: Path, fault: str = "") -> None:
        self.root, self.fault = root, fault
        self.made: set[str] = set()
        self.make(root)

    def make(self, folder: Path) -> None:
        """Make a class, as the kernel does when a folder is made."""
        folder.mkdir()
        (folder / "schemata").write_text(SCHEMATA, encoding="ascii")
        (folder / "tasks").touch()

    def call(self, argv: Sequence[str], **more: Any) -> Call:
        """An operation of the runtime."""
        if "create" in argv:
            return self._create(list(argv), more)
        done = faking.forked(argv, **more)
        if "delete" in argv and done.ok:
            self._deleted()
        return done

    def _create(self, argv: list[str], more: Mapping[str, Any]) -> Call:
        path = Path(argv[argv.index("--bundle") + 1], "config.json")
        before = path.read_text(encoding="utf-8")
        config = json.loads(before)
        rdt = config["linux"].pop("intelRdt", None)
        name = (rdt or {}).get("closID", argv[-1])
        if rdt is not None and "closID" in rdt and not self._folder(name).is_dir() and self.fault != "takes any class":
            return Call(tuple(argv), 1, "", "no such class", 0.0)
        path.write_text(json.dumps(config), encoding="utf-8")
        done = faking.forked(argv, **more)
        path.write_text(before, encoding="utf-8")
        if done.ok and rdt is not None:
            self._place(name, rdt, Path(argv[argv.index("--pid-file") + 1]).read_text(encoding="ascii"))
        if done.ok and rdt is None and self.fault == "touches":
            self.make(self.root / "strange")
        return done

    def _folder(self, name: str) -> Path:
        return self.root / name.strip("/")

    def _place(self, name: str, rdt: Mapping[str, str], pid: str) -> None:
        folder = self._folder("elsewhere" if self.fault == "another name" else name)
        if not folder.is_dir():
            self.make(folder)
            self.made.add(folder.name)
        if self.fault != "no pid":
            with (folder / "tasks").open("a", encoding="ascii") as file:
                file.write(f"{pid}\n")
        if "l3CacheSchema" in rdt and self.fault == "no schema":
            (folder / "schemata").write_text("L3:0=f\n", encoding="ascii")
        if "l3CacheSchema" not in rdt and self.fault == "writes a schema":
            (folder / "schemata").write_text("L3:0=f\n", encoding="ascii")

    def _deleted(self) -> None:
        gone = {*self.made} if self.fault != "keeps its own" else set()
        if self.fault == "removes all":
            gone |= {folder.name for folder in self.root.iterdir() if folder.is_dir()}
        for name in gone:
            shutil.rmtree(self._folder(name))
        self.made -= gone


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faked]:
    yield from faking.faked(tmp_path_factory.mktemp("fake"))


Try = Callable[[str, str], dict[str, Outcome]]


@pytest.fixture
def tried(fake: Faked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Try:
    every = {one.id: one for one in load_cases(resources.folder("conformance")) if one.id.startswith("resctrl.")}

    def tries(case_id: str, fault: str) -> dict[str, Outcome]:
        case: Case = replace(every[f"resctrl.{case_id}"], needs=())
        kernel = Resctrl(tmp_path / "resctrl", fault)
        there = {
            "RESCTRL": kernel.root,
            "make": kernel.make,
            "remove": functools.partial(shutil.rmtree, ignore_errors=True),
        }
        for name, value in there.items():
            monkeypatch.setitem(case.run.__globals__, name, value)
        monkeypatch.setattr(operations, "call", kernel.call)
        features = dict(fake.stage.subject.features or {})
        said = f"{features['annotations'][APPLIES]} {' '.join(case.sets)}"
        features["annotations"] = {**features["annotations"], APPLIES: said}
        subject = replace(fake.stage.subject, features=features, release="1.3.0", oci_version="1.3.0")
        folder = Path(tempfile.mkdtemp(dir=fake.stage.folder))
        [planned] = plan([case], "1.3.0", Selection())
        stage = replace(fake.stage, subject=subject, folder=folder, accepted=set())
        results = attempt(stage, planned.case, planned.clauses).results
        return {result.clause.id.rpartition("intelRdt.")[2]: result.outcome for result in results}

    return tries


@pytest.mark.skipif(sys.platform != "linux", reason="containers are of Linux")
@pytest.mark.parametrize("case_id", ["class-of-its-own", "class-that-is-there", "without-it-nothing-is-touched"])
def test_what_a_runtime_does_right_passes(tried: Try, case_id: str) -> None:
    assert set(tried(case_id, "").values()) == {Outcome.PASS}


@pytest.mark.skipif(sys.platform != "linux", reason="containers are of Linux")
@pytest.mark.parametrize(
    ("fault", "case_id", "clause"),
    [
        ("no pid", "class-of-its-own", "write-pid"),
        ("another name", "class-of-its-own", "default-closid"),
        ("no schema", "class-of-its-own", "one-schema-written"),
        ("keeps its own", "class-of-its-own", "remove-created"),
        ("no pid", "class-that-is-there", "closid-only-assign"),
        ("no pid", "class-that-is-there", "closID.root"),
        ("takes any class", "class-that-is-there", "closid-only-check"),
        ("removes all", "class-that-is-there", "keep-preexisting"),
        ("writes a schema", "class-that-is-there", "no-schema-no-write"),
        ("touches", "without-it-nothing-is-touched", "unset-untouched"),
    ],
)
def test_what_it_does_wrong_fails(tried: Try, fault: str, case_id: str, clause: str) -> None:
    assert tried(case_id, fault)[clause] is Outcome.FAIL
