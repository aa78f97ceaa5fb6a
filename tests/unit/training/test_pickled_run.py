"""A run that is pickled or copied goes on with the bytes it would have had."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import creche as cr
from tests.unit.small_runs import TO_THE_END


def start(**arguments: Any) -> cr.Run:
    given = {"label": "species", "hidden": [4], "epochs": 6, "threads": 1, "learning_rate": 0.01} | arguments
    return cr.train("penguins", **given)


def same_bytes(one: cr.Run, other: cr.Run) -> bool:
    first, second = one.state(), other.state()
    return first.keys() == second.keys() and all(first[key].tobytes() == second[key].tobytes() for key in first)


def same_weights(one: cr.Run, other: cr.Run) -> bool:
    layers = zip(one.weights, other.weights, strict=True)
    return all(np.array_equal(a, b) for first, second in layers for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("clone", [lambda run: pickle.loads(pickle.dumps(run)), copy.deepcopy])
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        TO_THE_END,
        {"record": "activations"},
        {"early_stopping": cr.EarlyStopping(patience=2, watch="auc")},
        {"label": "body_mass_g", "missing_label": "drop"},
        {"validation_fraction": 0.0, "optimizer": "adadelta", "schedule": "cosine"},
    ],
)
@pytest.mark.filterwarnings("ignore::creche.CrecheWarning")
def test_a_copy_is_the_same_run(arguments: dict[str, Any], clone: Any) -> None:
    run = start(**arguments)
    other = clone(run)
    assert same_bytes(run, other)
    assert (other.status, other.epoch, other.kept_epoch, repr(other)) == (
        run.status, run.epoch, run.kept_epoch, repr(run),
    )  # fmt: skip
    assert str(other) == str(run)
    assert (run.recording is None) == (other.recording is None)


def test_a_copy_goes_on_as_the_run_would() -> None:
    whole = start(**TO_THE_END)
    half = start(**TO_THE_END, on_epoch=lambda record: record.epoch == 3)
    assert half.status == "stopped"
    other = pickle.loads(pickle.dumps(half))
    for run in (half, other):
        run.resume()
        assert same_weights(run, whole)


def test_a_run_that_diverged_keeps_its_last_weights() -> None:
    with pytest.raises(cr.DivergedError) as caught:
        start(hidden=[4, 4], activation="identity", optimizer="sgd", learning_rate=1e30)
    run: Any = caught.value.run
    other = pickle.loads(pickle.dumps(run))
    assert other.status == "diverged"
    assert other.divergence == run.divergence
    assert same_weights(run, other)
