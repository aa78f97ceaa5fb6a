"""Typical calls, for the type checker: `make lint` checks this file, and nothing runs it.

A line with an ignore is a mistake that the checker must find; an ignore that is not needed is an error itself.
"""

from __future__ import annotations

from typing import Any, assert_type

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

import creche as cr
from creche import explain


def train(frame: pd.DataFrame, table: pl.DataFrame, x: NDArray[np.float64], y: NDArray[np.int64]) -> None:
    run = cr.train(frame, label="species", hidden=[5, 5], activation="gelu", optimizer="adam", epochs=50)
    assert_type(run, cr.Run)
    cr.train(table, label=["width", "height"], task="regression", loss="huber", schedule="cosine", keep="last")
    cr.train(x, y, optimizer=cr.AdamW(weight_decay=0.01), early_stopping=cr.EarlyStopping(watch="auc"), seed=3)
    cr.train("penguins.csv", label="species", schema={"id": "ignore"}, duplicates="drop", missing_label="drop")
    cr.train(x, y, on_progress=False, class_weight="balanced", preprocessing="realmlp", initializer="he_normal")
    cr.train(x, y, on_progress=lambda run: print(run.epoch, run.history.train_loss[-1]))
    assert_type(run.model, cr.Model)
    assert_type(run.history, cr.History)

    cr.train(x, y, activation="rleu")  # type: ignore[arg-type]
    cr.train(x, y, optimizer="Adamm")  # type: ignore[arg-type]
    cr.train(x, y, loss="crossentropy")  # type: ignore[arg-type]
    cr.train(x, y, schedule="cosinus")  # type: ignore[arg-type]
    cr.train(x, y, task="classes")  # type: ignore[arg-type]
    cr.train(x, y, keep="first")  # type: ignore[arg-type]
    cr.train(x, y, duplicates="ignore")  # type: ignore[arg-type]
    cr.train(x, y, schema={"id": "skip"})  # type: ignore[dict-item]
    cr.train(x, y, precision="float16")  # type: ignore[arg-type]
    cr.train(x, y, epochs="many")  # type: ignore[arg-type]
    cr.train(x, y, on_progress="bar")  # type: ignore[arg-type]
    cr.train(x, y, lr=0.1)  # type: ignore[call-arg]
    cr.train(x, y, device="gpu")  # type: ignore[arg-type]


def search(frame: pd.DataFrame) -> None:
    colony = cr.sweep(
        frame, label="species", hidden=[[5], [10, 10]], optimizer=["adam", "sgd"], learning_rate=cr.log_range(1e-4, 1),
        seeds=4, samples=20, method="sobol",
    )  # fmt: skip
    assert_type(colony, cr.Colony)
    assert_type(colony.best(), cr.Member)
    assert_type(colony[0], cr.Member)
    assert_type(colony.table(), Any)  # a DataFrame of the library of `frame`
    assert_type(colony.ensemble(5), cr.Ensemble)
    assert_type(colony.best(by="network").model, cr.Model)
    crossed = cr.cross_validate(frame, label="species", folds=5, activation="tanh")
    assert_type(crossed, cr.CrossValidation)
    assert_type(crossed.ensemble(), cr.Ensemble)
    assert_type(crossed.refit(), cr.Model)
    assert_type(crossed.refit().with_threshold(crossed.choose_threshold(metric="f1")), cr.Model)
    assert_type(cr.find_learning_rate(frame, label="species", optimizer="sgd"), cr.LearningRates)
    assert_type(cr.fit(frame, label="species", effort="fast", metric="auc"), cr.FittedModel)

    cr.sweep(frame, label="species", optimizer=["adam", "sdg"])  # type: ignore[list-item]
    colony.best(by="plans")  # type: ignore[arg-type]
    crossed.choose_threshold(metric="f2")  # type: ignore[arg-type]
    cr.sweep(frame, label="species", method="gird")  # type: ignore[arg-type]
    cr.cross_validate(frame, label="species", hiden=[5])  # type: ignore[call-arg]
    cr.fit(frame, label="species", effort="quick")  # type: ignore[arg-type]
    cr.fit(frame, label="species", metric="aucc")  # type: ignore[arg-type]
    cr.fit(frame, label="species", epochs=10)  # type: ignore[call-arg]


def use(model: cr.Model, fitted: cr.FittedModel, frame: pd.DataFrame) -> None:
    assert_type(model.predict(frame), NDArray[Any])
    assert_type(model.predict_proba(frame.iloc[0]), NDArray[Any])
    model.predict_proba(frame, as_frame=True)["Adelie"]
    model.predict({"bill_length_mm": 39.1})
    fitted.predict(frame, interval=0.9, as_frame=True)
    evaluation = model.evaluate(frame, n_resamples=200)
    assert_type(evaluation, cr.ClassificationEvaluation | cr.MultilabelEvaluation | cr.RegressionEvaluation)
    assert_type(evaluation.table(), Any)
    model.save("penguins.creche")
    cr.report(model, frame, "report.html").read_text()

    model.predict(frame, as_dataframe=True)  # type: ignore[call-overload]
    model.evaluate(frame, missing_label="ignore")  # type: ignore[arg-type]
    model.evaluate(frame, bootstrap=200)  # type: ignore[call-arg]


def look(model: cr.Model, run: cr.Run, frame: pd.DataFrame, polars: pl.DataFrame) -> None:
    assert_type(explain.trace(model, polars, rows=[1, 2]), explain.Trace | explain.ForwardPass)
    assert_type(explain.trace(run, rows=[1, 2]), explain.Trace)
    assert_type(explain.trace(model, explain.create_batch(model, frame)), explain.Trace)
    assert_type(explain.permutation_importance(model, frame), explain.PermutationImportance)
    assert_type(explain.partial_dependence(model, frame, "island"), explain.PartialDependence)
    assert_type(explain.nearest_rows(model, frame, [1], space="inputs"), explain.NearestRows)

    explain.nearest_rows(model, frame, [1], space="outputs")  # type: ignore[arg-type]
    explain.partial_dependence(model, frame, "island", kind="mean")  # type: ignore[arg-type]
