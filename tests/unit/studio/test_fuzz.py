"""Requests of the right types with any values: a session answers each, none with an error of its own, and lives on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, fields
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creche.studio.protocol import views
from creche.studio.protocol.requests import (
    REQUESTS,
    Acknowledge,
    Cancel,
    Connect,
    Keep,
    Play,
    StartColony,
    StartFit,
    Step,
)
from tests.unit.studio.watching import Page, watched

# Those that take long have tests of their own, as have those that the connection answers.
LEFT_OUT = (Acknowledge, Cancel, StartColony, StartFit, Step, Play, Keep)
COLUMNS = ("species", "island", "bill_length_mm", "body_mass_g", "sex", "no such column", "")

PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: st.sampled_from(COLUMNS) | st.text(max_size=5),
    int: st.integers(-2, 40) | st.sampled_from([2**31, 2**53, 2**62, -(2**62)]),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    type(None): st.none(),
}


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type that a field of a request may have."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (UnionType, Union):
        return st.one_of([values_of(argument) for argument in arguments])
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=4).map(tuple)
    if origin is dict:
        return st.dictionaries(values_of(arguments[0]), values_of(arguments[1]), max_size=4)
    return PLAIN[hint]


def requests_of(kind: type) -> st.SearchStrategy[Any]:
    """Requests of a kind, with any of the fields that may be left out."""
    hints = get_type_hints(kind)
    given = {field.name: values_of(hints[field.name]) for field in fields(kind)}
    required = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    optional = {name: strategy for name, strategy in given.items() if name not in required}
    return st.fixed_dictionaries({name: given[name] for name in required}, optional=optional).map(lambda f: kind(**f))


ANY = st.one_of([requests_of(kind) for kind in REQUESTS.values() if kind not in LEFT_OUT])


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with watched() as page:
        page.get(Step("epoch"))
        yield page


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.lists(ANY, min_size=1, max_size=4))
def test_any_request_is_answered_and_the_session_lives_on(page: Page, requests: list[Any]) -> None:
    for request in requests:
        view = page.ask(request)
        if isinstance(view, views.Failure):
            assert view.code != "internal", (request, view)
            assert view.text.strip()
        else:
            assert isinstance(view, type(request).reply)
    page.get(Connect(views.VERSION))
    page.forget()
