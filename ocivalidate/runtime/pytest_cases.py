"""Cases as pytest items, tried in the pytest process itself."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from ocivalidate.errors import BadCase, CannotJudge, RuntimeFailed, UsageError
from ocivalidate.rules.clauses import Clause, Selection
from ocivalidate.rules.findings import Outcome, Result
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.expectations import Expectation, Expectations, read, reject_unmatched
from ocivalidate.runtime.kernel import isolation
from ocivalidate.runtime.options import RuntimeOptions, expectation_files, refuse_unknown_needs, request_of
from ocivalidate.runtime.run import own_expectations
from ocivalidate.runtime.running.attempt import Attempt, attempt
from ocivalidate.runtime.running.loading import case_folder, cases_of, load_cases, may_hold_cases
from ocivalidate.runtime.running.planning import plan
from ocivalidate.runtime.running.session import Session, Setup
from ocivalidate.runtime.running.watchdog import GRACE, stack

# What every module of cases contains; other modules that pytest visits are not even loaded.
_MARK = b"ocivalidate.runtime"


class Conformance:
    """The plugin object of a pytest run. One session serves all cases, from the first to the end of the run."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        if os.geteuid() == 0:
            # Before anything reads mounts, or starts a thread.
            isolation.private_mounts()
        self._session: Session | None = None
        self._expected = Expectations((), "", "", "")
        self.selection = Selection(spec_version=config.getoption("--oci-spec-version"))
        self.options = RuntimeOptions(
            arguments=tuple(config.getoption("--oci-runtime-arg") or ()),
            rootfs=config.getoption("--oci-rootfs"),
            require=tuple(config.getoption("--oci-require") or ()),
            expectations=tuple(config.getoption("--oci-expectations") or ()),
            own_expectations=not config.getoption("--no-oci-expectations"),
            strict=config.getoption("--oci-strict"),
        )
        try:
            refuse_unknown_needs(self.options.require, "--oci-require")
            self._known = self._load_expectations()
        except (UsageError, BadCase) as problem:
            raise pytest.UsageError(str(problem)) from problem

    def _load_expectations(self) -> list[Expectation]:
        known: list[Expectation] = []
        if self.options.own_expectations:
            known = own_expectations()
            reject_unmatched(known, load_cases(case_folder(None)))
        # Entries of a user's file may name cases that are not ours.
        return known + [one for file in expectation_files(self.options).files for one in read(file)]

    def pytest_report_header(self) -> str:
        """Say what is judged."""
        return f"oci-runtime: {self._config.getoption('--oci-runtime')}"

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> CaseFile | None:
        """Collect modules of cases."""
        if not may_hold_cases(file_path) or _MARK not in file_path.read_bytes():
            return None
        file: CaseFile = CaseFile.from_parent(parent, path=file_path)
        file.conformance = self
        return file

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Move the cases that look at the effects of all others to the end."""
        items.sort(key=lambda item: isinstance(item, CaseItem) and item.case.last)

    @property
    def session(self) -> Session:
        """The session, opened by the first case."""
        if self._session is None:
            request = request_of(self._config.getoption("--oci-runtime"), self.selection, self.options)
            self._session = Session(Setup(request))
            try:
                self._session.open()
                self._session.smoke()
            except CannotJudge as problem:
                hint = f" ({problem.hint})" if problem.hint else ""
                pytest.exit(f"cannot judge {request.runtime}: {problem}{hint}", returncode=2)
            stage = self._session.stage
            subject, here = stage.subject, (stage.layout.mode, stage.host.linux)
            self._expected = Expectations(self._known, subject.name, subject.version, subject.release, *here)
        return self._session

    def try_case(self, case: Case) -> list[Result]:
        """Try a case, and return its results after applying the expectations."""
        stage = self.session.stage
        for planned in plan([case], stage.subject.release, Selection()):
            done: list[Attempt] = []

            def work(done: list[Attempt] = done, clauses: tuple[Clause, ...] = planned.clauses) -> None:
                done.append(attempt(stage, case, clauses, self.options.require))

            thread = threading.Thread(target=work, daemon=True)
            thread.start()
            thread.join((case.timeout + GRACE) * stage.pace)
            if not done:
                raise CannotJudge(f"{case.id} hangs in {stack(thread.ident or 0)}")
            return [self._expected.judge(result) for result in done[0].results]
        return []

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the runtime and the release that it was judged by."""
        if self._session is not None:
            subject = self._session.stage.subject
            name = " ".join(filter(None, (subject.name, subject.version))) or subject.command[0]
            terminalreporter.write_line(f"{_plain(name)}, judged by runtime-spec {subject.release}")

    def pytest_unconfigure(self) -> None:
        """Remove everything that was created."""
        if self._session is not None:
            left = self._session.close()
            self._session = None
            if left:
                raise CannotJudge(f"could not remove from this host: {', '.join(left)}")


class CaseFile(pytest.File):
    """A module of cases."""

    conformance: Conformance

    def collect(self) -> Iterator[CaseItem]:
        """An item for each case."""
        try:
            cases = [*cases_of(self.path)]
        except BadCase as problem:
            raise self.CollectError(str(problem)) from problem
        for case in cases:
            item: CaseItem = CaseItem.from_parent(self, name=case.id)
            item.case, item.conformance = case, self.conformance
            yield item


class CaseItem(pytest.Item):
    """A case. It is tried in the setup of the item, so that what cannot be judged is a pytest error, not a failure."""

    case: Case
    conformance: Conformance

    def setup(self) -> None:
        """Try the case."""
        self._results = self.conformance.try_case(self.case)
        broken = _of(self._results, Outcome.ERROR)
        if broken:
            raise CannotJudge("\n".join(f"{result.clause.id}: {result.reason}" for result in broken))

    def runtest(self) -> None:
        """Report its outcome."""
        failed = [line for result in self._results for line in _told(result)]
        if failed:
            raise RuntimeFailed("\n".join(failed))
        expected = _of(self._results, Outcome.XFAIL)
        if expected:
            pytest.xfail("; ".join(dict.fromkeys(result.reason for result in expected)))
        if not _of(self._results, Outcome.PASS):
            reasons = dict.fromkeys(result.reason for result in self._results)
            pytest.skip("; ".join(reasons) or "the release judged by has none of its clauses")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """The text of a failure, without our own traceback."""
        if isinstance(excinfo.value, RuntimeFailed | CannotJudge):
            return "\n".join(_plain(line) for line in str(excinfo.value).split("\n"))
        return str(super().repr_failure(excinfo, style))  # type: ignore[arg-type]  # as it came

    def reportinfo(self) -> tuple[Path, int, str]:
        """The location and the name of the case."""
        return self.path, self.case.run.__code__.co_firstlineno - 1, self.case.id


def _of(results: Iterable[Result], outcome: Outcome) -> list[Result]:
    return [result for result in results if result.outcome is outcome]


def _told(result: Result) -> Iterator[str]:
    """The lines on what makes an item fail."""
    if result.outcome is Outcome.XPASS:
        yield f"{result.clause.id}: passed although it is expected to fail: remove {result.reason}"
    if result.outcome is Outcome.FAIL:
        for finding in result.findings:
            yield f"{result.clause.id}: {finding.message}"
            yield from (
                f"    {name}: {value}" for name, value in (("got", finding.got), ("want", finding.want)) if value
            )


def _plain(text: str) -> str:
    """Text of a runtime, made safe for a terminal."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
