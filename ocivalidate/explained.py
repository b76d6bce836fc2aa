"""What is known of a clause, as plain data: the facts that ``explain`` prints and that the page of the clause shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ocivalidate.judges import Judge, judges_of
from ocivalidate.rules.clauses import Clause, Level
from ocivalidate.rules.references import page, url
from ocivalidate.rules.witnesses import example, witness_for

# What stands in no specification.
_ORIGINS = {
    "safety": "hazard that no specification forbids",
    "storage": "what those rely on who keep images",
}
_FROM = {"registry": "from what a registry says", "storage": "from what a storage holds"}
_HOW = {
    "static": "from the document alone",
    "static-host": "from the document and this host (--host)",
    "dynamic": "by driving a runtime",
    "none": "not judged",
}
_OF_IMAGES = ("image", "distribution", "storage", "safety")


@dataclass(frozen=True, slots=True)
class Explained:
    """What is known of a clause.

    ``facts``: names and values in words, in the order in which they are told; names that repeat are empty. ``judges``:
    what judges it. ``breaks`` and ``keeps``: excerpts of documents, or ``""``; of a clause that no single document can
    break, ``breaks`` may be in words (``in_words``). ``why``: what the examples alone do not tell.
    """

    clause: Clause
    facts: tuple[tuple[str, str], ...]
    judges: tuple[Judge, ...]
    breaks: str = ""
    keeps: str = ""
    in_words: bool = False
    why: str = ""


def explained(clause: Clause) -> Explained:
    """All that is known of a clause; of one that is told under another id, with what judges and shows that one."""
    judges = judges_of(clause)
    facts = tuple(_facts(clause, judges))
    witness = witness_for(clause.same_as or clause.id)
    if witness:
        breaks, keeps = example(witness, "violates"), example(witness, "satisfies")
        return Explained(clause, facts, judges, breaks, keeps, why=witness.why)
    return Explained(clause, facts, judges, _in_words(clause), in_words=True)


def _in_words(clause: Clause) -> str:
    """How an image breaks the clause, where its witness is a whole image; else ``""``."""
    if clause.family not in _OF_IMAGES:
        return ""
    from ocivalidate.image.documents.witnesses import image_witness, served_witness

    found = clause.same_as or clause.id
    witness = image_witness(found) or served_witness(found)
    return witness.text if witness else ""


def _facts(clause: Clause, judges: tuple[Judge, ...]) -> Iterator[tuple[str, str]]:
    if clause.level is Level.NONE:
        origin = _ORIGINS.get(clause.family, "opinion")
        yield "level", origin
    else:
        yield "level", clause.level.value
    yield "severity", clause.severity.value
    how = _FROM.get(clause.subject) or _HOW[clause.judged]
    yield "judged", how + (f": {clause.reason}" if clause.reason else "")
    yield from _by(clause, judges)
    if clause.since:
        yield "versions", f"from {clause.since}" + (f" to {clause.until}" if clause.until else " on")
    yield "platform", clause.platform
    if clause.document:
        yield "where", url(clause)
    yield "page", page(clause)
    if clause.contested:
        yield "contested", clause.contested
    if clause.open_list:
        yield "open list", "kernels and libraries know more values: one that only they know is a warning"
    yield from _relations(clause)
    if not clause.default:
        yield "default", f"off; --lint or --select {clause.id} turns it on"
    if clause.note:
        yield "note", clause.note


def _relations(clause: Clause) -> Iterator[tuple[str, str]]:
    """How it stands to other clauses."""
    if clause.same_as:
        yield "told as", clause.same_as
    if clause.replaces:
        yield "replaces", clause.replaces
    if clause.later:
        yield "later", f"a part of it is a clause of its own: {', '.join(clause.later)}"


def _by(clause: Clause, judges: tuple[Judge, ...]) -> Iterator[tuple[str, str]]:
    """What judges the clause, a line each, or why no case does."""
    name = "by"
    for judge in judges:
        yield name, str(judge)
        name = ""
    if judges or clause.judged == "none":
        return
    if clause.level is Level.MAY:
        yield name, "nothing: what is allowed cannot be broken"
    elif clause.judged == "dynamic":
        from ocivalidate.coverage import unjudged

        yield name, f"no case: {unjudged().get(clause.same_as or clause.id) or _why_no_case(clause)}"


def _why_no_case(clause: Clause) -> str:
    if clause.family == "image":
        return f"it binds the {clause.subject} of an image, and cases drive runtimes"
    return f"it is about {clause.platform}, and cases run on Linux"
