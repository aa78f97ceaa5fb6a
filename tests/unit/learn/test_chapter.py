"""What the chapter tells is true: its numbers against NumPy, computed apart from the engine."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.learn.chapter import STEPS, write_chapter, write_step
from creche.learn.lesson import Lesson, create_lesson
from creche.pages.glossary import GLOSSARY, describe_term
from creche.render.text import sections_text


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    return create_lesson(threads=1)


def text_of(lesson: Lesson, title: str, width: int = 80) -> str:
    """The step whose title begins so, its spaces and line breaks as single spaces."""
    steps = [number for number in range(1, len(STEPS) + 1) if title in write_step_title(lesson, number)]
    assert len(steps) == 1
    return " ".join(sections_text([write_step(lesson, steps[0])], width).split())


def write_step_title(lesson: Lesson, number: int) -> str:
    return write_step(lesson, number).title


class Twin:
    """The same network in NumPy, in float64."""

    def __init__(self, lesson: Lesson) -> None:
        train = lesson.prepared.train.observations
        table = cr.datasets.penguins_four()
        self.all = table.drop("species").to_numpy()
        rows = train.row_indices
        self.mean, self.deviation = self.all[rows].mean(axis=0), self.all[rows].std(axis=0)
        order = ["Adelie", "Gentoo", "Chinstrap"]
        self.classes = np.array([order.index(name) for name in table["species"]])
        self.weights = [(w.astype(np.float64), b.astype(np.float64)) for w, b in lesson.model.weights]

    def forward(self, rows: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
        x = (self.all[rows] - self.mean) / self.deviation
        sums, values = [], [x]
        for at, (w, b) in enumerate(self.weights):
            z = values[-1] @ w + b
            sums.append(z)
            values.append(z if at == len(self.weights) - 1 else np.maximum(z, 0))
        e = np.exp(sums[-1])
        return sums, values, e / e.sum(axis=1, keepdims=True)

    def gradients(self, rows: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return the gradients of the mean squared error, by each z and by each weight."""
        sums, values, p = self.forward(rows)
        error = 2 * (p - np.eye(3)[self.classes[rows]]) / 3 / len(rows)
        back = p * (error - (error * p).sum(axis=1, keepdims=True))
        at_sums, at_weights = [back], [values[-2].T @ back]
        for at in range(len(self.weights) - 2, -1, -1):
            back = (back @ self.weights[at + 1][0].T) * (sums[at] > 0)
            at_sums.insert(0, back)
            at_weights.insert(0, values[at].T @ back)
        return at_sums, at_weights


@pytest.fixture(scope="module")
def twin(lesson: Lesson) -> Twin:
    return Twin(lesson)


def test_the_chapter_is_the_one_of_the_book(lesson: Lesson) -> None:
    assert str(lesson.start.plan.network) == "4-5-5-3"
    assert lesson.classes == ("Adelie", "Gentoo", "Chinstrap")
    assert "The classes are numbered: 0 Adelie, 1 Gentoo, 2 Chinstrap." in text_of(lesson, "The table")
    assert "73 numbers (parameters) in all" in text_of(lesson, "The network")
    example = text_of(lesson, "The loss: how wrong")
    assert "is the vector [1, 0, 0]" in example
    assert "prediction 0.4 0.3 0.3 difference 0.6 0.3 0.3 its square 0.36 0.09 0.09" in example
    assert "(0.36 + 0.09 + 0.09) / 3 = 0.18." in example


def test_the_row_that_is_followed_against_numpy(lesson: Lesson, twin: Twin) -> None:
    step = lesson.first_step
    rows = step.rows - 1  # of the table, from 0
    row = rows[[lesson.row]]
    sums, values, p = twin.forward(row)
    inputs = text_of(lesson, "From measurements")
    assert all(f"{number:.4g}"[:-1] in inputs for number in values[0][0])
    forward = text_of(lesson, "Forward")
    for z in (*sums[0][0], *sums[1][0], *sums[2][0], *p[0]):
        assert f"{z:.3f}" in forward
    own = text_of(lesson, "The loss of row")
    squares = (p[0] - np.eye(3)[twin.classes[row[0]]]) ** 2
    assert f"= {squares.mean():.4g}." in own
    assert f"-log {p[0, twin.classes[row[0]]]:.4f} = {-np.log(p[0, twin.classes[row[0]]]):.4f}" in own
    batch = text_of(lesson, "A batch")
    whole = ((twin.forward(rows)[2] - np.eye(3)[twin.classes[rows]]) ** 2).mean()
    assert f"{whole:.5f}"[:6] in batch


def test_gradients_and_the_step_against_numpy(lesson: Lesson, twin: Twin) -> None:
    step = lesson.first_step
    rows = step.rows - 1
    at_sums, at_weights = twin.gradients(rows)
    for layer, expected_sums, expected in zip(step.layers, at_sums, at_weights, strict=True):
        np.testing.assert_allclose(layer.dloss_dsums, expected_sums, atol=1e-7)
        np.testing.assert_allclose(layer.gradient, expected, atol=1e-6)
        np.testing.assert_allclose(layer.weights_after, layer.weights - expected, atol=1e-6)  # the rate is 1
    backward = text_of(lesson, "Backward")
    for gradient in at_sums[2][lesson.row]:
        assert f"{gradient:.3g}" in backward
    assert "73 of 73 gradients" in text_of(lesson, "One gradient")
    told = text_of(lesson, "The optimizer's step")
    assert f"was {step.loss:.5f} before the step and is {step.loss_after:.5f} after it: lower." in told


