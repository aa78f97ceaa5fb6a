"""The pictures of Creche's report on the penguins, by scikit-learn and matplotlib, of a pipeline trained before."""

import argparse
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection
from sklearn.calibration import CalibrationDisplay
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.inspection import PartialDependenceDisplay, permutation_importance
from sklearn.metrics import ConfusionMatrixDisplay, PrecisionRecallDisplay, RocCurveDisplay
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

REPEATS = 10  # of the permutation importance
COLUMNS_DRAWN = 4


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("table")
    parser.add_argument("model")
    parser.add_argument("--train", action="store_true", help="train the pipeline and save it, and draw nothing")
    arguments = parser.parse_args()
    table = pd.read_csv(arguments.table, na_values=["NA"])
    x, y = table.drop(columns="species"), table["species"]
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, stratify=y, random_state=0)
    model = Path(arguments.model)
    if arguments.train:
        model.write_bytes(pickle.dumps(train(x_train, y_train)))
    else:
        draw_all(pickle.loads(model.read_bytes()), x_test, y_test)


def train(x: Any, y: Any) -> Any:
    encoder = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    network = MLPClassifier((32, 32), early_stopping=True, validation_fraction=0.2, max_iter=500, random_state=0)
    return make_pipeline(encoder, network).fit(x, y)


def draw_all(model: Any, x: Any, y: Any) -> None:
    network, probabilities, classes = model[-1], model.predict_proba(x), model.classes_
    importance = permutation_importance(model, x, y, n_repeats=REPEATS, random_state=0)
    order = np.argsort(-importance.importances_mean)

    def of_each_class(display: Any) -> Callable[[Any], None]:
        def draw(axes: Any) -> None:
            for k, name in enumerate(classes):
                display.from_predictions(y == name, probabilities[:, k], name=name, ax=axes)

        return draw

    def draw_calibration(axes: Any) -> None:
        right = model.predict(x) == y
        CalibrationDisplay.from_predictions(right, probabilities.max(axis=1), n_bins=10, ax=axes)

    def draw_network(axes: Any) -> None:
        widths = [weights.shape[0] for weights in network.coefs_] + [len(classes)]
        for layer, weights in enumerate(network.coefs_):
            ends = [
                [(layer, i - widths[layer] / 2), (layer + 1, j - widths[layer + 1] / 2)]
                for i, j in np.ndindex(weights.shape)
            ]
            axes.add_collection(LineCollection(ends, linewidths=np.abs(weights).ravel()))
        for layer, width in enumerate(widths):
            axes.plot([layer] * width, np.arange(width) - width / 2, "o")

    def draw_histograms(axes: Any) -> None:
        for layer, weights in enumerate(network.coefs_):
            axes.hist(weights.ravel(), bins=40, histtype="step", label=f"layer {layer + 1}")
        axes.legend()

    def draw_loss(axes: Any) -> None:
        axes.semilogy(network.loss_curve_, label="training")
        axes.legend()

    def draw_score(axes: Any) -> None:
        axes.plot(network.validation_scores_, label="validation")
        axes.legend()

    def draw_importance(axes: Any) -> None:
        axes.barh(x.columns[order], importance.importances_mean[order], xerr=importance.importances_std[order])

    def draw_dependence(column: str) -> Callable[[Any], None]:
        words = [column] if x[column].dtype.kind not in "iuf" else None
        known = x.dropna(subset=[column])

        def draw(axes: Any) -> None:
            PartialDependenceDisplay.from_estimator(
                model, known, [column], categorical_features=words, target=classes[0], ax=axes
            )

        return draw

    def draw_loss_against_weight(axes: Any) -> None:
        weights = network.coefs_[0]
        kept, steps = weights[0, 0], np.linspace(-3, 3, 101)
        losses = []
        for step in steps:
            weights[0, 0] = kept + step
            true = model.predict_proba(x)[np.arange(len(y)), np.searchsorted(classes, y)]
            losses.append(-np.log(np.maximum(true, 1e-15)).mean())
        weights[0, 0] = kept
        axes.plot(kept + steps, losses)

    pictures = {
        "network": draw_network,
        "weights": draw_histograms,
        "loss": draw_loss,
        "score": draw_score,
        "confusion": lambda axes: ConfusionMatrixDisplay.from_predictions(y, model.predict(x), ax=axes),
        "calibration": draw_calibration,
        "roc": of_each_class(RocCurveDisplay),
        "precision": of_each_class(PrecisionRecallDisplay),
        "importance": draw_importance,
        **{f"dependence{i}": draw_dependence(column) for i, column in enumerate(x.columns[order][:COLUMNS_DRAWN])},
        "weight": draw_loss_against_weight,
    }
    for name, draw in pictures.items():
        figure, axes = plt.subplots(figsize=(5, 3.6), layout="constrained")
        draw(axes)
        figure.savefig(f"{name}.svg")
        plt.close(figure)


if __name__ == "__main__":
    main()
