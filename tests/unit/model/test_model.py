from __future__ import annotations

import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.engine.parameters import Parameters
from creche.plan import ACTIVATIONS
from tests.unit.small_runs import MEASUREMENTS, line, quick, two_classes

BIRDS = cr.datasets.penguins().select("species", *MEASUREMENTS).drop_nulls()


@pytest.fixture(scope="module")
def model() -> cr.Model:
    return quick(BIRDS, None, label="species", hidden=[5, 4], epochs=30, learning_rate=0.01).model


def test_any_table_with_the_columns_will_do(model: cr.Model) -> None:
    expected = model.predict_proba(BIRDS)
    shuffled = BIRDS.select(*reversed(MEASUREMENTS)).with_columns(island=pl.lit("Dream"), extra=pl.lit(1.0))
    np.testing.assert_array_equal(model.predict_proba(shuffled), expected)
    np.testing.assert_array_equal(model.predict_proba(BIRDS.select(MEASUREMENTS).to_numpy()), expected)
    np.testing.assert_array_equal(model.predict_proba(BIRDS.select(MEASUREMENTS).to_numpy().tolist()), expected)
    assert model.classes is not None
    assert model.predict(BIRDS).tolist() == [model.classes[i] for i in expected.argmax(axis=1)]


def test_predictions_are_the_network_by_hand(model: cr.Model) -> None:
    x = BIRDS.select(MEASUREMENTS).to_numpy()
    kept = quick(BIRDS, None, label="species", epochs=0).prepared.train.observations.row_indices
    z = (x - x[kept].mean(axis=0)) / x[kept].std(axis=0)
    for weights, bias in model.weights[:-1]:
        z = np.maximum(z @ weights + bias, 0)
    weights, bias = model.weights[-1]
    e = np.exp(z @ weights + bias)
    np.testing.assert_allclose(model.predict_proba(BIRDS), e / e.sum(axis=1, keepdims=True), rtol=1e-4, atol=1e-6)


def test_numbers_are_the_network_by_hand() -> None:
    x, y = line()
    run = quick(x, y, activation="tanh", epochs=20)
    model, kept = run.model, run.prepared.train.observations.x
    assert isinstance(kept, np.ndarray)
    z = (x - kept.mean(axis=0)) / kept.std(axis=0)
    for weights, bias in model.weights[:-1]:
        z = np.tanh(z @ weights + bias)
    weights, bias = model.weights[-1]
    by_hand = (z @ weights + bias)[:, 0] * model.labels.scale + model.labels.mean
    np.testing.assert_allclose(model.predict(x), by_hand, rtol=1e-5)
    assert model.predict(x).dtype == np.float64


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "squared_error"])
def test_probabilities_sum_to_one(loss: str, classes: int, precision: str) -> None:
    x, _ = two_classes(90)
    y = np.arange(90) % classes
    model = quick(x, y, loss=loss, precision=precision).model
    for data in (x, x * 1e6):
        p = model.predict_proba(data)
        assert p.shape == (90, classes)
        assert p.dtype == precision
        assert ((p >= 0) & (p <= 1)).all()
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("labels", [["no", "yes"], [False, True], [3, 17], [0.5, 2.5]], ids=repr)
def test_predictions_are_labels_as_they_were_given(labels: list[Any]) -> None:
    x, y = two_classes()
    given = np.array(labels)[y]
    model = quick(x, given, epochs=100, learning_rate=0.02, task="classification").model
    assert model.classes == tuple(labels)
    assert (model.predict(x) == given).mean() > 0.9
    assert model.predict(x).dtype == given.dtype


def test_a_missing_column_is_named_with_the_nearest(model: cr.Model) -> None:
    told = "the table has no column 'bill_depth_mm', which the model was trained on; did you mean 'bill_depth'"
    with pytest.raises(cr.TableError, match=told):
        model.predict(BIRDS.rename({"bill_depth_mm": "bill_depth"}))


def test_words_where_numbers_were(model: cr.Model) -> None:
    with pytest.raises(cr.TableError, match="row 1, column 'body_mass_g' is 'heavy'; needs a number, or an empty cell"):
        model.predict(BIRDS.with_columns(body_mass_g=pl.lit("heavy")))


def test_an_array_of_another_width(model: cr.Model) -> None:
    with pytest.raises(cr.TableError, match="X: has 3 columns; the network was trained on 4"):
        model.predict(np.zeros((2, 3)))


