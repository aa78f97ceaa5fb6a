"""A table on disk is prepared and encoded as the same table in memory is: encoders, warnings, digests and bytes."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from creche.engine.native import Rows
from creche.engine.stored_rows import StoredRows
from creche.errors import FileError, TableError
from creche.plan.losses import CrossEntropy, Loss, SquaredError
from creche.table import block_encoding
from creche.table.digest import describe_table
from creche.table.disk_encoding import encode_to_disk
from creche.table.on_disk import read_to_disk
from creche.table.preparation import Preparation
from creche.table.prepare import Prepared, prepare
from creche.table.reading.options import ReadOptions
from creche.table.split import Split, shuffle_rows

N = 1200


def frame() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "age": rng.integers(0, 90, N), "income": rng.lognormal(size=N), "town": [f"t{i % 57}" for i in range(N)],
            "gaps": [None if i % 7 == 0 else i * 0.5 for i in range(N)], "member": rng.random(N) < 0.5,
            "day": [f"2020-{i % 12 + 1:02}-{i % 28 + 1:02}" for i in range(N)], "id": [f"u{i}" for i in range(N)],
            "weight": rng.integers(0, 3, N), "part": rng.choice(["train", "validation", "test"], N),
            "kind": rng.choice(["a", "b", "c"], N), "price": rng.standard_normal(N) * 1000,
        }
    )  # fmt: skip


CASES: dict[str, dict[str, Any]] = {
    "classes": {"label": "kind"},
    "numbers": {"label": "price", "preprocessing": "quantile"},
    "several": {"label": ("price", "income"), "preprocessing": "standard", "schema": {"age": "categorical"}},
    "trees": {
        "label": "kind", "class_weight": "balanced",
        "preprocessing": {"numeric_encoding": "piecewise_linear", "bin_edges": "tree"},
    },
    "weights": {"label": "kind", "duplicates": "together", "sample_weight": "weight"},
    "groups": {"label": "price", "split": Split(group="town", test_fraction=0.2)},
    "time": {"label": "kind", "split": Split(time="day")},
    "column": {"label": "kind", "split": Split(column="part"), "preprocessing": "realmlp"},
    "copies": {"label": "kind", "duplicates": "drop", "schema": {"id": "ignore", "income": "ignore"}},
}  # fmt: skip


def prepared_twice(path: Path, preparation: Preparation) -> tuple[Prepared, Prepared]:
    loss: Loss = CrossEntropy() if preparation.label == ("kind",) else SquaredError()
    options: dict[str, Any] = {"task": None, "loss": loss, "seed": 3}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        whole = prepare(path, None, preparation, **options)
    with warnings.catch_warnings(record=True) as told_again:
        warnings.simplefilter("always")
        table = read_to_disk(path, options=ReadOptions(), batch_rows=211)
        on_disk = prepare(table, None, preparation, **options)
    assert [str(one.message) for one in told_again] == [str(one.message) for one in told]
    return whole, on_disk


def assert_same(rows: Rows | StoredRows | None, expected: Rows | None) -> None:
    if rows is None or expected is None:
        assert rows is expected
        return
    found = rows.read(0, len(rows)) if isinstance(rows, StoredRows) else rows
    for name in ("x", "classes", "targets", "weights"):
        one, other = getattr(found, name), getattr(expected, name)
        assert (one is None) == (other is None)
        assert one is None or (one.dtype == other.dtype and one.tobytes() == other.tobytes())


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("row_order", [None, 5])
def test_a_table_on_disk_is_prepared_as_in_memory(
    case: str, row_order: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(block_encoding, "BLOCK_ROWS", 97)
    monkeypatch.setattr(block_encoding, "LEAST_BLOCK_ROWS", 97)
    monkeypatch.setattr(block_encoding, "BUCKET_BYTES", 20_000)
    frame().write_parquet(tmp_path / "t.parquet")
    preparation = Preparation(**CASES[case], row_order=row_order)
    whole, on_disk = prepared_twice(tmp_path / "t.parquet", preparation)
    assert (on_disk.is_lazy, whole.is_lazy) == (True, False)
    assert (on_disk.features.to_dict(), on_disk.labels.to_dict()) == (whole.features.to_dict(), whole.labels.to_dict())
    assert on_disk.schema == whole.schema
    described = (describe_table(each.training_table(), each.side_tables()) for each in (on_disk, whole))
    assert next(described) == next(described)
    (header, arrays), (other_header, others) = (p.summarize_training().to_parts() for p in (on_disk, whole))
    assert header == other_header
    assert all(arrays[name].tobytes() == others[name].tobytes() for name in others)
    loss: Loss = CrossEntropy() if preparation.label == ("kind",) else SquaredError()
    expected = whole.encode(loss, "float32")
    for rows, same in zip(on_disk.encode(loss, "float32"), expected, strict=True):
        assert_same(rows, same)
    for rows, same in zip(encode_to_disk(on_disk, loss, memory=4_000_000), expected, strict=True):
        assert_same(rows, same)


def test_rows_lie_in_the_order_of_their_hashes(tmp_path: Path) -> None:
    frame().write_parquet(tmp_path / "t.parquet")
    preparation = {"label": ("kind",), "preprocessing": "standard"}
    plain, _ = prepared_twice(tmp_path / "t.parquet", Preparation(**preparation))
    mixed, _ = prepared_twice(tmp_path / "t.parquet", Preparation(**preparation, row_order=9))
    before, after = plain.encode(CrossEntropy(), "float32")[0], mixed.encode(CrossEntropy(), "float32")[0]
    order = shuffle_rows(9, len(before))
    assert not np.array_equal(order, np.arange(len(order)))
    assert np.array_equal(before.x[order], after.x)
    assert np.array_equal(before.classes[order], after.classes)  # type: ignore[index]


@pytest.mark.filterwarnings("ignore::creche.CrecheWarning")
def test_encoded_rows_are_found_again_and_belong_to_their_encoding(tmp_path: Path) -> None:
    frame().write_parquet(tmp_path / "t.parquet")
    table = read_to_disk(tmp_path / "t.parquet", options=ReadOptions(), to=tmp_path / "t.rows")

    def encode(**changes: Any) -> StoredRows:
        preparation = Preparation(**({"label": ("kind",)} | changes))
        options: dict[str, Any] = {"task": None, "loss": CrossEntropy(), "seed": 3}
        return encode_to_disk(prepare(table, None, preparation, **options), CrossEntropy())[0]

    first = encode()
    changed_at = Path(first.path).stat().st_mtime_ns
    again = encode()
    assert (again.path, Path(again.path).stat().st_mtime_ns) == (first.path, changed_at)
    paths = {
        first.path,
        *(encode(**c).path for c in ({"preprocessing": "robust"}, {"row_order": 1}, {"class_weight": "balanced"})),
    }
    assert len(paths) == 4
    Path(first.path).write_bytes(b"damaged")
    assert len(encode()) == len(first)


@pytest.mark.filterwarnings("ignore::creche.CrecheWarning")
def test_a_folder_that_is_write_protected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame().write_parquet(tmp_path / "t.parquet")
    table = read_to_disk(tmp_path / "t.parquet", options=ReadOptions(), to=tmp_path / "t.rows")
    on_disk = prepare(table, None, Preparation(label=("kind",)), task=None, loss=None, seed=3)
    before = sorted(path.name for path in (tmp_path / "t.rows").iterdir())
    monkeypatch.setattr("creche.table.disk_columns.os.access", lambda path, mode: Path(path).name != "t.rows")
    rows, _ = encode_to_disk(on_disk, CrossEntropy())
    assert_same(rows, on_disk.encode(CrossEntropy(), "float32")[0])
    assert sorted(path.name for path in (tmp_path / "t.rows").iterdir()) == before
    again = pickle.loads(pickle.dumps(on_disk))
    assert_same(rows, again.encode(CrossEntropy(), "float32")[0])


def test_what_rows_on_disk_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame().write_parquet(tmp_path / "t.parquet")
    _, on_disk = prepared_twice(tmp_path / "t.parquet", Preparation(label=("kind",)))
    encoder = on_disk.block_encoder(on_disk.train, CrossEntropy(), "float64")
    with pytest.raises(TableError, match="precision: got 'float64', but rows on disk are float32"):
        encoder.to_file(on_disk.labelled.x.columns.folder)  # type: ignore[union-attr]
    monkeypatch.setattr(block_encoding, "available_memory", lambda: 1000)
    with pytest.raises(TableError, match=r"encoded rows with .* inputs need .* available; only the training of"):
        on_disk.encode(CrossEntropy(), "float32")
    monkeypatch.setattr("creche._system.disk_space.free_space", lambda folder: 1000)
    with pytest.raises(FileError, match=r"840 encoded rows of the table need about .* and the disk has 1 kB left"):
        encode_to_disk(on_disk, CrossEntropy())
