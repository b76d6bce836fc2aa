"""A run seen from outside: the events of the engine become results, by the expectations, and a report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ocivalidate import resources
from ocivalidate.errors import BadCase, CannotJudge, ProtocolError, UsageError
from ocivalidate.rules.findings import Outcome, Report, Result
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.distinct import distinct
from ocivalidate.runtime.expectations import Expectation, Expectations, read, reject_unmatched
from ocivalidate.runtime.journal import Journal
from ocivalidate.runtime.kept import DumpFolder
from ocivalidate.runtime.launching import Launcher, LocalLauncher, RunningEngine
from ocivalidate.runtime.protocol import (
    Bailout,
    Begin,
    Dump,
    End,
    Event,
    Header,
    Order,
    Plan,
    Request,
)
from ocivalidate.runtime.running.loading import case_folder, case_places, load_cases
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES, judged_by, noted

SPECIFICATION = "runtime-spec"
INTERRUPTED = "interrupted"


Step = Header | Plan | Begin | Result


@dataclass(frozen=True, slots=True)
class ExpectationFiles:
    """The files of expectations to use: ``files`` and, if ``ours``, those that come with our own cases."""

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


STRANGE = "another program, such as the runtime, wrote into the engine's messages, so none of them can be trusted"


class Run:
    """One run: iterate over it for its steps, then take the report. ``launcher``: where the engine runs.

    ``journal``: what an earlier run of the same has judged, which is told first, and where the results of this one go.

    The constructor raises :class:`UsageError`, :class:`BadCase` if the cases cannot be loaded, and
    :class:`CannotJudge` if no engine can be started.
    """

    def __init__(
        self,
        request: Request,
        expecting: ExpectationFiles | None = None,
        launcher: Launcher | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._journal = journal
        if journal is not None:
            request = replace(request, done=journal.done)
        self._request = request
        self._known = (expecting or ExpectationFiles()).load(request)
        self._expected = Expectations((), "", "", "")
        self._facts: dict[str, Any] = {}
        self._results: list[Result] = []
        self._cases: list[Case] = []
        # Cases that have begun but have no result yet, in order.
        self._trying: dict[str, None] = {}
        self._problem = ""
        self._complete = False
        self._order, self._kept = Order(), DumpFolder(request.dump_dir)
        self._launcher = launcher or LocalLauncher()
        self._engine = self._started(request)
        try:
            # While the engine looks at the host and the runtime.
            if self._known:
                self._cases = load_cases(case_folder(request.cases))
                reject_unmatched(self._known, self._cases)
        except BaseException:
            self.kill()
            self._engine.wait()
            if self._journal is not None:
                self._journal.close()
            raise

    def _started(self, request: Request) -> RunningEngine:
        try:
            return self._launcher.start(request)
        except OSError as problem:
            if self._journal is not None:
                self._journal.close()
            raise CannotJudge(f"the engine of a run cannot be started: {problem}") from problem

    def __iter__(self) -> Iterator[Step]:
        try:
            for event in self._engine:
                self._order.take(event)
                if isinstance(event, Plan):
                    yield from self._planned(event)
                elif (step := self._step(event)) is not None:
                    yield step
        except ProtocolError as problem:
            # A runtime with root privileges can reach into the engine. What it forges there is no verdict.
            self._problem = f"{STRANGE} ({problem})"
            self._engine.kill()
        except UsageError as problem:
            # The journal of another build, or one that cannot be written any more.
            self._problem = str(problem)
            self._engine.kill()
        finally:
            if self._journal is not None:
                self._journal.close()
            self._kept.close()
            self._finish(self._engine.wait())

    def stop(self) -> None:
        """Begin no further case, and end the run. Safe in a signal handler."""
        self._facts["stopped"] = INTERRUPTED
        self._engine.stop()

    def kill(self) -> None:
        """End the run at once; what it leaves on the host is still removed."""
        self._facts["stopped"] = INTERRUPTED
        self._engine.kill()

    def report(self) -> Report:
        """The report of the run."""
        facts = dict(self._facts)
        if self._results:
            facts["places"] = self._places()
            runtime = facts.get("runtime", {})
            if digest := runtime.get("digest"):
                facts["digests"] = [{"name": runtime["command"][0], "digest": digest}]
        if self._request.explore:
            facts["distinct"] = [one._asdict() for one in distinct(self._results)]
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

    def _places(self) -> dict[str, str]:
        """Where the cases that were tried stand, as far as they can be loaded here."""
        try:
            places = case_places(self._request.cases, self._cases or load_cases(case_folder(self._request.cases)))
        except BadCase:
            return {}
        tried = dict.fromkeys(result.case for result in self._results)
        return {case: places[case] for case in tried if case in places}

    def _note(self) -> str:
        runtime = self._facts.get("runtime")
        if runtime is None:
            return ""
        release, claim = self._facts["release"], runtime["claim"]
        if judged_by(claim or None, RUNTIME_RELEASES).release == release:
            return ""
        return noted(release, f"the runtime claims {claim or 'no version'}")

    def _step(self, event: Event) -> Step | None:
        match event:
            case Header():
                if self._journal is not None:
                    self._journal.begin(event.runtime)
                self._facts |= event.facts
                runtime, here = event.runtime, (event.host.cgroup_mode, event.host.linux)
                self._expected = Expectations(self._known, runtime.name, runtime.version, event.release, *here)
            case Begin():
                self._trying[event.case] = None
            case Dump():
                self._kept.take(event)
                return None
            case Result():
                return self._judged(event)
            case Bailout():
                self._problem, self._facts["hint"] = event.reason, event.hint
                return None
            case End():
                self._end(event)
                return None
            case _:
                return None
        return event

    def _planned(self, plan: Plan) -> Iterator[Step]:
        """The plan with what was judged before, and the results of that."""
        before = self._journal.results if self._journal is not None else ()
        if self._journal is not None:
            self._journal.plan(plan.results)
        every = Plan((*((one.case, one.clause.id) for one in before), *plan.results))
        self._facts["planned"] = len(every.results)
        yield every
        for result in before:
            self._results.append(self._expected.judge(result))
            yield self._results[-1]

    def _judged(self, result: Result) -> Result:
        if self._journal is not None:
            self._journal.take(result)
        judged = self._expected.judge(replace(result, dump=self._kept.settle(result.case)))
        self._trying.pop(result.case, None)
        self._results.append(judged)
        return judged

    def _end(self, event: End) -> None:
        self._complete = event.complete
        if event.left:
            self._problem = f"could not remove from this host: {', '.join(event.left)}"
        self._facts |= event.facts

    def _finish(self, code: int) -> None:
        """Check that the run ended properly."""
        if self._engine.hung:
            self._problem = self._problem or self._engine.hung
        # Who said that all was done, and then broke off, may have been somebody else than the engine.
        self._complete = self._complete and code == 0
        if self._problem or self._complete:
            self._facts.pop("stopped", None)
            if code not in (0, 2):
                self._sweep()
            return
        if code == 0:
            # It was stopped, or the caller stopped iterating, and it ended properly.
            self._facts.setdefault("stopped", INTERRUPTED)
            return
        trying = f", while it tried {', '.join(self._trying)}," if self._trying else ""
        self._facts.setdefault("stopped", f"the engine ended before its work was done (exit code {code}){trying}")
        self._sweep()

    def _sweep(self) -> None:
        """Remove what an engine that broke off left."""
        self._launcher.sweep(str(self._facts.get("name", "")))
