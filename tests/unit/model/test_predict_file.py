from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.model import predict_file as prediction
from tests.unit.small_runs import PENGUINS_CSV, line, quick


@pytest.fixture(scope="module")
def model() -> cr.Model:
    return cr.train("penguins", label="species", hidden=[5], epochs=5, threads=1).model


@pytest.fixture
def penguins() -> pl.DataFrame:
    return cr.datasets.penguins()


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("out.csv", pl.read_csv),
        ("out.parquet", pl.read_parquet),
        ("out.arrow", pl.read_ipc),
        ("out.jsonl", pl.read_ndjson),
    ],
)
def test_rows_keep_their_order_and_columns(
    model: cr.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, read: Any, penguins: pl.DataFrame
) -> None:
    monkeypatch.setattr(prediction, "ROWS_AT_A_TIME", 50)
    shuffled = penguins.sample(fraction=1, shuffle=True, seed=0)
    source = tmp_path / "new.csv"
    shuffled.write_csv(source)
    counted: list[int] = []
    done = cr.predict_file(model, source, tmp_path / name, on_progress=counted.append)
    assert (done.rows, done.ignored, counted[-1]) == (344, (), 344)
    assert counted == sorted(counted)
    assert len(counted) >= 7
    out = read(tmp_path / name)
    assert out.columns == [*penguins.columns, "predicted_species", *(f"probability_{c}" for c in model.classes or ())]
    assert out["bill_length_mm"].to_list() == shuffled["bill_length_mm"].to_list()
    assert out["island"].to_list() == shuffled["island"].to_list()
    probabilities = model.predict_proba(shuffled)
    np.testing.assert_allclose(out[:, -3:].to_numpy(), probabilities, rtol=1e-6)
    assert out["predicted_species"].to_list() == model.predict(shuffled).tolist()


def test_chosen_columns_and_strangers(model: cr.Model, tmp_path: Path, penguins: pl.DataFrame) -> None:
    frame = penguins.drop("species").reverse().with_columns(number=pl.int_range(344), note=pl.lit("x"))
    done = cr.predict_file(model, frame.select(reversed(frame.columns)), tmp_path / "out.csv", keep=["number"])
    assert set(done.ignored) == {"number", "note"}
    out = pl.read_csv(tmp_path / "out.csv")
    assert out.columns[:2] == ["number", "predicted_species"]
    assert out["number"].to_list() == list(range(344))
    with pytest.raises(cr.TableError, match=r"keep: .* has no column 'numbr'; did you mean 'number'"):
        cr.predict_file(model, frame, tmp_path / "out.csv", keep=["numbr"])


def test_nothing_is_left_half_written(model: cr.Model, tmp_path: Path, penguins: pl.DataFrame) -> None:
    target = tmp_path / "out.csv"
    target.write_text("precious")
    with pytest.raises(cr.TableError, match="island"):
        cr.predict_file(model, penguins.drop("island"), target)
    assert target.read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_numbers(tmp_path: Path) -> None:
    x, y = line()
    run = quick({"a": x[:, 0], "b": x[:, 2], "price": y}, None, label="price")
    table = pl.DataFrame({"b": x[:9, 2], "a": x[:9, 0]})
    cr.predict_file(run.model, table, tmp_path / "out.parquet", keep=[])
    out = pl.read_parquet(tmp_path / "out.parquet")
    assert out.columns == ["predicted_price"]
    np.testing.assert_allclose(out["predicted_price"].to_numpy(), run.model.predict(table), rtol=1e-6)


def test_a_threshold_decides_between_two_classes(tmp_path: Path, penguins: pl.DataFrame) -> None:
    frame = penguins.drop_nulls("sex")
    model = cr.train(frame, label="sex", hidden=[5], epochs=5, threads=1).model
    second = model.predict_proba(frame)[:, 1]
    cr.predict_file(model, frame, tmp_path / "out.csv", threshold=0.8)
    predicted = pl.read_csv(tmp_path / "out.csv")["predicted_sex"].to_numpy()
    assert ((predicted == model.classes[1]) == (second >= 0.8)).all()  # type: ignore[index]
    with pytest.raises(cr.TableError, match=r"threshold: got 1\.5; needs a probability"):
        cr.predict_file(model, frame, tmp_path / "out.csv", threshold=1.5)


