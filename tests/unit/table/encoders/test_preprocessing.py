"""The choices of preprocessing, from the words of a user to the inputs of a saved model."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.errors import PlanError
from creche.table.encoders.preprocessing import Preprocessing

CHOICES = [
    "realmlp",
    "piecewise_linear",
    {"clip": "smooth"},
    {"scaling": "quantile", "clip": "smooth", "numeric_encoding": "piecewise_linear", "bins": 5},
    {"scaling": "none", "numeric_encoding": "piecewise_linear", "bins": 7, "binary": "sign"},
]


def test_words_are_short_for_fields() -> None:
    realmlp = Preprocessing("robust", clip="smooth", binary="sign")
    assert Preprocessing.of("realmlp") == Preprocessing.of("RealMLP") == realmlp
    assert Preprocessing.of("piecewise_linear") == Preprocessing(
        "robust", clip="smooth", binary="sign", numeric_encoding="piecewise_linear"
    )
    assert Preprocessing.of({"clip": "Smooth", "binary": "one-hot"}) == Preprocessing(clip="smooth")


def test_data_of_earlier_versions_stay_as_they_were() -> None:
    assert Preprocessing("robust").to_dict() == {
        "scaling": "robust", "infrequent": 5, "max_categories": 32, "buckets": 16,
    }  # fmt: skip


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_data_become_the_same_preprocessing(choice: Any) -> None:
    preprocessing = Preprocessing.of(choice)
    assert Preprocessing.from_dict(json.loads(json.dumps(preprocessing.to_dict()))) == preprocessing
    assert eval(repr(preprocessing)) == preprocessing


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"clip": "hard"}, r"Preprocessing.clip: got 'hard'; choose one of none, smooth"),
        ({"numeric_encoding": "piecewise"}, r"Preprocessing.numeric_encoding: got 'piecewise'"),
        ({"bins": 0}, r"Preprocessing.bins: got 0; needs a whole number of at least 1"),
        ({"bins": 1025}, r"Preprocessing.bins: got 1025; needs"),
        ({"bin_edges": "even"}, r"Preprocessing.bin_edges: got 'even'"),
        ({"binary": "signs"}, r"Preprocessing.binary: got 'signs'; did you mean 'sign'"),
        ("realmpl", r"preprocessing: got 'realmpl'; did you mean 'realmlp'"),
    ],
    ids=str,
)
def test_what_does_not_exist_is_refused(choice: Any, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        Preprocessing.of(choice)


def houses(rows: int = 240) -> dict[str, list[Any]]:
    """Return a table with a column for each branch of the encoders."""
    random = np.random.default_rng(5)
    area, age = random.lognormal(4, 1, rows), random.integers(0, 60, rows)
    price = area * 3 - age + random.normal(size=rows)
    return {
        "area": area.tolist(),
        "age": [None if i % 9 == 0 else float(v) for i, v in enumerate(age.tolist())],
        "rooms": random.integers(1, 6, rows).tolist(),
        "garden": [bool(v) for v in random.integers(0, 2, rows)],
        "side": [None if i % 11 == 3 else ("north", "south")[v] for i, v in enumerate(random.integers(0, 2, rows))],
        "town": [f"town {v}" for v in random.integers(0, 4, rows)],
        "price": price.tolist(),
    }


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_a_file_a_frame_and_a_saved_model_give_the_same_bits(choice: Any, tmp_path: Path) -> None:
    frame = pl.DataFrame(houses())
    frame.write_csv(tmp_path / "houses.csv")
    same: dict[str, Any] = {
        "label": "price", "hidden": [4], "epochs": 2, "threads": 1, "preprocessing": choice, "precision": "float64",
    }  # fmt: skip
    of_frame, of_file = cr.train(frame, **same), cr.train(tmp_path / "houses.csv", **same)
    assert of_frame.rows.x.tobytes() == of_file.rows.x.tobytes()
    model = of_frame.model
    model.save(tmp_path / "houses.creche")
    loaded = cr.load(tmp_path / "houses.creche")
    assert loaded.features.inputs == model.features.inputs
    assert len(model.features.inputs) == model.features.width == of_frame.rows.x.shape[1]
    assert loaded.predict(tmp_path / "houses.csv").tobytes() == model.predict(frame).tobytes()


@pytest.mark.parametrize("choice", CHOICES, ids=str)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_an_array_has_the_bits_of_its_columns_in_a_table(choice: Any, precision: Any) -> None:
    x = np.random.default_rng(0).lognormal(size=(200, 3))
    y = x.sum(axis=1)
    same: dict[str, Any] = {"hidden": [3], "epochs": 1, "threads": 1, "preprocessing": choice, "precision": precision}
    of_array = cr.train(x, y, **same)
    of_frame = cr.train(pl.DataFrame({"x0": x[:, 0], "x1": x[:, 1], "x2": x[:, 2], "y": y}), label="y", **same)
    assert of_array.rows.x.tobytes() == of_frame.rows.x.tobytes()
    assert of_array.model.predict(x[:1]).tobytes() == of_array.model.predict(x)[:1].tobytes()


def test_the_inputs_of_realmlp() -> None:
    """One number at a time, as Table A.1 and appendix A.1 of arXiv 2407.04491 have it."""
    table = houses()
    run = cr.train(
        pl.DataFrame(table), label="price", hidden=[2], epochs=1, preprocessing="realmlp", precision="float64",
        validation_fraction=0, threads=1,
    )  # fmt: skip
    inputs = dict(zip(run.model.features.inputs, run.rows.x.T, strict=True))
    order = run.prepared.train.observations.row_indices

    def column(name: str) -> list[Any]:
        return [table[name][row] for row in order]

    area = column("area")
    low, median, high = np.quantile(area, [0.25, 0.5, 0.75], method="averaged_inverted_cdf").tolist()
    for value, found in zip(area, inputs["area"].tolist(), strict=True):
        x = (value - median) / (high - low)
        assert found == pytest.approx(x / math.sqrt(1 + (x / 3) ** 2), rel=1e-12, abs=1e-12)
    assert inputs["garden"].tolist() == [1.0 if value else -1.0 for value in column("garden")]
    assert inputs["side=south"].tolist() == [{"south": 1.0, "north": -1.0, None: 0.0}[v] for v in column("side")]
    assert inputs["age"][[value is None for value in column("age")]].tolist() == [0.0] * column("age").count(None)
    assert inputs["age missing"].tolist() == [float(value is None) for value in column("age")]


def test_bins_of_missing_numbers_are_0_where_training_knew_of_them() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=100)
    with_gaps = np.where(np.arange(100) % 5 == 0, np.nan, values)
    y = np.arange(100) % 2
    frame = pl.DataFrame({"gaps": with_gaps, "whole": values, "y": y}).fill_nan(None)
    model = cr.train(
        frame, label="y", hidden=[2], epochs=1, preprocessing={"numeric_encoding": "piecewise_linear", "bins": 4},
        validation_fraction=0, threads=1, precision="float64",
    ).model  # fmt: skip
    assert model.features.inputs == (
        "gaps", "gaps bin 1", "gaps bin 2", "gaps bin 3", "gaps bin 4", "gaps missing",
        "whole", "whole bin 1", "whole bin 2", "whole bin 3", "whole bin 4",
    )  # fmt: skip
    encoded = model.encode_rows(
        pl.DataFrame({"gaps": [None], "whole": [None]}, schema=dict.fromkeys(("gaps", "whole"), pl.Float64))
    )
    mean = model.encode_rows(pl.DataFrame({"gaps": [0.0], "whole": [values.mean()]}))
    assert encoded[0, :6].tolist() == [0, 0, 0, 0, 0, 1]
    np.testing.assert_allclose(encoded[0, 6:], mean[0, 6:], atol=1e-12)


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        (1, 1, {}),
        (499, 5, {}),
        (500, 5, {"bins": 16}),
        (10_000, 176, {"bins": 16}),
        (10_000, 177, {"bins": 15}),
        (10_000, 600, {"bins": 4}),
        (10_000, 601, {"numeric_encoding": "plain"}),
        (10_000_000, 3, {"bins": 4}),
        (10_000_000, 4, {"numeric_encoding": "plain"}),
    ],
)
def test_auto_is_decided_by_the_size_of_the_table(rows: int, columns: int, expected: dict[str, Any]) -> None:
    found = Preprocessing.of({"scaling": "auto", "clamp": True}).resolved(rows, columns)
    many = {"scaling": "robust", "clip": "smooth", "numeric_encoding": "piecewise_linear", **expected}
    assert found == Preprocessing.of({**(many if expected else {}), "clamp": True})
    assert found.resolved(1, 1) == found


@pytest.mark.parametrize("rows", [499, 500])
@pytest.mark.parametrize("holds_columns", [False, True], ids=["array", "table"])
def test_training_decides_by_the_training_rows_and_records_it(rows: int, holds_columns: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows + 100, 2))
    y = x[:, 0] + 1
    data = pl.DataFrame({"a": x[:, 0], "b": x[:, 1]}) if holds_columns else x
    job: dict[str, Any] = {
        "validation_data": (data[rows:], y[rows:]), "hidden": [3], "epochs": 2, "threads": 1, "task": "regression",
    }  # fmt: skip
    run = cr.train(data[:rows], y[:rows], **job)
    chosen = run.prepared.preparation.preprocessing
    assert chosen == Preprocessing.of("auto").resolved(rows, 2)
    assert run.plan.network.inputs == (2 if rows < 500 else 34)
    for same in (chosen, chosen.to_dict(), "auto", None):
        again = cr.train(data[:rows], y[:rows], preprocessing=same, **job)
        assert again.model.weights[0][0].tobytes() == run.model.weights[0][0].tobytes()
    assert cr.train(data[:rows], y[:rows], preprocessing="standard", **job).plan.network.inputs == 2
    plain = cr.train(data[:rows], y[:rows], standardize=False, **job)
    assert plain.prepared.preparation.preprocessing == Preprocessing("none")
    run.model.save(tmp_path / "model.creche")
    loaded = cr.load(tmp_path / "model.creche")
    assert loaded.predict(data).tobytes() == run.model.predict(data).tobytes()
    assert loaded.provenance is not None
    assert loaded.provenance.preparation.preprocessing == chosen


def test_folds_decide_each_by_its_training_rows() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((749, 2))  # folds train on 499 or 500 rows
    found = cr.cross_validate(
        x, x[:, 0], folds=3, hidden=[3], epochs=2, threads=1, task="regression", early_stopping=False
    )
    assert {member.plan.network.inputs for member in found.members} == {2, 34}
