"""``creche evaluate --reliability``: how well probabilities agree with observed frequencies, in text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import creche as cr
from tests.unit.cli.commands import main


@pytest.fixture(scope="module")
def unsure(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A model that is rarely sure, and its table."""
    folder = tmp_path_factory.mktemp("unsure")
    rows = cr.datasets.penguins().drop_nulls()
    cr.train(rows, label="sex", hidden=[4], epochs=15, threads=1).model.save(folder / "m.creche")
    rows.write_csv(folder / "rows.csv")
    return str(folder / "m.creche"), str(folder / "rows.csv")


def test_each_bin_in_text_and_as_data(
    unsure: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["evaluate", *unsure, "--reliability"]) == 0
    page = capsys.readouterr().out.splitlines()
    assert main(["evaluate", *unsure, "--reliability", "--n-resamples", "0", "--json"]) == 0
    bins = json.loads(capsys.readouterr().out)["reliability"]
    curve = cr.load(unsure[0]).evaluate(unsure[1], n_resamples=0).reliability(10)  # type: ignore[union-attr]
    assert [b["accuracy"] for b in bins] == curve.y.tolist()
    assert sum(b["rows"] for b in bins) == 333
    start = next(i for i, line in enumerate(page) if line.startswith("  confidence"))
    for b, line in zip(bins, page[start + 1 :], strict=False):
        begin = int(b["confidence"] * 10) / 10
        cells = line.split()
        assert cells[:6] == [
            f"{begin:.1f}", "to", f"{begin + 0.1:.1f}", f"{b['rows']:.0f}", f"{b['confidence']:.1%}",
            f"{b['accuracy']:.1%}",
        ]  # fmt: skip
        bar = cells[-1]
        assert len(bar) == 20
        assert bar[min(round(b["confidence"] * 20), 19)] == "│"
        assert abs(bar.count("█") - 20 * b["accuracy"]) <= 1.5
    assert max(map(len, page[start:])) <= 80
    assert "  █ accuracy   │ mean confidence" in page


def test_numbers_have_no_reliability(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = cr.datasets.penguins().drop_nulls()
    cr.train(rows, label="body_mass_g", hidden=[3], epochs=2, threads=1).model.save(tmp_path / "m.creche")
    rows.write_csv(tmp_path / "rows.csv")
    assert main(["evaluate", str(tmp_path / "m.creche"), str(tmp_path / "rows.csv"), "--reliability"]) == 2
    assert (
        capsys.readouterr().err
        == "creche: --reliability: needs a classification model; the label 'body_mass_g' is numeric\n"
    )
