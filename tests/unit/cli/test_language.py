"""The help and the printed pages: plain sentences in the terms of the field, within 80 columns."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import click
import pytest
import typer
from tools import check_language

from creche.cli.main import COMMANDS, create_app
from tests.unit.cli.commands import QUICK, main

# What pages do not say, in addition to the turns that no file of the project holds.
TURNS = (
    *check_language.TURNS, r"\bthe truth\b", r"\brecognised\b", r"\balways the\b",
    r"\b95 % (?:of resamples|interval)", r"\bin doubt\b", r"\bjudged?\b", r"\bluckiest\b",
    r"\b[A-Z]\w+\((?:\w+=|\))",  # components as Python calls
)  # fmt: skip
# Words with which a line of help does not begin: it names the thing first, or says what happens.
BEGINNINGS = r"(?:Of|From|For|To|Which|Whether|Its|Where|As|Between|Around|Beside)\b"


def check_turns(text: str) -> None:
    flowing = " ".join(text.split())
    found = [f"…{flowing[max(0, m.start() - 30) : m.end() + 30]}…" for t in TURNS for m in re.finditer(t, flowing)]
    assert found == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    command = name.replace("_", "-")
    assert main([command, "--help"]) == 0
    page = capsys.readouterr().out
    assert max(map(len, page.splitlines())) <= 80
    check_turns(page)
    app = typer.main.get_command(create_app([command]))
    assert isinstance(app, click.Group)
    for param in app.commands[command].params:
        if isinstance(param, click.Option) and param.name != "help":
            text = param.help or ""
            assert text.endswith((".", "…")), (param.opts, text)
            assert text[0].isupper() or text[0] == "'", (param.opts, text)
            assert not re.match(BEGINNINGS, text), (param.opts, text)


def test_the_help_of_all_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["--help"]) == 0
    page = capsys.readouterr().out
    assert max(map(len, page.splitlines())) <= 80
    check_turns(page)
    for name in COMMANDS:
        assert name.replace("_", "-") in page
        summary = (getattr(import_module(f"creche.cli.{name}"), name).__doc__ or "").split("\n\n")[0].strip()
        assert re.match(r"[A-Z][a-z]+ (?!is|are)", summary), summary
        assert summary.endswith("."), summary


PAGES = {
    "train": [*QUICK, "--diagnose"],
    "train --folds": [*QUICK, "--folds", "3", "--repeats", "2", "--seeds", "2"],
    "numbers": [
        "train", "penguins", "--label", "body_mass_g", "--drop-unlabelled", "--epochs", "5", "--threads", "1",
    ],
    "sweep": [
        "sweep", "penguins", "--label", "species", "--epochs", "5", "--threads", "1", "--optimizer", "sgd,adam",
        "--hidden", "5,8", "--seeds", "2", "--ensemble", "2",
    ],
    "sweep --folds": [
        "sweep", "penguins", "--label", "species", "--epochs", "5", "--threads", "1", "--hidden", "5,8", "--folds", "2",
    ],
    "find-learning-rate": [
        "find-learning-rate", "penguins", "--label", "species", "--epochs", "5", "--threads", "1", "--seeds", "1",
        "--rates", "1e-3..1/6",
    ],
    "columns": ["columns", "penguins"],
    "columns --label": ["columns", "penguins", "--label", "body_mass_g"],
    "show": ["show", "MODEL"],
    "evaluate": ["evaluate", "MODEL", "penguins", "--reliability"],
    "explain": ["explain", "MODEL", "penguins", "--repeats", "2"],
    "explain --row": ["explain", "MODEL", "penguins", "--row", "12"],
    "trace": ["trace", "MODEL", "penguins"],
    "loss-against-weight": ["loss-against-weight", "MODEL", "penguins", "--source", "bill_length_mm"],
    "partial-dependence": ["partial-dependence", "MODEL", "penguins", "--column", "bill_length_mm"],
    "partial-dependence of a category": ["partial-dependence", "MODEL", "penguins", "--column", "island"],
    "partial-dependence --second": [
        "partial-dependence", "MODEL", "penguins", "--column", "island", "--second", "sex", "--target", "Gentoo",
    ],
    "verify": ["verify", "MODEL", "penguins"],
}  # fmt: skip


@pytest.mark.parametrize("arguments", PAGES.values(), ids=PAGES)
def test_the_page_of_a_command(
    arguments: list[str], model_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([str(model_file) if word == "MODEL" else word for word in arguments]) == 0
    page, err = capsys.readouterr()
    if arguments[0] not in ("verify", "trace"):  # one sentence; a page of 100 columns
        assert max(map(len, page.splitlines())) <= 80
    check_turns(page + err)


@pytest.mark.parametrize(
    ("typed", "suggestion"),
    [
        ("predcit", "did you mean 'predict'?"),
        ("fitt", "did you mean 'fit'?"),
        ("inspect", "did you mean 'columns'?"),
        ("importance", "did you mean 'explain'?"),
        ("qqqqqq", "see creche --help"),
        ("train penguins --epoch 3", "did you mean --epochs?"),
        ("evaluate m.creche t.csv --mistaken 3", "did you mean --largest-errors?"),
        ("loss-against-weight m.creche t.csv --row x", "did you mean --source?"),
        ("partial-dependence m.creche t.csv --of x", "did you mean --target?"),
        ("train penguins --zzzzzz 3", "see creche train --help"),
        ("train penguins --label", "requires an argument"),
        ("train penguins --epochs many", "creche: --epochs: got 'many'; needs a whole number"),
        ("train penguins --learning-rate fast", "creche: --learning-rate: got 'fast'; needs a number"),
        ("explain m.creche", "missing argument 'TABLE'; see creche explain --help"),
        ("evaluate m.creche t.csv more", "got unexpected extra argument (more)"),
    ],
)
def test_a_mistyped_call_gets_one_line_that_helps(
    typed: str, suggestion: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(typed.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("creche: ")
    assert err.count("\n") == 1
    assert suggestion in err
