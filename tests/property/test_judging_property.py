"""Facts are a document of anybody's: whatever stands in them, judging comes to an end, and says what it cannot see."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import given, strategies as st

from ocivalidate.runtime.inside.facts import Facts, find_facts
from ocivalidate.runtime.judging import Judgement, judge
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES

DATA = Path(__file__).parents[1] / "data" / "runtime"
CONFIG: dict[str, Any] = json.loads((DATA / "config.json").read_text(encoding="utf-8"))
FOUND = find_facts((DATA / "facts.json").read_text(encoding="utf-8"))
LOOKS: dict[str, Any] = FOUND.looks() if FOUND else {}
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def check(judgements: list[Judgement]) -> None:
    assert all(one.reason for one in judgements if one.held is None)
    assert all(one.message for one in judgements if one.held is False)


@st.composite
def tampered(draw: st.DrawFn) -> dict[str, Any]:
    """The recorded facts with odd things in some places."""
    looks = copy.deepcopy(LOOKS)
    for _ in range(draw(st.integers(1, 3))):
        holder: Any = looks
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            key = draw(st.sampled_from(keys))
            inner = holder[key]
            if not isinstance(inner, (dict, list)) or not inner or draw(st.booleans()):
                break
            holder = inner
        if draw(st.booleans()):
            holder[key] = draw(ODD)
        else:
            del holder[key]
        if not looks:
            break
    return looks


@given(tampered(), st.sampled_from(RUNTIME_RELEASES))
def test_odd_things_in_the_facts_are_no_accident(looks: dict[str, Any], release: str) -> None:
    check(judge(CONFIG, looks, release))


@given(st.dictionaries(st.sampled_from(sorted(LOOKS)), ODD))
def test_facts_may_be_anything(looks: dict[str, Any]) -> None:
    check(judge(CONFIG, looks, "1.3.0"))


@given(st.lists(ODD | st.fixed_dictionaries({"step": ODD, "args": ODD, "value": ODD}), max_size=4))
def test_records_may_be_anything(records: list[Any]) -> None:
    check(judge(CONFIG, Facts(tuple(records)).looks(), "1.3.0"))