def test_epochs_are_those_of_train(lesson: Lesson) -> None:
    arguments: dict[str, Any] = {
        "label": "species", "classes": list(lesson.classes), "hidden": [5, 5], "loss": "squared_error",
        "optimizer": "sgd", "learning_rate": 1.0, "batch_size": 20, "epochs": 50, "early_stopping": False,
        "keep": "last", "preprocessing": "standard", "activation": "relu", "threads": 1,
    }  # fmt: skip
    run = cr.train("penguins-four", **arguments)
    told = text_of(lesson, "Epoch after epoch")
    history = run.history
    assert f"50 {history.train_loss[-1]:.4f} {history.train_metric[-1]:.4f} {history.validation_loss[-1]:.4f}" in told
    assert f"predicts {history.validation_metric[-1]:.1%} of the validation rows correctly" in told
    expected = run.model.predict_proba([[37.3, 16.8, 19.2, 30.0]])[0]
    prediction = text_of(lesson, "A prediction")
    assert all(f"{name} {p:.4f}" in prediction for name, p in zip(lesson.classes, expected, strict=True))
    assert "creche predict mine.creche --row 37.3,16.8,19.2,30.0" in prediction


def test_the_slope_is_told_in_words(lesson: Lesson, twin: Twin) -> None:
    curve = lesson.curve
    told = text_of(lesson, "The loss against one weight")
    assert curve.slope in told
    rows = lesson.prepared.train.observations.row_indices
    _, at_weights = twin.gradients(rows)
    largest = max(float(np.abs(gradient).max()) for gradient in at_weights)
    assert abs(curve.gradient) == pytest.approx(largest, rel=1e-4)


def test_the_verdicts_of_rates_and_optimizers(lesson: Lesson) -> None:
    assert [run.verdict.word for run in lesson.rates] == ["too low", "good", "too high"]
    assert [run.verdict.word for run in lesson.optimizers] == ["good", "good", "good"]
    told = text_of(lesson, "SGD, ADADELTA and Adam")
    for run in lesson.optimizers:
        assert str(run.verdict) in told


def test_multiplications_are_counted(lesson: Lesson) -> None:
    told = text_of(lesson, "What GPUs change")
    weights = [4 * 5, 5 * 5, 5 * 3]
    assert f"4-5-5-3 {3 * sum(weights) - weights[0]} {20 * (3 * sum(weights) - weights[0]):,}" in told


@pytest.mark.parametrize("width", [40, 80])
def test_each_step_fits_the_terminal(lesson: Lesson, width: int) -> None:
    titles = []
    for section in write_chapter(lesson):
        text = sections_text([section], width)
        titles.append(section.title)
        assert max(map(len, text.splitlines())) <= width
        if width == 80:
            assert len(text.splitlines()) <= 28  # one screen
    assert [title.split("  ")[0] for title in titles] == [f"{i} of {len(STEPS)}" for i in range(1, len(STEPS) + 1)]


@pytest.mark.filterwarnings("ignore::creche.CrecheWarning")
@pytest.mark.parametrize(
    ("data", "more"),
    [
        ("penguins", {"label": "species"}),
        (
            "penguins",
            {"label": "sex", "missing_label": "drop", "hidden": [], "optimizer": "adam", "learning_rate": 0.01},
        ),
        ("penguins-four", {"label": "species", "loss": "cross_entropy", "activation": "tanh", "epochs": 3}),
        (
            pl.DataFrame({"a": [float(i % 7) for i in range(60)], "b": ["u", "v", "w"] * 20, "y": [0, 1, 2, 1] * 15}),
            {"label": "y", "epochs": 2, "validation_fraction": 0, "hidden": [3]},
        ),
    ],
)
def test_other_tables_and_networks(data: Any, more: dict[str, Any]) -> None:
    lesson = create_lesson(data, threads=1, **({"epochs": 5} | more))
    text = sections_text(write_chapter(lesson), 80)
    assert len(re.findall(rf"^\d+ of {len(STEPS)}  ", text, re.MULTILINE)) == len(STEPS)
    assert "nan" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"label": "specie"}, "has no column 'specie'; did you mean 'species'"),
        ({"task": "regression"}, "task: got 'regression'; the chapter is about classification"),
        ({"label": None}, "label: is missing"),
        ({"classes": ["Adelie", "Gentoo"]}, "also has the class 'Chinstrap'"),
        ({"classes": ["Adelie", "Gentoo", "Gentoo", "Chinstrap"]}, "classes: got 'Gentoo' twice"),
        ({"hiden": [5]}, "hiden: unknown argument; did you mean 'hidden'"),
    ],
)
def test_mistakes(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(cr.CrecheError, match=message):
        create_lesson(threads=1, **arguments)


def test_every_term_of_the_glossary_is_found_and_explained() -> None:
    for terms in GLOSSARY.values():
        for name, text in terms.items():
            assert describe_term(name.upper()).title == name
            assert text.endswith(".")
    assert describe_term("batches").title == "batch"
    assert describe_term("lr").title == "learning rate"
    with pytest.raises(cr.PlanError, match="softmx: is not in the glossary; did you mean 'softmax'"):
        describe_term("softmx")
