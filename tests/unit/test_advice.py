"""Advice: in Python an argument, on the command line the option that can be pasted, and never both."""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from click import Group

import creche as cr
from creche._advice import NAME_ONLY, advise, use_words
from creche.cli.advice import write_as_option
from creche.cli.main import COMMANDS, create_app, main
from creche.cli.options import READING
from creche.plan.arguments import ARGUMENTS
from tests.unit.small_runs import PENGUINS_CSV

SOURCE = Path(cr.__file__).parent

# Texts for one kind of reader: of the command line, of Python, and of the page.
OF_ONE_READER = (
    "cli/", "learn/", "studio/", "pages/datasets.py", "pages/glossary.py", "plan/unknown_arguments.py",
    "table/dataset_cards.py", "_advice.py",
)  # fmt: skip

# What only Python has: arguments, and objects that are named with them.
PYTHON_ONLY = {"at", "parameterization", "momentum", "clip_value", "token"}
KEPT_TEXTS = {  # which only Python's users meet, or commands that are meant as such
    "pages/terms.py": "creche glossary",
    "report/report.py": "creche verify",
    "explain/diagnosis/diagnose.py": "creche.train",
    "explain/loss_evaluator.py": "sample_weight",
    "explain/loss_surface.py": "path=",
    "explain/rows.py": "creche.load",
    "pages/fit.py": "creche.train",
    "plan/changes.py": "learning_rate=",
    "plan/losses.py": "loss=",
    "plan/optimizers.py": "momentum=",
    "tracking/mlflow_model.py": "creche.tracking",
    "training/recorder.py": "every=",
    "training/recording.py": "record=",
}

NAMES = {*ARGUMENTS, *(option.name for option in READING), "folds", "repeats", "seeds", "samples", "method", "rates"}
TYPED = re.compile(
    rf"--[a-z]{{3,}}|ReadOptions\(|\bcreche\.[a-z_]+|\bcreche (?:{'|'.join(COMMANDS)})\b"
    rf"|\b(?:{'|'.join(sorted(NAMES))})=(?![=\s])"
    rf"|(?<=\s)(?:{'|'.join(sorted(name for name in NAMES if '_' in name))})\b(?!: )"
)


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of each string of a module that is not a docstring or the help of an option."""
    tree = ast.parse(path.read_text())
    hidden = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        docs = [one.value for one in body if isinstance(one, ast.Expr)] if isinstance(body, list) else []
        is_help = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_option"
        for part in [*docs, *(node.args if isinstance(node, ast.Call) and is_help else ())]:
            hidden |= {id(inner) for inner in ast.walk(part)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in hidden:
            yield node.lineno, node.value


def advised() -> Iterator[tuple[str, str, object]]:
    """Place, argument and value of each call of `advise` in the source; a value that is computed is any."""
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text()
        if "advise(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "advise":
                argument, *values = node.args
                if isinstance(argument, ast.Constant):
                    value = values[0].value if values and isinstance(values[0], ast.Constant) else ...
                    yield f"{path.relative_to(SOURCE)}:{node.lineno}", argument.value, value if values else NAME_ONLY


def test_no_text_names_an_argument_or_an_option_itself() -> None:
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        name = str(path.relative_to(SOURCE))
        if name.startswith(OF_ONE_READER):
            continue
        for line, text in texts(path):
            for typed in TYPED.findall(text):
                if " " in text and typed != KEPT_TEXTS.get(name) and not re.search(r"var\(--|--share", text):
                    found.append(f"{name}:{line}: {typed}")
    assert not found, "write it by creche._advice.advise"


def test_every_advised_argument_is_an_option_of_a_command() -> None:
    app = typer.main.get_command(create_app([]))
    assert isinstance(app, Group)
    flags = {flag for each in app.commands.values() for p in each.params for flag in (*p.opts, *p.secondary_opts)}
    places = list(advised())
    assert len(places) > 50
    for place, argument, value in places:
        typed = write_as_option(argument, value).split()
        if typed[0] == "creche":
            assert typed[1].replace("-", "_") in COMMANDS, place
        elif argument not in PYTHON_ONLY:
            assert typed[0] in flags, f"{place}: {typed}"


@pytest.mark.parametrize(
    ("argument", "value", "python", "option"),
    [
        ("missing_label", "drop", "missing_label='drop'", "--drop-unlabelled"),
        ("schema", {"a b": "ignore", "c": "text"}, "schema={'a b': 'ignore', 'c': 'text'}",
         "--column 'a b=ignore' --column c=text"),
        ("ReadOptions.missing_values", ["-", "n a"], "ReadOptions(missing_values=['-', 'n a'])",
         "--missing - --missing 'n a'"),
        ("ReadOptions.day_first", False, "ReadOptions(day_first=False)", "--no-day-first"),
        ("ReadOptions.quote", "", "ReadOptions(quote='')", "--quote none"),
        ("resume", True, "resume=True", "--resume"),
        ("early_stopping", False, "early_stopping=False", "--early-stopping off"),
        ("hidden", [64, 64], "hidden=[64, 64]", "--hidden 64,64"),
        ("optimizer", cr.Adam(weight_decay=0.03), "optimizer=Adam(weight_decay=0.03)", "--weight-decay 0.03"),
        ("rates", cr.log_range(1e-6, 10, 48), "rates=log_range(1e-06, 10.0, 48)", "--rates 1e-6..10/48"),
        ("split_column", "which part", "split_column='which part'", "--split-column 'which part'"),
        ("data", NAME_ONLY, "data", "--table"),
        ("label", ..., "label=…", "--label NAME"),
        ("creche.cross_validate", NAME_ONLY, "creche.cross_validate", "creche train --folds"),
    ],
)  # fmt: skip
def test_the_two_readers(argument: str, value: object, python: str, option: str) -> None:
    assert advise(argument, value) == python
    with use_words(write_as_option):
        assert advise(argument, value) == option
    assert advise(argument, value) == python


ROWS = "y,x,z\n" + "a,1,u\nb,2,v\n" * 9


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        (ROWS + ",3,u\n", r"drop such rows with ([^;\n]+)"),
        (ROWS + 'a,4,"u\n', r"or (--quote \S+) if"),
        (ROWS.replace("1", "1/2/2020").replace("2,v", "3/4/2020,v"), r"the month comes first: set (\S+) or"),
    ],
    ids=["a row without a label", "a quote that is never closed", "dates in an unknown order"],
)
def test_an_advised_option_can_be_pasted(
    text: str, pattern: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "table.csv"
    table.write_text(text)
    command = ["train", str(table), "--label", "y", "--column", "x=datetime"][: 6 if "2020" in text else 4]
    command += ["--epochs", "1", "--threads", "1"]
    assert main(command) == 2
    advice = re.search(pattern, capsys.readouterr().err)
    assert advice is not None
    assert main([*command, *shlex.split(advice[1])]) == 0


def test_warnings_and_pages_follow_the_reader(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = PENGUINS_CSV.read_text().splitlines()
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["Unnamed: 0," + lines[0], *(f"{i},{line}" for i, line in enumerate(lines[1:]))]) + "\n")
    assert main(["train", str(table), "--label", "species", "--epochs", "1", "--threads", "1"]) == 0
    told = capsys.readouterr().err
    assert "to keep it, set --column 'Unnamed: 0=numeric'\n" in told
    assert "schema=" not in told
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", cr.CrecheWarning)
        cr.train(table, label="species", epochs=1, threads=1)
    assert any("to keep it, set schema={'Unnamed: 0': 'numeric'}" in str(one.message) for one in caught)
    assert not any("--" in str(one.message) for one in caught)