def test_a_row_alone_is_no_table(model: cr.Model) -> None:
    with pytest.raises(cr.TableError, match=r"X: has shape \(4,\); needs \(rows, columns\)"):
        model.predict(np.zeros(4))


def test_a_missing_value_is_named_by_row_and_column(model: cr.Model) -> None:
    x = BIRDS.select(MEASUREMENTS).to_numpy().astype(float)
    x[2, 1] = np.nan
    with pytest.raises(cr.TableError, match="X: row 2, column 1 is nan"):
        model.predict(x)


def test_a_missing_value_in_a_table_counts_as_the_mean(model: cr.Model) -> None:
    means = quick(BIRDS, None, label="species", epochs=0).prepared.train.observations.x
    assert not isinstance(means, np.ndarray)
    filled = cr.datasets.penguins().with_columns(
        pl.col(name).cast(pl.Float64).fill_null(float(means.columns[name].values.mean())) for name in MEASUREMENTS
    )
    np.testing.assert_allclose(model.predict_proba(cr.datasets.penguins()), model.predict_proba(filled), rtol=1e-5)


def test_an_infinite_value_is_named_by_row_and_column(model: cr.Model) -> None:
    with pytest.raises(cr.TableError, match="the table: row 3, column 'bill_length_mm' is inf; needs a finite number"):
        model.predict(BIRDS.with_columns(bill_length_mm=pl.Series([1.0, 2.0, np.inf] + [1.0] * (len(BIRDS) - 3))))


def test_an_empty_table_has_no_predictions(model: cr.Model) -> None:
    with pytest.raises(cr.TableError, match="is empty"):
        model.predict(np.zeros((0, 4)))


def test_numbers_have_no_probabilities() -> None:
    x, y = line()
    with pytest.raises(cr.CrecheError, match="predict_proba: the label 'y' is a number, not a class; use predict"):
        quick(x, y).model.predict_proba(x)


def test_a_pickled_model_predicts_the_same(model: cr.Model) -> None:
    expected = model.predict_proba(BIRDS)
    back = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(back.predict_proba(BIRDS), expected)
    assert back.plan == model.plan
    assert repr(back) == repr(model)


def test_weights_of_each_layer(model: cr.Model) -> None:
    assert [(w.shape, b.shape) for w, b in model.weights] == [((4, 5), (5,)), ((5, 4), (4,)), ((4, 3), (3,))]
    assert sum(w.size + b.size for w, b in model.weights) == model.plan.network.parameters
    assert all(w.dtype == b.dtype == np.float32 for w, b in model.weights)


def test_evaluate_is_of_the_predictions(model: cr.Model) -> None:
    out = model.evaluate(BIRDS)
    assert isinstance(out, cr.ClassificationEvaluation)
    assert out.accuracy == (model.predict(BIRDS) == BIRDS["species"].to_numpy()).mean()
    assert out.confusion.sum() == out.rows == len(BIRDS)
    np.testing.assert_array_equal(out.confusion.sum(axis=1), [151, 68, 123])
    on_arrays = model.evaluate(BIRDS.select(MEASUREMENTS).to_numpy(), BIRDS["species"].to_numpy())
    assert isinstance(on_arrays, cr.ClassificationEvaluation)
    assert (on_arrays.accuracy, on_arrays.auc, on_arrays.log_loss) == (out.accuracy, out.auc, out.log_loss)


def test_a_table_with_separate_labels_keeps_its_names() -> None:
    features, species = BIRDS.select(MEASUREMENTS), BIRDS["species"]
    separate = quick(features, species).model
    inside = quick(BIRDS.select(*MEASUREMENTS, "species"), None, label="species").model
    assert (separate.features.names, separate.labels.name) == (MEASUREMENTS, "species")
    shuffled = features.select(MEASUREMENTS[::-1])
    np.testing.assert_array_equal(separate.predict_proba(shuffled), inside.predict_proba(features))
    assert separate.evaluate(shuffled, species).rows == len(BIRDS)
    held = quick(features.slice(50), species.slice(50), validation_data=(shuffled.head(50), species.head(50)))
    assert held.prepared.validation is not None
    assert held.prepared.validation.observations.x.names == list(MEASUREMENTS[::-1])


def test_evaluate_needs_the_label(model: cr.Model) -> None:
    with pytest.raises(cr.TableError, match="label: the table has no column 'species'"):
        model.evaluate(BIRDS.drop("species"))
    with pytest.raises(
        cr.TableError, match="label 'species': row 1 is 'Emperor', which is not a class of the training rows"
    ):
        model.evaluate(BIRDS.with_columns(species=pl.lit("Emperor")))


