"""Integrated gradients: against torch's (golden numbers), against what can be worked out by hand, and completeness."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib import pyplot as plt
from numpy.typing import NDArray

import creche as cr
from creche.engine.parameters import Parameters
from creche.explain import integrated_gradients
from creche.explain.encoded_rows import column_blocks
from creche.explain.input_gradients import OutputFunction, OutputTarget
from creche.explain.integrated_gradients import neutral_inputs
from tests.unit.small_runs import line, two_classes

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "integrated_gradients.json").read_text())
LOSSES = {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy", "one_against_rest": "binary_cross_entropy"}


def numbers(hexadecimal: Any) -> NDArray[np.float64]:
    if isinstance(hexadecimal, str):
        return np.array(float.fromhex(hexadecimal))
    return np.array([numbers(row) for row in hexadecimal])


@pytest.fixture(scope="module")
def model() -> cr.Model:
    return cr.train(
        "penguins", label="species", hidden=[5, 4], activation="tanh", learning_rate=0.02, epochs=20, threads=1
    ).model


@pytest.fixture(scope="module")
def ensemble() -> cr.Ensemble:
    """Networks with different encoders, shapes, losses and shares."""
    same = {"label": "species", "epochs": 8, "threads": 1, "learning_rate": 0.03}
    models = [
        cr.train("penguins", hidden=[4], activation="tanh", **same).model,
        cr.train("penguins", hidden=[3, 3], activation="silu", preprocessing="quantile", **same).model,
        cr.train("penguins", hidden=[4], activation="mish", loss="binary_cross_entropy", seed=2, **same).model,
    ]
    return cr.Ensemble(models, weights=[1, 2, 3], temperature=1.4, threads=1)


def quick(x: Any, y: Any, **arguments: Any) -> cr.Model:
    own = {"precision": "float64", "epochs": 1, "threads": 1, "validation_fraction": 0}
    return cr.train(x, y, **(own | arguments)).model


@pytest.mark.parametrize("name", GOLDEN["cases"])
def test_they_are_those_of_torch(name: str) -> None:
    activation, head = name.split()
    golden = GOLDEN["cases"][name]
    layers = [(numbers(w), numbers(b)) for w, b in golden["layers"]]
    x, rng = numbers(GOLDEN["x"]), np.random.default_rng(0)
    some = rng.standard_normal((30, 3))
    y = rng.standard_normal((30, 2)) if head == "numbers" else np.arange(30) % (2 if head == "sigmoid" else 3)
    loss = LOSSES.get(head, "squared_error")
    network = replace(
        quick(some, y, hidden=[6, 5], activation=activation, loss=loss, standardize=False),
        parameters=Parameters.of_layers(layers),
    )
    targets = network.labels.names if network.classes is None else network.classes
    cases = [(logit, target) for logit in ([False] if head == "numbers" else [False, True]) for target in targets]
    assert len(cases) == len(golden["attributions"])
    smooth = activation != "relu"
    for (logit, target), expected in zip(cases, golden["attributions"], strict=True):
        found = integrated_gradients(
            network, x, baseline=numbers(GOLDEN["start"]), target=target, logit=logit, steps=128 if smooth else 4096
        )
        tolerance = 1e-10 if smooth else 1e-3
        np.testing.assert_allclose(found.attributions, numbers(expected), rtol=tolerance, atol=tolerance)
        assert np.abs(found.gap).max() < tolerance


def test_of_a_linear_network_they_are_weight_times_difference() -> None:
    x, y = line()
    network = quick(x, y, hidden=[], epochs=30)
    (w, _), *_ = network.weights
    start = np.array([0.5, -1.0, 2.0])
    found = integrated_gradients(network, x, baseline=start, steps=1)
    slopes = w[:, 0] * network.labels.scale[0] / np.array([c.scale for c in network.features.columns])  # type: ignore[union-attr]
    np.testing.assert_allclose(found.attributions, (x - start) * slopes, rtol=1e-9)
    np.testing.assert_allclose(found.outputs, network.predict(x), rtol=1e-12)
    np.testing.assert_allclose(found.gap, 0, atol=1e-9 * np.abs(y).max())
    assert set(found.targets) == {"y"}


def test_of_two_classes_log_odds_of_a_linear_network_too() -> None:
    x, y = two_classes()
    network = quick(x, y, hidden=[], standardize=False)
    (w, _), *_ = network.weights
    own = w[:, 1] - w[:, 0] if w.shape[1] == 2 else w[:, 0]
    found = integrated_gradients(network, x, target=1, logit=True, steps=1, baseline=np.zeros(3))
    np.testing.assert_allclose(found.attributions, x * own, rtol=1e-9)
    p = network.predict_proba(x)
    np.testing.assert_allclose(found.outputs, np.log(p[:, 1] / p[:, 0]), rtol=1e-9)


def test_log_odds_stay_right_where_probabilities_are_1() -> None:
    x, y = two_classes()
    for loss in ("cross_entropy", "binary_cross_entropy"):
        network = quick(x, y, hidden=[], standardize=False, loss=loss)
        steep = replace(network, parameters=Parameters.of_layers([(w * 80, b) for w, b in network.weights]))
        found = integrated_gradients(steep, x, target=1, logit=True)
        assert np.abs(found.outputs).max() > 50
        np.testing.assert_allclose(found.gap, 0, atol=1e-8)


@pytest.mark.parametrize("logit", [False, True])
@pytest.mark.parametrize("several", [False, True])
def test_slopes_against_differences(model: cr.Model, ensemble: cr.Ensemble, several: bool, logit: bool) -> None:
    network = ensemble if several else model
    said = OutputFunction(network)
    rng = np.random.default_rng(3)
    x = [rng.standard_normal((5, one.features.width)) for one in said.models]
    target = OutputTarget(np.array([0, 1, 2, 1, 0]), logit)
    h = 1e-6
    for part, slopes in enumerate(said.gradients(x, target)):
        for i in range(slopes.shape[1]):
            above, below = ([own.copy() for own in x] for _ in range(2))
            above[part][:, i] += h
            below[part][:, i] -= h
            expected = (said.values(above, target) - said.values(below, target)) / (2 * h)
            np.testing.assert_allclose(slopes[:, i], expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("arguments", [{}, {"target": "Gentoo"}, {"logit": True}, {"baseline": "mean"}])
@pytest.mark.parametrize("several", [False, True])
def test_they_sum_to_what_is_said_less_what_is_said_of_the_baseline(
    model: cr.Model, ensemble: cr.Ensemble, several: bool, arguments: dict[str, Any]
) -> None:
    network = ensemble if several else model
    found = integrated_gradients(network, "penguins", **arguments)
    np.testing.assert_allclose(found.attributions.sum(axis=1), found.outputs - found.baselines, atol=1e-5)
    p = network.predict_proba("penguins").astype(np.float64)
    said = p[:, 2] if "target" in arguments else p.max(axis=1)
    shown = 1 / (1 + np.exp(-found.outputs)) if "logit" in arguments else found.outputs
    np.testing.assert_allclose(shown, said, atol=1e-6)
    if "target" not in arguments:
        assert list(found.targets) == network.predict("penguins").tolist()


def test_a_column_that_is_not_used_gets_nothing(model: cr.Model) -> None:
    (w, b), *others = model.weights
    w = w.copy()
    place = model.features.names.index("sex")
    w[column_blocks(model.features)[place]] = 0
    found = integrated_gradients(replace(model, parameters=Parameters.of_layers([(w, b), *others])), "penguins")
    assert (found.attributions[:, place] == 0).all()
    assert np.abs(found.attributions).sum(axis=0).astype(bool).sum() == len(found.columns) - 1


def test_the_neutral_row(model: cr.Model) -> None:
    """Numbers at their mean, nothing of anything else; not the same as a missing value, which is marked."""
    x = neutral_inputs(model.features)
    np.testing.assert_allclose(x, 0, atol=1e-12)
    unscaled = cr.train("penguins", label="species", preprocessing="none", hidden=[3], epochs=1, threads=1).model
    x, inputs = neutral_inputs(unscaled.features), unscaled.features.inputs
    assert 180 < x[inputs.index("flipper_length_mm")] < 220
    assert x[inputs.index("flipper_length_mm missing")] == x[inputs.index("sex=male")] == 0


def test_rows_are_those_the_user_calls_so(model: cr.Model) -> None:
    whole = integrated_gradients(model, "penguins")
    some = integrated_gradients(model, "penguins", rows=[12, 3])
    assert some.rows.tolist() == [12, 3]
    np.testing.assert_allclose(some.attributions, whole.attributions[[11, 2]], rtol=1e-12, atol=1e-15)
    assert some.cells[some.columns.index("bill_length_mm")].tolist() == [37.8, 40.3]
    x, y = two_classes()
    array = integrated_gradients(quick(x, y, hidden=[3]), x, rows=0)
    assert (array.columns, array.rows.tolist()) == (("x0", "x1", "x2"), [0])
    assert array.cells[1][0] == x[0, 1]


def test_a_row_as_baseline_in_every_form(model: cr.Model) -> None:
    penguins = cr.datasets.penguins()
    frame = penguins[100:101]
    expected = integrated_gradients(model, penguins, rows=1, baseline=frame)
    by_dict = integrated_gradients(model, penguins, rows=1, baseline=frame.drop("species").to_dicts()[0])
    np.testing.assert_array_equal(by_dict.attributions, expected.attributions)
    said = expected.targets[0]
    assert said == model.predict(penguins[:1])[0]
    place = model.classes.index(said)  # type: ignore[union-attr]
    assert expected.baselines[0] == pytest.approx(model.predict_proba(frame)[0, place], abs=1e-6)
    itself = integrated_gradients(model, penguins, rows=101, baseline=frame)
    assert (itself.attributions == 0).all()


def test_rows_without_a_label_and_frames(model: cr.Model) -> None:
    found = integrated_gradients(model, cr.datasets.penguins().drop("species").head(3))
    table = found.table()
    assert table.columns == ["row", "target", "column", "value", "attribution"]
    assert table.height == 3 * 6
    assert table["attribution"].to_list() == found.attributions.ravel().tolist()
    first = table.filter(pl.col("row") == 1)
    assert dict(zip(first["column"], first["value"], strict=True))["island"] == "Torgersen"
    data = found.to_dict()["rows"][0]
    assert data["columns"][0]["attribution"] == max(found.attributions[0], key=abs)


def test_several_numbers_and_counts() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 2))
    y = pl.DataFrame({"width": 100 + 20 * x[:, 0], "height": 5 - x[:, 1]}).to_pandas()
    network = quick(x, y, hidden=[4], activation="tanh", epochs=20)
    found = integrated_gradients(network, x, target="height")
    np.testing.assert_allclose(found.outputs, network.predict(x)[:, 1], rtol=1e-9)
    np.testing.assert_allclose(found.gap, 0, atol=1e-8)
    with pytest.raises(cr.PlanError, match="target: is missing; name one of the labels width, height"):
        integrated_gradients(network, x)
    counts = quick(x, rng.poisson(np.exp(x[:, 0])).astype(float), hidden=[4], activation="tanh", loss="poisson")
    found = integrated_gradients(counts, x)
    np.testing.assert_allclose(found.outputs, counts.predict(x), rtol=1e-9)
    np.testing.assert_allclose(found.gap, 0, atol=1e-8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": 345}, "rows: there is no row 345; the rows are numbered 1 to 344"),
        ({"rows": 0}, "rows: there is no row 0; the rows are numbered 1 to 344"),
        ({"rows": "first"}, "rows: got 'first'; needs row numbers, such as 12"),
        ({"rows": []}, "rows: got []; needs row numbers"),
        ({"target": "Gento"}, "target: got 'Gento'; did you mean 'Gentoo'? Choose one of Adelie, Chinstrap, Gentoo"),
        ({"target": "logit"}, "For log-odds, set logit=True."),
        ({"steps": 0}, "steps: got 0; needs a whole number of at least 1"),
        ({"baseline": "zero"}, "baseline: got 'zero'; needs 'mean', or one row"),
        ({"baseline": 0}, "baseline: got 0; needs 'mean', or one row"),
        ({"baseline": "penguins"}, "baseline: got 'penguins'; needs 'mean', or one row"),
        ({"baseline": []}, "X: "),
        ({"baseline": {"island": "Dream"}}, "has no column 'bill_length_mm'"),
    ],
)
def test_what_is_not_there(model: cr.Model, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(cr.CrecheError, match=re.escape(message)):
        integrated_gradients(model, "penguins", **arguments)


def test_classes_that_are_numbers_and_an_array_with_names() -> None:
    x, y = two_classes()
    network = quick(x, y, hidden=[3])
    expected = integrated_gradients(network, x, target=1)
    assert expected.targets == integrated_gradients(network, x, target="1").targets == (1,) * len(x)
    with pytest.raises(cr.PlanError, match="target: got 2; choose one of 0, 1"):
        integrated_gradients(network, x, target=2)
    named = integrated_gradients(network, pl.DataFrame(x, schema=["a", "b", "c"]), target=1)
    assert (named.columns, named.rows[0]) == (("x0", "x1", "x2"), 1)
    np.testing.assert_array_equal(named.attributions, expected.attributions)
    with pytest.raises(cr.TableError, match="has 2 columns; the network was trained on an array of 3"):
        integrated_gradients(network, pl.DataFrame(x[:, :2], schema=["a", "b"]))


def test_a_date_is_one_column() -> None:
    rng = np.random.default_rng(0)
    days = np.datetime64("2020-01-01") + rng.integers(0, 900, 60).astype("timedelta64[D]")
    y = np.where(days > np.datetime64("2021-03-01"), "late", "early")
    table = pl.DataFrame({"day": days, "size": rng.standard_normal(60), "when": y})
    network = cr.train(table, label="when", hidden=[4], activation="tanh", epochs=60, threads=1).model
    found = integrated_gradients(network, table, rows=[1, 2])
    assert found.columns == ("day", "size")
    assert found.largest(1)[0][0] == "day"
    assert found.table()["value"][0] == str(days[0])
    np.testing.assert_allclose(found.gap, 0, atol=1e-6)


def test_what_cannot_be_explained(model: cr.Model) -> None:
    with pytest.raises(cr.PlanError, match="model: got str; needs a Model, an Ensemble"):
        integrated_gradients("penguins.creche", "penguins")
    with pytest.raises(cr.TableError, match="baseline: has 344 rows; needs one"):
        integrated_gradients(model, "penguins", baseline=cr.datasets.penguins())
    with pytest.raises(cr.TableError, match="has no column 'sex'"):
        integrated_gradients(model, cr.datasets.penguins().drop("sex"))
    with pytest.raises(cr.TableError, match="data: is missing"):
        integrated_gradients(model, None)
    x, y = line(40)
    network = quick(x, y, hidden=[2])
    with pytest.raises(cr.PlanError, match="logit: needs a classification; the label 'y' is a number"):
        integrated_gradients(network, x, logit=True)
    with pytest.raises(cr.TableError, match="X: has 2 columns; the network was trained on 3"):
        integrated_gradients(network, x[:, :2])
    with pytest.raises(cr.TableError, match="X: has 2 columns; the network was trained on 3"):
        integrated_gradients(network, x, baseline=x[0, :2])
    found = integrated_gradients(model, "penguins", rows=[4, 5])
    with pytest.raises(cr.PlanError, match="row: is missing; there are 2 rows"):
        found.largest()
    with pytest.raises(cr.TableError, match="row: there is no row 6; the rows are numbered 4 to 5"):
        found.plot(row=6)


@pytest.mark.parametrize("arguments", [{}, {"logit": True}])
def test_the_picture_shows_the_numbers(model: cr.Model, arguments: dict[str, Any]) -> None:
    found = integrated_gradients(model, "penguins", rows=[12, 200], **arguments)
    axes = found.plot(row=200)
    strongest = found.largest(200)
    labels = [label.get_text().split(" = ")[0] for label in axes.get_yticklabels()]
    assert labels == [name for name, *_ in strongest]
    widths = {round(bar.get_y() + 0.31): bar.get_width() for bar in axes.patches}
    drawn = [widths[place] for place in sorted(widths, reverse=True)]
    np.testing.assert_allclose(drawn, [value for *_, value in strongest])
    assert axes.get_title().startswith("row 200: ")
    assert ("log-odds" if arguments else "probability") in axes.get_xlabel()
    plt.close("all")


def test_of_very_many_columns_the_rest_is_one_bar() -> None:
    x, y = two_classes(columns=30)
    found = integrated_gradients(quick(x, y, hidden=[3]), x, rows=0)
    axes = found.plot()
    assert axes.get_yticklabels()[-1].get_text() == "10 other columns"
    assert sum(bar.get_width() for bar in axes.patches) == pytest.approx(found.attributions.sum())
    plt.close("all")
