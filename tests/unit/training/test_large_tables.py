"""Training on tables that are not held in memory: the same bits as in memory, and errors that tell what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import creche as cr
from creche.errors import FileError, PlanError, TableError
from creche.table import block_encoding, on_disk
from creche.training import encode as encode_module
from tests.unit.table.test_block_encoding import frame

pytestmark = pytest.mark.filterwarnings("ignore::creche.CrecheWarning")

ORDER = cr.Windows(32, 4)
JOB: dict[str, Any] = {"epochs": 3, "hidden": [6], "threads": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("tables")
    frame().write_parquet(path / "t.parquet")
    frame().write_csv(path / "t.csv")
    (path / "parts").mkdir()
    for i in range(3):
        frame().slice(400 * i, 400).write_csv(path / "parts" / f"{i}.csv")
    yield path
    assert sorted(child.name for child in path.iterdir()) == ["parts", "t.csv", "t.parquet"]


def digest(run: cr.Run) -> str:
    model = run.model
    assert model.provenance is not None
    return str(model.provenance.weights)


@pytest.mark.parametrize("label", ["kind", "price"])
def test_the_same_bits_from_memory_and_from_disk(folder: Path, label: str) -> None:
    expected = cr.train(folder / "t.parquet", label=label, shuffle=ORDER, **JOB)
    for data in ["t.parquet", "t.csv", "parts", "parts/*.csv"] if label == "kind" else ["t.csv"]:
        run = cr.train(str(folder / data), label=label, shuffle=ORDER, memory="100MB", **JOB)
        assert digest(run) == digest(expected)
        assert str(run.evaluation) == str(expected.evaluation)
        assert run.model.provenance.data == expected.model.provenance.data  # type: ignore[union-attr]
    run = cr.train(frame(), label=label, shuffle=ORDER, memory=10**8, **JOB)
    assert digest(run) == digest(expected)
    assert cr.verify(run.model, folder / "t.parquet").same


def test_a_full_shuffle_becomes_windows(folder: Path) -> None:
    run = cr.train(folder / "t.csv", label="kind", memory="100MB", **JOB)
    assert run.plan.shuffle == cr.Windows()
    assert digest(run) == digest(cr.train(folder / "t.csv", label="kind", shuffle=cr.Windows(), **JOB))
    run = cr.train(folder / "t.csv", label="kind", memory="100MB", shuffle=False, **JOB)
    assert digest(run) == digest(cr.train(folder / "t.csv", label="kind", shuffle=False, **JOB))


def test_a_run_from_disk_is_resumed_from_disk(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = {**JOB, "label": "kind", "shuffle": ORDER, "epochs": 4}
    whole = cr.train(folder / "t.csv", **job)
    cr.train(folder / "t.csv", **job, steps=40, checkpoint=tmp_path, memory="100MB")
    read = []
    real = on_disk.read_to_disk
    monkeypatch.setattr("creche.table.on_disk.read_to_disk", lambda *a, **k: read.append(k) or real(*a, **k))
    again = cr.resume(tmp_path, threads=1)
    assert digest(again) == digest(whole)
    assert [options["memory"] for options in read] == [10**8]


def test_encoded_once_and_trained_on_often(folder: Path, tmp_path: Path) -> None:
    encoded = cr.encode(
        folder / "t.csv", tmp_path / "t.rows", label="kind", preprocessing="robust", validation_fraction=0.2, seed=4,
        schema={"id": "ignore"}, class_weight={"a": 2.0},
    )  # fmt: skip
    assert (encoded.rows, encoded.training_rows, encoded.validation_rows) == (1200, 960, 240)
    given: dict[str, Any] = {
        "preprocessing": "robust", "validation_fraction": 0.2, "seed": 4, "schema": {"id": "ignore"},
        "class_weight": {"a": 2.0}, "label": "kind",
    }  # fmt: skip
    expected = cr.train(folder / "t.csv", **given, shuffle=cr.Windows(), **JOB)
    before = sorted(path.name for path in encoded.path.iterdir())
    run = cr.train(encoded.path, **JOB)
    assert digest(run) == digest(expected)
    assert str(run.evaluation) == str(expected.evaluation)
    assert sorted(path.name for path in encoded.path.iterdir()) == before  # nothing had to be encoded again
    other = cr.train(encoded.path, label="price", preprocessing="standard", **JOB)
    assert other.plan.task == "regression"
    evaluation = run.model.evaluate(encoded.path)
    assert str(evaluation) == str(run.model.evaluate(folder / "t.csv"))
    assert run.model.predict(encoded.path).tolist() == run.model.predict(folder / "t.csv").tolist()
    for data in (encoded.path, folder / "parts"):
        cr.predict_file(run.model, data, tmp_path / "predicted.csv", keep=[])
        assert len(pl.read_csv(tmp_path / "predicted.csv")) == 1200
    folds = cr.cross_validate(encoded.path, label="kind", folds=2, **JOB)
    expected_folds = cr.cross_validate(folder / "t.csv", label="kind", folds=2, **JOB)
    assert folds.predictions.tolist() == expected_folds.predictions.tolist()


def test_an_encoding_that_was_stopped_goes_on(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_encoding, "LEAST_BLOCK_ROWS", 100)
    monkeypatch.setattr(block_encoding, "BLOCK_ROWS", 100)
    stages: list[str] = []

    def stop(done: Any) -> None:
        stages.append(done.stage)
        if done.stage == "encoding" and done.rows >= 300:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cr.encode(folder / "parts", tmp_path / "t.rows", label="kind", on_progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["t.rows.unfinished"]
    assert stages[0] == "reading"
    stages.clear()
    encoded = cr.encode(
        folder / "parts", tmp_path / "t.rows", label="kind", on_progress=lambda done: stages.append(done.stage)
    )
    assert set(stages) == {"encoding"}
    assert [path.name for path in tmp_path.iterdir()] == ["t.rows"]
    assert digest(cr.train(encoded.path, **JOB)) == digest(
        cr.train(folder / "t.csv", label="kind", shuffle=cr.Windows(), **JOB)
    )
    with pytest.raises(FileError, match=r"t\.rows: exists already; remove it, or name another folder"):
        cr.encode(folder / "parts", tmp_path / "t.rows", label="kind")
    with pytest.raises(FileError, match=r"t\.rows: is encoded already"):
        cr.encode(tmp_path / "t.rows", tmp_path / "u.rows", label="kind")
    assert encode_module.UNFINISHED == ".unfinished"


FULL_DISK = """
import resource, signal, sys, creche as cr
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for size in (4_000, 60_000):  # too little for a column, and for the encoded rows
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        cr.encode(sys.argv[1], sys.argv[2], label="kind")
    except cr.FileError as error:
        print(error)