def test_evaluate_of_numbers_refuses_words() -> None:
    x, y = line()
    frame = pl.DataFrame({"x0": [1.0, 2.0], "x1": [1.0, 2.0], "x2": [1.0, 2.0], "y": ["a", "b"]})
    model = quick(x, y).model
    with pytest.raises(cr.TableError, match="label 'y'"):
        model.evaluate(frame)


def test_models_are_snapshots() -> None:
    x, y = two_classes()
    run = quick(x, y, epochs=4)
    run.set_state(quick(x, y, epochs=0).state())
    before = run.model
    first = before.predict_proba(x)
    run.resume()
    np.testing.assert_array_equal(before.predict_proba(x), first)
    assert not np.array_equal(run.model.predict_proba(x), first)


@pytest.mark.parametrize("activation", ACTIVATIONS.words)
def test_predictions_are_finite_for_every_activation(activation: str) -> None:
    x, y = two_classes()
    assert np.isfinite(quick(x, y, activation=activation).model.predict_proba(x)).all()


def test_repr_shows_network_and_label() -> None:
    x, y = two_classes()
    assert repr(quick(x, y).model) == "Model(3-6-2, 38 parameters; y: 2 classes)"
    assert repr(quick(*line()).model) == "Model(3-6-1, 31 parameters; y: a number)"


def test_no_class_is_predicted_for_numbers_that_overflow() -> None:
    x, y = two_classes(columns=2)
    model = quick(x, y, hidden=[4, 4], standardize=False).model
    huge = replace(
        model, parameters=Parameters.of_layers([(w * np.float32(1e30), np.zeros_like(b)) for w, b in model.weights])
    )
    with pytest.raises(cr.TableError, match=r"row 1: the network's output is nan: .* too large for float32"):
        huge.predict(np.array([[0.0, 0.0], [1e8, -1e8]]))
    with pytest.raises(cr.TableError, match="row 2: the network's output is nan"):
        huge.evaluate({"x0": [0.0, 1e8], "x1": [0.0, -1e8], "y": [0, 1]})


def test_no_number_is_predicted_that_is_not_finite() -> None:
    x, y = line()
    model = quick(x, y, hidden=[]).model
    for sign in (1, -1):
        weights = [(np.full_like(w, sign * 1e38), b) for w, b in model.weights]
        with pytest.raises(cr.TableError, match=f"row 0: the network's output is {'-' if sign < 0 else ''}inf"):
            replace(model, parameters=Parameters.of_layers(weights)).predict(np.abs(x) * 1e3)


def test_a_model_does_not_overwrite_the_tables_it_was_trained_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    BIRDS.gather_every(2).write_csv("birds.data")
    BIRDS.gather_every(2, 1).write_csv("later.data")
    before = [Path(name).read_bytes() for name in ("birds.data", "later.data")]
    options: dict[str, Any] = {"hidden": [3], "epochs": 1, "threads": 1, "validation_data": "later.data"}
    run = cr.train("birds.data", label="species", **options)
    best = cr.sweep("birds.data", label="species", seeds=2, **options)
    Path("link").symlink_to(tmp_path / "later.data")
    for model in (run.model, best.best().model, best.ensemble(2), pickle.loads(pickle.dumps(run.model))):
        for name in ("birds.data", "later.data", "link", str(tmp_path / "birds.data")):
            with pytest.raises(cr.PlanError, match="is the table itself; give another name"):
                model.save(name)
    assert [Path(name).read_bytes() for name in ("birds.data", "later.data")] == before
    run.model.save("birds.creche")
    assert isinstance(cr.load("birds.creche"), cr.Model)


def test_a_model_is_not_saved_under_the_name_of_a_table(model: cr.Model, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("of the user")
    for saved in (model, cr.Ensemble([model])):
        with pytest.raises(cr.FileError, match=r"other\.csv: is the name of a table .*ends in \.creche"):
            saved.save(other)
    assert other.read_text() == "of the user"


def test_a_model_of_a_bundled_table_or_a_frame_may_have_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for data, name in (("penguins", "penguins"), (BIRDS, "the table")):
        for _ in range(2):
            cr.train(data, label="species", hidden=[3], epochs=1, threads=1).model.save(name)
            if name == "penguins":
                os.rename(name, "other")  # or it would be the table of that name
