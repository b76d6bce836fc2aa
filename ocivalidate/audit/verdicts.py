"""What is wrong with what an audit reads, who breaks by it, and how every image fares: the second half of its book."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence

from ocivalidate.audit.rows import Told
from ocivalidate.audit.tables import Tables
from ocivalidate.rules.findings import Finding


class Verdicts(Tables):
    """Findings, what breaks by them, and states of images."""

    def is_held(self, digest: str) -> str:
        """A path at which a blob of this digest is held; empty if there is none."""
        return self.one("SELECT path FROM held WHERE digest = ? LIMIT 1", digest) or ""

    def set_absent(self, repository: str, digest: str, clause: str, key: bytes) -> None:
        """Put down that a repository does not hand out a blob that is referred to, and the finding that says so."""
        self.do("INSERT OR REPLACE INTO absent VALUES(?, ?, ?, ?)", repository, digest, clause, key)

    def merge_absent(self, clauses: Sequence[str]) -> None:
        """Of several findings on the absence of one blob, leave the first by these clauses, with all that break."""
        question = "SELECT digest FROM absent GROUP BY digest HAVING count(DISTINCT key) > 1"
        for (digest,) in self.rows(question):
            if self.is_held(digest):
                continue
            known = dict(self.rows("SELECT clause, key FROM absent WHERE digest = ?", digest))
            first, *others = [known[clause] for clause in clauses if clause in known]
            for other in others:
                self._merge(first, other)

    def _merge(self, into: bytes, other: bytes) -> None:
        kept, dropped = (self.one("SELECT number FROM findings WHERE key = ?", key) for key in (into, other))
        self.do("UPDATE OR IGNORE breaks SET finding = ? WHERE finding = ?", kept, dropped)
        self.do("DELETE FROM breaks WHERE finding = ?", dropped)
        self.do("DELETE FROM findings WHERE number = ?", dropped)

    def is_absent(self, repository: str, digest: str) -> bool:
        """Whether it is told that a repository does not hand out a blob; without a repository: any of them."""
        return next(self._absent(repository, digest), None) is not None

    def take_absent(self, repository: str, digest: str) -> list[tuple[str, str]]:
        """Who breaks by the absence of a blob, when another finding tells the cause: that of the absence is dropped."""
        broken = []
        for number in {*self._absent(repository, digest)}:
            question = "SELECT repository, name FROM breaks WHERE finding = ?"
            broken += [(repository, name) for repository, name in self.rows(question, number)]
            self.do("DELETE FROM breaks WHERE finding = ?", number)
            self.do("DELETE FROM findings WHERE number = ?", number)
        return broken

    def _absent(self, repository: str, digest: str) -> Iterator[int]:
        question = (
            "SELECT f.number FROM absent a JOIN findings f ON f.key = a.key "
            "WHERE a.digest = ? AND (a.repository = ? OR ? = '')"
        )
        return (number for (number,) in self.rows(question, digest, repository, repository))

    def set_odd(self, path: str) -> None:
        """Put down that something is told of what stands at a path."""
        self.do("INSERT OR IGNORE INTO odd VALUES(?)", path)

    def is_odd_below(self, folder: str) -> bool:
        """Whether something is told of what stands in a folder."""
        question = "SELECT 1 FROM odd WHERE path > ? AND path < ? LIMIT 1"
        # The character after the slash.
        return self.one(question, f"{folder}/", f"{folder}0") is not None

    def tell(self, key: bytes, finding: Finding, wound: str, broken: Sequence[tuple[str, str]]) -> None:
        """Put down a finding once, and those that break by it."""
        packed = pickle.dumps(finding)
        self.do("INSERT OR IGNORE INTO findings(key, finding, wound) VALUES(?, ?, ?)", key, packed, wound)
        number = self.one("SELECT number FROM findings WHERE key = ?", key)
        for repository, name in broken:
            self.do("INSERT OR IGNORE INTO breaks VALUES(?, ?, ?)", number, repository, name)

    def told(self, shown: int) -> Iterator[Told]:
        """The distinct findings in the order in which they were found, each with the first that break by it."""
        for number, packed, wound in self.rows("SELECT number, finding, wound FROM findings ORDER BY number"):
            first = "SELECT repository, name FROM breaks WHERE finding = ? ORDER BY repository, name LIMIT ?"
            broken = tuple((repository, name) for repository, name in self.rows(first, number, shown))
            every = self.one("SELECT count(*) FROM breaks WHERE finding = ?", number)
            finding = pickle.loads(packed)  # noqa: S301  # written by this process
            yield Told(finding, wound, broken, every - len(broken))

    # --- What it comes to

    def states(self) -> dict[str, int]:
        """How many images fare how."""
        return dict(self.rows("SELECT state, count(*) FROM states GROUP BY state"))

    def states_of_repositories(self) -> Iterator[list[str]]:
        """How the images of each repository fare, each state once."""
        question = "SELECT group_concat(DISTINCT state) FROM states GROUP BY repository"
        return (states.split(",") for (states,) in self.rows(question))

    def images(self, state: str, *, same: bool) -> Iterator[tuple[str, str, str, str]]:
        """Repository, name, digest and state of the images that fare like that, or not like that."""
        question = "SELECT repository, name, digest, state FROM states WHERE (state = ?) = ? ORDER BY repository, name"
        return (
            (repository, name, digest, found) for repository, name, digest, found in self.rows(question, state, same)
        )

    def problem_of(self, repository: str, digest: str) -> str:
        """Why an image, or all of its repository, could not be read; empty if it could."""
        question = "SELECT problem FROM units WHERE repository = ? AND digest IN (?, '') AND problem != ''"
        found = self.one(question, repository, digest)
        return str(found or "")

    def set_state(self, repository: str, name: str, digest: str, state: str) -> None:
        """Put down how a tag, or a manifest without one, fares."""
        self.do("INSERT OR REPLACE INTO states VALUES(?, ?, ?, ?)", repository, name, digest, state)
