"""`creche.fit`: the same bits everywhere, and groups, times and weights that hold from folds to calibration."""

from __future__ import annotations

import hashlib
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

import creche as cr
from creche.fitting import fit as fitting
from creche.fitting import provenance
from creche.fitting.fold_tables import FoldTables
from tests.unit.cli.commands import SECONDS_OF_A_HANG, environment
from tests.unit.fitting.small_fits import weights_of
from tests.unit.small_runs import line, two_classes

PROGRAM = """
import creche as cr, hashlib
model = cr.fit("penguins", label="species", effort="fast", seed=5, threads=2)
parts = (name.encode() + array.tobytes() for name, array in sorted(model.arrays().items()))
print(hashlib.sha256(b"".join(parts)).hexdigest())
"""


def test_the_bits_are_the_same_on_one_and_two_threads_and_in_another_process() -> None:
    models = [cr.fit("penguins", label="species", effort="fast", seed=5, threads=threads) for threads in (1, 2)]
    first, second = map(weights_of, models)
    assert first == second
    assert models[0].record.to_dict() | {"seconds": 0} == models[1].record.to_dict() | {"seconds": 0}
    other = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment(), capture_output=True, text=True, check=True,
        timeout=SECONDS_OF_A_HANG,
    )  # fmt: skip
    assert other.stdout.strip() == hashlib.sha256(first).hexdigest()


@pytest.mark.usefixtures("tiny")
def test_another_seed_gives_other_bits() -> None:
    x, y = two_classes()
    models = [cr.fit(x, y, effort="fast", seed=seed, threads=1) for seed in (0, 0, 1)]
    assert weights_of(models[0]) == weights_of(models[1]) != weights_of(models[2])


@pytest.mark.usefixtures("tiny")
def test_the_out_of_fold_evaluation_is_of_rows_that_were_not_learnt() -> None:
    """Labels that are noise cannot be predicted out of fold, however well they are learnt."""
    x = np.random.default_rng(0).standard_normal((60, 40))
    y = np.random.default_rng(1).permutation(np.arange(60) % 2)
    model = cr.fit(x, y, effort="fast", threads=1)
    assert model.out_of_fold is not None
    assert model.record.score == model.out_of_fold.metrics()["log_loss"] > 0.6
    assert model.evaluate(x, y).metrics()["log_loss"] < model.record.score - 0.05
    assert model.out_of_fold_rows is not None
    assert sorted(model.out_of_fold_rows.tolist()) == list(range(60))


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[FoldTables]:
    """The fold tables of the fits in this test."""
    found: list[FoldTables] = []

    class Noted(FoldTables):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            found.append(self)

    monkeypatch.setattr(fitting, "FoldTables", Noted)
    return found


def frame(rows: int = 120) -> pl.DataFrame:
    x, y = two_classes(rows=rows)
    rng = np.random.default_rng(9)
    return pl.DataFrame(
        {"a": x[:, 0], "b": x[:, 1], "g": rng.integers(0, 9, rows), "when": rng.permutation(rows) / 7,
         "w": rng.integers(0, 3, rows).astype(float), "y": np.where(y == 1, "yes", "no")}
    )  # fmt: skip


@pytest.mark.usefixtures("tiny")
def test_groups_and_times_hold_through_the_folds(seen: list[FoldTables]) -> None:
    table = frame()
    by_group = cr.fit(table.drop("when", "w"), label="y", group="g", effort="fast", threads=1)
    assert by_group.features.names == ("a", "b")
    groups = table["g"].to_numpy()
    for fold in seen[0].folds:
        assert not set(groups[fold.train]) & set(groups[fold.held_out])
    by_time = cr.fit(table.drop("g", "w"), label="y", time="when", effort="fast", threads=1)
    (fold,) = seen[1].folds
    times = table["when"].to_numpy()
    assert times[fold.train].max() < times[fold.held_out].min()
    assert by_time.record.judged_rows == len(fold.held_out)
    assert cr.verify(by_group, table).same
    assert cr.verify(by_time, table).same


