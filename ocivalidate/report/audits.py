"""How the images of an audit fare, in lines for people: those that are not sound, totals, and what mends them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from ocivalidate.report.escape import visible
from ocivalidate.report.painting import Line
from ocivalidate.rules.findings import Report
from ocivalidate.vocabulary.wording import bytes_in_words

_STYLES = {"sound": "good", "broken": "bad", "incomplete": "warning", "unjudged": "error"}
_WIDTH = max(map(len, _STYLES))
# As many as can be read, unless somebody wants to read all.
_MOST_IMAGES, _MOST_REMEDIES = 50, 20
_LONGEST = 600


def is_audit(report: Report) -> bool:
    """Whether a report is that of an audit that came to something."""
    return report.kind == "audit" and "images" in report.facts


def told(report: Report, *, verbose: bool) -> Iterator[Line]:
    """The lines; ``verbose``: all images, and all that mends them."""
    if not is_audit(report):
        return
    facts = report.facts
    if verbose:
        yield from map(_image, facts["sound"])
    yield from _first(map(_image, facts["not_sound"]), None if verbose else _MOST_IMAGES, _not_sound(facts))
    repositories = facts["repositories"]
    if repositories["count"]:
        yield [(f"repositories: {repositories['count']:,}: {_in_words(repositories)}", "")]
    else:
        yield [(f"repositories: none{' is selected by --repository and --tag' if facts.get('selected') else ''}", "")]
    yield [(_held(facts), "")]
    remedies: Iterator[Line] = ([("to mend: ", "name"), (visible(one["what"], _LONGEST), "")] for one in facts["mend"])
    yield from _first(remedies, None if verbose else _MOST_REMEDIES, 0)


def images_in_words(report: Report) -> str:
    """How many images fare how; empty for what is no audit."""
    return f"images: {_in_words(report.facts['images'])}" if is_audit(report) else ""


def _first(lines: Iterable[Line], most: int | None, total: int) -> Iterator[Line]:
    """The first lines, and how many there are in ``total`` if that is known."""
    ahead = iter(lines)
    yield from islice(ahead, most)
    if next(ahead, None) is not None:
        more = f"{total - (most or 0):,} more" if total else "more"
        yield [(f"and {more}: -v shows all", "")]


def _image(image: Mapping[str, Any]) -> Line:
    name = image["repository"] + ("" if image["name"].startswith("@") else f":{image['name']}" if image["name"] else "")
    digest = f" {visible(image['digest'])}" if image["digest"] else ""
    return [
        (f"{image['state']:<{_WIDTH}} ", _STYLES.get(image["state"], "")),
        (visible(name), "strong"),
        (digest, ""),
        (f": {visible(image['problem'], _LONGEST)}" if image.get("problem") else "", ""),
    ]


def _not_sound(facts: Mapping[str, Any]) -> int:
    return sum(number for state, number in facts["images"].items() if state != "sound")


def _in_words(numbers: Mapping[str, int]) -> str:
    """``3 sound, 1 broken``: what there is none of is left out."""
    return ", ".join(f"{numbers[state]:,} {state}" for state in _STYLES if numbers.get(state)) or "none"


def _held(facts: Mapping[str, Any]) -> str:
    """What is held, and what of it could go."""
    text = f"blobs: {facts['blobs']:,}, {bytes_in_words(facts['bytes'])}"
    if facts.get("shard"):
        verified = facts["verified"]
        text += f"; verified, as shard {facts['shard']}: {verified['blobs']:,}, {bytes_in_words(verified['bytes'])}"
    free, left = facts.get("unreferenced"), facts.get("uploads")
    if free and free["blobs"]:
        certain = "" if free["certain"] else ", as far as manifests could be read"
        text += f"; referred to by nothing: {free['blobs']:,}, {bytes_in_words(free['bytes'])}{certain}"
    if left and left["count"]:
        text += f"; uploads left behind: {left['count']:,}, {bytes_in_words(left['bytes'])}"
    return text
