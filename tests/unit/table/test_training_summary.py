"""What a model keeps of its training rows, against NumPy and against the rows themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import creche as cr
from creche.table import column_statistics, training_summary
from creche.table.column_statistics import QUANTILES, hash_category, summarize_numbers
from creche.table.table import Column
from creche.table.training_summary import PREFIX, TrainingSummary


@pytest.fixture(scope="module")
def run() -> cr.Run:
    return cr.train(dated_penguins(), label="species", hidden=[4], epochs=1, threads=1)


def dated_penguins() -> pl.DataFrame:
    dates = pl.date_range(pl.date(2007, 1, 1), pl.date(2007, 12, 10), eager=True)
    return cr.datasets.penguins().with_columns(seen=dates.cast(pl.Datetime))


def column_of(run: cr.Run, name: str) -> Any:
    return run.prepared.train.observations.x.columns[name]  # type: ignore[union-attr]


def test_numbers_are_summarized_as_numpy_does(run: cr.Run) -> None:
    summary = run.model.training_summary
    assert summary is not None
    for i, encoder in enumerate(run.model.features.columns):
        column = column_of(run, encoder.name)
        assert summary.missing[i] == column.missing.sum()
        if column.kind == "words":
            assert np.isnan(summary.mean[i])
            continue
        values = column.values[~column.missing].astype(np.float64 if column.kind != "datetime" else np.int64)
        assert summary.mean[i] == pytest.approx(values.mean())
        assert summary.deviation[i] == pytest.approx(values.std())
        expected = np.quantile(values, np.linspace(0, 1, QUANTILES + 1), method="averaged_inverted_cdf")
        np.testing.assert_allclose(summary.quantiles[i], expected, rtol=1e-12)
    assert summary.rows == len(run.prepared.train) == 241


def test_categories_are_counted(run: cr.Run) -> None:
    summary, words = run.model.training_summary, column_of(run, "island").to_objects().tolist()
    assert summary is not None
    encoder = next(e for e in run.model.features.columns if e.name == "island")
    found = dict(zip(encoder.categories, summary.categories["island"].rows.tolist(), strict=False))  # type: ignore[union-attr]
    assert found == {word: words.count(word) for word in set(words)}


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=60))
def test_quantiles_bound_the_distribution(values: list[float]) -> None:
    """For each share p: at least p of the values are at most the quantile, and at most p are below it."""
    array = np.array(values)
    quantiles = summarize_numbers([Column("number", array)])[3][0]
    for k, quantile in enumerate(quantiles.tolist()):
        assert (array <= quantile).mean() >= k / QUANTILES - 1e-12
        assert (array < quantile).mean() <= k / QUANTILES + 1e-12


def test_quantiles_of_very_many_rows_are_those_of_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column_statistics, "MAX_SORTED", 5000)
    values = np.random.default_rng(0).standard_normal(50_000)
    quantiles = summarize_numbers([Column("number", values)])[3][0]
    expected = np.quantile(values, np.linspace(0, 1, QUANTILES + 1))
    assert (quantiles[0], quantiles[-1]) == (expected[0], expected[-1])
    np.testing.assert_allclose(quantiles[1:-1], expected[1:-1], atol=0.08)


def test_a_file_keeps_the_summary(run: cr.Run, tmp_path: Path) -> None:
    run.model.save(tmp_path / "model.creche")
    summary, kept = run.model.training_summary, cr.load(tmp_path / "model.creche").training_summary
    assert summary is not None
    assert kept is not None
    assert kept.to_parts()[0] == summary.to_parts()[0]
    for name, array in summary.to_parts()[1].items():
        np.testing.assert_array_equal(kept.to_parts()[1][name], array)


def test_any_number_of_threads_keeps_the_same(run: cr.Run) -> None:
    others = cr.train(dated_penguins(), label="species", hidden=[4], epochs=1, threads=2).model.training_summary
    assert others is not None
    assert run.model.training_summary is not None
    for name, array in others.to_parts()[1].items():
        assert array.tobytes() == run.model.training_summary.to_parts()[1][name].tobytes()


def parts_of(run: cr.Run) -> tuple[dict[str, Any], dict[str, Any]]:
    assert run.model.training_summary is not None
    header, arrays = run.model.training_summary.to_parts()
    return header, {name: array.copy() for name, array in arrays.items()}


@pytest.mark.parametrize(
    "change",
    [
        lambda header, arrays: header.update(rows=-1),
        lambda header, arrays: header.update(hash_step=3),
        lambda header, arrays: header.update(table_hash=None),
        lambda header, arrays: header.pop("table_rows"),
        lambda header, arrays: arrays.pop(PREFIX + "quantiles"),
        lambda header, arrays: arrays.update({PREFIX + "missing": np.zeros(3, dtype=np.int64)}),
        lambda header, arrays: arrays.update({PREFIX + "moments": arrays[PREFIX + "moments"].astype(np.float32)}),
        lambda header, arrays: np.copyto(arrays[PREFIX + "missing"], -1),
        lambda header, arrays: np.copyto(arrays[PREFIX + "moments"], np.inf),
        lambda header, arrays: np.copyto(arrays[PREFIX + "quantiles"], -arrays[PREFIX + "quantiles"]),
        lambda header, arrays: np.copyto(arrays[PREFIX + "row_hashes"], 7),
        lambda header, arrays: np.copyto(arrays[PREFIX + "category_facts"], 9),
    ],
)
def test_what_contradicts_itself_is_refused(run: cr.Run, change: Callable[[Any, Any], Any]) -> None:
    header, arrays = parts_of(run)
    change(header, arrays)
    with pytest.raises(cr.FileError, match=r"training summary: .*the file was damaged or made by hand"):
        TrainingSummary.from_parts(header, arrays, run.model.features)


def found_rows(model: cr.Model, data: Any) -> Any:
    return model.find_training_rows(model.read_observations(data).x)


def test_training_rows_are_known_in_any_order_and_form(run: cr.Run, tmp_path: Path) -> None:
    model, frame = run.model, dated_penguins()
    train = np.zeros(344, dtype=bool)
    train[run.prepared.train.observations.row_indices] = True
    assert str(found_rows(model, frame)) == "241 of these 344 rows were training rows"
    order = np.random.default_rng(0).permutation(344)[:120]
    assert found_rows(model, frame[order.tolist()]).count == train[order].sum()
    frame[order.tolist()].write_csv(tmp_path / "some.csv")
    assert found_rows(model, tmp_path / "some.csv").count == train[order].sum()
    assert found_rows(model, frame.filter(pl.Series(~train))) is None
    assert str(found_rows(model, frame.filter(pl.Series(train)))) == "all 241 of these rows were training rows"
    assert str(found_rows(model, frame.filter(pl.Series(train)).head(1))) == "this row was a training row"
    mixed = pl.concat([frame.filter(pl.Series(train)).head(1), frame.filter(pl.Series(~train))])
    assert str(found_rows(model, mixed)) == "1 of these 104 rows was a training row"


def test_rows_of_an_array_are_known() -> None:
    rng = np.random.default_rng(0)
    x, others = rng.standard_normal((100, 3)), rng.standard_normal((100, 3))
    model = cr.train(x, (x[:, 0] > 0).astype(int), epochs=1, threads=1, validation_fraction=0).model
    found = model.evaluate(np.vstack([x[:50], others]), rng.integers(0, 2, 150), n_resamples=0).training_rows
    assert found is not None
    assert (found.count, found.rows) == (50, 150)
    assert model.evaluate(others, rng.integers(0, 2, 100), n_resamples=0).training_rows is None


def test_rows_that_chance_repeats_were_not_trained_on() -> None:
    rng = np.random.default_rng(0)
    answers = rng.integers(0, 3, (400, 2)).astype(float)
    model = cr.train(answers[:200], rng.integers(0, 2, 200), epochs=1, threads=1).model
    assert model.evaluate(answers[200:], rng.integers(0, 2, 200), n_resamples=0).training_rows is None
    whole = model.evaluate(answers[:200], rng.integers(0, 2, 200), n_resamples=0).training_rows
    assert whole is not None  # the table itself is known by its hash
    assert whole.count == 140


def test_of_very_many_rows_the_count_is_an_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_summary, "MAX_HASHES", 1000)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((8000, 2))
    model = cr.train(x[:6000], (x[:6000, 0] > 0).astype(int), epochs=1, threads=1, validation_fraction=0).model
    assert model.training_summary is not None
    assert model.training_summary.hash_step == 8
    found = model.find_training_rows(x[4000:])
    assert found is not None
    assert found.is_estimate
    assert abs(found.count - 2000) < 400
    assert str(found).startswith("about ")


def test_members_of_a_colony_are_not_summarized_until_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise AssertionError("summarized")

    monkeypatch.setattr(TrainingSummary, "of", fail)
    colony = cr.sweep("penguins", label="species", hidden=[[3]], epochs=2, seeds=4, threads=1)
    assert len(colony.plans()) == 1
    assert cr.train("penguins", label="species", epochs=1, threads=1).evaluated_on == "validation"


def test_an_ensemble_keeps_the_summary_of_its_first_network(tmp_path: Path) -> None:
    colony = cr.sweep("penguins", label="species", hidden=[[3]], epochs=2, seeds=3, threads=1)
    ensemble = cr.Ensemble([member.model for member in colony])
    ensemble.save(tmp_path / "ensemble.creche")
    kept = cr.load(tmp_path / "ensemble.creche")
    assert kept.training_summary is not None
    assert kept.training_summary.rows == 241
    assert kept.evaluate("penguins", n_resamples=0).training_rows is not None
    assert isinstance(kept, cr.Ensemble)
    assert kept.models[1].training_summary is None


def test_hashes_of_categories_are_the_same_everywhere() -> None:
    assert [hash_category(word) for word in ("Biscoe", "", "Dré")] == [3820582952, 634351890, 458182755]
