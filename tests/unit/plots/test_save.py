from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from matplotlib import pyplot as plt

import creche as cr
from creche import plots
from creche.plots.save import resolve_picture, save_picture
from creche.plots.style import create_figure
from tests.unit import small_runs as jobs


def draw_little() -> Any:
    axes = create_figure(1, 1)[1]
    axes.set(title="one", xticks=[], yticks=[])
    return axes


def test_pictures_are_saved_whatever_the_user_s_style_and_none_stays_open(tmp_path: Path) -> None:
    x, y = jobs.two_classes()
    model = jobs.quick(x, y).model
    plain = plots.save_all(model, x, tmp_path / "plain", y, format="svg")
    before = dict(plt.rcParams)
    with plt.style.context(["dark_background", {"axes.facecolor": "red"}]):
        styled = plots.save_all(model, x, tmp_path / "styled", y, format="svg")
    assert [path.name for path in plain] == [path.name for path in styled]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(plain, styled, strict=True))
    assert dict(plt.rcParams) == before
    assert plt.get_fignums() == []


def test_several_labels_have_pictures_each(tmp_path: Path) -> None:
    x, y = jobs.line(50)
    both = jobs.quick(x, [[v, -v] for v in y]).model
    names = {path.stem for path in plots.save_all(both, x, tmp_path, [[v, -v] for v in y], format="svg")}
    assert names >= {"predicted_against_true_1", "residuals_1", "predicted_against_true_2", "residuals_2"}


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    x, y = jobs.two_classes()
    (tmp_path / "network.png").mkdir()
    with pytest.raises(cr.FileError, match=r"network\.png"):
        plots.save_all(jobs.quick(x, y).model, x, tmp_path, y)
    assert [path.name for path in tmp_path.iterdir()] == ["network.png"]


def test_one_plot_is_saved_in_the_format_of_its_suffix(tmp_path: Path) -> None:
    for name, written, beginning in [
        ("a.png", "a.png", b"\x89PNG"), ("b.SVG", "b.SVG", b"<?xml"), ("c.pdf", "c.pdf", b"%PDF"),
        ("d", "d.png", b"\x89PNG"),
    ]:  # fmt: skip
        save_picture(draw_little, tmp_path / name)
        assert (tmp_path / written).read_bytes().startswith(beginning)
    assert plt.get_fignums() == []


def test_a_plot_that_cannot_be_saved_leaves_the_old_file(tmp_path: Path) -> None:
    old = tmp_path / "old.pgn"
    old.write_text("before")
    with pytest.raises(
        cr.PlanError, match=r"old\.pgn: matplotlib writes no files of the format 'pgn'; did you mean 'png'"
    ):
        save_picture(draw_little, old)
    with pytest.raises(cr.FileError, match=r"no/p\.png: cannot be written: there is no folder"):
        save_picture(draw_little, tmp_path / "no" / "p.png")
    assert old.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["old.pgn"]


def test_pictures_do_not_overwrite_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table = tmp_path / "network.png"
    cr.datasets.penguins().write_csv(table)
    before = table.read_bytes()
    model = cr.train(table, label="species", hidden=[3], epochs=1, threads=1).model
    with pytest.raises(cr.PlanError, match=r"^folder: .* holds the table, .*network\.png"):
        plots.save_all(model, table, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["network.png"]
    assert table.read_bytes() == before


def test_a_stream_keeps_its_name(tmp_path: Path) -> None:
    assert resolve_picture("/dev/null") == Path("/dev/null")
    assert resolve_picture(tmp_path / "new") == tmp_path / "new.png"
    assert resolve_picture(tmp_path / "new.SVG") == tmp_path / "new.SVG"
    save_picture(draw_little, "/dev/null")
