"""Rows that differ from the training rows: what is found, counted and named, and what is left in peace."""

from __future__ import annotations

import warnings
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import ks_2samp

import creche as cr
from creche.model import data_check, number_check
from creche.model.data_check import DataChecker
from tests.unit.model import kept
from tests.unit.small_runs import MEASUREMENTS

CHAPTER = [37.3, 16.8, 19.2, 30.0]


def penguins() -> pl.DataFrame:
    return cr.datasets.penguins()


@pytest.fixture(scope="module")
def four() -> cr.Model:
    """The penguins by their measurements, in mm and g."""
    return cr.train(penguins().select("species", *MEASUREMENTS), label="species", epochs=2, threads=1).model


@pytest.fixture(scope="module")
def model() -> cr.Model:
    return cr.train("penguins", label="species", epochs=2, threads=1).model


def observation(values: list[float]) -> pl.DataFrame:
    return pl.DataFrame(dict(zip(MEASUREMENTS, ([value] for value in values), strict=True)))


def test_the_chapter_s_observation_in_other_units(four: cr.Model) -> None:
    for data in (observation(CHAPTER), [CHAPTER], np.array([CHAPTER])):
        flipper, mass = four.check_data(data).findings
        assert (flipper.column, flipper.kind, flipper.unit) == ("flipper_length_mm", "outside_range", "centimetres")
        assert "19.2 is 12.7 standard deviations below the training mean; training has 172 to 231" in flipper.message
        assert flipper.message.endswith("centimetres? (× 10 = 192)")
        assert (mass.column, mass.unit) == ("body_mass_g", "hectograms")
        assert mass.message.endswith("hectograms? (× 100 = 3000)")
        assert (flipper.count, flipper.rows) == (1, 1)
    assert len(four.check_data(observation([37.3, 16.8, 192, 3000]))) == 0


def test_arrays_have_no_names_but_ranges() -> None:
    x = penguins().drop_nulls().select(MEASUREMENTS).to_numpy()
    model = cr.train(x, penguins().drop_nulls()["species"].to_numpy(), epochs=1, threads=1).model
    found = {f.column: f.unit for f in model.check_data([CHAPTER]).findings}
    assert found == {"x2": "a unit 10 times as large", "x3": "a unit 100 times as large"}
    assert len(model.check_data(x)) == 0
    with pytest.raises(cr.TableError, match="has 3 columns; the network was trained on 4"):
        model.check_data(x[:, :3])


def test_the_rows_of_training_and_others_of_their_kind_are_in_peace(model: cr.Model) -> None:
    assert len(model.check_data("penguins")) == 0
    for seed in range(20):
        for rows in (1, 10, 100):
            assert len(model.check_data(penguins().sample(rows, seed=seed))) == 0


@pytest.mark.parametrize("draw", ["standard_normal", "random", "standard_exponential"])
def test_rows_from_the_same_source_are_rarely_found(draw: str) -> None:
    found = 0
    for seed in range(10):
        x = getattr(np.random.default_rng(seed), draw)((1200, 5))
        model = cr.train(x[:600], (x[:600, 0] > 0.5).astype(int), epochs=1, threads=1).model
        found += len(model.check_data(x[600:]))
    assert found <= 1  # of 50 columns


