"""Plots show the numbers that they are given."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from inspect import getdoc, signature
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from sklearn.metrics import average_precision_score, roc_auc_score

import creche as cr
from creche import plots
from creche.evaluation import ClassificationEvaluation, RegressionEvaluation
from creche.evaluation.curves import wilson_interval
from tests.unit import small_runs as jobs
from tests.unit.plots import made
from tests.unit.plots.pictures import PICTURES


def texts(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts]


def named(lines: Any, *beginnings: str) -> list[Any]:
    return [line for line in lines if line.get_label().startswith(beginnings)]


@pytest.fixture(scope="module")
def model() -> cr.Model:
    return cr.train("penguins", label="species", hidden=[4], epochs=3, threads=1).model


def test_the_public_names() -> None:
    assert set(plots.__all__) >= {
        "confusion_matrix", "loss_curves", "metric_curves", "network", "precision_recall", "predicted_against_true",
        "reliability_diagram", "residuals", "roc_curves", "weight_histograms", "weights_over_epochs", "plot_curves",
        "plot_history", "plot_map", "plot_spread",
    }  # fmt: skip
    assert dir(plots) == list(plots.__all__)
    for name in plots.__all__:
        assert callable(getattr(plots, name))
    with pytest.raises(AttributeError, match="no attribute 'pie'"):
        plots.pie  # noqa: B018


@pytest.mark.parametrize(
    "name", [name for name in plots.__all__ if "axes" in signature(getattr(plots, name)).parameters]
)
def test_each_documents_its_parameters_and_what_it_returns(name: str) -> None:
    draw = getattr(plots, name)
    text = getdoc(draw)
    assert text is not None
    headings = re.findall(r"(?m)^(\w+)\n-+$", text)
    assert headings == [heading for heading in ("Parameters", "Returns", "Raises", "Examples") if heading in headings]
    assert {"Parameters", "Returns"} <= set(headings)
    parameters = text.partition("Parameters\n")[2].partition("Returns\n")[0]
    documented = [p for line in re.findall(r"(?m)^(\w[\w, ]*) : ", parameters) for p in line.split(", ")]
    assert sorted(documented) == sorted(signature(draw).parameters)
    assert documented[-1] == "axes"


@pytest.mark.parametrize("name", PICTURES)
def test_each_is_drawn_into_given_axes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    figure, given = plt.subplots(1, 2, figsize=(8, 4))
    draw = getattr(plots, name.removesuffix("_wide"))
    monkeypatch.setattr(plots, draw.__name__, lambda *a, **k: draw(*a, **k, axes=given[1]))
    assert PICTURES[name]() is given[1]
    figure.canvas.draw()
    assert not given[0].has_data()
    assert plt.get_fignums() == [figure.number]


def test_the_confusion_matrix_has_counts_and_shares() -> None:
    evaluation = made.of_classes()
    axes = plots.confusion_matrix(evaluation)
    counts = evaluation.confusion
    expected = [f"{n}\n{n / counts[i].sum():.1%}" for (i, _), n in np.ndenumerate(counts)]
    assert texts(axes) == expected
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert tuple(label.get_text() for label in labels) == made.SPECIES
    assert np.asarray(axes.images[0].get_array()) == pytest.approx(counts / counts.sum(axis=1, keepdims=True))
    assert axes.get_title() == f"90 rows, accuracy {evaluation.accuracy:.1%}"


def test_the_confusion_matrix_of_a_class_without_rows_and_of_very_many() -> None:
    some = ClassificationEvaluation.of(np.eye(3)[[0, 0, 1]], np.array([0, 1, 1]), made.SPECIES, n_resamples=0)
    assert texts(plots.confusion_matrix(some))[-3:] == ["0", "0", "0"]
    many = plots.confusion_matrix(made.of_classes(tuple(f"class {i}" for i in range(50)), 500))
    assert texts(many) == []
    many.figure.canvas.draw()


def test_the_label_is_named(model: cr.Model) -> None:
    axes = plots.confusion_matrix(model, "penguins")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted species", "true species")
    assert axes.get_title().startswith("344 rows")


@pytest.mark.parametrize("rows", [300, 60_000])
def test_reliability_has_the_bins_of_the_evaluation(rows: int) -> None:
    evaluation = made.of_classes(rows=rows)
    axes = plots.reliability_diagram(evaluation)
    curve = evaluation.reliability(15)
    points = next(line for line in axes.get_lines() if len(line.get_xdata()) == len(curve.x))
    assert points.get_xdata() == pytest.approx(curve.x)
    assert points.get_ydata() == pytest.approx(curve.y)
    assert texts(axes) == [f"{int(n):,}" for n in curve.weight]
    assert sum(int(count.replace(",", "")) for count in texts(axes)) == rows
    error = (np.abs(curve.y - curve.x) * curve.weight).sum() / curve.weight.sum()
    assert axes.get_title() == f"expected calibration error (ECE) {error:.3f}"


def test_intervals_of_reliability_are_wilson_s() -> None:
    from scipy.stats import binomtest

    for right, rows in [(0, 4), (3, 4), (50, 80), (7, 7)]:
        low, high = wilson_interval(np.array([right / rows]), np.array([float(rows)]))
        expected = binomtest(right, rows).proportion_ci(method="wilson")
        assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_roc_curves_and_their_areas() -> None:
    evaluation = made.of_classes()
    axes = plots.roc_curves(evaluation)
    scorer = evaluation._scorer
    for i, name in enumerate(made.SPECIES):
        line = named(axes.get_lines(), name)[0]
        area = roc_auc_score(scorer.true == i, scorer.probabilities[:, i])
        assert line.get_label() == f"{name} (AUC {area:.3f})"
        x, y = line.get_xdata(), line.get_ydata()
        assert np.trapezoid(y, x) == pytest.approx(area)
    dashes = [str(line.get_linestyle()) for line in named(axes.get_lines(), *made.SPECIES)]
    assert len(set(dashes)) == 3


def test_precision_and_recall_with_their_means_and_base_rates() -> None:
    evaluation = made.of_classes(rows=100)
    axes = plots.precision_recall(evaluation)
    scorer = evaluation._scorer
    for i, name in enumerate(made.SPECIES):
        mean = average_precision_score(scorer.true == i, scorer.probabilities[:, i])
        assert named(axes.get_lines(), name)[0].get_label() == f"{name} (average precision {mean:.3f})"
        base = named(axes.get_lines(), f"_base rate of {name}")[0].get_ydata()[0]
        assert base == pytest.approx((scorer.true == i).mean())


@pytest.mark.parametrize("draw", [plots.roc_curves, plots.precision_recall])
def test_of_two_classes_one_curve_and_of_many_the_hardest(draw: Callable[..., Any]) -> None:
    two = draw(made.of_classes(("no", "yes")))
    assert len(named(two.get_lines(), "yes", "no")) == 1
    assert named(two.get_lines(), "yes")
    classes = tuple(f"c{i}" for i in range(12))
    evaluation = made.of_classes(classes, 240)
    many = draw(evaluation)
    drawn = {line.get_label().split(" ")[0] for line in named(many.get_lines(), "c")}
    hardest = sorted(evaluation.per_class, key=lambda c: c.auc)[:8]
    assert drawn == {c.name for c in hardest}
    assert "(4 more)" in many.get_title()


@pytest.mark.parametrize("draw", [plots.roc_curves, plots.precision_recall])
def test_of_rows_of_one_class_there_is_no_curve(draw: Callable[..., Any], model: cr.Model) -> None:
    axes = draw(model, cr.datasets.penguins().head(20))
    assert texts(axes) == ["all of these rows are of one class"]
    assert named(axes.get_lines(), *made.SPECIES) == []


def test_predicted_against_true_and_residuals() -> None:
    evaluation = made.of_numbers()
    true, predicted = evaluation.pairs("body_mass_g")
    both, left = plots.predicted_against_true(evaluation), plots.residuals(evaluation)
    points = both.get_lines()[0]
    assert (points.get_xdata() == true).all()
    assert (points.get_ydata() == predicted).all()
    assert (left.get_lines()[0].get_ydata() == predicted - true).all()
    worst = np.argsort(-np.abs(true - predicted))[:3] + 1
    assert texts(both) == texts(left) == [f"row {row}" for row in worst]
    assert both.get_title() == f"R² {evaluation.r2:.3f}, root mean squared error {evaluation.rmse:.4g}"
    assert (both.get_xlabel(), left.get_ylabel()) == ("true body_mass_g", "error: predicted − true body_mass_g")


def test_very_many_rows_are_counted() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=5000)
    evaluation = RegressionEvaluation.of(truth + 0.1 * rng.normal(size=5000), truth, n_resamples=0)
    axes = plots.predicted_against_true(evaluation)
    assert axes.collections[0].get_array().sum() == 5000


def test_one_of_several_labels() -> None:
    x, y = jobs.line(60)
    run = jobs.quick(x, np.column_stack([y, -2 * y]))
    axes = plots.residuals(run.model, x, np.column_stack([y, -2 * y]), label="y1")
    assert axes.get_xlabel() == "predicted y1"
    with pytest.raises(cr.PlanError, match="label: got 'y2'; did you mean"):
        plots.residuals(run.evaluation, label="y2")


def test_rows_have_the_user_s_numbers() -> None:
    x, y = jobs.line(40)
    model = jobs.quick(x, y).model
    off = np.abs(model.predict(x) - y)
    assert texts(plots.residuals(model, x, y))[0] == f"row {off.argmax()}"  # of arrays, from 0


def test_the_network_has_its_neurons_weights_and_names(model: cr.Model) -> None:
    axes = plots.network(model)
    inputs = model.features.inputs
    shown = texts(axes)
    assert set(shown) >= {"Adelie", "Chinstrap", "Gentoo", inputs[0], inputs[-1], f"{len(inputs)}\ninputs", "4\ntanh",
                          "3\nsoftmax", f"⋮\n{len(inputs) - 8} more"}  # fmt: skip
    circles = sum(len(line.get_xdata()) for line in axes.get_lines())
    assert circles == 8 + 4 + 3
    lines = sum(len(collection.get_segments()) for collection in axes.collections)
    assert lines == 8 * 4 + 4 * 3


def test_a_line_is_as_thick_as_its_weight_is_large_and_dashed_if_negative() -> None:
    model = made.model((2,), 3)
    axes = plots.network(model)
    heights = {0: [1.0, 0.0, -1.0], 1: [0.5, -0.5], 2: [1.0, 0.0, -1.0]}
    for layer, (weights, _) in enumerate(model.weights):
        negative, positive = axes.collections[2 * layer : 2 * layer + 2]
        assert positive.get_linestyle() != negative.get_linestyle()
        widths = {}
        for collection, sign in ((negative, -1), (positive, 1)):
            for line, width in zip(collection.get_segments(), collection.get_linewidths(), strict=True):
                i, j = heights[layer].index(line[0][1]), heights[layer + 1].index(line[1][1])
                assert np.sign(weights[i, j]) == sign
                widths[abs(weights[i, j])] = width
        assert len(widths) == weights.size
        in_order = [widths[size] for size in sorted(widths)]
        assert all(a <= b for a, b in itertools.pairwise(in_order))


def test_of_two_classes_with_one_output_the_second_is_named() -> None:
    x, y = jobs.two_classes()
    model = jobs.quick(x, y, loss="binary_cross_entropy").model
    shown = texts(plots.network(model))
    assert "1" in shown
    assert "0" not in shown
    assert "1\nsigmoid" in shown


def test_curves_mark_the_lowest_validation_loss() -> None:
    history = made.history()
    axes = plots.loss_curves(history)
    mark = named(axes.get_lines(), "lowest validation loss")[0]
    assert mark.get_label() == f"lowest validation loss (epoch {history.best_epoch + 1})"
    assert mark.get_xdata()[0] == history.best_epoch + 1
    assert mark.get_ydata()[0] == history.validation_loss.min()
    assert axes.get_yscale() == "log"
    assert plots.loss_curves(history, logarithmic=False).get_yscale() == "linear"
    alone = plots.loss_curves(made.history(validation=False))
    assert [line.get_label() for line in alone.get_lines()] == ["training", "lowest training loss (epoch 30)"]
    assert plots.metric_curves(history).get_ylabel() == "accuracy"


def test_a_model_and_a_run_have_a_history(model: cr.Model) -> None:
    drawn = plots.loss_curves(model).get_lines()[0].get_ydata()
    assert drawn.tolist() == model.provenance.history.train_loss.tolist()
    assert len(model.provenance.history.plot().axes) == 2
    run = jobs.quick(*jobs.two_classes())
    assert len(plots.loss_curves(run).get_lines()[0].get_ydata()) == 2


def test_histograms_of_weights() -> None:
    model = made.model()
    axes = plots.weight_histograms(model)
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "layer 0\n6→5", "layer 1\n5→4", "layer 2\n4→3",
    ]  # fmt: skip
    assert texts(axes) == [f"{w.size} weights\nstd {w.astype(float).std():.3g}" for w, _ in model.weights]
    outline = axes.patches[1].get_data()
    expected = np.histogram(model.weights[0][0], outline.edges)[0]
    assert (outline.values - outline.baseline) / 0.85 * expected.max() == pytest.approx(expected)


def test_histograms_of_a_layer_over_many_epochs() -> None:
    sets = [[(w * (1 + i), b) for w, b in made.model().weights] for i in range(40)]
    axes = plots.weights_over_epochs(sets, -1, epochs=range(10, 50))
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert (len(labels), labels[0], labels[-1]) == (12, "epoch 10", "epoch 49")
    assert axes.get_title() == "layer 2, 12 weights"
    same = plots.weight_histograms([(np.zeros((2, 2)), np.zeros(2))])
    same.figure.canvas.draw()
    assert texts(same) == ["4 weights\nstd 0"]


NUMBERS, CLASSES = made.of_numbers(), made.of_classes()


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (
            lambda: plots.confusion_matrix(NUMBERS),
            "evaluation: the label 'body_mass_g' is a number, and this plot is for classification",
        ),
        (lambda: plots.residuals(CLASSES), "evaluation: the label holds classes, and this plot is for regression"),
        (lambda: plots.roc_curves("penguins"), "evaluation: got str; needs an evaluation"),
        (lambda: plots.roc_curves(CLASSES, "penguins"), "data: an evaluation already has its rows"),
        (lambda: plots.reliability_diagram(CLASSES, bins=0), "bins: got 0"),
        (lambda: plots.network(CLASSES), "model: got ClassificationEvaluation; needs a trained Model"),
        (lambda: plots.network(cr.Ensemble([made.model()])), "model: is an ensemble of 1 networks"),
        (lambda: plots.network(made.model(), max_neurons=2), "max_neurons: got 2"),
        (lambda: plots.loss_curves(made.model()), "history: got Model without one"),
        (lambda: plots.weight_histograms("penguins"), "weights: got str; needs a model"),
        (lambda: plots.weights_over_epochs([]), "weights: got none"),
        (lambda: plots.weights_over_epochs([made.model()], 3), "layer: got 3; needs a whole number from -3 to 2"),
        (lambda: plots.weights_over_epochs([made.model()], epochs=[1, 2]), "epochs: got 2 for 1 sets"),
    ],
)
def test_what_cannot_be_drawn(draw: Callable[[], Any], message: str) -> None:
    with pytest.raises(cr.PlanError, match=message):
        draw()


def test_a_model_without_rows() -> None:
    with pytest.raises(cr.TableError, match="data: is missing; a model does not store rows"):
        plots.confusion_matrix(made.model())


def test_predicted_intervals_hold_the_true_values_or_not() -> None:
    rng = np.random.default_rng(2)
    true, middle = rng.standard_normal(50), rng.standard_normal(50)
    predicted = np.column_stack([middle - 1, middle, middle + 1])
    evaluation = cr.RegressionEvaluation.of(
        predicted, true, quantiles=[0.2, 0.5, 0.8], labels=("y_q0.2", "y_q0.5", "y_q0.8"), n_resamples=0
    )
    axes = plots.predicted_intervals(evaluation)
    line, inside, outside = axes.get_lines()
    order = np.argsort(middle)
    assert (line.get_ydata() == middle[order]).all()
    is_within = np.abs(true - middle)[order] <= 1
    assert (inside.get_ydata() == true[order][is_within]).all()
    assert (outside.get_xdata() == np.flatnonzero(~is_within)).all()
    assert axes.get_ylabel() == "y"
    with pytest.raises(cr.PlanError, match="evaluation: is not of several quantiles"):
        plots.predicted_intervals(made.of_numbers())