@pytest.mark.usefixtures("tiny")
def test_a_column_of_weights_and_an_array_are_the_same(seen: list[FoldTables]) -> None:
    table = frame()
    by_name = cr.fit(table.drop("g", "when"), label="y", sample_weight="w", effort="fast", threads=1)
    by_array = cr.fit(table.drop("g", "when", "w"), label="y", sample_weight=table["w"].to_numpy(), effort="fast",
                      threads=1)  # fmt: skip
    plain = cr.fit(table.drop("g", "when", "w"), label="y", effort="fast", threads=1)
    assert weights_of(by_name) == weights_of(by_array) != weights_of(plain)
    assert by_name.record.rows == int((table["w"] > 0).sum())
    weights = table["w"].filter(table["w"] > 0).to_numpy()
    np.testing.assert_allclose(seen[0].judged.weights, weights[seen[0].judged.rows] / weights.sum(), rtol=1e-12)
    expected = by_name.out_of_fold
    assert expected is not None
    assert by_name.record.score == expected.metrics()["log_loss"]


@pytest.mark.usefixtures("tiny")
def test_a_weight_of_zero_is_as_if_the_row_were_not_there() -> None:
    x, y = line(rows=90)
    weights = (np.arange(90) < 70).astype(float)
    weighted = cr.fit(x, y, sample_weight=weights, effort="fast", threads=1)
    assert weights_of(weighted) == weights_of(cr.fit(x[:70], y[:70], effort="fast", threads=1))


def share_of(model: cr.FittedModel, x: NDArray[np.float64]) -> float:
    return float((model.predict(x) == "rare").mean())


@pytest.mark.usefixtures("tiny")
def test_class_weights_choose_the_epoch_and_calibrate_but_metrics_go_without_them(seen: list[FoldTables]) -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((400, 2))
    y = np.where(x[:, 0] + rng.standard_normal(400) > 1.8, "rare", "common")
    sample = rng.integers(1, 3, 400).astype(float)
    model = cr.fit(x, y, class_weight={"rare": 9.0}, sample_weight=sample, effort="fast", threads=1)
    judged, (first, *_) = seen[0].judged, seen[0].encode(cr.Preprocessing())
    expected = (sample * np.where(y == "rare", 9, 1))[judged.rows]
    np.testing.assert_allclose(judged.weights, expected / expected.sum(), rtol=1e-12)
    assert first.held_out.weights is not None
    np.testing.assert_array_equal(first.held_out.weights, expected[: len(first.held_out)])
    np.testing.assert_allclose(judged.row_weights, sample[judged.rows] / sample.sum(), rtol=1e-12)
    assert model.out_of_fold is not None
    assert model.record.score == model.out_of_fold.metrics()["log_loss"]


@pytest.mark.usefixtures("tiny")
def test_class_weights_hold_through_training_and_calibration() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 2))
    y = np.where(x[:, 0] + rng.standard_normal(400) > 1.8, "rare", "common")
    plain, balanced, weighted = (
        cr.fit(x, y, class_weight=weight, effort="fast", threads=1)
        for weight in (None, "balanced", {"rare": 8.0, "common": 1.0})
    )
    assert share_of(balanced, x) > share_of(plain, x) + 0.1
    assert share_of(weighted, x) > share_of(plain, x) + 0.1
    assert cr.verify(balanced, x, y).same


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "f1"])
def test_the_metric_chooses_the_threshold(metric: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 2))
    y = np.where(x[:, 0] + rng.standard_normal(300) > 1.5, "yes", "no")
    model = cr.fit(x, y, metric=metric, effort="fast", threads=1)
    assert model.threshold is not None
    assert model.record.metric == metric
    predicted = model.predict(x)
    np.testing.assert_array_equal(predicted == "yes", model.predict_proba(x)[:, 1] >= model.threshold)
    assert model.evaluate(x, y).metrics()["accuracy"] == pytest.approx((predicted == y).mean())
    plain = cr.fit(x, y, effort="fast", threads=1)
    assert plain.threshold is None
    assert plain.out_of_fold is not None
    assert model.record.score >= plain.out_of_fold.metrics()[metric]


