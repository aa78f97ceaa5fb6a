from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.explain.compare import Comparison
from creche.explain.weight_space import principal_directions
from tests.unit.small_runs import line

SHARED: dict[str, Any] = {"label": "species", "hidden": [4], "epochs": 8, "threads": 1}


@pytest.fixture(scope="module")
def runs() -> Comparison:
    return cr.explain.compare(
        "penguins", **SHARED, optimizer=["sgd", "adam"], learning_rate=[0.01, 0.1], points=7, seed=3
    )


def test_all_begin_with_the_same_weights_and_end_as_when_trained_alone(runs: Comparison) -> None:
    assert [one.name for one in runs] == [
        "sgd, learning rate 0.01", "sgd, learning rate 0.1", "adam, learning rate 0.01", "adam, learning rate 0.1",
    ]  # fmt: skip
    assert len({one.losses[0] for one in runs}) == 1
    assert len({tuple(one.path[0]) for one in runs}) == 1
    for one in runs:
        lone = cr.train("penguins", **SHARED, **one.choice, seed=3)
        assert lone.parameters.flatten().tobytes() == one.run.parameters.flatten().tobytes()
        assert one.status == "finished"
        curve = cr.explain.loss_against_weight(lone, points=3, threads=1)  # on the training rows
        assert curve.loss == one.losses[-1]
        assert one.steps[0] == 0
        assert one.steps[-1] == lone.step
        assert one.validation_losses is not None
        assert one.validation_losses[-1] == pytest.approx(lone.history.validation_loss[-1], rel=1e-6)


def test_the_surface_runs_through_the_end_of_the_best(runs: Comparison) -> None:
    best = runs.best()
    assert best.losses[-1] == min(one.losses[-1] for one in runs)
    np.testing.assert_allclose(best.path[-1], [0, 0], atol=1e-9)
    assert runs.surface.loss == best.losses[-1]
    assert 0.5 < runs.share <= 1
    directions = np.stack([direction.flatten() for direction in runs.surface.directions])
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-9)
    ends = np.stack([one.run.parameters.flatten() for one in runs])
    expected = (ends - best.run.parameters.flatten()) @ directions.T
    np.testing.assert_allclose([one.path[-1] for one in runs], expected, atol=1e-6)


def test_so_many_steps_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    comparison = import_module("creche.explain.compare")  # not the function of that name
    monkeypatch.setattr(comparison, "MAX_KEPT", 10)
    runs = cr.explain.compare("penguins", **SHARED, learning_rate=[0.01, 0.02], points=3)  # 64 steps
    for one in runs:
        assert one.steps.tolist() == [0, 7, 14, 21, 28, 35, 42, 49, 56, 63, 64]


def test_the_directions_are_those_of_all_paths() -> None:
    arguments = {**SHARED, "epochs": 3, "optimizer": "sgd", "learning_rate": 0.1}
    runs = cr.explain.compare("penguins", **arguments, batch_size=[32, 241], points=3)
    rows = []
    for size in (32, 241):  # every step of both is kept, and both can be done again, step by step
        lone = cr.train("penguins", **arguments, batch_size=size)
        begun = type(lone)(lone.plan, lone.prepared, 1)
        rows.append(begun.parameters.flatten())
        while begun.status == "running":
            rows.append(begun.resume(steps=1).parameters.flatten())
    directions, shares = principal_directions(np.stack(rows))
    np.testing.assert_allclose(
        np.abs(np.stack([direction.flatten() for direction in runs.surface.directions]) @ directions.T),
        np.eye(2),
        atol=1e-6,
    )
    assert runs.share == pytest.approx(shares.sum())


def test_two_weights_as_directions() -> None:
    runs = cr.explain.compare(
        "penguins", **SHARED, learning_rate=[0.01, 0.05], directions=[(0, "bill_length_mm", 1), (1, "bias", "Gentoo")],
        points=5,
    )  # fmt: skip
    for one in runs:
        weights = one.run.model.weights
        np.testing.assert_allclose(one.path[-1], [weights[0][0][3, 1], weights[1][1][2]], rtol=1e-5)


