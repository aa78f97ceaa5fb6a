"""`creche find-learning-rate`: what is typed, what is shown, and how it ends."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import creche as cr
from tests.unit.cli.commands import main

command = import_module("creche.cli.find_learning_rate")  # not the function of that name

FIND = ["find-learning-rate", "penguins", "--label", "species", "--epochs", "20", "--threads", "1", "--hidden", "6"]
FIND = [*FIND, "--activation", "relu"]  # whose losses can overflow
SOME = [*FIND, "--rates", "1e-5..1e4/28", "--seeds", "3", "--optimizer", "sgd"]


def the_same() -> cr.LearningRates:
    return cr.find_learning_rate(
        "penguins", label="species", hidden=[6], activation="relu", optimizer="sgd", epochs=20, seeds=3,
        threads=1, rates=cr.log_range(1e-5, 1e4, 28),
    )  # fmt: skip


@pytest.mark.parametrize("columns", ["80", "120"])
def test_the_page_has_the_facts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert main(SOME) == 0
    page, err = capsys.readouterr()
    assert err == ""
    assert max(map(len, page.splitlines())) <= int(columns)
    found, flowing = the_same(), " ".join(page.split())
    assert "networks 84: 28 learning rates × 3 seeds" in flowing
    assert "network 14-6-3, sgd, batch size 32, 20 epochs" in flowing
    for band in found.bands:
        assert f"{band.name} {band.low:.2g} to {band.high:.2g} {band.rates} {band.reason.split(';')[0][:20]}" in flowing
    assert f"Use --learning-rate {found.rate:g}, the middle of the good rates (the default of sgd is 0.01)" in flowing
    drawing = page.split("\n\n")[1].splitlines()
    arrow, bands = next(line for line in drawing if "▲" in line), next(line for line in drawing if "═" in line)
    assert bands[arrow.index("▲")] == "═"  # the rate to take lies in the good band
    assert "×" in drawing[0]
    assert any("too low" in line and "good" in line and "diverged" in line for line in drawing)


def test_json_has_the_same_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SOME, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    found = the_same()
    expected = json.loads(json.dumps(found.to_dict()))
    assert {name: data[name] for name in expected} == expected
    assert (data["networks"], data["label"], data["threads"]) == (84, "species", 1)
    assert cr.Plan.from_dict(data["plan"]) == found.member().plan


def test_the_range_is_extended_unless_it_is_not_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    few = [*FIND, "--rates", "1e-5,1e-4,1e-3", "--seeds", "1"]
    assert main(few) == 0
    assert "so the range was extended up from 0.001 to 0.1." in " ".join(capsys.readouterr().out.split())
    assert main([*few, "--no-extend"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert "extended" not in page
    assert "the good rates include the highest that was tried" in page


def test_numbers_and_no_validation_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "line.csv"
    rng = np.random.default_rng(0)
    table.write_text("a,b,y\n" + "".join(f"{a:.4f},{b:.4f},{9 * a - b:.3f}\n" for a, b in rng.standard_normal((90, 2))))
    arguments = ["--label", "y", "--validation-fraction", "0", "--epochs", "5", "--threads", "1"]
    assert main(["find-learning-rate", str(table), *arguments, "--rates", "1e-4..1/10", "--seeds", "2"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert "final training loss" in page
    assert "Its training root mean squared error by seed" in page


WRONG = [
    (["--rates", "1..0.1"], "--rates: goes from 1 down to 0.1; give the lower number first"),
    (["--rates", "0.1..0.1"], "--rates: got '0.1..0.1', a range of one number"),
    (["--rates", ""], "--rates: got ''; needs a number"),
    (["--rates", "-1..1"], "rates: got -1; needs numbers above 0, such as --rates 1e-6..10/48"),
    (["--rates", "0..1"], "rates: got 0; needs numbers above 0"),
    (["--rates", "0.1"], "rates: got 1 rate; needs at least 3, such as --rates 1e-6..10/48"),
    (["--rates", "1e-4..1/1000000000"], "rates: got 1,000,000,000 rates; needs at most 10,000"),
    (["--rates", "0.1,0.1,0.2"], "--rates: got 0.1 twice"),
    (["--seeds", "0"], "seeds: got 0; needs a whole number of at least 1"),
    (["--seeds", "1000000000"], "a sweep of 48,000,000,000 networks needs about"),
    (["--label", "specie"], "did you mean 'species'?"),
    (["--optimizer", "sdg"], "'sdg'; did you mean 'sgd'?"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[" ".join(a) for a, _ in WRONG])
def test_a_wrong_call_ends_with_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FIND, *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("creche: ")
    assert message in err


def test_without_a_label(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["find-learning-rate", "penguins"]) == 2
    assert "--label: is missing" in capsys.readouterr().err


def test_where_all_diverge_it_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FIND, "--optimizer", "sgd", "--rates", "1e12,1e13,1e14", "--no-extend"]) == 1
    assert "all 12 networks diverged" in capsys.readouterr().err


@pytest.mark.usefixtures("reports_often")
@pytest.mark.parametrize("done", [0, 60])
def test_ctrl_c_shows_what_can_be_told_and_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], done: int
) -> None:
    def report(colony: cr.Colony) -> None:
        colony.forget_results()
        if colony.results.done.sum() >= done:
            raise KeyboardInterrupt

    monkeypatch.setattr(command, "sweep_progress", lambda quiet: nullcontext(report))
    epochs = ["--epochs", "50000"] if done == 0 else []
    assert main([*FIND, *epochs, "--seeds", "10", "--yes", "--no-extend"]) == 130
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    if done == 0:
        assert "stopped before enough networks had finished" in err
        assert out == ""
    else:
        page = " ".join(out.split())
        assert "; interrupted with " in page
        assert "networks 480: 48 learning rates × 10 seeds" in page
        assert re.search(r"of 480 done, of \d+ rates", page)
        assert "Use --learning-rate " in page