@pytest.mark.usefixtures("tiny")
def test_numbers_are_predicted_within_the_range_of_the_labels() -> None:
    x, y = line(rows=100)
    model = cr.fit(x, y, effort="fast", threads=1)
    far = model.predict(x * 1000)
    assert (far.min(), far.max()) == (y.min(), y.max())


@pytest.mark.usefixtures("tiny")
def test_several_numbers_are_predicted_together() -> None:
    x, y = line(rows=100)
    model = cr.fit(x, np.column_stack([y, -2 * y, x[:, 1]]), effort="fast", threads=1)
    assert model.predict(x).shape == (100, 3)


@pytest.mark.usefixtures("tiny")
def test_each_of_several_numbers_has_the_interval_of_its_own_errors(tmp_path: Path) -> None:
    x, y = line(rows=99)
    table = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "small": y, "large": -1000 * y + 500 * x[:, 1]})
    model = cr.fit(table, label=["small", "large"], effort="fast", threads=1)
    predicted, limits = model.predict(table, interval=0.8)
    assert limits.shape == (99, 2, 2)
    assert isinstance(model.out_of_fold, cr.RegressionEvaluation)
    for i, name in enumerate(("small", "large")):
        true, held_out = model.out_of_fold.pairs(name)
        half = np.sort(np.abs(true - held_out))[79]  # 80 % of 99 + 1 rows
        np.testing.assert_allclose(limits[:, i], np.column_stack([predicted[:, i] - half, predicted[:, i] + half]))
    model.save(tmp_path / "m.creche")
    loaded = cr.load(tmp_path / "m.creche")
    assert loaded.predict(table, interval=0.8)[1].tobytes() == limits.tobytes()
    frame = loaded.predict(table, interval=0.8, as_frame=True)
    assert frame.columns == ["small", "large", "small_low", "small_high", "large_low", "large_high"]
    np.testing.assert_array_equal(frame["large_high"].to_numpy(), limits[:, 1, 1])


@pytest.mark.usefixtures("tiny")
def test_labels_of_yes_or_no_have_no_interval() -> None:
    x, y = line(rows=60)
    model = cr.fit(x, np.column_stack([y > np.median(y), x[:, 1] > 0]), effort="fast", threads=1)
    with pytest.raises(cr.PlanError, match="are yes or no; an interval is for numbers, and a set for classes"):
        model.predict(x, interval=0.9)


def test_the_evaluation_waits_until_it_is_asked_for_and_is_that_of_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated: list[int] = []
    evaluate = provenance.evaluate_judged

    def note(*arguments: Any) -> Any:
        evaluated.append(arguments[-1])
        return evaluate(*arguments)

    monkeypatch.setattr(provenance, "evaluate_judged", note)
    x, y = two_classes()
    given = x.copy()
    model = cr.fit(given, y, metric="f1", effort="fast", threads=1)
    untouched = cr.fit(x, y, metric="f1", effort="fast", threads=1)
    given[:] = 0
    model.threshold, threshold = 0.0, model.threshold
    assert evaluated == []
    assert model.provenance is not None
    assert untouched.provenance is not None
    assert model.provenance.to_dict() == untouched.provenance.to_dict()
    assert model.out_of_fold is not None
    assert model.out_of_fold.threshold == threshold  # type: ignore[union-attr]
    assert model.out_of_fold.metrics()["f1"] == model.record.score
    assert len(evaluated) == 2
    copy = pickle.loads(pickle.dumps(untouched))
    assert copy.out_of_fold.to_dict() == model.out_of_fold.to_dict()
    assert untouched.with_threads(2).provenance == untouched.provenance
