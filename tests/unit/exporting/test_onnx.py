"""What an export refuses before it needs the package onnx; tests/peers/test_onnx.py has the rest."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import polars as pl
import pytest

import creche as cr
from creche._system.archive import compute_digest
from creche.errors import CrecheError, FileError, PlanError
from creche.exporting.onnx.feeds import build_feeds, make_sample_rows, read_rows
from tests.unit.cli.commands import main
from tests.unit.model.test_file import edited


@cache
def model() -> cr.Model:
    return cr.train("penguins", label="species", hidden=[3], epochs=2, threads=1).model


def test_without_onnx_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(CrecheError, match=r"needs the package onnx, .*: pip install 'creche\[onnx\]'$"):
        model().to_onnx(tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_so_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    model().save(tmp_path / "m.creche")
    assert main(["export", str(tmp_path / "m.creche"), str(tmp_path / "m.onnx")]) == 2
    assert capsys.readouterr().err.startswith("creche: exporting to ONNX needs the package onnx")


@pytest.mark.parametrize("output", ["m.onnx", "m.js", "m.sql"])
def test_a_model_of_a_newer_version_is_refused(output: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    newer, target = tmp_path / "m.creche", tmp_path / output
    model().save(newer)
    newer.write_bytes(edited(newer.read_bytes(), version=2, written_by="3.1.0"))
    target.write_text("of before")
    table = ["--table", "rows"] if output == "m.sql" else []
    assert main(["export", str(newer), str(target), *table]) == 2
    assert "was written by Creche 3.1.0" in capsys.readouterr().err
    assert target.read_text() == "of before"


def test_a_table_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "penguins.parquet"
    cr.datasets.penguins().write_parquet(path)
    before = path.read_bytes()
    with pytest.raises(FileError, match=r"is the name of a table \(\.parquet\); a file for ONNX ends in \.onnx"):
        model().to_onnx(path)
    assert path.read_bytes() == before
    link = tmp_path / "m.onnx"
    link.symlink_to(path)
    with pytest.raises(PlanError, match="is the check itself"):
        model().to_onnx(link, check=path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("tolerance", [0, -1, float("nan"), float("inf"), True, "small"])
def test_a_tolerance_is_a_number_above_0(tolerance: object, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"tolerance: got .*; needs a number above 0, such as 1e-6"):
        model().to_onnx(tmp_path / "m.onnx", tolerance=tolerance)  # type: ignore[arg-type]


def test_rows_become_what_a_program_without_creche_would_send() -> None:
    rows = pl.DataFrame({"n": [1.5, None, 3.0], "w": ["a", None, "b"], "d": ["2020-01-01", None, "1969-12-31"]})
    rows = rows.with_columns(pl.col("d").str.to_date())
    many = pl.concat([rows] * 20).with_columns(y=pl.Series([0, 1, 1, 0] * 15), n=pl.Series(range(60)) / 7)
    trained = cr.train(many, label="y", task="classification", epochs=1, threads=1, early_stopping=None).model
    feeds = build_feeds(trained, read_rows(trained, rows))
    assert str(feeds["n"].tolist()) == "[[1.5], [nan], [3.0]]"
    assert feeds["w"].tolist() == [["a"], [""], ["b"]]
    assert feeds["d"].tolist() == [[1_577_836_800_000_000], [-(2**63)], [-86_400_000_000]]


def test_sample_rows_are_like_the_training_rows() -> None:
    sample = make_sample_rows(model())
    penguins = cr.datasets.penguins()
    values = sample.columns["body_mass_g"].values
    assert penguins["body_mass_g"].min() <= min(values[values > 0]) <= max(values[values > 0]) <= 6300
    assert set(penguins["island"]) < set(sample.columns["island"].words)
    assert sample.columns["island"].missing.any()
    assert len(model().predict(sample)) == len(sample)


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    model().save(tmp_path / "m.creche")
    digest = compute_digest("model", *model().to_parts())
    assert len(digest) == 64
    assert digest.encode() in (tmp_path / "m.creche").read_bytes()
