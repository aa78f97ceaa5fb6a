"""`creche columns` shows what would be read from a table, within 80 columns, however wide the table is."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.cli.options import READING
from tests.unit.cli.commands import main


@pytest.fixture(autouse=True)
def narrow(wide: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["columns", "penguins", "--label", "species"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for line in (
        "rows      344, no duplicates",
        "features  6 of 7 columns",
        "label     species, 3 classes: Adelie 152, Gentoo 124, Chinstrap 68",
        "task      classification",
        "  bill_length_mm     numeric      number        2       164  32.1 to 59.6",
        "  body_mass_g        numeric      whole         2        94  2,700 to 6,300",
    ):
        assert line in out.splitlines()


def test_without_a_label(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["columns", "penguins"]) == 0
    assert "none; --label NAME also shows the task" in capsys.readouterr().out


def test_json_is_what_python_gives(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["columns", "penguins", "--label", "body_mass_g", "--column", "sex=ignore", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert json.loads(out) == cr.inspect_columns("penguins", "body_mass_g", schema={"sex": "ignore"}).to_dict()


def test_options_can_be_pasted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.csv"
    rng = np.random.default_rng(0)
    names = ["Unnamed: 0", "it's $HOME; `id`", "*", "-o"]
    frame = pl.DataFrame({name: np.arange(50) * (i + 1) for i, name in enumerate(names)})
    frame.with_columns(x=pl.Series(rng.normal(size=50)), y=pl.Series(["a", "b"] * 25)).write_csv(path)
    assert main(["columns", str(path), "--label", "y"]) == 0
    page = capsys.readouterr().out
    pasted = [shlex.split(line) for line in re.findall(r"^ +(--column .*=numeric'?)$", page, re.MULTILINE)]
    assert [words[1] for words in pasted] == [f"{name}=numeric" for name in names]
    assert main(["columns", str(path), "--label", "y", "--json", *(word for words in pasted for word in words)]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [column["role"] for column in data["columns"]] == ["numeric"] * 5 + ["label"]
    assert not [finding for finding in data["findings"] if finding["kind"] == "dropped"]


def test_a_leak_an_identifier_and_the_other_task(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.csv"
    rng = np.random.default_rng(0)
    y = rng.integers(1, 5, 200)
    pl.DataFrame({"code": rng.permutation(10**6)[:200], "customer_id": rng.permutation(10**6)[:200], "copy": y * 7,
                  "y": y}).write_csv(path)  # fmt: skip
    assert main(["columns", str(path), "--label", "y"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert "Column 'copy' alone gives the label 'y' away: in 200 rows it predicts 100 %" in page
    assert "--column copy=ignore" in page
    assert "--column customer_id=numeric" in page
    assert "--column code" not in page
    assert "Label 'y' is treated as 4 classes, because its values are numbered from 1 to 4 --task regression" in page


def test_a_table_of_2000_columns_fits_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.csv"
    rng = np.random.default_rng(0)
    columns = {f"gene number {i} with a rather long name": rng.normal(size=30) for i in range(1900)}
    columns |= {f"id {i}": np.arange(30) + i for i in range(100)} | {f"code {i}": np.arange(30) % 7 for i in range(50)}
    pl.DataFrame({**columns, "y": ["a", "b"] * 15}).write_csv(path)
    assert main(["columns", str(path), "--label", "y"]) == 0
    page = capsys.readouterr().out
    lines = page.splitlines()
    assert len(lines) < 110
    assert max(map(len, lines)) <= 80
    assert "features  1,950 of 2,051 columns" in lines
    assert "2,031 more" in page
    assert "and 95 more such columns: id 5, id 6" in page


@pytest.mark.parametrize("option", READING, ids=lambda option: option.name)
def test_the_reading_options_of_train_are_taken(option: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["columns", "--help"]) == 0
    assert option.flag in capsys.readouterr().out  # type: ignore[attr-defined]


def test_a_file_is_read_as_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a;b\n1,500;x\n2,250;y\n" * 1)
    assert main(["columns", str(path), "--separator", ";", "--decimal-comma", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["columns"][0]["high"] == 2.25
    assert main(["columns", str(path), "--label", "c"]) == 2
    assert "--label: " in capsys.readouterr().err
