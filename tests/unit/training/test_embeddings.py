"""Embeddings from the table to the model: which columns they take, files, folds, sweeps and explanations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.cli.main import main
from creche.engine.introspection import first_layer_inputs
from creche.errors import PlanError
from creche.training.plan_file import plan_to_arguments, read_plan, write_plan

TOWNS = [f"town {number:02}" for number in range(12)]


def flats(rows: int = 240, seed: int = 0) -> dict[str, list[Any]]:
    """A price that depends on the town, in no order of towns, and on a wave of the size."""
    rng = np.random.default_rng(seed)
    town, size = rng.integers(0, 12, rows), rng.uniform(20, 120, rows)
    level = np.random.default_rng(9).permutation(12)
    price = level[town] + 3 * np.sin(size / 4) + rng.normal(0, 0.1, rows)
    return {
        "town": [TOWNS[number] for number in town],
        "size": size.tolist(),
        "floor": rng.integers(0, 3, rows).tolist(),
        "lift": (["yes", "no"] * rows)[:rows],
        "price": price.tolist(),
    }


QUICK: dict[str, Any] = {"label": "price", "epochs": 3, "threads": 1, "hidden": [8]}
BOTH: dict[str, Any] = {"number_embedding": "periodic", "category_embedding": 4}


def test_numbers_and_categories_of_many_kinds_are_embedded() -> None:
    run = cr.train(flats(), **QUICK, **BOTH)
    numbers, categories = run.plan.network.embeddings
    inputs = run.model.features.inputs
    assert [inputs[column] for column in numbers.columns] == ["size", "floor"]
    assert [inputs[column] for column in categories.columns] == ["town"]
    assert categories.sizes == (13,)  # code 0 for missing and unknown towns
    assert run.model.input_names == (
        "size ~1", "size ~2", "size ~3", "size", "floor ~1", "floor ~2", "floor ~3", "floor",
        "town ~1", "town ~2", "town ~3", "town ~4", *[name for name in inputs if name.startswith("lift")],
    )  # fmt: skip


def test_a_vector_of_each_category_is_what_training_learns() -> None:
    """Twelve prices in no order, from one number for each town."""
    table = flats(600)
    run = cr.train(
        {"town": table["town"], "price": table["price"]}, label="price", hidden=[8], category_embedding=1, epochs=60,
        learning_rate=0.02, threads=1,
    )  # fmt: skip
    vectors = run.parameters["embeddings.0.vectors"]
    assert vectors.shape == (13, 1)
    assert run.parameters["0.weights"].shape == (1, 8)
    levels = np.random.default_rng(9).permutation(12)
    predicted = np.array([run.model.predict({"town": town})[0] for town in TOWNS])
    assert np.corrcoef(predicted, levels)[0, 1] > 0.97


def test_linear_embeddings_take_a_number_and_its_bins() -> None:
    run = cr.train(flats(), **QUICK, number_embedding=cr.LinearEmbedding(3), preprocessing="piecewise_linear")
    (embedded,) = run.plan.network.embeddings
    widths = {column.name: column.width for column in run.model.features.columns}
    assert embedded.sizes == (widths["size"], widths["floor"])
    assert embedded.sizes[0] > 8
    first = cr.train(flats(), **(QUICK | {"epochs": 0}), number_embedding="linear", preprocessing="piecewise_linear")
    start = first.parameters["embeddings.0.weights"]
    assert start[0].all()
    assert not start[1:].any()


def test_columns_of_arrays_are_embedded() -> None:
    x = np.random.default_rng(0).standard_normal((60, 3))
    run = cr.train(x, x[:, 0], number_embedding="periodic", category_embedding=4, epochs=1, threads=1)
    (embedded,) = run.plan.network.embeddings
    assert embedded.columns == (0, 1, 2)


def test_tables_without_such_columns_have_no_embeddings() -> None:
    words = {"a": ["x", "y", "z"] * 20, "b": ["u", "v"] * 30, "y": np.linspace(0, 1, 60).tolist()}
    run = cr.train(words, label="y", epochs=1, threads=1, **BOTH)
    assert run.plan.network.embeddings == ()


def test_categories_that_training_did_not_see_have_code_0() -> None:
    run = cr.train(flats(), **QUICK, **BOTH)
    codes = {name: position for position, name in enumerate(run.model.features.inputs)}
    rows = [{"town": town, "size": 50.0, "floor": 1, "lift": "yes"} for town in (None, "elsewhere", TOWNS[0])]
    encoded = np.vstack([run.model.encode_rows(row) for row in rows])
    assert encoded[:, codes["town"]].tolist() == [0, 0, 1]
    table = {name: [row[name] for row in rows] for name in rows[0]}
    assert np.array_equal(run.model.encode_rows(table), encoded)
    assert run.model.predict(rows[0]) == run.model.predict(rows[1]) != run.model.predict(rows[2])


def test_models_and_checkpoints_keep_embeddings(tmp_path: Path) -> None:
    table, file, folder = flats(), tmp_path / "m.creche", tmp_path / "c"
    whole = cr.train(table, **(QUICK | {"epochs": 4}), **BOTH)
    whole.model.save(file)
    assert np.array_equal(cr.load(file).predict(table), whole.model.predict(table))
    cr.train(table, **(QUICK | {"epochs": 4}), **BOTH, checkpoint=folder, checkpoint_every=2)
    later = cr.train(table, **(QUICK | {"epochs": 4}), **BOTH, checkpoint=folder, resume=True)
    for name, array in whole.parameters.items():
        assert np.array_equal(array, later.parameters[name])


def test_a_colony_has_the_networks_of_single_runs() -> None:
    swept = cr.sweep(flats(), number_embedding=["none", "periodic"], category_embedding=[None, 3], seeds=2, **QUICK)
    assert len(swept) == 8
    for member in swept:
        alone = cr.train(
            flats(), number_embedding=member.choice["number_embedding"], seed=member.plan.seed, split_seed=0,
            category_embedding=member.choice["category_embedding"], **QUICK,
        )  # fmt: skip
        assert alone.plan.network == member.plan.network
        for name, array in alone.model.parameters.items():
            assert np.array_equal(array, member.model.parameters[name])


def test_folds_and_estimators_take_embeddings() -> None:
    assert cr.cross_validate(flats(), folds=2, **QUICK, **BOTH).members[0].plan.network.embeddings
    import pandas as pd

    frame = pd.DataFrame(flats())
    model = cr.DNNRegressor(hidden=[8], epochs=2, **BOTH).fit(frame.drop(columns="price"), frame["price"])
    assert len(model.model_.plan.network.embeddings) == 2
    model.partial_fit(frame.drop(columns="price"), frame["price"])


def test_networks_of_other_layers_are_not_predicted_as_one() -> None:
    """Members of an ensemble that differ in nothing but what their layers have besides weights."""
    table = flats()
    arguments = QUICK | {"hidden": [8, 8]}
    models = [
        cr.train(table, **arguments, **more).model for more in ({}, {"residual": True}, {"normalization": "layer"}, {})
    ]
    ensemble = cr.Ensemble(models)
    expected = np.mean([model.predict(table) for model in models], axis=0)
    np.testing.assert_allclose(ensemble.predict(table), expected, rtol=1e-6)


def test_what_is_inside_is_told_by_the_inputs_of_the_first_layer() -> None:
    run = cr.train(flats(), **QUICK, **BOTH)
    traced = cr.explain.trace(run, rows=[1, 2], check=True)
    assert traced.inputs == run.model.input_names
    weights, bias = run.parameters["0.weights"].astype(float), run.parameters["0.bias"].astype(float)
    np.testing.assert_allclose(
        traced.encoded.astype(float) @ weights + bias, traced.layers[0].sums, rtol=1e-4, atol=1e-5
    )
    forward = cr.explain.forward_pass(run.model, flats(), rows=[1])
    assert forward.inputs == run.model.input_names
    curve = cr.explain.loss_against_weight(run.model, flats(), layer=0, source="size ~2", target=3)
    assert "size ~2" in str(curve)


@pytest.mark.parametrize("baseline", [None, "mean", {"town": TOWNS[3], "size": 50.0, "floor": 1, "lift": "no"}])
def test_predictions_are_attributed_to_columns_whole(baseline: Any) -> None:
    run = cr.train(flats(), **QUICK, **BOTH)
    parts = cr.explain.integrated_gradients(run, flats(), rows=[1, 2, 3], baseline=baseline)
    assert parts.columns == ("town", "size", "floor", "lift")
    np.testing.assert_allclose(parts.gap, 0, atol=1e-9)
    np.testing.assert_allclose(parts.outputs, run.model.predict(flats())[:3], rtol=1e-5)
    assert np.abs(parts.attributions[:, 0]).max() > 1e-3


def test_rows_are_near_by_the_vectors_of_their_categories() -> None:
    run = cr.train(flats(), **QUICK, **BOTH)
    near = cr.explain.nearest_rows(run, flats(), rows=[1], k=3, space="inputs")
    encoded = run.model.encode_rows(flats())[[0, int(near.near[0, 0]) - 1]]
    inputs = first_layer_inputs(run.model.plan, run.model.parameters, encoded).astype(float)
    assert near.distances[0, 0] == pytest.approx(float(np.linalg.norm(inputs[0] - inputs[1])))


@pytest.mark.parametrize(
    "more", [BOTH, {"number_embedding": "linear", "preprocessing": "piecewise_linear"}, {"category_embedding": 99}]
)
def test_a_plan_file_trains_the_same_network(more: dict[str, Any], tmp_path: Path) -> None:
    """Also where no column of the table is embedded."""
    run = cr.train(flats(), **QUICK, **more)
    file = tmp_path / "plan.toml"
    write_plan(plan_to_arguments(run.plan, run.prepared.preparation), file)
    again = cr.train(flats(), **read_plan(file), threads=1)
    assert again.plan == run.plan
    assert again.prepared.preparation.preprocessing.codes_above in (None, 8)
    for name, array in run.model.parameters.items():
        assert np.array_equal(array, again.model.parameters[name])


def test_codes_without_an_embedding_are_refused() -> None:
    with pytest.raises(PlanError, match="preprocessing: codes of categories need category_embedding=8"):
        cr.train(flats(), **QUICK, preprocessing={"codes_above": 4})


def test_the_command_line_takes_embeddings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["train", "penguins", "--label", "species", "--epochs", "1", "--threads", "1"]
    assert main([*call, "--number-embedding", "periodic:0.3", "--category-embedding", "4"]) == 0
    assert "4 features with periodic embeddings" in " ".join(capsys.readouterr().out.split())
    assert main([*call, "--number-embedding", "waves"]) == 2
    assert "periodic, linear" in capsys.readouterr().err
