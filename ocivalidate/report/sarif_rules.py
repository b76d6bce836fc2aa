"""Clauses as rules of SARIF, and text that SARIF and Markdown take for nothing but text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ocivalidate.report.escape import visible
from ocivalidate.rules.clauses import Clause, Level
from ocivalidate.rules.references import document, page, url

Json = dict[str, Any]
# GitHub shows 1,024 characters of a description.
_LONGEST = 1000


class Rules:
    """The clauses that are mentioned, each once, with their index."""

    def __init__(self, mentioned: Iterable[Clause]) -> None:
        self._clauses: dict[str, Clause] = {}
        for clause in mentioned:
            self._clauses.setdefault(clause.id, clause)
        self._indexes = {name: index for index, name in enumerate(self._clauses)}

    def clauses(self) -> Iterable[Clause]:
        """The clauses, in the order in which they are mentioned first."""
        return self._clauses.values()

    def index(self, clause: Clause) -> int:
        """The index of the rule of a clause."""
        return self._indexes[clause.id]


def rule(clause: Clause) -> Json:
    """The rule of a clause, with all that GitHub demands of one: descriptions, a help text, and where to read on."""
    where = f"{clause.level} in {document(clause)}" if clause.document else f"{clause.family} clause"
    more = f"ocivalidate explain {clause.id}"
    stated = f"[{_markdown(where)}]({url(clause)})" if url(clause) else _markdown(where)
    markdown = f"{_markdown(clause.summary)}\n\n{stated}\n\n[examples and more]({page(clause)}), `{more}`"
    remarks = [f"Contested: {clause.contested}" if clause.contested else "", clause.note]
    full = ". ".join(text.strip().removesuffix(".") for text in (f"{clause.summary} ({where})", *remarks) if text)
    known = {"level": clause.level, "since": clause.since, "until": clause.until}
    level = [str(clause.level)] if clause.level is not Level.NONE else []
    return {
        "id": clause.id,
        "shortDescription": {"text": message(clause.summary)},
        "fullDescription": {"text": message(f"{full}.")},
        "help": {"text": message(f"{clause.summary} ({where}). {more} says more."), "markdown": markdown},
        "helpUri": page(clause),
        "defaultConfiguration": {"level": clause.severity},
        "properties": {"tags": [clause.family, *level]} | {name: value for name, value in known.items() if value},
    }


def message(text: str) -> str:
    """Foreign text in a message, where ``{0}`` is a placeholder and ``[text](url)`` a link (SARIF 3.11.5, 3.11.6)."""
    return visible(text, _LONGEST).replace("{", "{{").replace("}", "}}").replace("](", r"\](")


def _markdown(text: str) -> str:
    """Text in which Markdown and HTML mean nothing."""
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]()<>#!|&" else letter for letter in visible(text))
