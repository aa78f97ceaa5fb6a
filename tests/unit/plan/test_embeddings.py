"""Embeddings in plans: which columns they take, what they make of them, and what is refused."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import creche as cr
from creche.engine.parameters import parameter_shapes
from creche.errors import PlanError
from creche.plan.embeddings import EMBEDDINGS, resolve_category_embedding, resolve_number_embedding

PERIODIC, LINEAR, CATEGORY = cr.PeriodicEmbedding(), cr.LinearEmbedding(), cr.CategoryEmbedding()


@st.composite
def networks(draw: st.DrawFn) -> cr.Network:
    """Networks in which some columns are embedded."""
    inputs = draw(st.integers(1, 12))
    order = draw(st.permutations(range(inputs)))
    embedded = []
    while order and draw(st.booleans()):
        count = draw(st.integers(1, len(order)))
        columns, order = tuple(order[:count]), order[count:]
        made: Any = draw(
            st.one_of(
                st.builds(cr.PeriodicEmbedding, st.integers(2, 6), st.integers(1, 5), st.floats(0.01, 3)),
                st.builds(cr.LinearEmbedding, st.integers(1, 6)),
                st.builds(cr.CategoryEmbedding, st.integers(1, 6), st.integers(0, 9)),
            )
        )
        sizes: Any = () if made.key == "periodic" else (1,) * count
        if made.key == "category":
            sizes = tuple(draw(st.lists(st.integers(1, 20), min_size=count, max_size=count)))
        embedded.append(cr.EmbeddedColumns(made, columns, sizes))
    return cr.Network.of(inputs, [3], 2, embeddings=embedded)


@given(networks())
def test_networks_go_through_json_unchanged(network: cr.Network) -> None:
    back = cr.Network.from_dict(json.loads(json.dumps(network.to_dict())))
    assert back == network
    assert hash(back) == hash(network)


@given(networks())
def test_names_and_counts_are_those_of_the_engine(network: cr.Network) -> None:
    shapes = parameter_shapes(cr.Plan(network))
    assert sum(math.prod(shape) for shape in shapes.values()) == network.parameters
    names = network.name_inputs([f"x{column}" for column in range(network.inputs)])
    assert (len(names), 3) == shapes["0.weights"]
    assert network.widths == (len(names), 3, 2)
    assert len(set(names)) == len(names)


def test_a_network_is_written_with_its_columns_and_the_inputs_of_its_first_layer() -> None:
    embedded = [cr.EmbeddedColumns(PERIODIC, (0, 2)), cr.EmbeddedColumns(CATEGORY, (1,), (5,))]
    network = cr.Network.of(4, [6], 3, embeddings=embedded)
    assert str(network) == "4→17-6-3"
    assert network.describe() == (
        "4→17-6-3, 335 parameters; 2 features with periodic embeddings; 1 feature with category embeddings"
    )
    assert network.name_inputs(["age", "town", "height", "sex"])[3:9] == (
        "age", "height ~1", "height ~2", "height ~3", "height", "town ~1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("embedded", "message"),
    [
        ([cr.EmbeddedColumns(PERIODIC, (4,))], "column 4; the network has columns 0 to 3"),
        ([cr.EmbeddedColumns(LINEAR, (3,), (2,))], "column 4; the network has columns 0 to 3"),
        ([cr.EmbeddedColumns(PERIODIC, (1, 1))], "column 1 is embedded twice; leave one of the two out"),
        ([cr.EmbeddedColumns(LINEAR, (0,), (3,)), cr.EmbeddedColumns(PERIODIC, (2,))], "column 2 is embedded twice"),
        ("periodic", "got 'periodic'; needs a list of EmbeddedColumns"),
        ([{"embedding": "periodic"}], "'columns' is missing"),
        ([{"embedding": "wave", "columns": [0]}], "got 'wave'; choose one of periodic, linear, category"),
    ],
)
def test_embeddings_that_do_not_fit_are_refused(embedded: Any, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        cr.Network.of(4, [3], 2, embeddings=[] if embedded is None else embedded)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"columns": ()}, "columns: got none; needs at least one"),
        ({"columns": (0, 1), "sizes": (3,)}, "sizes: got 1 for 2 columns; a linear embedding needs 2"),
        ({"columns": (0,), "sizes": (0,)}, "sizes: got 0; needs a whole number of at least 1"),
        ({"columns": (-1,), "sizes": (1,)}, "columns: got -1"),
        ({"columns": 3, "sizes": (1,)}, "columns: got 3; needs a list of whole numbers"),
    ],
)
def test_other_columns_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        cr.EmbeddedColumns(LINEAR, **fields)


def test_periodic_embeddings_have_no_sizes() -> None:
    with pytest.raises(PlanError, match="sizes: got 1 for 1 columns; a periodic embedding needs 0"):
        cr.EmbeddedColumns(PERIODIC, (0,), (1,))


def test_words_and_widths_stand_for_embeddings() -> None:
    assert EMBEDDINGS.words == ["periodic", "linear", "category"]
    assert resolve_number_embedding("Periodic") == cr.PeriodicEmbedding(width=4, frequencies=16, deviation=0.1)
    assert resolve_number_embedding("none") is None
    assert resolve_number_embedding({"kind": "linear", "width": 3}) == cr.LinearEmbedding(3)
    assert resolve_category_embedding(5) == cr.CategoryEmbedding(width=5, more_than=8)
    assert resolve_category_embedding({"width": 5, "more_than": 0}) == cr.CategoryEmbedding(5, 0)


@pytest.mark.parametrize("wrong", [0, 2.5, "8", True, 5000])
def test_other_widths_are_refused(wrong: object) -> None:
    with pytest.raises(PlanError, match=r"^category_embedding: got .*; needs a whole number of at least 1"):
        resolve_category_embedding(wrong)


@pytest.mark.parametrize("wrong", ["category", "waves", 3])
def test_other_embeddings_of_numbers_are_refused(wrong: object) -> None:
    with pytest.raises(PlanError, match=r"^number_embedding: got .*one of periodic, linear"):
        resolve_number_embedding(wrong)
