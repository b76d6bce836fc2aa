"""Known deviations of named runtimes: what is expected to fail, and why.

A file names its ``runtime`` and has an entry ``[[expect]]`` for each deviation. Expectations are strict. An entry that
applies although nothing fails is itself a failure (unless it says ``sometimes``). An entry that matches no case
or clause, has no reason or has expired stops the run before it begins.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from ocivalidate import tomltext
from ocivalidate.bundle.sources import read_file
from ocivalidate.errors import Malformed, Unreadable, UsageError
from ocivalidate.rules.clauses import load
from ocivalidate.rules.findings import Finding, Outcome, Result
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.distinct import parts_of
from ocivalidate.vocabulary.versions import LONGEST_VERSION, NEXT, Version, order

UNFILLED = "FILL IN"
"""Start of the placeholder that ``--write-expectations`` writes as a reason; it is refused."""

_ALONE = "parts."
_DRAWN = ("explore.", "lives.", "parts.")
_COMPARISON = re.compile(r"(<=|>=|==|!=|<|>)\s*(\S+)")
_VERSION = re.compile(r"v?([0-9]{1,9})(?:\.([0-9]{1,9}))?(?:\.([0-9]{1,9}))?(?:-([0-9A-Za-z.-]+))?(?:[+~].*)?")
_TEXTS = ("case", "clause", "versions", "spec", "cgroups", "linux", "reason", "link")
_OTHERS = ("messages", "explored", "sometimes", "expires")
# A release that is called by its day, as runsc's are, and as Debian writes it.
_DATED = re.compile(r"^(?:release-|0\.0~)(?=[0-9]{8})")
# On a hybrid host the controllers are those of version 1.
_VERSIONS_OF_GROUPS = {"v1": "v1", "hybrid": "v1", "v2": "v2"}


@dataclass(frozen=True, slots=True)
class Expectation:
    """One known deviation.

    ``runtime``: the name that ``--version`` prints. ``case``: id of a case, or a glob. ``versions``, ``spec``:
    comparisons with the version of the runtime and with the release judged by (``>=1.1,<1.2``), empty for all.
    ``cgroups``: the version of control groups on the host, ``v1`` or ``v2``, ``linux``: comparisons with the version of
    its kernel, both empty for any.
    ``messages``: globs on the messages that are expected, so that no other failure is hidden; empty for anything.
    ``explored``: globs on ``FEATURES: MESSAGE``, how it shows in drawn configs. ``sometimes``: it may pass, so that
    a pass is accepted. ``origin``: file and entry.
    """

    runtime: str
    case: str
    clause: str
    reason: str
    versions: str = ""
    spec: str = ""
    cgroups: str = ""
    linux: str = ""
    link: str = ""
    messages: tuple[str, ...] = ()
    explored: tuple[str, ...] = ()
    sometimes: bool = False
    expires: dt.date | None = None
    origin: str = ""

    def applies(self, runtime: str, version: str, release: str, cgroup_mode: str = "", linux: str = "") -> bool:
        """Whether it applies to this runtime, judged by this release, on a host with such control groups and kernel."""
        here = self.cgroups in ("", _VERSIONS_OF_GROUPS.get(cgroup_mode)) and satisfies(linux, self.linux)
        return here and self.runtime == runtime and satisfies(version, self.versions) and satisfies(release, self.spec)

    def means(self, case: str, clause: str) -> bool:
        """Whether it applies to this result."""
        return self.clause == clause and fnmatchcase(case, self.case)

    def expects(self, finding: Finding) -> bool:
        """Whether a finding on such a result is an expected one."""
        return not self.messages or any(fnmatchcase(finding.message, pattern) for pattern in self.messages)

    def explains(self, case: str, finding: Finding) -> bool:
        """Whether a finding on a drawn config is this deviation.

        It is by what ``explored`` says. Without that, an entry on drawn cases speaks of these; one on another case has
        to name the message, and speaks of single features: what takes several to show is news.
        """
        takes = _takes(case, finding)
        if self.explored:
            here = fnmatchcase(case, self.case) if is_drawn(self.case) else True
            return here and any(_is(takes, finding.message, glob) for glob in self.explored)
        if is_drawn(self.case):
            return fnmatchcase(case, self.case) and self.expects(finding)
        # What a runtime says that creates nothing may mean anything: only the features tell.
        told = bool(self.messages) and not finding.message.startswith("create failed")
        return told and len(takes) <= 1 and self.expects(finding)


def _is(takes: Sequence[str], message: str, glob: str) -> bool:
    """Whether a finding that takes these features, or these of their values, and no other, has this message."""
    features, _, said = glob.partition(": ")
    names = features.split(", ")
    pairs = zip(takes, names, strict=True) if len(names) == len(takes) else ()
    each = [any(fnmatchcase(one, name) for one in (part, part.partition(".")[0])) for part, name in pairs]
    return bool(each) and all(each) and fnmatchcase(message, said)


def _takes(case: str, finding: Finding) -> tuple[str, ...]:
    """The parts that a finding on a drawn config takes, as ``feature.value``; of a life its words."""
    return (case.removeprefix(_ALONE),) if case.startswith(_ALONE) else parts_of(finding.hint)


def satisfies(version: str, comparisons: str) -> bool:
    """Whether a version passes all of these comparisons; one that cannot be parsed passes none."""
    if not comparisons:
        return True
    own = Version(*order(NEXT)) if version == NEXT else _version(version)
    if own is None:
        return False
    return all(_compares(own, operator, other) for operator, other in _comparisons(comparisons))


def _compares(own: Version, operator: str, other: Version) -> bool:
    before, after = own.precedes(other), other.precedes(own)
    return {
        "<": before,
        "<=": not after,
        ">": after,
        ">=": not before,
        "==": not before and not after,
        "!=": before or after,
    }[operator]


def _comparisons(text: str) -> list[tuple[str, Version]]:
    """Parse comparisons. Raises :class:`ValueError`."""
    found: list[tuple[str, Version]] = []
    for part in text.split(","):
        match = _COMPARISON.fullmatch(part.strip())
        version = _version(match[2]) if match else None
        if match is None or version is None:
            raise ValueError(f"{part.strip() or text} is not a valid comparison, expected one such as <1.2 or >=1.1.5")
        found.append((match[1], version))
    return found


def _version(text: str) -> Version | None:
    """A version as runtimes print it: numbers may be missing, and suffixes of distributions are ignored."""
    plain = _DATED.sub("", text.strip(), count=1) if len(text) <= LONGEST_VERSION else ""
    match = _VERSION.fullmatch(plain)
    if match is None:
        return None
    return Version(int(match[1]), int(match[2] or 0), int(match[3] or 0), match[4] or "")


def read(path: str, today: dt.date | None = None) -> list[Expectation]:
    """The expectations of a file. Raises :class:`UsageError`."""
    try:
        content = tomltext.loads(read_file(path, tomltext.MAX_SIZE))
    except Unreadable as problem:
        reason = str(problem).replace(" (--max-size)", "")
        raise UsageError(f"{path}: {reason[:1].upper()}{reason[1:]}") from problem
    except Malformed as problem:
        raise UsageError(f"{path} {problem}") from problem
    runtime, entries = content.get("runtime"), content.get("expect", [])
    strange = sorted(content.keys() - {"runtime", "expect"})
    if strange:
        raise UsageError(f"{path}: unknown {', '.join(strange)}; known are runtime and expect")
    if not isinstance(runtime, str) or not runtime:
        raise UsageError(f"{path}: runtime must be the name that the runtime's --version prints")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UsageError(f"{path}: expect must be an array of tables: [[expect]]")
    day = today or dt.datetime.now(tz=dt.UTC).date()
    return [_entry(entry, runtime, f"{path}, entry {number}", day) for number, entry in enumerate(entries, 1)]


def _entry(entry: Mapping[str, Any], runtime: str, origin: str, today: dt.date) -> Expectation:
    strange = sorted(entry.keys() - {*_TEXTS, *_OTHERS})
    if strange:
        known = ", ".join((*_TEXTS, *_OTHERS))
        raise UsageError(f"{origin}: unknown {', '.join(strange)}; known are {known}")
    for name in _TEXTS:
        if not isinstance(entry.get(name, ""), str):
            raise UsageError(f"{origin}: {name} must be a string")
    for name in ("case", "clause"):
        if not entry.get(name):
            raise UsageError(f"{origin}: {name} is missing")
    reason = entry.get("reason", "").strip()
    if not reason or reason.startswith(UNFILLED):
        raise UsageError(f"{origin}: reason is missing: say what the runtime does instead, and how to see it")
    _refuse_no_comparisons(entry, origin)
    if entry.get("cgroups", "v1") not in _VERSIONS_OF_GROUPS.values():
        raise UsageError(f"{origin}: cgroups must be v1 or v2")
    messages, explored = (_globs(entry, origin, name) for name in ("messages", "explored"))
    sometimes = entry.get("sometimes", False)
    if not isinstance(sometimes, bool):
        raise UsageError(f"{origin}: sometimes must be true or false")
    expires = _expiry(entry, origin, today)
    texts = {name: entry[name] for name in _TEXTS if name in entry}
    texts["reason"] = reason
    return Expectation(
        runtime=runtime,
        origin=origin,
        messages=messages,
        explored=explored,
        sometimes=sometimes,
        expires=expires,
        **texts,
    )


def _refuse_no_comparisons(entry: Mapping[str, Any], origin: str) -> None:
    for name in ("versions", "spec", "linux"):
        if name not in entry:
            continue
        try:
            _comparisons(entry[name])
        except ValueError as problem:
            raise UsageError(f"{origin}: {name}: {problem}") from problem


def _globs(entry: Mapping[str, Any], origin: str, name: str) -> tuple[str, ...]:
    globs = entry.get(name, [])
    if not isinstance(globs, list) or not all(isinstance(text, str) and text for text in globs):
        raise UsageError(f"{origin}: {name} must be an array of strings")
    strange = next((text for text in globs if name == "explored" and ": " not in text), None)
    if strange is not None:
        raise UsageError(f"{origin}: explored: {strange} is not FEATURES: MESSAGE, such as mount-tmpfs: the tmpfs at *")
    return tuple(globs)


def _expiry(entry: Mapping[str, Any], origin: str, today: dt.date) -> dt.date | None:
    expires = entry.get("expires")
    if expires is None:
        return None
    if not isinstance(expires, dt.date) or isinstance(expires, dt.datetime):
        raise UsageError(f"{origin}: expires must be a date, such as 2030-01-31 without quotes")
    if expires < today:
        raise UsageError(f"{origin}: expired on {expires}: {entry['case']}, {entry['clause']}")
    return expires


def reject_unmatched(expectations: Iterable[Expectation], cases: Sequence[Case]) -> None:
    """Raises :class:`UsageError` for an entry that matches no case, or a clause that its case does not judge."""
    for one in expectations:
        if is_drawn(one.case):
            if one.clause not in load("runtime", "safety"):
                raise UsageError(f"{one.origin}: there is no clause {one.clause}")
            continue
        named = [case for case in cases if fnmatchcase(case.id, one.case)]
        if not named:
            raise UsageError(f"{one.origin}: there is no case {one.case}")
        if not any(one.clause in case.clauses for case in named):
            raise UsageError(f"{one.origin}: case {one.case} does not judge {one.clause}")


def is_drawn(case: str) -> bool:
    """Whether a case is one that an exploration makes, or a glob on such cases."""
    return case.startswith(_DRAWN)


class Expectations:
    """The expectations that apply to one run."""

    def __init__(
        self,
        all_: Iterable[Expectation],
        runtime: str,
        version: str,
        release: str,
        cgroup_mode: str = "",
        linux: str = "",
    ) -> None:
        self._by_clause: dict[str, list[Expectation]] = {}
        # A rule tells by one clause what a case tells by several: a message of features is enough.
        self._explored: list[Expectation] = []
        for one in all_:
            if one.applies(runtime, version, release, cgroup_mode, linux):
                self._by_clause.setdefault(one.clause, []).append(one)
                self._explored += [one] if one.explored and not is_drawn(one.case) else []

    def judge(self, result: Result) -> Result:
        """The result after applying the expectations."""
        if result.outcome not in (Outcome.FAIL, Outcome.PASS):
            return result
        of_clause = self._by_clause.get(result.clause.id, ())
        if is_drawn(result.case):
            # Which deviations a drawn config meets is chance, so that a pass contradicts none.
            return _explored(result, [*of_clause, *self._explored]) if result.outcome is Outcome.FAIL else result
        known = [one for one in of_clause if one.means(result.case, result.clause.id)]
        if result.outcome is Outcome.FAIL:
            return _failed(result, known)
        return next((_passed(result, one) for one in known if not one.sometimes), result)


def _failed(result: Result, known: Sequence[Expectation]) -> Result:
    """A failed result: an expected failure, or a failure with the unexpected findings alone."""
    others = tuple(finding for finding in result.findings if not any(one.expects(finding) for one in known))
    if others or not known:
        return replace(result, findings=others or result.findings)
    return _expected(result, next((one for one in known if any(map(one.expects, result.findings))), known[0]))


def _explored(result: Result, known: Sequence[Expectation]) -> Result:
    """The same of a drawn case: what is known of it is told finding by finding."""
    by = [next((one for one in known if one.explains(result.case, finding)), None) for finding in result.findings]
    others = tuple(finding for finding, one in zip(result.findings, by, strict=True) if one is None)
    if others or not by or by[0] is None:
        return replace(result, findings=others or result.findings)
    return _expected(result, by[0])


def _expected(result: Result, one: Expectation) -> Result:
    reason = f"{one.reason} ({one.link})" if one.link else one.reason
    return replace(result, outcome=Outcome.XFAIL, reason=reason)


def _passed(result: Result, one: Expectation) -> Result:
    return replace(result, outcome=Outcome.XPASS, reason=f"{one.origin}: {one.reason}")


def drafted(runtime: str, version: str, results: Iterable[Result]) -> str:
    """A file with an entry for each failure, which :func:`read` refuses until the reasons are filled in."""
    lines = [f"runtime = {_toml(runtime)}"]
    for result in results:
        if result.outcome is not Outcome.FAIL:
            continue
        said = "; ".join(dict.fromkeys(finding.message for finding in result.findings))
        reason = f"{UNFILLED}: what it does instead, and the command that shows it ({said})"
        lines += ["", "[[expect]]", f"case = {_toml(result.case)}", f"clause = {_toml(result.clause.id)}"]
        if _version(version) is not None:
            lines.append(f"versions = {_toml('==' + version)}")
        lines.append(f"reason = {_toml(reason)}")
    return "\n".join(lines) + "\n"


def _toml(text: str) -> str:
    """A basic string of TOML."""
    escapes = {'"': '\\"', "\\": "\\\\"}
    return '"' + "".join(escapes.get(letter) or _shown(letter) for letter in text) + '"'


def _shown(letter: str) -> str:
    number = ord(letter)
    if letter.isprintable():
        return letter
    # TOML cannot represent a lone surrogate.
    number = 0xFFFD if 0xD800 <= number <= 0xDFFF else number
    return f"\\U{number:08x}" if number > 0xFFFF else f"\\u{number:04x}"
