"""Bad tables and arguments: ``creche fit`` says what `creche.fit` says, and nothing but that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from tests.unit.cli.commands import main
from tests.unit.small_runs import two_classes

pytestmark = pytest.mark.usefixtures("tiny_fits")

ROWS = 40
X, Y = two_classes(rows=ROWS)
ROW = np.arange(ROWS)
TABLE: dict[str, Any] = {"a": X[:, 0], "b": X[:, 1], "y": np.where(Y == 1, "up", "down")}
NUMBERS = {**TABLE, "y": X[:, 0] * 3}
UP = int((Y == 1).sum())

# Columns, arguments, and a part of the message.
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "labels all equal": (TABLE | {"y": ["a"] * ROWS}, {}, "has only one class ('a'); needs two or more"),
    "numbers all equal": (NUMBERS | {"y": [2.5] * ROWS}, {"task": "regression"}, "is 2.5 in each of the 40 rows"),
    "copies of one row": ({"a": [1.5] * ROWS, "y": ["p"] * ROWS}, {}, "has only one class ('p')"),
    "no rows": ({"a": pl.Series([], dtype=pl.Int64), "y": pl.Series([], dtype=pl.String)}, {}, "rows"),
    "one row": ({"a": [1.5], "y": ["p"]}, {}, "has only one class ('p')"),
    "one row with a number": ({"a": [1.5], "y": [2.5]}, {}, "data: has only one row; needs two or more"),
    "an empty label": (TABLE | {"y": [None, *TABLE["y"][1:]]}, {}, "row 1 is empty (1 of 40 rows are)"),
    "an empty number": (NUMBERS | {"y": [None, *NUMBERS["y"][1:]]}, {}, "row 1 is empty (1 of 40 rows are)"),
    "only empty labels": (TABLE | {"y": pl.Series([None] * ROWS, dtype=pl.String)}, {}, "is missing in each of the 40"),
    "only the label": ({"y": TABLE["y"]}, {}, "no column is left to learn from (the label is its only column)"),
    "weights all zero": (TABLE | {"w": [0.0] * ROWS}, {"sample_weight": "w"}, "all are zero; needs at least one"),
    "a class of weight zero": (
        TABLE | {"w": 1.0 * (Y == 1)}, {"sample_weight": "w"},
        f"has only one class ('up') in the {UP} rows of a weight above 0; needs two or more",
    ),
    "one row of a weight": (
        NUMBERS | {"w": 1.0 * (ROW == 3)}, {"sample_weight": "w"}, "has only one row of a weight above 0",
    ),
    "a negative weight": (TABLE | {"w": 1.0 - ROW}, {"sample_weight": "w"}, "row 3 is -1"),
    "no such weights": (TABLE, {"sample_weight": "bb"}, "has no column 'bb'; did you mean 'b'?"),
    "one group": (TABLE | {"g": ["x"] * ROWS}, {"group": "g"}, "column 'g' has the same value in each row; needs two"),
    "no such group": (TABLE, {"group": "bb"}, "has no column 'bb'; did you mean 'b'?"),
    "the label as group": (TABLE, {"group": "y"}, "'y' is the label; name another column"),
    "one time": (TABLE | {"t": [1.5] * ROWS}, {"time": "t"}, "column 't' has the same value in each row; needs two"),
    "no such time": (TABLE, {"time": "bb"}, "has no column 'bb'; did you mean 'b'?"),
    "the label as time": (NUMBERS, {"time": "y"}, "'y' is the label; name another column"),
    "an empty time": (TABLE | {"t": [None, *ROW[1:] / 2]}, {"time": "t"}, "row 1 is empty, but rows are split by"),
    "a group and a time": (TABLE | {"t": ROW / 2}, {"time": "t", "group": "b"}, "got both; a split uses one"),
    "an unknown metric": (TABLE, {"metric": "acuracy"}, "got 'acuracy'; did you mean 'accuracy'? Choose one of"),
    "a metric of numbers": (TABLE, {"metric": "rmse"}, "got 'rmse', which is for regression, and the task is class"),
    "a metric of classes": (NUMBERS, {"metric": "auc"}, "got 'auc', which is for classification, and the task is re"),
    "an unknown effort": (TABLE, {"effort": "fats"}, "got 'fats'; did you mean 'fast'? Choose one of fast, default, b"),
    "an unknown task": (TABLE, {"task": "clasification"}, "got 'clasification'; did you mean 'classification'?"),
    "a time limit of zero": (TABLE, {"time_limit": 0.0}, "; needs a number of seconds above 0"),
    "a time limit below zero": (TABLE, {"time_limit": -2.0}, "got -2"),
    "a time limit of words": (TABLE, {"time_limit": "1h"}, "got '1h'; needs a number"),
    "a class that is none": (TABLE, {"class_weight": {"upp": 2.0}}, "got 'upp', which is not a class; did you mean "
                                                                    "'up'?"),
    "a negative seed": (TABLE, {"seed": -1}, "got -1; needs a whole number of at least 0"),
    "no such label": (TABLE, {"label": "yy"}, "has no column 'yy'; did you mean 'y'?"),
    "an infinite number": (TABLE | {"a": np.where(ROW == 2, np.inf, X[:, 0])}, {}, "row 3, column 'a' is inf"),
}  # fmt: skip


def command(arguments: dict[str, Any]) -> list[str]:
    """The options that say the same on the command line."""
    options = []
    for name, value in arguments.items():
        text = ",".join(f"{key}={weight}" for key, weight in value.items()) if isinstance(value, dict) else str(value)
        options.append(f"--{name.replace('_', '-')}={text}")
    return options


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_one_line_in_python_and_on_the_command_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns, arguments, message = REFUSED[name]
    table, given = pl.DataFrame(columns), {"label": "y", "effort": "fast", **arguments}
    with pytest.raises(cr.CrecheError) as refusal:
        cr.fit(table, **given, threads=1)
    assert message in str(refusal.value)

    file, output = tmp_path / "t.csv", tmp_path / "m.creche"
    table.write_csv(file)
    assert main(["fit", str(file), *command(given), "--threads", "1", "-o", str(output)]) == 2
    printed, told = capsys.readouterr()
    assert message in told
    assert told.startswith("creche: ")
    assert told.count("\n") == 1
    assert printed == ""
    assert not output.exists()


def test_the_names_of_arguments_are_those_that_are_typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (
        "one group",
        "one time",
        "a metric of numbers",
        "the label as time",
        "no such group",
        "no such weights",
    ):
        columns, arguments, _ = REFUSED[name]
        pl.DataFrame(columns).write_csv(tmp_path / "t.csv")
        assert main(["fit", str(tmp_path / "t.csv"), "--label", "y", *command(arguments)]) == 2
        assert capsys.readouterr().err.startswith(f"creche: --{next(iter(arguments)).replace('_', '-')}: ")


WORKING: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a budget too small for one network": (
        TABLE, {"time_limit": 1e-9}, "1e-09 seconds were over in the middle of the first configurations",
    ),
    "a class of one row": (TABLE | {"y": ["rare", *TABLE["y"][1:]]}, {}, "row 1 is the only one of class 'rare', so"),
    "a class of two rows": (TABLE | {"y": ["rare", "rare", *TABLE["y"][2:]]}, {}, ""),
    "a class only in one group": (
        TABLE | {"g": [f"g{i // 10}" for i in range(ROWS)], "y": np.where(ROW > 30, "late", "early")},
        {"group": "g"}, "",
    ),
    "two groups": (TABLE | {"g": [f"g{i % 2}" for i in range(ROWS)]}, {"group": "g"}, ""),
    "two times": (TABLE | {"t": 0.5 * (ROW % 2)}, {"time": "t"}, ""),
    "some weights of zero": (TABLE | {"w": 1.0 * (ROW % 3 > 0)}, {"sample_weight": "w"}, ""),
    "the label as a feature": (TABLE | {"c": TABLE["y"]}, {}, ""),
    "two rows": ({"a": [1.5, 2.5], "y": [0.5, 7.5]}, {}, ""),
    "a metric of two classes for three": (TABLE | {"y": [f"c{i % 3}" for i in range(ROWS)]}, {"metric": "f1"}, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", WORKING)
def test_what_looks_bad_and_is_fitted(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns, arguments, warning = WORKING[name]
    file, output = tmp_path / "t.csv", tmp_path / "m.creche"
    pl.DataFrame(columns).write_csv(file)
    given = ["--label", "y", "--effort", "fast", *command(arguments), "--threads", "1"]
    assert main(["fit", str(file), *given, "-o", str(output)]) == 0
    printed, told = capsys.readouterr()
    assert warning in told
    assert (told.count("creche: ")) == bool(warning)
    assert "networks from" in printed or "network from" in printed
    model = cr.load(output)
    assert isinstance(model, cr.FittedModel)
    assert model.predict(file).shape == (len(columns["y"]),)
