"""A loss given as a Python function: against the engine's own, and what goes wrong in it."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import creche as cr
from creche.plan.losses import LOSSES

Array = NDArray[Any]
RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(301, 6))
NUMBER = X @ RANDOM.normal(size=6) + RANDOM.normal(size=301)
CLASS = np.array(["a", "b", "c"])[np.digitize(NUMBER, [-1, 1])]


def squares(outputs: Array, labels: Array) -> tuple[Array, Array]:
    error = outputs - labels
    return (error * error)[:, 0], error + error


def log_loss(outputs: Array, labels: Array) -> tuple[Array, Array]:
    z = outputs - outputs.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    rows = np.arange(len(p))
    gradient = p.copy()
    gradient[rows, labels] -= 1
    return -np.log(p[rows, labels]), gradient


def weights(run: cr.Run) -> bytes:
    return b"".join(w.tobytes() + b.tobytes() for w, b in run.model.weights)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_same_function_as_the_engines_gives_the_same_bits(precision: str, threads: int) -> None:
    options: dict[str, Any] = {
        "hidden": [300, 40], "epochs": 3, "batch_size": 70, "dropout": 0.2, "precision": precision, "threads": threads,
        "sample_weight": RANDOM.uniform(0.5, 2, 301),
    }  # fmt: skip
    own = cr.train(X, NUMBER, loss=squares, **options)
    built_in = cr.train(X, NUMBER, loss="squared_error", **options)
    assert weights(own) == weights(built_in)
    for name in ("train_loss", "train_metric", "validation_loss", "validation_metric"):
        assert getattr(own.history, name).tobytes() == getattr(built_in.history, name).tobytes()


def test_classes_are_numbers_and_predicted_by_softmax() -> None:
    own = cr.train(X, CLASS, loss=log_loss, epochs=20, threads=1)
    built_in = cr.train(X, CLASS, epochs=20, threads=1)
    np.testing.assert_allclose(own.model.predict_proba(X), built_in.model.predict_proba(X), atol=1e-3)
    np.testing.assert_allclose(own.model.predict_proba(X).sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(own.history.validation_loss, built_in.history.validation_loss, atol=1e-3)


def test_it_is_asked_once_for_each_batch() -> None:
    asked: list[int] = []

    def counted(outputs: Array, labels: Array) -> tuple[Array, Array]:
        assert outputs.shape == labels.shape
        asked.append(len(outputs))
        return squares(outputs, labels)

    cr.train(X, NUMBER, loss=counted, epochs=2, batch_size=100, validation_fraction=0, threads=2)
    assert asked == [100, 100, 100, 1] * 2


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("fails_at", [3, 6])  # while training; while validating
def test_what_the_function_raises_comes_through(fails_at: int, threads: int) -> None:
    calls = 0

    def failing(outputs: Array, labels: Array) -> tuple[Array, Array]:
        nonlocal calls
        calls += 1
        if calls == fails_at:
            raise ZeroDivisionError("out of ideas")
        return squares(outputs, labels)

    with pytest.raises(ZeroDivisionError, match="out of ideas"):
        cr.train(X, NUMBER, loss=failing, epochs=2, batch_size=60, validation_fraction=0.2, threads=threads)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda z, y: ((z - y) ** 2).mean(), "returned float32; needs \\(losses, gradient\\)"),
        (lambda z, y: (((z - y) ** 2).mean(), z - y), "losses have shape \\(\\); needs \\(60,\\): one for each row"),
        (lambda z, y: (z[:, 0] * 1j, z), "losses are not numbers \\(they are complex\\)"),
        (
            lambda z, y: (z[:, 0], z * np.inf),
            "row 0 of a batch, output 0: the gradient is .*, while",
        ),
        (lambda z, y: (z[:, 0], z[:3]), "gradient have shape \\(3, 1\\); needs \\(60, 1\\)"),
        (lambda z, y: (["x"] * len(z), z), "losses are not numbers"),
    ],
)
def test_what_it_returns_is_checked(returned: Any, message: str) -> None:
    with pytest.raises(cr.PlanError, match=message):
        cr.train(X, NUMBER, loss=returned, epochs=1, batch_size=60, threads=1)


def test_losses_that_are_not_finite_are_a_divergence() -> None:
    with pytest.raises(cr.DivergedError):
        cr.train(X, NUMBER, loss=lambda z, y: (np.full(len(z), np.nan), z), epochs=2, threads=1)


def test_check_finds_a_wrong_gradient() -> None:
    z, y = RANDOM.normal(size=(9, 3)), RANDOM.integers(0, 3, 9)
    assert cr.CustomLoss(log_loss).check(z, y) < 1e-8
    with pytest.raises(cr.PlanError, match=r"row \d, output 1: the gradient is .* but the loss rises by"):
        cr.CustomLoss(lambda z, y: (log_loss(z, y)[0], log_loss(z, y)[1] * [1, 1.1, 1])).check(z, y)


def test_a_file_keeps_its_name_but_not_the_function(tmp_path: Path) -> None:
    run = cr.train(X, CLASS, loss=log_loss, epochs=3, threads=1)
    file = tmp_path / "model.creche"
    run.model.save(file)
    model = cr.load(file)
    assert model.plan.loss == cr.CustomLoss(log_loss)
    assert model.predict_proba(X).tobytes() == run.model.predict_proba(X).tobytes()
    with pytest.raises(cr.PlanError, match="is the Python function 'log_loss', which no file keeps; give it again"):
        cr.verify(model, X, CLASS)
    with pytest.raises(cr.PlanError, match="'squares' is not the 'log_loss' that the plan was made with"):
        cr.verify(model, X, CLASS, loss=squares)
    assert cr.verify(model, X, CLASS, loss=log_loss).same
    again = cr.train(X, CLASS, plan=model.plan, loss=log_loss, threads=1)
    assert weights(again) == weights(run)
    with pytest.raises(cr.PlanError, match="the plan has 'cross_entropy', which needs no function"):
        cr.verify(cr.train(X, CLASS, epochs=1).model, X, CLASS, loss=log_loss)


def test_a_checkpoint_goes_on_with_it(tmp_path: Path) -> None:
    whole = cr.train(X, CLASS, loss=log_loss, epochs=7, threads=1)
    stop: Any = lambda record: record.epoch == 5  # noqa: E731
    cr.train(X, CLASS, loss=log_loss, epochs=7, threads=1, checkpoint=tmp_path, checkpoint_every=2, on_epoch=stop)
    assert weights(cr.resume(tmp_path, X, CLASS, loss=log_loss)) == weights(whole)


def test_a_script_leaves_nothing_behind(tmp_path: Path) -> None:
    """The function knows its module's names, the run among them, and the run knows the function: a circle."""
    script = tmp_path / "script.py"
    script.write_text(
        "import numpy as np, creche as cr\n"
        "def squares(z, y): return ((z - y) ** 2)[:, 0], 2 * (z - y)\n"
        "x = np.random.default_rng(0).normal(size=(50, 2))\n"
        "run = cr.train(x, x[:, 0], loss=squares, epochs=1)\n"
    )
    package = str(Path(cr.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([package, os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_a_word_is_no_function() -> None:
    with pytest.raises(cr.PlanError, match="a custom loss is a Python function: give the function itself"):
        LOSSES.of("custom")
    with pytest.raises(cr.PlanError, match=r"CustomLoss\.function: is missing"):
        cr.CustomLoss()
    for data in ({"name": "", "digest": ""}, {"name": "f", "digest": "no"}, {"name": 3, "digest": ""}):
        with pytest.raises(cr.PlanError, match="loss: got"):
            LOSSES.of({"kind": "custom", **data})


def test_estimators_take_it() -> None:
    sklearn = pytest.importorskip("sklearn.base")
    estimator = sklearn.clone(cr.DNNClassifier(loss=log_loss, epochs=30)).fit(X, CLASS)
    assert estimator.score(X, CLASS) > 0.7
    again = pickle.loads(pickle.dumps(estimator))
    assert again.predict_proba(X).tobytes() == estimator.predict_proba(X).tobytes()