def test_a_threshold_is_for_two_classes(model: cr.Model, tmp_path: Path) -> None:
    with pytest.raises(cr.TableError, match="is for models of two classes only"):
        cr.predict_file(model, PENGUINS_CSV, tmp_path / "out.csv", threshold=0.3)


def words_of_csv(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False)


@pytest.mark.parametrize("name", ["new.csv", "new.jsonl"])
@pytest.mark.parametrize(("target", "read"), [("out.csv", words_of_csv), ("out.parquet", pl.read_parquet)])
def test_a_column_that_is_only_passed_on_may_change(
    model: cr.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, target: str, read: Any,
    penguins: pl.DataFrame,
) -> None:  # fmt: skip
    """Numbers at first, words later; nothing at first, dates later: what the model does not need stops nothing."""
    monkeypatch.setattr(prediction, "ROWS_AT_A_TIME", 50)
    tag = [f"{i}" if i < 200 else f"tag {i}" for i in range(344)]
    seen = [None if i < 200 else "2020-01-31" for i in range(344)]
    frame = penguins.with_columns(tag=pl.Series(tag), seen=pl.Series(seen))
    if name.endswith("csv"):
        frame.write_csv(tmp_path / name)
    else:
        lines = [json.dumps(row | {"tag": i if i < 200 else f"tag {i}"}) for i, row in enumerate(frame.to_dicts())]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    cr.predict_file(model, tmp_path / name, tmp_path / target, keep=["tag", "seen"])
    out = read(tmp_path / target)
    assert out["tag"].to_list() == tag
    assert out["seen"].null_count() == 200
    assert str(out["seen"][-1]).startswith("2020-01-31")


@pytest.mark.parametrize(("target", "read"), [("out.csv", words_of_csv), ("out.parquet", pl.read_parquet)])
def test_no_digit_is_lost_and_nothing_refused_of_what_is_only_passed_on(
    model: cr.Model, tmp_path: Path, target: str, read: Any, penguins: pl.DataFrame
) -> None:
    keys = [2**64 - 1 - i for i in range(344)]
    gaps = [None if i == 1 else 2**60 + i for i in range(344)]
    frame = penguins.with_columns(
        key=pl.Series(keys, dtype=pl.UInt64), gap=pl.Series(gaps, dtype=pl.Int64),
        several=pl.Series([[i, None] for i in range(344)]), raw=pl.lit(b"x"),
    )  # fmt: skip
    frame.write_parquet(tmp_path / "new.parquet")
    cr.predict_file(model, tmp_path / "new.parquet", tmp_path / target, keep=["key", "gap", "several", "raw"])
    out = read(tmp_path / target)
    assert [int(key) for key in out["key"]] == keys
    assert [None if gap is None else int(gap) for gap in out["gap"]] == gaps
    if target.endswith(".csv"):
        assert (out["several"][3], out["raw"][0]) == ("[3, null]", "x")
    else:
        assert (out["several"][3].to_list(), out["raw"][0]) == ([3, None], b"x")


