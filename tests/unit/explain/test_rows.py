"""Who is explained and by which rows: the same for every explanation."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche import explain
from creche.explain.rows import create_batch, select_rows


@pytest.fixture(scope="module")
def model() -> cr.Model:
    return cr.train("penguins", label="species", hidden=[4], epochs=5, threads=1).model


def some_of(model: cr.Model) -> Any:
    return model.read_observations("penguins").take(np.array([9, 5, 7, 100, 101, 102, 103]))


def test_rows_keep_their_numbers_and_labels(model: cr.Model) -> None:
    rows = some_of(model)
    near = explain.nearest_rows(model, rows, [6, 10], k=2)
    assert near.rows.tolist() == [6, 10]
    assert set(near.near.ravel().tolist()) <= set(rows.row_numbers.tolist())
    assert near.labels is not None
    by_number = dict(zip(rows.row_numbers.tolist(), rows.y.tolist(), strict=True))
    assert near.labels.tolist() == [[by_number[row] for row in line] for line in near.near.tolist()]
    with pytest.raises(cr.TableError, match="there is no row 7; the rows are 10, 6, 8, 101, 102, 103, 104"):
        explain.nearest_rows(model, rows, [7])
    assert explain.decision_regions(model, rows, "bill_length_mm", "body_mass_g", points=3).labels_are_true


def test_a_batch_will_do_for_all(model: cr.Model) -> None:
    batch = create_batch(model, "penguins")
    alone = explain.partial_dependence(model, "penguins", "island")
    assert np.array_equal(explain.partial_dependence(model, batch, "island").average, alone.average)
    assert explain.nearest_rows(model, batch, [1], k=1).labels is not None
    with pytest.raises(cr.TableError, match="a Batch has labels and weights already"):
        explain.loss_against_weight(model, batch, sample_weight=np.ones(344), layer=0, source=0, target=0)


def test_an_estimator_can_be_explained_by_all() -> None:
    x = np.random.default_rng(0).standard_normal((60, 3))
    fitted = cr.DNNClassifier((4,), epochs=3, random_state=0, threads=1).fit(x, x[:, 0] > 0)
    assert len(explain.permutation_importance(fitted, x, x[:, 0] > 0, repeats=2).columns) == 3
    assert explain.integrated_gradients(fitted, x, rows=1).attributions.shape == (1, 3)
    assert explain.loss_against_weight(fitted, x, x[:, 0] > 0, layer=0, source=0, target=0).losses.size == 1001
    for wrong in (None, 3, "a model"):
        with pytest.raises(cr.PlanError, match="needs a Model"):
            explain.permutation_importance(wrong, x, x[:, 0] > 0)


def test_a_label_called_row_does_not_hide_the_rows() -> None:
    table = pl.DataFrame({"a": [float(i) for i in range(60)], "row": ["x", "y"] * 30})
    model = cr.train(table, label="row", hidden=[3], epochs=2, threads=1).model
    columns = explain.partial_dependence(model, table, "a", kind="individual").table().columns
    assert len(columns) == len(set(columns)) == 4


def test_what_would_never_end_is_refused_at_once(model: cr.Model) -> None:
    with pytest.raises(cr.PlanError, match="repeats: got 1,000,000,000; needs a whole number of at most"):
        explain.permutation_importance(model, "penguins", repeats=10**9)
    with pytest.raises(cr.PlanError, match="points: got 1,000,000,000; needs a whole number of at most"):
        explain.loss_against_weight(model, "penguins", layer=0, source=0, target=0, points=10**9)
    with pytest.raises(cr.PlanError, match="repeats: got 1,000,000,000"):
        cr.cross_validate("penguins", label="species", repeats=10**9)
    with pytest.raises(cr.PlanError, match="networks need about"):
        cr.cross_validate("penguins", label="species", seeds=10**8)


def test_one_notion_of_row_numbers_for_all(model: cr.Model) -> None:
    traced = explain.trace(model, "penguins", rows=[12, 200], check=False)
    near = explain.nearest_rows(model, "penguins", rows=[12, 200], k=1)
    parts = explain.integrated_gradients(model, "penguins", rows=[12, 200])
    assert traced.rows.tolist() == near.rows.tolist() == parts.rows.tolist() == [12, 200]
    assert explain.integrated_gradients(model, "penguins", rows=slice(1, 4)).rows.tolist() == [1, 2, 3]
    explanations: list[Any] = [explain.trace, explain.nearest_rows, explain.integrated_gradients]
    for function in explanations:
        for wrong, error in ((0, cr.TableError), (345, cr.TableError), ("first", cr.PlanError), ([], cr.PlanError)):
            with pytest.raises(error, match=r"rows: .*; the rows are numbered 1 to 344"):
                function(model, "penguins", rows=wrong)


def test_arrays_are_counted_from_0_and_gaps_stay_gaps(model: cr.Model) -> None:
    assert select_rows(np.arange(5), [0, 4]).tolist() == [0, 4]
    some = np.array([2, 5, 9])
    assert select_rows(some, slice(3, 10)).tolist() == [1, 2]
    assert select_rows(some, [False, True, False]).tolist() == [1]
    with pytest.raises(cr.TableError, match="row: there is no row 3; the rows are 2, 5, 9"):
        select_rows(some, 3, "row")
