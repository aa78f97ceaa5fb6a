"""The fast way to parse large bodies gives what the strict one gives, or leaves the decision to it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from creche.serving import bodies
from creche.serving.bodies import Limits, parse_json
from creche.serving.problems import ProblemError

TEXT = st.text(max_size=4) | st.sampled_from([":", '":', "\\", '\\":', "a", "\ud800"])
CELLS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
PAIRS = st.lists(st.tuples(TEXT, CELLS | st.dictionaries(TEXT, CELLS, max_size=2)), max_size=4)


def write_object(pairs: list[tuple[str, Any]]) -> str:
    """An object in which a key may come twice."""
    return "{" + ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in pairs) + "}"


def outcome(parse: Any, body: bytes) -> Any:
    try:
        return repr(parse(body))
    except ProblemError as problem:
        return problem.detail


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(PAIRS, max_size=3), more=PAIRS)
def test_both_ways_agree(rows: list[Any], more: Any) -> None:
    text = "[" + ",".join(map(write_object, rows)) + "]"
    body = f'{{"rows": {text}{"".join(f", {json.dumps(k)}: {json.dumps(v)}" for k, v in more)}}}'.encode()
    found = bodies._parse_fast(body)
    if found is not None:
        assert repr(found) == outcome(lambda body: parse_json(body, Limits()), body)


def test_the_fast_way_is_taken_for_what_is_usual() -> None:
    rows = [{"island": 'Bis"coe: \\', "mass": 12.5, "sex": None, "fresh": True}] * 200
    body = json.dumps({"rows": rows, "explain": False}).encode()
    assert bodies._parse_fast(body) == json.loads(body)
    assert bodies._parse_fast(body.replace(b'"mass"', b'"sex"')) is None
