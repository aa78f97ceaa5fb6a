"""Grids, samples and ranges: which combinations a sweep tries."""

from __future__ import annotations

import itertools
import math
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import creche as cr
from creche.model_selection.search_space import Axis, Combinations, Range, split_axes
from tests.unit.model_selection.sweeps import run_sweep

FINITE = st.floats(1e-6, 1e6)


@given(sizes=st.lists(st.integers(1, 4), max_size=4))
def test_a_grid_is_the_product_in_its_order(sizes: list[int]) -> None:
    axes = [Axis(f"a{i}", tuple(range(size))) for i, size in enumerate(sizes)]
    expected = [
        dict(zip((a.name for a in axes), values, strict=True))
        for values in itertools.product(*(range(size) for size in sizes))
    ]
    assert list(Combinations(axes)) == expected


@given(low=FINITE, ratio=st.floats(1.5, 1e6), count=st.integers(2, 30))
def test_a_logarithmic_range_has_equal_ratios_and_its_ends(low: float, ratio: float, count: int) -> None:
    high = low * ratio
    values = cr.log_range(low, high, count).values()
    assert (values[0], values[-1]) == (low, high)
    expected = [low * ratio ** (i / (count - 1)) for i in range(count)]
    np.testing.assert_allclose(values, expected, rtol=1e-5)


@given(low=st.floats(-1e3, 1e3), width=st.floats(0.1, 1e3), count=st.integers(2, 30))
def test_a_linear_range_has_equal_steps(low: float, width: float, count: int) -> None:
    values = cr.linear_range(low, low + width, count).values()
    np.testing.assert_allclose(values, np.linspace(low, low + width, count), rtol=1e-5, atol=1e-5 * width)


def test_whole_numbers_stay_whole_without_repetition() -> None:
    assert cr.log_range(1, 4, 10).values() == [1, 2, 3, 4]
    assert all(isinstance(value, int) for value in cr.linear_range(4, 16, 7).values())


@pytest.mark.parametrize("method", ["random", "sobol"])
def test_samples_lie_in_the_ranges_and_are_the_same_each_time(method: str) -> None:
    axes = [
        Axis("learning_rate", cr.log_range(1e-4, 1)),
        Axis("batch_size", cr.linear_range(8, 64)),
        Axis("optimizer", ("sgd", "adam", "lion")),
    ]
    drawn = list(Combinations(axes, 300, method, seed=1))
    assert drawn == list(Combinations(axes, 300, method, seed=1))
    assert drawn != list(Combinations(axes, 300, method, seed=2))
    rates = np.array([choice["learning_rate"] for choice in drawn])
    assert rates.min() >= 1e-4
    assert rates.max() <= 1
    # A quarter of them in each of the four decades.
    shares = np.histogram(np.log10(rates), [-4, -3, -2, -1, 0])[0] / 300
    np.testing.assert_allclose(shares, 0.25, atol=0.1 if method == "random" else 0.01)
    assert {choice["batch_size"] for choice in drawn} <= set(range(8, 65))
    for optimizer in ("sgd", "adam", "lion"):
        assert sum(choice["optimizer"] == optimizer for choice in drawn) > 70


def test_each_sample_has_all_seeds() -> None:
    colony = run_sweep(samples=5, learning_rate=cr.log_range(1e-3, 0.1), seeds=2, epochs=2)
    assert len(colony) == 10
    assert [m.choice["seed"] for m in colony] == [0, 1] * 5
    assert len({m.choice["learning_rate"] for m in colony}) == 5


