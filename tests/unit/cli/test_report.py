"""``creche report``: a page and a card."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import creche as cr
from tests.unit.cli.commands import main
from tests.unit.small_runs import PENGUINS_CSV

pytest.importorskip("matplotlib")


def test_a_page_and_a_card(model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, card = tmp_path / "r.html", tmp_path / "card.md"
    arguments = ["-o", str(page), "--card", str(card), "--intended-use", "Counting.", "--title", "Birds"]
    assert main(["report", str(model_file), str(PENGUINS_CSV), *arguments]) == 0
    assert capsys.readouterr() == (f"{page}\n{card}\n", "")
    assert "<h1>Birds</h1>" in page.read_text()
    assert "<p>Counting.</p>" in page.read_text()
    assert "On the 103 rows held out for validation" in page.read_text()
    assert "## Intended use\n\nCounting." in card.read_text()


@pytest.mark.usefixtures("without_pictures")
def test_the_title_is_the_file_s_name_and_the_page_stands_in_this_folder(
    model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = PENGUINS_CSV.read_text().replace(",", ";")
    (tmp_path / "other.txt").write_text(text)
    assert main(["report", str(model_file), "other.txt", "--format", "csv", "--separator", ";"]) == 0
    page = (tmp_path / "report.html").read_text()
    assert "<h1>penguins: species</h1>" in page
    assert "held out for validation" in page  # the same rows, written otherwise


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{model}", "{tmp}/unlabelled.csv"], "has no column 'species'"),
        (["{model}", "{tmp}/none.csv"], "there is no such file"),
        (["{tmp}/none.creche", "penguins"], "none.creche"),
        (["{model}", "penguins", "-o", "{tmp}/no/r.html"], "there is no folder"),
        (["{model}", "penguins", "--card", "{tmp}"], "is a folder; name a file in it"),
        (["{model}", "penguins", "--sample-weight", "w"], "w"),
    ],
)
def test_what_cannot_be_reported_leaves_nothing(
    model_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    cr.datasets.penguins().drop("species").write_csv(tmp_path / "unlabelled.csv")
    assert main(["report", *(a.format(model=model_file, tmp=tmp_path) for a in arguments)]) == 2
    printed, told = capsys.readouterr()
    assert message in told
    assert printed == ""
    assert os.listdir(tmp_path) == ["unlabelled.csv"]