"""


def test_a_full_disk_is_told_and_loses_nothing(folder: Path, tmp_path: Path) -> None:
    table = frame().write_csv()
    done = subprocess.run(
        # Without -B, modules that are compiled meanwhile would be cut off as well, and kept like that.
        [sys.executable, "-B", "-W", "ignore", "-c", FULL_DISK, str(folder / "parts"), str(tmp_path / "t.rows")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    column, rows = done.stdout.splitlines()
    assert "t.rows.unfinished/" in column
    assert "cannot be written: it would exceed the largest permitted file size" in column
    assert "t.rows.unfinished/rows-" in rows
    assert "largest permitted file size" in rows
    assert not (tmp_path / "t.rows").exists()
    assert pl.concat([pl.read_csv(path) for path in sorted((folder / "parts").iterdir())]).write_csv() == table
    assert cr.encode(folder / "parts", tmp_path / "t.rows", label="kind").rows == 1200


MEMORY = """
import json, resource, sys, creche as cr, polars as pl
folder = sys.argv[1]
peaks = []
for name in ("few", "many"):
    encoded = cr.encode(f"{folder}/{name}.parquet", f"{folder}/{name}.rows", label="y", memory="90MB")
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(json.dumps([*peaks, encoded.size]))
"""


def test_memory_does_not_grow_with_the_table(tmp_path: Path) -> None:
    columns, rows = 30, 50_000
    table = pl.DataFrame({f"x{i}": pl.Series(range(rows)) * (i + 0.5) % 7919 for i in range(columns)})
    table = table.with_columns(y=pl.col("x0") % 3)
    table.head(5000).write_parquet(tmp_path / "few.parquet")
    table.write_parquet(tmp_path / "many.parquet", row_group_size=8192)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEMORY, str(tmp_path)], capture_output=True, text=True, check=True
    )
    before, after, size = json.loads(done.stdout)  # in units of 1,024 bytes, but for the last
    assert size > 90_000_000
    assert 1024 * (after - before) < size / 2


def test_amounts_that_are_too_little(folder: Path) -> None:
    job = {**JOB, "label": "kind"}
    for memory, message in [
        ("1MB", r"memory: got 1 MB, but a table of 1,200 rows takes at least 67\.2 MB"),
        ("much", "memory: got 'much'; needs a number and a unit"),
    ]:
        with pytest.raises(PlanError, match=message):
            cr.train(folder / "t.csv", memory=memory, **job)
    with pytest.raises(PlanError, match="memory: the data are arrays, which are in memory already"):
        cr.train([[1.0], [2.0]], [0, 1], memory="1GB")
    with pytest.raises(TableError, match="drop_rows: rows of a table that is read in pieces"):
        cr.train(folder / "t.csv", memory="1GB", read_options={"drop_rows": (1,)}, **job)


def test_on_the_command_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from creche.cli.main import main

    rows = str(tmp_path / "t.rows")
    assert main(["encode", f"{folder}/parts/*.csv", rows, "--label", "kind", "--memory", "200MB"]) == 0
    assert "1,200 rows of 11 columns, encoded as 840 training rows and 360 validation rows" in capsys.readouterr().out
    common = ["--hidden", "6", "--epochs", "3", "--threads", "1", "--json"]
    assert main(["train", rows, *common]) == 0
    first = json.loads(capsys.readouterr().out)
    assert main(["train", f"{folder}/parts", "--label", "kind", "--memory", "200MB", *common]) == 0
    second = json.loads(capsys.readouterr().out)
    assert first["validation"] == second["validation"] if "validation" in first else first.keys() == second.keys()
    assert main(["encode", f"{folder}/t.csv", rows, "--label", "kind"]) != 0
    assert "exists already" in capsys.readouterr().err
    assert main(["encode", f"{folder}/t.csv", str(tmp_path / "u.csv"), "--label", "kind"]) != 0
    assert "is the name of a table" in capsys.readouterr().err
