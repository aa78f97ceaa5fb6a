"""The recipe of a fitted model: its plans train the very networks of the model, by `creche.train` on its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.fitting.configuration import Configuration
from creche.fitting.recipe import list_kept_plans, select_plan
from creche.model.fitted import FittedModel
from creche.training.plan_file import read_plan, write_plan
from tests.unit.fitting.small_fits import make_tiny

SMOOTH = cr.Preprocessing(scaling="robust", clip="smooth")
BINS = cr.Preprocessing(scaling="quantile", numeric_encoding="piecewise_linear", bins=3)
CONFIGURATIONS = (
    Configuration("small", (6,), "mish", 0.2, 0.01, 0.3, 0.9, "ntk", batch_size=16, epochs=7, preprocessing=SMOOTH),
    Configuration("linear", (), learning_rate=0.05, batch_size=8, epochs=5),
    Configuration(
        "bins",
        (5, 4),
        "silu",
        learning_rate=0.02,
        epochs=9,
        preprocessing=BINS,
        number_embedding=cr.LinearEmbedding(3),
        normalization="layer",
        parametric_activation=True,
        scale_inputs=True,
    ),
    Configuration("of four", (6,), batch_size=16, epochs=6, submodels=4),
    Configuration(
        "bins of four",
        (6,),
        batch_size=16,
        epochs=6,
        preprocessing=BINS,
        number_embedding=cr.LinearEmbedding(3),
        submodels=4,
    ),
)
LABELS = ("kind", "size")


@pytest.fixture(scope="module")
def days() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((90, 2))
    return pl.DataFrame(
        {
            "a": x[:, 0],
            "b": np.where(x[:, 1] > 0, "high", "low"),
            "day": np.cumsum(rng.random(90)),
            "kind": np.where(x[:, 0] + x[:, 1] > 0, "up", "down"),
            "size": 5 * x[:, 0] + np.abs(x[:, 1]),
        }
    )


@pytest.fixture(scope="module", params=LABELS)
def model(request: pytest.FixtureRequest, days: pl.DataFrame) -> FittedModel:
    other = LABELS[1 - LABELS.index(request.param)]
    with pytest.MonkeyPatch.context() as patch:
        make_tiny(patch, CONFIGURATIONS)
        return cr.fit(days, label=request.param, schema={other: "ignore"}, time="day", effort="fast", threads=1)


def test_a_plan_of_all_rows_trains_the_network_of_the_model(
    model: FittedModel, days: pl.DataFrame, tmp_path: Path
) -> None:
    """The networks of a split in order of time learn all rows in the end, and nothing else."""
    assert model.record.refitted
    plans = list_kept_plans(model)
    assert len(plans) == len(model.models) > 1
    in_order = sorted(plans, key=lambda each: each.tried.number)
    for kept, network in zip(in_order, model.models, strict=True):
        file = tmp_path / f"{kept.tried.number}.toml"
        write_plan(kept.to_arguments(), file)
        run = cr.train(days, **{**read_plan(file), "validation_fraction": 0.0}, threads=1)
        for (w, b), (found_w, found_b) in zip(network.weights, run.model.weights, strict=True):
            assert w.tobytes() == found_w.tobytes()
            assert b.tobytes() == found_b.tobytes()
        assert (run.model.predict(days) == network.predict(days)).all()


def test_by_default_rows_are_held_out_and_the_rest_is_as_configured(model: FittedModel, days: pl.DataFrame) -> None:
    for kept in list_kept_plans(model):
        configured = next(each for each in CONFIGURATIONS if each.name == kept.tried.name)
        run = cr.train(days, **kept.to_arguments(), threads=1)
        plan, preparation = run.plan, run.prepared.preparation
        assert len(run.prepared.validation) > 0
        assert run.epoch == kept.tried.epoch
        assert plan.schedule == cr.schedules.Cosine(length=float(configured.epochs))
        assert plan.optimizer == cr.AdamW(
            learning_rate=configured.learning_rate, weight_decay=configured.weight_decay, beta2=configured.beta2,
            parameterization=configured.parameterization,
        )  # fmt: skip
        assert (plan.batch_size, preparation.preprocessing) == (configured.batch_size, configured.preprocessing)
        assert [layer.width for layer in plan.network.layers[:-1]] == list(configured.hidden)
        assert all(layer.dropout == configured.dropout for layer in plan.network.layers[:-1])
        assert all(layer.normalization == configured.normalization for layer in plan.network.layers[:-1])
        assert all(
            layer.parametric_activation == configured.parametric_activation for layer in plan.network.layers[:-1]
        )
        assert plan.network.layers[0].scale_inputs == configured.scale_inputs
        assert {each.embedding for each in plan.network.embeddings} <= {configured.number_embedding}
        assert bool(plan.network.embeddings) == (configured.number_embedding is not None)
        assert (preparation.split.time, plan.early_stopping, plan.keep) == ("day", None, "last")


def test_the_highest_weight_comes_first(model: FittedModel) -> None:
    weights = [each.tried.weight for each in list_kept_plans(model)]
    assert weights == sorted(weights, reverse=True)
    assert select_plan(model).tried.weight == weights[0]


def test_a_configuration_is_chosen_by_its_name(model: FittedModel) -> None:
    for each in list_kept_plans(model):
        assert select_plan(model, each.tried.name).tried == each.tried
    name = list_kept_plans(model)[0].tried.name
    with pytest.raises(cr.PlanError, match=f"configuration: got '{name[:-1]}'; did you mean '{name}'"):
        select_plan(model, name[:-1])


def test_one_without_a_weight_is_told_from_an_unknown_one(model: FittedModel) -> None:
    first, *others = model.record.tried
    tried = (replace(first, weight=0.0), *others)
    without: Any = FittedModel(
        model.models, model.weights.tolist(), model.labels, model.calibration, replace(model.record, tried=tried),
        model.scores, provenance=model.provenance,
    )  # fmt: skip
    kept = sorted((each for each in others if each.weight > 0), key=lambda each: -each.weight)
    names = ", ".join(each.name for each in kept)
    with pytest.raises(cr.PlanError, match=f"{first.name!r} was tried, but has no weight; choose one of {names}$"):
        select_plan(without, first.name)


def test_a_model_of_unknown_origin_has_no_plan(model: FittedModel) -> None:
    without = model.with_threads(1)
    without.provenance = None
    with pytest.raises(cr.PlanError, match="does not record how it was fitted"):
        list_kept_plans(without)
