"""Strict JSON accepts what Python's own reader accepts, unless it could do harm."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creche._system import strict_json
from creche._system.strict_json import MalformedJsonError, dump, parse

texts = st.text(st.characters(exclude_categories=["Cs"])) | st.text('"\\[]{},: u8d', max_size=12)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)


@settings(deadline=None, max_examples=40)
@given(value=st.dictionaries(texts, values))
def test_what_is_dumped_is_parsed_to_the_bit(value: dict[str, Any]) -> None:
    text = dump(value)
    assert repr(parse(text)) == repr(value)
    assert repr(json.loads(text)) == repr(value)


@settings(deadline=None, max_examples=40)
@given(value=st.dictionaries(texts, values), room=st.sampled_from([None, 1]))
def test_costs_are_those_of_the_value(value: dict[str, Any], room: int | None) -> None:
    """The bounds count exactly what is outside of strings."""

    def containers(v: Any) -> int:
        inner = v.values() if isinstance(v, dict) else v if isinstance(v, list) else ()
        # An opening bracket, and a comma before each item but the first.
        return (isinstance(v, dict | list)) + max(0, len(inner) - 1) + sum(map(containers, inner))

    def depth(v: Any) -> int:
        inner = v.values() if isinstance(v, dict) else v if isinstance(v, list) else ()
        return isinstance(v, dict | list) + max(map(depth, inner), default=0)

    text = json.dumps(value, indent=room).encode()
    for name, exact in (("MAX_VALUES", containers(value)), ("MAX_DEPTH", depth(value))):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(strict_json, name, exact)
            parse(text)
            patch.setattr(strict_json, name, exact - 1)
            with pytest.raises(MalformedJsonError):
                parse(text)


@settings(deadline=None, max_examples=40)
@given(text=st.text('[]{},:"\\u08d1.eE-+ntf ').map(str.encode) | st.binary())
def test_any_text_is_parsed_or_malformed(text: bytes) -> None:
    try:
        value = parse(text)
    except MalformedJsonError:
        return
    assert value == json.loads(text)


@pytest.mark.parametrize("text", ["[1]", "1", "null", '"word"', "", "{} {}", '{"a":1,}', "\ufeff{}"])
def test_only_one_object_is_taken(text: str) -> None:
    with pytest.raises(MalformedJsonError):
        parse(text.encode())