def test_a_run_that_diverges_is_said_and_spoils_nothing() -> None:
    x, y = line(80)
    runs = cr.explain.compare(
        x, y, hidden=[4], optimizer="sgd", learning_rate=[0.01, 0.05, 1e25], epochs=4, points=5, threads=1
    )
    assert [one.status for one in runs] == ["finished", "finished", "diverged"]
    assert runs.best().name != "learning rate 1e+25"
    assert np.isfinite(runs.surface.losses).any()
    plain = cr.explain.compare(
        x, y, hidden=[4], optimizer="sgd", learning_rate=[0.01, 0.05], epochs=4, points=5, threads=1
    )
    assert np.abs(runs.surface.x).max() < 20 * np.abs(plain.surface.x).max()


def test_a_run_that_goes_far_has_no_say() -> None:
    with_far = cr.explain.compare("penguins", **SHARED, optimizer="sgd", learning_rate=[0.05, 0.1, 1000.0], points=5)
    without = cr.explain.compare("penguins", **SHARED, optimizer="sgd", learning_rate=[0.05, 0.1], points=5)
    assert [one.is_far for one in with_far] == [False, False, True]
    assert with_far.surface.x.tobytes() == without.surface.x.tobytes()
    assert with_far.surface.losses.tobytes() == without.surface.losses.tobytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"nothing varies; give several values, such as learning_rate=\["),
        ({"learning_rate": [0.1]}, "nothing varies"),
        ({"hidden": [[4], [5]]}, "hidden: has several values, but all runs share"),
        ({"loss": ["huber", "cross_entropy"]}, "loss: has several values, but all runs"),
        ({"learning_rte": [0.1, 0.2]}, "learning_rte: unknown argument; did you mean 'learning_rate'"),
        ({"learning_rate": [0.1, -1]}, "learning_rate: got -1"),
        ({"learning_rate": [0.1, 0.2], "points": 0}, "points: got 0"),
        ({"learning_rate": [0.1, 0.2], "directions": [(9, 0, 0), (0, 0, 0)]}, "layer: got 9"),
    ],
)
def test_what_cannot_be(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(cr.PlanError, match=message):
        cr.explain.compare("penguins", **(SHARED | arguments))


def test_tables(runs: Comparison) -> None:
    table = runs.table()
    assert table.columns == [
        "optimizer", "learning_rate", "status", "steps", "loss", "lowest_loss", "validation_loss", "verdict", "reason",
    ]  # fmt: skip
    assert table["optimizer"].to_list() == ["sgd", "sgd", "adam", "adam"]
    assert table["loss"].to_list() == [one.losses[-1] for one in runs]
    steps = runs.step_table()
    assert len(steps) == sum(len(one.steps) for one in runs)
    assert steps.filter(steps["run"] == runs[1].name)["loss"].to_list() == runs[1].losses.tolist()
    assert repr(runs).startswith("Comparison(4 runs; ComparedRun(sgd, learning rate 0.01: finished, loss ")


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_the_pictures(runs: Comparison, style: str) -> None:
    plt: Any = pytest.importorskip("matplotlib.pyplot")
    with plt.style.context(style):
        left, right = runs.plot()
        left.figure.canvas.draw()
    assert [text.get_text() for text in left.get_legend().get_texts()] == [one.name for one in runs]
    np.testing.assert_array_equal(left.get_lines()[2].get_ydata(), runs[2].losses)
    np.testing.assert_array_equal(right.get_lines()[0].get_xydata(), runs[0].path)
    _, given = plt.subplots(1, 2)
    assert runs.plot(axes=given) == list(given)
    with pytest.raises(cr.PlanError, match="axes: needs two Axes"):
        runs.plot(axes=given[0])
    plt.close("all")
