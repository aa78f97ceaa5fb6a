"""Extreme values are named with column, row and value; skewed columns are left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import creche as cr
from creche.explain.diagnosis.findings import Finding
from creche.explain.diagnosis.rules.extreme_values import find_extremes

SEEDS = pytest.mark.parametrize("seed", [0, 1, 2])

ORDINARY: dict[str, Any] = {
    "normal": lambda rng, n: rng.normal(5, 2, n),
    "uniform": lambda rng, n: rng.random(n),
    "exponential": lambda rng, n: rng.exponential(3, n),
    "lognormal": lambda rng, n: rng.lognormal(0, 1, n),
    "wide lognormal": lambda rng, n: rng.lognormal(2, 1.5, n),
    "mostly 0": lambda rng, n: rng.lognormal(5, 1, n) * (rng.random(n) < 0.1),
    "counts": lambda rng, n: rng.poisson(0.5, n).astype(float),
    "flags": lambda rng, n: (rng.random(n) < 0.03).astype(float),
    "constant": lambda _, n: np.full(n, 7.0),
}


def table(seed: int, rows: int = 200) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 3))
    kind = np.where(x[:, 0] + x[:, 1] > 0, "up", "down")
    return pl.DataFrame({"x": x[:, 0], "z": x[:, 1], "w": x[:, 2], "kind": kind})


def with_values(data: pl.DataFrame, column: str, values: dict[int, float]) -> pl.DataFrame:
    """The table with other values in these rows, counted from 1."""
    cells = data[column].to_list()
    for row, value in values.items():
        cells[row - 1] = value
    return data.with_columns(pl.Series(column, cells))


def rows_in_training(data: pl.DataFrame, **arguments: Any) -> list[int]:
    return cr.train(data, **arguments, epochs=0, threads=1).prepared.train.observations.row_numbers.tolist()


def findings(run: cr.Run, rule: str, **arguments: Any) -> list[Finding]:
    return [finding for finding in cr.explain.diagnose(run, **arguments) if finding.rule == rule]


@pytest.mark.parametrize("n", [40, 200, 5000])
@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_columns_have_no_extreme_values(name: str, n: int) -> None:
    for seed in range(60):
        assert find_extremes(ORDINARY[name](np.random.default_rng(seed), n)).tolist() == []


@given(
    st.sampled_from(["normal", "uniform", "exponential"]), st.integers(0, 10**6),
    st.sampled_from([1e5, -1e5, 1e9, 1e300]), st.integers(1, 5), st.floats(1e-6, 1e6),
)  # fmt: skip
def test_planted_values_are_found_on_any_scale(name: str, seed: int, value: float, count: int, unit: float) -> None:
    rng = np.random.default_rng(seed)
    values = ORDINARY[name](rng, 200)
    places = rng.choice(200, count, replace=False)
    values[places] = value
    values[rng.choice(np.setdiff1d(np.arange(200), places))] = np.nan
    assert sorted(find_extremes(values * unit).tolist()) == sorted(places.tolist())


def test_a_placeholder_in_many_rows_is_found() -> None:
    values = np.random.default_rng(0).normal(size=300)
    values[:25] = -9999
    assert sorted(find_extremes(values).tolist()) == list(range(25))
    values[:25] -= np.arange(25)  # as many different values are another kind of rows
    assert find_extremes(values).tolist() == []


@SEEDS
def test_a_feature_is_named_with_row_value_and_remedy(seed: int) -> None:
    plain = table(seed)
    row = rows_in_training(plain, label="kind", seed=seed)[5]
    run = cr.train(with_values(plain, "x", {row: 99999.0}), label="kind", seed=seed, threads=1)
    (finding,) = findings(run, "extreme_feature")
    assert finding.title == f"'x' has an extreme value in row {row}"
    assert f"'x' is 99,999 in row {row}: at least " in finding.evidence
    others = plain["x"].to_numpy()[np.arange(200) != row - 1]
    assert f"lie between {others.min():.4g} and {others.max():.4g}" in finding.evidence
    told = float(finding.evidence.partition("at least ")[2].partition(" times")[0].replace(",", ""))
    median = np.median(np.append(others, 99999.0))
    assert told == pytest.approx((99999 - median) / np.abs(others - median).max(), rel=0.05)
    assert finding.remedy is not None
    assert finding.remedy.arguments["preprocessing"] in ("quantile", "robust")
    assert [t.helped for t in finding.trials if t.arguments == {"preprocessing": "quantile"}] == [True]
    for bounded in ("realmlp", "quantile"):
        cured = cr.train(
            with_values(plain, "x", {row: 99999.0}), label="kind", seed=seed, threads=1, preprocessing=bounded
        )
        assert findings(cured, "extreme_feature", try_remedies=False) == []
    assert cured.evaluation.accuracy > 0.9 > run.evaluation.accuracy  # type: ignore[union-attr]
    healthy = cr.train(plain, label="kind", seed=seed, threads=1)
    assert findings(healthy, "extreme_feature", try_remedies=False) == []


def test_arrays_and_several_values_and_columns() -> None:
    data = table(1)
    x, y = data.select("x", "z", "w").to_numpy(), (data["kind"] == "up").to_numpy()
    places = cr.train(x, y, epochs=0).prepared.train.observations.row_numbers[:3].tolist()
    x[places, 2] = [1e6, -2e6, 3e6]
    x[places[0], 0] = 5e4
    (finding,) = findings(cr.train(x, y, threads=1, epochs=20), "extreme_feature", seeds=1)
    assert finding.title == "'x2' has 3 extreme values"
    assert f"3,000,000 in row {places[2]}, -2,000,000 in row {places[1]}, 1,000,000 in row {places[0]}: at least" in (
        finding.evidence
    )
    assert finding.evidence.endswith("; so does 'x0'")


def test_a_value_among_the_validation_rows_only() -> None:
    plain = table(2)
    row = next(row for row in range(1, 201) if row not in rows_in_training(plain, label="kind"))
    run = cr.train(with_values(plain, "z", {row: 1e6}), label="kind", threads=1)
    (finding,) = findings(run, "extreme_feature", try_remedies=False)
    assert f"1,000,000 in row {row} (among the validation rows)" in finding.evidence
    assert "has seen no similar value" in finding.meaning


def label_table(seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    data = table(seed, 300)
    return data.drop("kind").with_columns(price=50 + 3 * data["x"] - data["z"] + 0.3 * pl.Series(rng.normal(size=300)))


@SEEDS
def test_a_label_is_named_and_training_without_its_row_helps(seed: int) -> None:
    plain = label_table(seed)
    row = rows_in_training(plain, label="price", seed=seed)[7]
    data = with_values(plain, "price", {row: 99999.0})
    run = cr.train(data, label="price", seed=seed, threads=1)
    (finding,) = findings(run, "extreme_label")
    assert finding.title == f"'price' has an extreme value in row {row}"
    assert f"'price' is 99,999 in row {row}: at least " in finding.evidence
    remedy = finding.remedy
    assert remedy is not None
    assert (remedy.change, remedy.arguments, remedy.measure) == (
        f"dropping row {row}", {}, "validation mean absolute error",
    )  # fmt: skip
    assert f"Dropping row {row} gives a validation mean absolute error of " in finding.advice
    losses = {}
    for name, weights in (("before", None), ("after", (np.arange(300) != row - 1).astype(float))):
        errors = []
        for s in (seed, seed + 1, seed + 2):
            again = cr.train(data, label="price", seed=s, split_seed=seed, sample_weight=weights, threads=1)
            rows = run.prepared.validation.observations  # type: ignore[union-attr]
            errors.append(np.abs(again.model.predict(rows.x) - rows.y).mean())
        losses[name] = np.mean(errors)
    assert remedy.before == pytest.approx(losses["before"], rel=1e-4)
    assert losses["after"] < 1 < remedy.before
    assert remedy.after < 1
    assert findings(cr.train(plain, label="price", seed=seed, threads=1), "extreme_label", try_remedies=False) == []


def test_a_label_among_the_validation_rows_has_no_cure_in_training() -> None:
    plain = label_table(0)
    row = next(row for row in range(1, 301) if row not in rows_in_training(plain, label="price"))
    run = cr.train(with_values(plain, "price", {row: -1e6}), label="price", threads=1)
    (finding,) = findings(run, "extreme_label")
    assert "(among the validation rows)" in finding.evidence
    assert "the validation loss, which chooses the epoch" in finding.meaning
    assert finding.trials == ()


@pytest.mark.filterwarnings("ignore::creche.errors.CrecheWarning")
@SEEDS
@pytest.mark.parametrize("name", ["normal", "lognormal", "mostly 0", "counts"])
def test_runs_on_ordinary_columns_are_left_alone(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.column_stack([ORDINARY[name](rng, 400) for _ in range(5)])
    y = np.log1p(np.abs(x[:, 0])) + 0.1 * rng.normal(size=400)
    for label in (y, np.where(y > np.median(y), "high", "low")):
        run = cr.train(x, label, seed=seed, epochs=10, threads=1)
        assert not {"extreme_feature", "extreme_label", "counts"} & set(cr.explain.diagnose(run, seeds=1).rules)
