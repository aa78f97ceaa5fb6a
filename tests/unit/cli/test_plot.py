"""``creche plot``: files of pictures."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import creche as cr
from tests.unit.cli.commands import main
from tests.unit.small_runs import PENGUINS_CSV

pytest.importorskip("matplotlib")

OF_CLASSES = [
    "network", "weight_histograms", "loss_curves", "metric_curves", "confusion_matrix", "reliability_diagram",
    "roc_curves", "precision_recall",
]  # fmt: skip


def test_all_pictures_of_classes(model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "plots"
    assert main(["plot", str(model_file), str(PENGUINS_CSV), "-o", str(out)]) == 0
    printed, told = capsys.readouterr()
    assert told == ""
    assert printed.splitlines() == [str(out / f"{name}.png") for name in OF_CLASSES]
    assert sorted(os.listdir(out)) == sorted(f"{name}.png" for name in OF_CLASSES)
    for path in out.iterdir():
        assert path.read_bytes().startswith(b"\x89PNG")


def test_dark_pictures_as_svg_are_the_same_each_time(model_file: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        arguments = ["plot", str(model_file), "penguins", "--format", "svg", "--dark"]
        assert main([*arguments, "-o", str(tmp_path / folder)]) == 0
    for name in OF_CLASSES:
        contents = [(tmp_path / folder / f"{name}.svg").read_bytes() for folder in ("a", "b")]
        assert contents[0] == contents[1]
        assert ElementTree.fromstring(contents[0]).tag.endswith("svg")
        assert b"#16181d" in contents[0]


def test_pictures_of_numbers_and_of_a_table_written_otherwise(tmp_path: Path) -> None:
    rows = cr.datasets.penguins().drop_nulls()
    cr.train(rows, label="body_mass_g", hidden=[3], epochs=2, threads=1).model.save(tmp_path / "m.creche")
    rows.write_csv(tmp_path / "rows.txt", separator=";")
    arguments = ["--table-format", "csv", "--separator", ";", "-o", str(tmp_path)]
    assert main(["plot", str(tmp_path / "m.creche"), str(tmp_path / "rows.txt"), *arguments]) == 0
    found = {path.stem for path in tmp_path.glob("*.png")}
    assert found == {*OF_CLASSES[:4], "predicted_against_true", "residuals"}


def test_an_ensemble_has_no_network_of_its_own(tmp_path: Path) -> None:
    models = [cr.train("penguins", label="species", hidden=[3], epochs=2, seed=s, threads=1).model for s in (0, 1)]
    cr.Ensemble(models).save(tmp_path / "e.creche")
    assert main(["plot", str(tmp_path / "e.creche"), "penguins", "-o", str(tmp_path)]) == 0
    assert {path.stem for path in tmp_path.glob("*.png")} == set(OF_CLASSES[4:])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{model}", "penguins", "--format", "gif"], "format: got 'gif'; choose one of png, svg, pdf"),
        (["{model}", "penguins", "-o", "{model}/x"], "is a file, not a folder"),
        (["{model}", "{tmp}/unlabelled.csv"], "has no column 'species'"),
        (["{model}", "{tmp}/other.csv"], "has no column 'island'"),
        (["{model}", "{tmp}/none.csv"], "there is no such file"),
        (["{tmp}/none.creche", "penguins"], "none.creche"),
    ],
)
def test_what_cannot_be_drawn_leaves_nothing(
    model_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    cr.datasets.penguins().drop("species").write_csv(tmp_path / "unlabelled.csv")
    cr.datasets.penguins().drop("island").write_csv(tmp_path / "other.csv")
    before = sorted(os.listdir(tmp_path))
    assert main(["plot", *(a.format(model=model_file, tmp=tmp_path) for a in arguments)]) == 2
    printed, told = capsys.readouterr()
    assert message in told
    assert printed == ""
    assert sorted(os.listdir(tmp_path)) == before


def test_without_matplotlib_the_command_to_install_it(
    model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    assert main(["plot", str(model_file), "penguins", "-o", str(tmp_path / "plots")]) == 2
    assert capsys.readouterr().err == "creche: plots need matplotlib: pip install matplotlib\n"
    assert not (tmp_path / "plots").exists()
