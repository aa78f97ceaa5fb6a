"""Limits that are there are found, and others are not."""

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


def said(subject: ReportSubject) -> str:
    return "\n".join(f"{limit.about}: {limit.text}" for limit in find_limitations(subject))


def judged_by(model: cr.Model, p: Any, truth: Any) -> ReportSubject:
    """As if the network had said this."""
    subject = create_subject(model, "penguins")
    evaluation = cr.ClassificationEvaluation.of(np.asarray(p), np.asarray(truth), ("Adelie", "Chinstrap", "Gentoo"))
    return dataclasses.replace(subject, evaluated=dataclasses.replace(subject.evaluated, evaluation=evaluation))


def test_few_rows_and_classes_of_few(model: cr.Model) -> None:
    text = said(create_subject(model, "penguins"))
    assert "Chinstrap (20)" in text
    assert "Adelie (" not in text
    assert "to learn from" not in text
    few = create_subject(model, cr.datasets.penguins().filter(pl.int_range(pl.len()) % 20 == 0))
    assert "They are few (18)" in said(few)


def test_classes_of_few_rows_to_learn_from() -> None:
    rare = cr.datasets.penguins().filter(
        (pl.col("species") != "Chinstrap") | (pl.int_range(pl.len()).over("species") < 12)
    )
    model = cr.train(rare, label="species", hidden=[3], epochs=2, threads=1).model
    assert "Classes with fewer than 30 rows to learn from, about: Chinstrap (8)" in said(create_subject(model, rare))


def test_probabilities_that_are_too_sure(model: cr.Model) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=300)
    says = np.where(rng.random(300) < 0.6, truth, (truth + 1) % 3)
    sure = np.full((300, 3), 0.005)
    sure[np.arange(300), says] = 0.99
    right = f"{(says == truth).mean():.1%}"
    assert f"too sure of itself (99.0% given to what it says, {right} right)" in said(judged_by(model, sure, truth))
    wise = np.full((300, 3), 0.02)
    wise[np.arange(300), truth] = 0.96
    assert "their word" not in said(judged_by(model, wise, truth))


def test_a_network_that_is_no_better_than_the_commonest_class(model: cr.Model) -> None:
    truth = np.random.default_rng(1).integers(3, size=200)
    text = said(judged_by(model, np.tile([0.4, 0.3, 0.3], (200, 1)), truth))
    assert "may be no better than always saying the commonest class" in text
    assert "less than half are recognised: Chinstrap (0%), Gentoo (0%)" in text


def test_columns_with_much_missing_and_columns_left_out() -> None:
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
    text = said(subject)
    assert "Columns with much missing: half (50%)" in text
    assert "Columns left out: id (" in text
    assert "never empty; what it says where they are is untested: a." in text
    assert "more weights" in text
    a, half = find_ranges(subject)
    train = subject.prepared.train.observations.rows  # type: ignore[union-attr]
    assert (a.low, a.high) == (data["a"][train].min(), data["a"][train].max())
    assert (half.low, half.high) == (data["half"][train].min(), data["half"][train].max())


def test_numbers_that_are_off_on_the_whole() -> None:
    rows = cr.datasets.penguins().drop_nulls()
    model = cr.train(rows, label="body_mass_g", hidden=[4], epochs=30, learning_rate=0.02, threads=1).model
    heavier = rows.with_columns(pl.col("body_mass_g") + 2000)
    assert "body_mass_g: Predictions are too low on the whole" in said(create_subject(model, heavier))
    one = rows.with_columns(
        pl.when(pl.int_range(pl.len()) == 5).then(90_000).otherwise(pl.col("body_mass_g")).alias("body_mass_g")
    )
    assert "Single rows are off by far more than most" in said(create_subject(model, one))


def test_training_for_too_long_and_stopping_by_the_judging_rows() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 8)), rng.integers(2, size=60)
    long = cr.train(x, y, hidden=[30], epochs=200, learning_rate=0.02, threads=1).model
    assert "it may have been trained for too long" in said(create_subject(long, x, y))
    stopped = cr.train(x, y, hidden=[30], epochs=200, learning_rate=0.02, threads=1, early_stopping=5).model
    text = said(create_subject(stopped, x, y))
    assert "too long" not in text
    assert "decided when to stop" in text


def test_the_card_has_its_sections_metrics_and_blanks(model: cr.Model) -> None:
    subject = create_subject(model, "penguins")
    card = create_card(subject)
    headings = [line for line in card.splitlines() if line.startswith("#")]
    assert headings == [
        "# Model card: species", "## Model", "## Intended use", "## Training data", "## How good it is",
        "## Limits found", "## Who may be affected, and how",
    ]  # fmt: skip
    assert card.count("**[to be filled in:") == 4
    low, high = subject.evaluation.intervals["accuracy"]
    assert f"| accuracy | {subject.evaluation.accuracy:.4f} | {low:.4f} to {high:.4f} |" in card
    assert "| body_mass_g | 2700 |" in card
    assert all(limit.text.split(" ")[0] in card for limit in find_limitations(subject))
    filled = create_card(subject, "Counting *penguins*.")
    assert r"Counting \*penguins\*." in filled
    assert filled.count("**[to be filled in:") == 3
