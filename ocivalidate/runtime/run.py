"""A run seen from outside: the events of the engine become results, in the light of what is expected, and a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocivalidate import resources
from ocivalidate.rules.findings import Outcome, Report, Result
from ocivalidate.runtime.expectations import Expectation, Expectations, read, reject_unmatched
from ocivalidate.runtime.kernel import cgroups
from ocivalidate.runtime.request import EngineProcess, Request
from ocivalidate.runtime.running import sweeping
from ocivalidate.runtime.running.events import result_of
from ocivalidate.runtime.running.loading import case_folder, load_cases
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES, judged_by, noted

SPECIFICATION = "runtime-spec"
INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Header:
    """What is known before anything runs: facts on the host and the runtime."""

    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """The case and the clause of each result that will come, in order."""

    results: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Begin:
    """A case begins."""

    case: str


Step = Header | Plan | Begin | Result


@dataclass(frozen=True, slots=True)
class ExpectationFiles:
    """Which files of expectations count: ``files``, and (``ours``) those that come with our own cases."""

    files: tuple[str, ...] = ()
    ours: bool = True

    def load(self, request: Request) -> list[Expectation]:
        """Raises :class:`UsageError`."""
        ours = own_expectations() if self.ours and not request.cases else []
        return ours + [one for file in self.files for one in read(file)]


def own_expectations() -> list[Expectation]:
    """Those that come with our own cases. Raises :class:`UsageError`."""
    folder = resources.folder("conformance") / "expectations"
    return [one for file in sorted(folder.glob("*.toml")) for one in read(str(file))]


STRANGE = "something else than the engine writes where the engine does, such as the runtime: nothing it says counts"


class Run:
    """One run: iterate over it for its steps, then take the report.

    To make one raises :class:`UsageError`, and :class:`BadCase` where the cases cannot be loaded.
    """

    def __init__(self, request: Request, expecting: ExpectationFiles | None = None) -> None:
        self._request = request
        self._known = (expecting or ExpectationFiles()).load(request)
        self._expected = Expectations((), "", "", "")
        self._facts: dict[str, Any] = {}
        self._results: list[Result] = []
        # Cases that have begun and of which there is no result yet, in this order.
        self._trying: dict[str, None] = {}
        self._problem = ""
        self._complete = False
        self._engine = EngineProcess(request)
        try:
            # While the engine looks at the host and the runtime.
            if self._known:
                reject_unmatched(self._known, load_cases(case_folder(request.cases)))
        except BaseException:
            self.kill()
            self._engine.wait()
            raise

    def __iter__(self) -> Iterator[Step]:
        try:
            for event in self._engine:
                try:
                    step = self._step(event)
                except (KeyError, TypeError, ValueError, AttributeError):
                    # A runtime that is root can reach into the engine. What it makes it say is no verdict.
                    self._problem = STRANGE
                    self._engine.kill()
                    return
                if step is not None:
                    yield step
        finally:
            self._finish(self._engine.wait())

    def stop(self) -> None:
        """Have the run begin no further case and come to its end; a signal handler may call it."""
        self._facts["stopped"] = INTERRUPTED
        self._engine.stop()

    def kill(self) -> None:
        """End the run at once; what it leaves on the host is removed all the same."""
        self._facts["stopped"] = INTERRUPTED
        self._engine.kill()

    def report(self) -> Report:
        """All that the run came to."""
        facts = dict(self._facts)
        if "stopped" in facts:
            facts["stopped"] += f" after {len(self._results)} of {facts.get('planned', 0)} results"
        return Report(
            kind="runtime",
            subject=self._request.runtime,
            specification=SPECIFICATION,
            release=self._facts.get("release", ""),
            release_note=self._note(),
            platforms=("linux",),
            results=tuple(self._results),
            findings=tuple(finding for one in self._results if one.outcome is Outcome.FAIL for finding in one.findings),
            problem=self._problem,
            facts=facts,
            complete=self._complete or bool(self._problem),
        )

    def _note(self) -> str:
        runtime = self._facts.get("runtime")
        if runtime is None:
            return ""
        release, claim = self._facts["release"], runtime["claim"]
        if judged_by(claim or None, RUNTIME_RELEASES).release == release:
            return ""
        return noted(release, f"the runtime claims {claim or 'no version'}")

    def _step(self, event: Mapping[str, Any]) -> Step | None:
        match event["event"]:
            case "header":
                self._facts |= {name: value for name, value in event.items() if name != "event"}
                runtime = self._facts["runtime"]
                release, mode = self._facts["release"], self._facts["host"]["cgroup_mode"]
                self._expected = Expectations(self._known, runtime["name"], runtime["version"], release, mode)
                return Header(dict(self._facts))
            case "plan":
                planned = [(case, clause) for case, clause in event["results"]]
                self._facts["planned"] = len(planned)
                return Plan(planned)
            case "begin":
                self._trying[event["case"]] = None
                return Begin(event["case"])
            case "result":
                result = self._expected.judge(result_of(event))
                self._trying.pop(result.case, None)
                self._results.append(result)
                return result
            case "bailout":
                self._problem, self._facts["hint"] = event["reason"], event["hint"]
            case "end":
                self._end(event)
            case _:
                raise ValueError("no event of the engine")
        return None

    def _end(self, event: Mapping[str, Any]) -> None:
        self._complete = event["complete"]
        if event["left"]:
            self._problem = f"could not be removed from this host: {', '.join(event['left'])}"
        self._facts |= {name: value for name, value in event.items() if name not in ("event", "complete", "left")}

    def _finish(self, code: int) -> None:
        """See to it that the run ended as it should."""
        if self._engine.hung:
            self._problem = self._problem or self._engine.hung
        if self._problem or self._complete:
            self._facts.pop("stopped", None)
            if code not in (0, 2):
                self._sweep()
            return
        if code == 0:
            # It was stopped, or nobody wanted to hear the rest, and came to its end in order.
            self._facts.setdefault("stopped", INTERRUPTED)
            return
        trying = f", while it tried {', '.join(self._trying)}," if self._trying else ""
        self._facts.setdefault("stopped", f"the engine ended before its work was done (exit code {code}){trying}")
        self._sweep()

    def _sweep(self) -> None:
        """Remove what an engine left that did not come to its end."""
        sweeping.sweep_after(str(self._facts.get("name", "")), cgroups.layout())