def test_widths_and_labels_are_not_several_values() -> None:
    arguments = {
        "hidden": [5, 5],
        "label": ["a", "b"],
        "learning_rate": np.array([0.1, 0.2]),
        "activation": ("relu", "elu"),
    }
    fixed, axes = split_axes(arguments)
    assert set(fixed) == {"hidden", "label", "activation"}
    assert axes == [Axis("learning_rate", (0.1, 0.2))]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"learning_rate": []}, "learning_rate: got an empty list; give at least one value"),
    ({"optimizer": ["adam", "sgd", "adam"]}, "optimizer: got 'adam' twice"),
    ({"seed": [1, 2]}, "seed: "),
    (
        {"precision": ["float32", "float64"]},
        "precision: got .*; needs one value, since all networks of a sweep share it",
    ),
    ({"learning_rate": cr.log_range(1e-4, 1)}, "0.0001..1: has no count, which a grid needs"),
    ({"samples": 10}, "samples: got 10, but no argument has several values"),
    ({"samples": 0, "epochs": [1, 2]}, "samples: got 0; needs a whole number of at least 1"),
    ({"method": "sobol"}, "method: 'sobol' needs samples"),
    ({"method": "grid", "samples": 3, "epochs": [1, 2]}, "method: 'grid' tries all combinations; leave samples out"),
    ({"method": "gird"}, "method: got 'gird'; did you mean 'grid'"),
    ({"learning_rat": 0.1}, "learning_rat: unknown argument of sweep; did you mean 'learning_rate'"),
    ({"on_epoch": print}, "on_epoch: belongs to a single run of creche.train; leave it out"),
    ({"learning_rate": [0.1, -1.0]}, "learning_rate.*-1.*in the network with learning_rate=-1"),
    ({"optimizer": ["adam", "sdg"]}, "'sdg'"),
    ({"optimizer": ["adam", "sgd"], "momentum": [0.5, 0.9]}, "momentum: adam has no momentum; leave it out"),
    ({"seeds": 0}, "seeds: got 0; needs a whole number of at least 1"),
    ({"epochs": 0}, "epochs: got 0; needs at least 1"),
    ({"halving": 2.0}, "halving: keep is 2.0; needs a share above 0 and below 1"),
    ({"halving": cr.Halving(first=3), "epochs": [-1]}, "epochs"),
    ({"loss": lambda y, z: 0}, "loss"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[message[:20] for _, message in WRONG])
def test_invalid_arguments_are_refused_by_name(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(cr.PlanError, match=message):
        run_sweep(**arguments)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cr.log_range(0.0, 1.0), "log_range: begins at 0; needs a number above 0"),
        (lambda: cr.log_range(1.0, 0.1), "log_range: goes from 1 down to 0.1; give the lower number first"),
        (lambda: cr.linear_range(0.0, math.inf), "linear_range: got inf; needs finite numbers"),
        (lambda: cr.linear_range(0.0, 1.0, 0), "linear_range: got 0 values"),
        (lambda: cr.linear_range(1.0, 1.0, 3), "would all be the same; widen it"),
        (lambda: cr.Halving(keep=True), "keep is True"),
        (lambda: cr.Halving(first=0), "first is 0"),
    ],
)
def test_invalid_ranges_are_refused(make: Any, message: str) -> None:
    with pytest.raises(cr.PlanError, match=message):
        make()


TOO_MANY: list[dict[str, Any]] = [
    {"seeds": 10**9},
    {"learning_rate": cr.log_range(1e-4, 1, 10**9)},
    {"batch_size": cr.linear_range(1, 10**9, 10**9)},
    {"learning_rate": cr.log_range(1e-4, 1), "samples": 10**9},
    {"learning_rate": cr.log_range(1e-4, 1), "samples": 10**9, "method": "sobol"},
    {"learning_rate": cr.log_range(1e-4, 1, 10**9), "dropout": cr.linear_range(0.0, 0.5, 10**9), "seeds": 10**9},
]


@pytest.mark.parametrize("arguments", TOO_MANY, ids=lambda arguments: "-".join(arguments))
def test_an_absurd_number_of_networks_is_refused_at_once(arguments: dict[str, Any]) -> None:
    """Before anything is created: 10⁹ numbers alone would take minutes and 32 GB."""
    count = math.prod(
        value if isinstance(value, int) else value.count or 1
        for name, value in arguments.items()
        if name != "method"
    )  # fmt: skip
    tracemalloc.start()
    try:
        with pytest.raises(
            cr.PlanError, match=rf"a sweep of {count:,} networks needs about .* GB .* (minutes|hours|days|years); give"
        ):
            run_sweep(**arguments)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_a_long_grid_has_the_values_of_a_short_one() -> None:
    values = Axis("rate", cr.log_range(1e-4, 1, 20_001)).grid_values()
    assert (len(values), values[0], values[-1], values[10_000]) == (20_001, 1e-4, 1.0, 0.01)
    assert list(values[:3]) == [cr.log_range(1e-4, 1).interpolate(i / 20_000) for i in range(3)]
    assert list(Axis("size", cr.linear_range(1, 7, 20_000)).grid_values()) == [1, 2, 3, 4, 5, 6, 7]
    many = [0.001 * i for i in range(20_000)]
    assert split_axes({"learning_rate": many})[1] == [Axis("learning_rate", tuple(many))]


@given(low=FINITE, ratio=st.floats(1, 1e6), share=st.floats(0, 1))
def test_a_range_never_leaves_its_ends(low: float, ratio: float, share: float) -> None:
    high = low * ratio
    assert low * (1 - 1e-5) <= Range(low, high, log=True).interpolate(share) <= high * (1 + 1e-5)
