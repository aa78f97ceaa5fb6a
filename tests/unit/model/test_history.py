from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import creche as cr
from creche.model.history import BLOCKS, sparkline
from tests.unit.small_runs import line, quick, two_classes


def history(validation: list[float], train: list[float] | None = None, metric: str = "accuracy") -> cr.History:
    v = np.array(validation, dtype=float)
    t = v + 1 if train is None else np.array(train, dtype=float)
    return cr.History(t, v, 1 - t / 10, 1 - v / 10, np.full(len(v), 0.1), np.full(len(v), 0.01), metric)


def test_the_best_epoch_has_the_lowest_validation_loss() -> None:
    out = history([3.0, 1.0, 2.0], [3.0, 2.0, 1.0])
    assert out.best_epoch == 1
    assert out.has_validation
    np.testing.assert_array_equal(out.watched_loss, [3, 1, 2])


def test_without_validation_the_training_loss_is_watched() -> None:
    out = history([np.nan] * 3, [3.0, 2.0, 1.0])
    assert not out.has_validation
    assert out.best_epoch == 2


def test_before_the_first_epoch() -> None:
    out = history([])
    assert (len(out), out.best_epoch, out.has_validation) == (0, -1, False)
    assert repr(out) == "History(no epoch completed)"
    assert out.table().shape == (0, 7)


def test_repr_shows_the_losses() -> None:
    assert repr(history([3.0, 1.0, 2.0])) == "History(3 epochs; validation loss █▁▄ 3 to 2, best 1 in epoch 2)"
    assert "; train loss █▁ 2 to 1, best 1 in epoch 2)" in repr(history([np.nan] * 2, [2.0, 1.0]))


@pytest.mark.parametrize(("job", "metric"), [(two_classes, "accuracy"), (line, "rmse")])
def test_the_table_has_every_column(job: object, metric: str) -> None:
    run = quick(*job(), epochs=5)  # type: ignore[operator]
    table = run.history.table()
    assert table.columns == [
        "epoch", "train_loss", "validation_loss", f"train_{metric}", f"validation_{metric}", "learning_rate", "seconds",
    ]  # fmt: skip
    assert table["epoch"].to_list() == [1, 2, 3, 4, 5]
    np.testing.assert_array_equal(table["train_loss"].to_numpy(), run.history.train_loss)
    np.testing.assert_array_equal(table[f"validation_{metric}"].to_numpy(), run.history.validation_metric)
    assert set(table["learning_rate"].to_list()) == {0.001}
    assert (table["seconds"].to_numpy() > 0).all()


@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), max_size=100), st.integers(1, 40))
def test_a_sparkline_goes_from_lowest_to_highest(values: list[float], width: int) -> None:
    finite = [value for value in values if np.isfinite(value)]
    drawn = sparkline(np.array(values, dtype=float), width)
    assert len(drawn) == min(width, len(finite))
    assert set(drawn) <= set(BLOCKS)
    if 1 < len(finite) <= width and min(finite) < max(finite):
        assert drawn[finite.index(max(finite))] == BLOCKS[-1]
        assert drawn[finite.index(min(finite))] == BLOCKS[0]


def test_a_flat_sparkline() -> None:
    assert sparkline(np.full(4, 2.5)) == "▁▁▁▁"


def test_an_epoch_without_a_number_is_not_the_best() -> None:
    assert history([3.0, np.nan, 2.0]).best_epoch == 2


@pytest.mark.parametrize("validated", [True, False])
def test_the_plot_draws_what_happened(validated: bool) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    run = quick(*two_classes(), epochs=6, validation_fraction=0.3 if validated else 0)
    out = run.history
    figure = out.plot()
    try:
        loss, metric = figure.axes
        for axes, train, validation, name in [
            (loss, out.train_loss, out.validation_loss, "loss"),
            (metric, out.train_metric, out.validation_metric, "accuracy"),
        ]:
            assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", name)
            lines = axes.get_lines()
            np.testing.assert_array_equal(lines[0].get_xdata(), [1, 2, 3, 4, 5, 6])
            np.testing.assert_array_equal(lines[0].get_ydata(), train)
            assert len(lines) == (3 if validated else 1)
            if validated:
                np.testing.assert_array_equal(lines[1].get_ydata(), validation)
                assert np.ravel(lines[2].get_xdata()).tolist() == [out.best_epoch + 1]
                assert np.ravel(lines[2].get_ydata()).tolist() == [validation[out.best_epoch]]
        figure.canvas.draw()
    finally:
        plt.close(figure)