@pytest.mark.parametrize("name", ["new.csv", "link.csv"])
def test_the_table_itself_is_not_overwritten(
    model: cr.Model, tmp_path: Path, penguins: pl.DataFrame, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "new.csv"
    penguins.write_csv(source)
    (tmp_path / "link.csv").symlink_to(source)
    before = source.read_bytes()
    with source.open("rb") as opened:
        for data in (source, "new.csv", opened):
            with pytest.raises(cr.PlanError, match=r"output: .* is the table itself; give another name") as raised:
                cr.predict_file(model, data, name)
            assert raised.value.argument == "output"
    assert source.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.csv", "new.csv"]
    assert cr.predict_file(model, penguins, "new.csv").rows == 344  # a frame is not a file


WRITERS: dict[str, Any] = {
    "csv": lambda frame, path: frame.write_csv(path),
    "parquet": lambda frame, path: frame.write_parquet(path),
    "arrow": lambda frame, path: frame.write_ipc(path),
    "jsonl": lambda frame, path: frame.write_ndjson(path),
}

READERS: dict[str, Any] = {
    "csv": lambda path: pl.read_csv(path, infer_schema=False),
    "parquet": pl.read_parquet,
    "arrow": pl.read_ipc,
    "jsonl": lambda path: pl.read_ndjson(path, infer_schema_length=None),
}


@pytest.mark.parametrize("format", READERS)
def test_what_the_model_does_not_use_passes_through_from_csv(model: cr.Model, format: str, tmp_path: Path) -> None:
    words = {
        "id": ["00123", "0045678901234567890", "7"],
        "long": ["12345678901234567890123", "9007199254740993", "1"],
        "exact": ["9007199254740993", "-5", "0"],
        "half": ["0.5", "12", "-3.25"],
        "country": ["NA", "DE", "FR"],
        "note": ["None", "?", "ok"],
        "day": ["05/12/2021", "2021-06-07", "x"],
        "list": ["[1, 2]", "{}", "()"],
        "price": ["$9,520", "1,5", "8.500"],
    }
    penguins = cr.datasets.penguins()[:3].drop("species")
    frame = pl.concat([pl.DataFrame(words), penguins], how="horizontal")
    frame.write_csv(tmp_path / "new.csv")
    done = cr.predict_file(model, tmp_path / "new.csv", tmp_path / f"out.{format}")
    assert done.ignored == tuple(words)
    out = READERS[format](tmp_path / f"out.{format}")
    numbers = {} if format == "csv" else {"exact": [9007199254740993, -5, 0], "half": [0.5, 12.0, -3.25]}
    for name, cells in words.items():
        assert out[name].to_list() == numbers.get(name, cells), name
    assert out["predicted_species"].to_list() == model.predict(penguins).tolist()


@pytest.mark.parametrize("format", READERS)
@pytest.mark.parametrize("source", ["parquet", "arrow"])
def test_what_the_model_does_not_use_passes_through_from_typed_files(
    model: cr.Model, source: str, format: str, tmp_path: Path
) -> None:
    unused = pl.DataFrame(
        {
            "id": ["00123", "0045678901234567890", None],
            "long": [2**63 - 1, -(2**63), None],
            "unsigned": pl.Series([2**64 - 1, 0, 1], dtype=pl.UInt64),
            "word": ["NA", "None", "?"],
            "day": [dt.date(2021, 12, 5), None, dt.date(2021, 6, 7)],
            "half": [0.5, None, 1e300],
            "flag": [True, None, False],
            "list": [[1, 2], [], None],
        }
    )
    penguins = cr.datasets.penguins()[:3].drop("species")
    WRITERS[source](pl.concat([unused, penguins], how="horizontal"), tmp_path / f"new.{source}")
    cr.predict_file(model, tmp_path / f"new.{source}", tmp_path / f"out.{format}")
    out = READERS[format](tmp_path / f"out.{format}")
    if format in ("parquet", "arrow"):
        assert out.select(unused.columns).equals(unused)
        assert out.select(unused.columns).schema == unused.schema
    elif format == "jsonl":
        assert out.select("id", "word", "half", "flag", "list").equals(
            unused.select("id", "word", "half", "flag", "list")
        )
        assert out["long"].to_list() == unused["long"].to_list()
        assert out["day"].to_list() == ["2021-12-05", None, "2021-06-07"]
    else:
        assert out.select("id", "word").rows() == unused.select("id", "word").rows()
        assert out["long"].to_list() == [str(2**63 - 1), str(-(2**63)), None]
        assert out["unsigned"].to_list() == [str(2**64 - 1), "0", "1"]
        assert out["day"].to_list() == ["2021-12-05", None, "2021-06-07"]
        assert [None if word is None else float(word) for word in out["half"]] == [0.5, None, 1e300]
        assert [None if word is None else json.loads(word) for word in out["list"]] == [[1, 2], [], None]
