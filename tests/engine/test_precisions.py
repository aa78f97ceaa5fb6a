"""An engine built for float32 only says how to get float64; products of rounded operands."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

import creche as cr
from creche import _core
from creche.errors import PlanError


@pytest.fixture
def single() -> ModuleType:
    engine = ModuleType("single")
    engine.Solo32 = object
    return _core._with_precisions(engine)


def test_float64_is_refused_with_the_way_to_build_it(single):
    with pytest.raises(PlanError, match=r"precision: needs .* float64 .* has float32 only; .* `pip install \.`"):
        _ = single.Solo64


def test_other_names_are_missing_as_usual(single):
    assert single.Solo32 is object
    for name in ("Anything", "Anything64"):
        assert not hasattr(single, name)


def test_the_engine_under_test_has_both_precisions():
    engine = _core.load()
    assert engine.Solo32 is not engine.Solo64
    assert "__getattr__" not in vars(engine)


def test_a_network_learns_with_rounded_products_as_it_does_without(tmp_path):
    job = {"label": "species", "hidden": [16, 16], "epochs": 12, "seed": 3, "threads": 1, "on_progress": False}
    full, rounded = cr.train("penguins", **job), cr.train("penguins", **job, precision="bfloat16")
    for name in ("train_loss", "validation_loss"):
        losses, expected = getattr(rounded.history, name), getattr(full.history, name)
        assert not np.array_equal(losses, expected)
        np.testing.assert_allclose(losses, expected, rtol=0.05, atol=1e-3)
    # The model predicts in float32, as evaluations in training do.
    kept = rounded.history.validation_loss[rounded.history.best_epoch]
    assert rounded.evaluation.log_loss == pytest.approx(kept, rel=1e-6)
    rounded.model.save(tmp_path / "m.creche")
    read = cr.load(tmp_path / "m.creche")
    np.testing.assert_array_equal(read.predict_proba("penguins"), rounded.model.predict_proba("penguins"))


def test_rounded_products_are_the_same_in_a_sweep_and_resumed(tmp_path):
    job = {"label": "species", "hidden": [9], "batch_size": 17, "precision": "bfloat16", "on_progress": False}
    whole = cr.train("penguins", **job, epochs=4, seed=1, threads=2)
    member = cr.sweep("penguins", **job, epochs=4, seed=1, seeds=2, threads=2)[0]
    resumed = cr.Run(whole.plan, whole.prepared, 1)
    for epoch in (1, 3, 40):
        resumed.resume(steps=3 * epoch, on_progress=False)
    for run in (member, resumed):
        for name, array in whole.parameters.items():
            assert array.tobytes() == run.parameters[name].tobytes(), name
