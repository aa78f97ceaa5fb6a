"""How pages look: in 80 characters, without spaces behind, and true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import creche as cr
from creche.pages.charts import draw_loss_curves
from creche.pages.evaluation import evaluation_page
from tests.unit.cli.commands import QUICK, main
from tests.unit.small_runs import PENGUINS_CSV


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch, wide: None) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def page_of(
    evaluation: cr.ClassificationEvaluation | cr.RegressionEvaluation, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    from creche.cli.output import print_page

    print_page(evaluation_page(evaluation, "rows"))
    return capsys.readouterr().out.splitlines()


@pytest.mark.usefixtures("narrow")
def test_a_page_of_80_characters_breaks_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(QUICK) == 0
    page = capsys.readouterr().out.splitlines()
    assert max(map(len, page)) <= 80
    assert [line for line in page if line != line.rstrip()] == []
    for whole in (
        "  epoch    loss  accuracy  validation loss  validation accuracy",
        "  on 103 validation rows                    95 % CI (bootstrap)  baseline",
        "  true ↓  predicted →  Adelie  Chinstrap  Gentoo  total  recall",
        "  island             categorical        0         3  Torgersen, Biscoe, Dream",
    ):
        assert whole in page


def test_help_of_80_characters_breaks_no_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["train", "--help"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    start = next(i for i, line in enumerate(lines) if line.startswith("TABLE is a file"))
    assert len(lines[start]) > 60
    assert len(lines[start + 1]) > 60


def test_a_tie_is_not_worse(capsys: pytest.CaptureFixture[str]) -> None:
    p = np.array([[0.9, 0.1]] * 12)
    judged = cr.ClassificationEvaluation.of(
        p, np.zeros(12, dtype=np.int64), ("no", "yes"), baseline=np.array([0.9, 0.1])
    )
    page = page_of(judged, capsys)
    assert any(line.split()[:2] == ["accuracy", "1.0000"] and line.endswith("≈") for line in page)
    assert not any("worse" in line for line in page)
    worse = cr.ClassificationEvaluation.of(
        1 - p, np.zeros(12, dtype=np.int64), ("no", "yes"), baseline=np.array([1.0, 0.0])
    )
    assert any("! worse than the baseline" in line for line in page_of(worse, capsys))


def test_a_page_tells_why_there_is_no_interval(capsys: pytest.CaptureFixture[str]) -> None:
    p, true = np.tile([[0.9, 0.1], [0.3, 0.7]], (10, 1)), np.tile([0, 1], 10)
    few = page_of(cr.ClassificationEvaluation.of(p[:9], true[:9], ("no", "yes")), capsys)
    assert any("no confidence intervals: they need at least 10 rows" in line for line in few)
    assert not any("CI" in line for line in few)
    lacking = page_of(cr.ClassificationEvaluation.of(p[:18], true[:18], ("no", "yes")), capsys)
    assert any("no confidence interval for classes of fewer than 10 rows" in line for line in lacking)
    enough = page_of(cr.ClassificationEvaluation.of(p, true, ("no", "yes")), capsys)
    assert not any("no confidence" in line for line in enough)
    numbers = page_of(cr.RegressionEvaluation.of(np.arange(9.0), np.arange(9.0) + 1), capsys)
    assert any("no confidence intervals" in line for line in numbers)


def test_f1_of_each_class_and_metrics_of_each_label(capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1], 50)
    judged = cr.ClassificationEvaluation.of(p, rng.integers(0, 2, 50), ("no", "yes"))
    page = page_of(judged, capsys)
    for of_class in judged.per_class:
        low, high = of_class.f1_interval or ()
        row = next(line.split() for line in page if line.split()[:1] == [of_class.name])
        assert row == [of_class.name, f"{of_class.f1:.4f}", f"{low:.4f}", "to", f"{high:.4f}"]
    numbers = cr.RegressionEvaluation.of(rng.random((9, 2)), rng.random((9, 2)), labels=("u", "v"))
    rows = [line.split()[1] for line in page_of(numbers, capsys) if line.split()[:1] == ["v"]]
    assert rows == [f"{value:.4f}" for value in numbers.per_label["v"].values()]
    alone = page_of(cr.RegressionEvaluation.of(rng.random(9), rng.random(9), labels=("u",)), capsys)
    assert not any(line.split()[:1] == ["u"] for line in alone)


def test_a_curve_that_falls_little_is_drawn_over_the_whole_height() -> None:
    lines = draw_loss_curves(np.linspace(0.34, 0.27, 40), None).plain.splitlines()[:9]
    assert all("·" in line for line in lines)
    assert lines[-1].split()[0] == "0.27"
    from_zero = draw_loss_curves(np.linspace(0.34, 0.1, 40), None).plain.splitlines()[:9]
    assert from_zero[-1].split()[0] == "0"


def test_very_many_classes_are_cut_to_the_likeliest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "table.csv"
    table.write_text("a,y\n" + "".join(f"{i / 7:.2f},c{i % 30:02d}\n" for i in range(120)))
    assert main(["train", str(table), "--label", "y", "--epochs", "1", "--validation-fraction", "0"]) == 0
    page = capsys.readouterr().out
    shown = [line for line in page.splitlines() if "░" in line]
    assert len(shown) in (5, 6)
    assert f"and {30 - len(shown)} other classes" in page
    assert sum("true class" in line for line in shown) == 1


def test_advice_names_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = PENGUINS_CSV.read_text().splitlines()
    table = tmp_path / "table.csv"
    table.write_text("\n".join([lines[0], *lines[1:] * 2, lines[1].replace("Adelie", "")]) + "\n")
    arguments = ["train", str(table), "--label", "species", "--epochs", "1", "--json"]
    assert main(arguments) == 2
    assert "drop such rows with --drop-unlabelled" in capsys.readouterr().err
    assert main([*arguments, "--drop-unlabelled"]) == 0
    assert "--duplicates together keeps copies on one side" in capsys.readouterr().err


def test_rows_without_a_label_are_dropped_on_request(
    model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "table.csv"
    table.write_text(PENGUINS_CSV.read_text().replace("\nAdelie", "\n", 1))
    assert main(["evaluate", str(model_file), str(table)]) == 2
    assert "row 1 is empty" in capsys.readouterr().err
    assert main(["evaluate", str(model_file), str(table), "--drop-unlabelled", "--n-resamples", "0"]) == 0
    assert "on 343 rows" in capsys.readouterr().out


def test_a_wide_table_is_not_named_column_by_column(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    names = [f"column{i}" for i in range(5000)]
    table = tmp_path / "wide.csv"
    table.write_text(",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
    assert main(["train", str(table), "--label", "colum4999"]) == 2
    error = capsys.readouterr().err
    assert "did you mean 'column" in error
    assert "(4,960 more)" in error
    assert len(error) < 1000


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("command", ["train", "glossary", "json"])
def test_the_last_line_of_a_page_for_readers_names_its_terms(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = {"train": QUICK, "glossary": ["glossary", "AUC,", "log", "loss"], "json": [*QUICK, "--json"]}[command]
    assert main(arguments) == 0
    page = capsys.readouterr().out
    assert page.count("Terms: creche glossary ") == (command == "train")
    if command == "train":
        assert page.splitlines()[-1].startswith("Terms: creche glossary ")
    if command == "glossary":
        assert page.count("AUC\n") == page.count("log loss\n") == 1
