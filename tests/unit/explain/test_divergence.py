"""Why a loss stopped being finite: compared with what was done to make it so."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.engine.native import Rows
from creche.explain.sharpness import edge_of_stability, sharpness
from creche.explain.trace.step import single_batch_plan
from tests.unit.small_runs import line, quick

SGD = {"optimizer": "sgd", "shuffle": False, "validation_fraction": 0, "epochs": 10}


def diverged(*data: Any, **arguments: Any) -> cr.explain.Divergence:
    with pytest.raises(cr.DivergedError) as raised:
        quick(*data, **arguments)
    return cr.explain.divergence(raised.value)


class TestWhatIsSaid:
    def test_a_rate_far_above_the_edge(self) -> None:
        found = diverged(*line(), learning_rate=50.0, **SGD)
        assert found.is_above_edge
        assert found.extreme is None
        assert found.learning_rate == 50
        assert "The learning rate is above the limit" in str(found)

    def test_a_column_on_a_scale_of_millions(self) -> None:
        x, y = line()
        x[:, 1] *= 1e6
        table = pl.DataFrame({"age": x[:, 0], "income": x[:, 1], "height": x[:, 2], "y": y / 1000})
        found = diverged(table, None, label="y", standardize=False, learning_rate=0.1, **SGD)
        assert found.extreme is not None
        assert (found.extreme.column, found.extreme.is_label, found.extreme.is_constant) == ("income", False, False)
        assert abs(found.extreme.encoded) > 1e3
        assert found.is_above_edge
        assert "Column 'income'" in str(found)

    @pytest.mark.filterwarnings("ignore:constant in the training rows")
    def test_a_column_that_is_the_same_everywhere(self) -> None:
        x, y = line()
        x[:, 2] = 1e7
        found = diverged(x, y / 1000, standardize=False, learning_rate=0.1, **SGD)
        assert found.extreme is not None
        assert (found.extreme.column, found.extreme.is_constant) == ("x2", True)

    def test_a_label_that_was_not_scaled(self) -> None:
        x, y = line()
        found = diverged(x, y * 1000, standardize=False, learning_rate=0.1, **SGD)
        assert found.extreme is not None
        assert found.extreme.is_label
        assert float(found.extreme.value) == pytest.approx(y[found.extreme.row] * 1000)

    def test_the_row_and_layer(self) -> None:
        """One row of the second batch is beyond what float32 can multiply."""
        x, y = line(rows=64)
        x[40, 1] = 3e38
        found = diverged(x, y / 1000, standardize=False, learning_rate=1e-9, **SGD)
        assert (found.part, found.epoch, found.batch, found.row, found.step) == ("training", 0, 1, 40, 1)
        assert found.layer is not None
        assert found.extreme is not None
        assert (found.extreme.column, found.extreme.row) == ("x1", 40)
        assert found.extreme.encoded == np.float32(3e38)

    def test_rows_are_those_of_the_shuffled_batch(self) -> None:
        x, y = line(rows=64)
        x[40, 1] = 3e38
        found = diverged(x, y / 1000, standardize=False, learning_rate=1e-9, **SGD | {"shuffle": True})
        assert found.row == 40

    def test_validation_rows(self) -> None:
        x, y = line(rows=64)
        far, _ = line(rows=64, seed=1)
        far[3, 0] = 3e38
        arguments: dict[str, Any] = SGD | {"validation_data": (far, y / 1000)}
        del arguments["validation_fraction"]
        found = diverged(x, y / 1000, standardize=False, learning_rate=1e-6, **arguments)
        assert (found.part, found.row) == ("validation", 3)

    def test_adam_has_no_edge(self) -> None:
        found = diverged(*line(), learning_rate=1e30, optimizer="adam")
        assert found.edge is None
        assert found.is_above_edge is None
        assert "edge" not in str(found)

    def test_a_run_will_do_in_place_of_its_error(self) -> None:
        with pytest.raises(cr.DivergedError) as raised:
            quick(*line(), learning_rate=50.0, **SGD)
        assert raised.value.run is not None
        assert str(cr.explain.divergence(raised.value.run)) == str(cr.explain.divergence(raised.value))


class TestTheEdge:
    def test_it_is_where_gradient_descent_of_a_line_begins_to_grow(self) -> None:
        """The second derivatives of a linear network's squared error are 2 X'X / n, with a column of ones."""
        x, y = line(rows=50)
        made = quick(x, y, hidden=[], optimizer="sgd", epochs=0, batch_size=50, validation_fraction=0)
        rows, _ = made.prepared.encode(made.plan.loss, made.plan.precision)
        design = np.column_stack([np.ones(50), rows.x.astype(np.float64)])
        expected = 2 / np.linalg.eigvalsh(2 * design.T @ design / 50)[-1]
        edge = edge_of_stability(made.plan, made.model.parameters, rows)
        assert edge == pytest.approx(expected, rel=1e-2)
        for rate, settles in ((0.9 * expected, True), (1.2 * expected, False)):
            run = quick(
                x, y, hidden=[], optimizer="sgd", learning_rate=rate, epochs=60, batch_size=50, validation_fraction=0
            )
            losses = run.history.train_loss
            assert (losses[-1] < losses[0]) == settles

    @pytest.mark.parametrize(
        ("optimizer", "times"),
        [
            (cr.SGD(), 2), (cr.SGD(momentum=0.5), 3), (cr.SGD(momentum=0.5, dampening=0.5), 6),
            (cr.SGD(momentum=0.5, nesterov=True), 1.5),
        ],
    )  # fmt: skip
    def test_with_momentum(self, optimizer: Any, times: float) -> None:
        x, y = line(rows=50)
        made = quick(x, y, optimizer=optimizer, epochs=0)
        rows, _ = made.prepared.encode(made.plan.loss, made.plan.precision)
        sharp = sharpness(made.plan, made.model.parameters, rows)
        assert sharp is not None
        edge = edge_of_stability(made.plan, made.model.parameters, rows)
        assert edge == pytest.approx(times / sharp)

    def test_none_where_the_loss_is_not_finite(self) -> None:
        x, y = line(rows=8)
        made = quick(x, y, epochs=0)
        rows = Rows(np.full((8, 3), 1e300), None, np.zeros((8, 1)))
        assert sharpness(single_batch_plan(made.plan, 8), made.model.parameters, rows) is None


class TestWhereThereIsNothingToExplain:
    def test_a_run_that_ended_well(self) -> None:
        with pytest.raises(cr.CrecheError, match="the run did not diverge: it is finished"):
            cr.explain.divergence(quick(*line()))

    def test_an_error_out_of_another_process(self) -> None:
        with pytest.raises(cr.DivergedError) as raised:
            quick(*line(), learning_rate=50.0, **SGD)
        with pytest.raises(cr.CrecheError, match="another process"):
            cr.explain.divergence(pickle.loads(pickle.dumps(raised.value)))

    def test_what_is_no_run(self) -> None:
        with pytest.raises(cr.CrecheError, match="got str; needs a Run"):
            cr.explain.divergence("run")  # type: ignore[arg-type]