def lengths(unit: float = 1.0, rows: int = 300, name: str = "length", seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame({name: rng.uniform(150, 200, rows) / unit, "other": rng.standard_normal(rows)})
    return frame.with_columns(kind=pl.col("other") > 0)


@pytest.mark.parametrize(
    ("name", "factor", "unit"),
    [
        ("length_cm", 2.54, "inches"), ("length_cm", 100, "metres"), ("length_cm", 0.1, "millimetres"),
        ("size", 10, "a unit 10 times as large"), ("size", 0.001, "a unit 1,000 times as small"),
        ("size", 2.54, "inches, not centimetres"), ("size", 60, "minutes, not seconds (or hours, not minutes)"),
        ("seconds", 60, "minutes"), ("x_kg", 0.45359237, "pounds"),
    ],
)  # fmt: skip
def test_a_column_in_another_unit_is_named(name: str, factor: float, unit: str) -> None:
    model = cr.train(lengths(name=name), label="kind", epochs=1, threads=1).model
    for rows in (1, 200):
        found = {f.column: f for f in model.check_data(lengths(factor, rows, name, seed=1)).findings}
        assert list(found) == [name]
        assert found[name].unit == unit


def test_a_unit_is_named_only_if_all_far_values_fit() -> None:
    model = cr.train(lengths(), label="kind", epochs=1, threads=1).model
    mixed = lengths(10, 3).vstack(lengths(1000, 1))
    (finding,) = model.check_data(mixed).findings
    assert (finding.count, finding.rows, finding.unit) == (4, 4, "")
    assert finding.message.startswith("length: 4 of 4 values are far outside the training range: the farthest, 0.")


def test_far_values_are_counted_among_ordinary_ones() -> None:
    model = cr.train(lengths(), label="kind", epochs=1, threads=1).model
    (finding,) = model.check_data(lengths(rows=100).vstack(lengths(0.1, 3))).findings
    assert (finding.kind, finding.count, finding.rows) == ("outside_range", 3, 103)
    assert "above the training mean" in finding.message
    assert "3 of 103 values are" in finding.message


def test_degrees_of_fahrenheit() -> None:
    rng = np.random.default_rng(0)

    def table(unit: str) -> pl.DataFrame:
        celsius = rng.uniform(18, 28, 200)
        return pl.DataFrame({"temp_c": celsius if unit == "c" else celsius * 1.8 + 32, "kind": celsius > 23})

    model = cr.train(table("c"), label="kind", epochs=1, threads=1).model
    (finding,) = model.check_data(table("f")).findings
    assert finding.unit == "°F"
    assert "°F? (= " in finding.message


def test_a_wide_range_hides_no_unit() -> None:
    """Distances from 0 to 5000: miles in place of kilometres are nowhere outside, but all are shorter."""
    rng = np.random.default_rng(0)
    km = rng.uniform(0, 5000, 3000)
    model = cr.train({"distance_km": km, "late": km > 2500}, label="late", epochs=1, threads=1).model
    (finding,) = model.check_data({"distance_km": rng.uniform(0, 5000, 2000) / 1.609344}).findings
    assert (finding.kind, finding.unit) == ("distribution", "miles")


def test_dates_out_of_their_time() -> None:
    days = [datetime(2020, 1, 1) + timedelta(days=i) for i in range(300)]
    model = cr.train({"day": days, "late": [i > 150 for i in range(300)]}, label="late", epochs=1, threads=1).model
    assert len(model.check_data({"day": [day + timedelta(days=120) for day in days]})) == 0  # time goes on
    (finding,) = model.check_data({"day": [datetime(1970, 1, 19, 6, 30)] * 2}).findings
    assert (finding.count, finding.unit) == (2, "seconds since 1970 that were read as milliseconds")
    assert "training has 2020-01-01 to 2020-10-26" in finding.message


def test_unseen_categories_are_named_with_their_rows(model: cr.Model) -> None:
    frame = penguins().head(10).with_columns(island=pl.Series(["Emperor"] * 3 + ["biscoe "] + ["Dream"] * 6))
    (finding,) = model.check_data(frame).findings
    assert (finding.column, finding.kind, finding.count, finding.rows) == ("island", "unseen_category", 4, 10)
    assert "'Emperor' in 3 rows, 'biscoe' in 1 row (did you mean 'Biscoe'?)" in finding.message


def towns(rows: int, names: int, seed: int, prefix: str = "town") -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    number = rng.zipf(1.5, rows) % names
    return pl.DataFrame({"town": [f"{prefix} {n}" for n in number], "x": rng.standard_normal(rows)}).with_columns(
        kind=pl.col("x") > 0
    )


def test_rare_categories_are_known_too() -> None:
    frame = towns(2000, 400, 0)
    model = cr.train(frame, label="kind", epochs=1, threads=1, validation_fraction=0).model
    assert model.features.columns[0].buckets  # type: ignore[union-attr]
    assert len(model.check_data(frame)) == 0
    unseen = set(towns(500, 400, 1)["town"]) - set(frame["town"])
    (finding,) = model.check_data(towns(500, 400, 1)).findings
    assert finding.count == towns(500, 400, 1)["town"].is_in(list(unseen)).sum()
    (finding,) = model.check_data(towns(20, 400, 1, "village")).findings
    assert finding.count == 20


def test_texts_of_which_each_is_new_are_expected() -> None:
    x = np.random.default_rng(0).permutation(200) / 7
    frame = pl.DataFrame({"note": [f"a note about the animal number {i}" for i in x], "x": x, "kind": x > 14})
    model = cr.train(frame, label="kind", epochs=1, threads=1, schema={"note": "text"}).model
    assert len(model.check_data(frame.with_columns(note=pl.col("note") + "!"))) == 0


def test_a_distribution_that_has_moved(model: cr.Model) -> None:
    gentoo = penguins().filter(pl.col("species") == "Gentoo")
    found = {f.column: f for f in model.check_data(gentoo).findings}
    assert {"island", "bill_depth_mm", "flipper_length_mm", "body_mass_g"} <= set(found)
    assert {f.kind for f in found.values()} == {"distribution"}
    assert "'Biscoe' in 100% of the rows, in training 49%" in found["island"].message
    assert len(model.check_data(gentoo.head(20))) == 0  # too few to tell


@pytest.mark.parametrize("seed", range(5))
def test_the_distance_is_that_of_kolmogorov_and_smirnov(seed: int) -> None:
    """From below, and by no more than the width of the quantiles off."""
    rng = np.random.default_rng(seed)
    x, new = rng.standard_normal((800, 1)), rng.standard_normal((500, 1)) * 1.2 + 0.9
    model = cr.train(x, (x[:, 0] > 0).astype(int), epochs=1, threads=1, validation_fraction=0).model
    checker = DataChecker(model)
    checker.add(new)
    assert checker._numbers is not None
    ((distance, _),) = checker._numbers._distances()
    expected = ks_2samp(x[:, 0], new[:, 0]).statistic
    assert expected - 0.05 <= distance <= expected + 1e-12


def test_missing_values_that_training_did_not_have() -> None:
    frame = lengths()
    model = cr.train(frame, label="kind", epochs=1, threads=1).model
    for rows, gaps in ((1, 1), (100, 30)):
        values = [None] * gaps + frame["length"].to_list()[: rows - gaps]
        (finding,) = model.check_data(
            frame.head(rows).with_columns(length=pl.Series(values, dtype=pl.Float64))
        ).findings
        assert (finding.kind, finding.count, finding.rows) == ("missing_values", gaps, rows)
        assert "in training, none was missing" in finding.message


def test_a_share_of_missing_values_that_has_changed(model: cr.Model) -> None:
    gaps = pl.Series([None if i % 2 else "male" for i in range(200)])
    findings = model.check_data(penguins().head(200).with_columns(sex=gaps)).findings
    finding = next(f for f in findings if f.column == "sex" and f.kind == "missing_values")
    assert (finding.count, finding.rows) == (100, 200)


@pytest.mark.parametrize("rows", [7, 50, 1000])
def test_batches_find_what_all_rows_together_do(
    model: cr.Model, monkeypatch: pytest.MonkeyPatch, rows: int, tmp_path: Path
) -> None:
    frame = penguins().with_columns(pl.col("flipper_length_mm") / 10, island=pl.Series(["Emperor", "Dream"] * 172))
    whole = model.check_data(frame)
    monkeypatch.setattr(data_check, "ROWS_AT_A_TIME", rows)
    monkeypatch.setattr(number_check, "BLOCK_CELLS", 100)
    frame.write_csv(tmp_path / "new.csv")
    assert model.check_data(tmp_path / "new.csv").to_dict() == whole.to_dict()
    assert len(whole) >= 2


def test_memory_does_not_grow_with_rows(model: cr.Model) -> None:
    checker = DataChecker(model)
    for i in range(30):
        checker.add(model.read_observations(penguins()).x)
        assert checker._numbers is not None
        assert sum(map(len, checker._numbers._kept)) <= number_check.KEPT_ROWS, i
    assert checker.result().rows == 30 * 344


def test_a_check_is_a_table_and_plain_data(four: cr.Model) -> None:
    check = four.check_data([CHAPTER])
    assert check.table().columns == ["column", "kind", "count", "rows", "unit", "message"]
    assert check.table()["unit"].to_list() == ["centimetres", "hectograms"]
    assert check.to_dict()["findings"][0]["column"] == "flipper_length_mm"
    assert str(check).count("\n") == 1
    assert "hectograms? (× 100 = 3000)" in check._repr_html_()
    nothing = four.check_data(penguins())
    assert not nothing
    assert nothing.table().shape == (0, 6)
    assert str(nothing) == "344 rows, nothing found"


def test_of_very_many_findings_the_first_are_listed() -> None:
    x = np.random.default_rng(0).standard_normal((100, 40))
    check = cr.train(x, (x[:, 0] > 0).astype(int), epochs=1, threads=1).model.check_data(x[:2] + 1000)
    assert len(check) == 40
    assert len(check.messages()) == 13
    assert check.messages()[-1] == "and 28 more such findings, in 28 columns"


@pytest.mark.parametrize("path", list(kept.model_files()), ids=lambda path: path.stem)
def test_models_of_earlier_versions_find_unseen_categories_only(path: Path) -> None:
    model = cr.load(path)
    assert model.training_summary is None
    check = model.check_data(path.with_suffix(".csv"))
    assert not check.is_complete
    assert not [f for f in check.findings if f.kind != "unseen_category"]
    if path.stem == "classes":
        (finding,) = model.check_data(penguins().head(3).with_columns(island=pl.lit("Emperor"))).findings
        assert finding.count == 3


def predict(model: cr.Model, data: Any, output: Any, **arguments: Any) -> tuple[cr.FilePrediction | None, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        done = cr.predict_file(model, data, output, **arguments)
    return done, [str(w.message) for w in caught if issubclass(w.category, cr.CrecheWarning)]


def test_predicting_a_file_warns_and_carries_the_findings(four: cr.Model, tmp_path: Path) -> None:
    done, warned = predict(four, observation(CHAPTER), tmp_path / "out.csv")
    assert done is not None
    assert warned == [f.message for f in done.check.findings]
    assert [f.unit for f in done.check.findings] == ["centimetres", "hectograms"]
    assert predict(four, penguins(), tmp_path / "out.csv")[1] == []


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.csv.gz", "out.parquet", "out.arrow"])
def test_strict_writes_nothing(four: cr.Model, tmp_path: Path, name: str) -> None:
    frame = penguins().select(MEASUREMENTS).vstack(observation(CHAPTER).cast(penguins().select(MEASUREMENTS).schema))
    (tmp_path / name).write_text("precious")
    with pytest.raises(
        cr.TableError, match=r"strict: .*so nothing was written: flipper_length_mm: 1 of 343 values"
    ) as e:
        cr.predict_file(four, frame, tmp_path / name, strict=True)
    assert e.value.argument == "strict"
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "precious")]
    done = cr.predict_file(four, penguins(), tmp_path / name, strict=True)
    assert len(done.check) == 0
    assert (tmp_path / name).stat().st_size > 1000


def test_strict_needs_a_model_that_knows_its_training_rows(tmp_path: Path) -> None:
    model = cr.load(next(path for path in kept.model_files() if path.stem == "classes"))
    with pytest.raises(cr.PlanError, match="strict: the model was saved by an earlier version"):
        cr.predict_file(model, penguins(), tmp_path / "out.csv", strict=True)
    assert list(tmp_path.iterdir()) == []
