"""Limitations that a model has are found, and others are not."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.report.limits import find_limitations, find_ranges
from creche.report.model_card import create_card
from creche.report.subject import ReportSubject, create_subject
from tests.unit.small_runs import TO_THE_END


def limitations(subject: ReportSubject) -> str:
    return "\n".join(f"{found.topic}: {found.text}" for found in find_limitations(subject))


def with_predictions(model: cr.Model, p: Any, true: Any) -> ReportSubject:
    """As if the network had predicted these probabilities."""
    subject = create_subject(model, "penguins")
    evaluation = cr.ClassificationEvaluation.of(np.asarray(p), np.asarray(true), ("Adelie", "Chinstrap", "Gentoo"))
    return dataclasses.replace(subject, evaluated=dataclasses.replace(subject.evaluated, evaluation=evaluation))


def test_few_rows_and_classes_of_few(model: cr.Model) -> None:
    text = limitations(create_subject(model, "penguins"))
    assert "Chinstrap (20)" in text
    assert "Adelie (" not in text
    assert "training rows" not in text
    few = create_subject(model, cr.datasets.penguins().filter(pl.int_range(pl.len()) % 20 == 0))
    assert "There are only 18 rows" in limitations(few)


def test_classes_with_few_training_rows() -> None:
    rare = cr.datasets.penguins().filter(
        (pl.col("species") != "Chinstrap") | (pl.int_range(pl.len()).over("species") < 12)
    )
    model = cr.train(rare, label="species", hidden=[3], epochs=2, threads=1).model
    assert "Classes with fewer than about 30 training rows: Chinstrap (8)" in limitations(create_subject(model, rare))


def test_overconfident_probabilities(model: cr.Model) -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(3, size=300)
    predicted = np.where(rng.random(300) < 0.6, true, (true + 1) % 3)
    sure = np.full((300, 3), 0.005)
    sure[np.arange(300), predicted] = 0.99
    text = limitations(with_predictions(model, sure, true))
    assert "overconfident: the mean probability of the predicted class is 99.0%" in text
    assert f"and {(predicted == true).mean():.1%} of the predictions are correct" in text
    timid = np.full((300, 3), 0.3)
    timid[np.arange(300), true] = 0.4
    assert "underconfident" in limitations(with_predictions(model, timid, true))
    wise = np.full((300, 3), 0.02)
    wise[np.arange(300), true] = 0.96
    assert "calibrated" not in limitations(with_predictions(model, wise, true))


def test_a_network_that_is_no_better_than_the_baseline(model: cr.Model) -> None:
    true = np.random.default_rng(1).integers(3, size=200)
    text = limitations(with_predictions(model, np.tile([0.4, 0.3, 0.3], (200, 1)), true))
    assert "the model is not clearly better than the baseline (most frequent class)." in text
    assert "Classes with a recall below 50%: Chinstrap (0%), Gentoo (0%)" in text


def test_columns_with_missing_values_and_columns_dropped() -> None:
    rng = np.random.default_rng(0)
    data = pl.DataFrame(
        {
            "a": rng.normal(size=100),
            "half": [None if i % 2 else float(i % 7) for i in range(100)],
            "id": [f"row {i}" for i in range(100)],
            "y": ["yes" if i % 3 else "no" for i in range(100)],
        }
    )
    with pytest.warns(cr.CrecheWarning):
        model = cr.train(data, label="y", hidden=[40], epochs=2, threads=1).model
    subject = create_subject(model, data)
    text = limitations(subject)
    assert "Columns with many missing values: half (50%)" in text
    assert "Columns dropped: id (" in text
    assert "predictions for rows in which they are missing are untested: a." in text
    assert "more parameters" in text
    a, half = find_ranges(subject)
    train = subject.prepared.train.observations.row_indices  # type: ignore[union-attr]
    assert (a.low, a.high) == (data["a"][train].min(), data["a"][train].max())
    assert (half.low, half.high) == (data["half"][train].min(), data["half"][train].max())


def test_predictions_that_are_biased_and_single_large_errors() -> None:
    rows = cr.datasets.penguins().drop_nulls()
    model = cr.train(rows, label="body_mass_g", hidden=[4], epochs=30, learning_rate=0.02, threads=1).model
    heavier = rows.with_columns(pl.col("body_mass_g") + 2000)
    assert "body_mass_g: Predictions are too low on average" in limitations(create_subject(model, heavier))
    one = rows.with_columns(
        pl.when(pl.int_range(pl.len()) == 5).then(90_000).otherwise(pl.col("body_mass_g")).alias("body_mass_g")
    )
    assert "A few rows have far larger errors than the rest" in limitations(create_subject(model, one))


def test_training_for_too_long_and_stopping_by_the_rows_of_the_evaluation() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 8)), rng.integers(2, size=60)
    long = cr.train(x, y, hidden=[30], epochs=200, learning_rate=0.02, threads=1, **TO_THE_END).model
    assert "training was probably too long" in limitations(create_subject(long, x, y))
    stopped = cr.train(x, y, hidden=[30], epochs=200, learning_rate=0.02, threads=1, early_stopping=5).model
    text = limitations(create_subject(stopped, x, y))
    assert "too long" not in text
    assert "decided which epoch's weights were kept" in text


def test_the_card_has_its_sections_metrics_and_blanks(model: cr.Model) -> None:
    subject = create_subject(model, "penguins")
    card = create_card(subject)
    headings = [line for line in card.splitlines() if line.startswith("#")]
    assert headings == [
        "# Model card: species", "## Model details", "## Intended use", "## Training data", "## Evaluation",
        "## Limitations", "## Ethical considerations",
    ]  # fmt: skip
    assert card.count("**[to be filled in:") == 4
    low, high = subject.evaluation.intervals["accuracy"]
    assert f"| accuracy | {subject.evaluation.accuracy:.4f} | {low:.4f} to {high:.4f} |" in card
    assert "| body_mass_g | 2700 |" in card
    assert all(found.text.split(" ")[0] in card for found in find_limitations(subject))
    filled = create_card(subject, "Counting *penguins*.")
    assert r"Counting \*penguins\*." in filled
    assert filled.count("**[to be filled in:") == 3
