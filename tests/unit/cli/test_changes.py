"""``creche train --change`` and ``--steps``: what is typed, and what training makes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import creche as cr
from creche.cli.changes import parse_changes
from creche.cli.main import main
from creche.errors import PlanError
from creche.plan.changes import Change, SetWeight

CHANGES = [
    Change(8, optimizer="sgd", learning_rate=0.5, weights=(SetWeight(0, 2, 0.75, 1), SetWeight(1, 2, -0.5))),
    Change(16, batch_size=16, schedule="cosine", epochs=5, dropout=0.25, weight_decay=1e-4),
]


def test_what_is_typed_is_what_is_written() -> None:
    typed = [change.typed() for change in CHANGES]
    assert typed[0] == "8:optimizer=sgd,learning_rate=0.5,W[0][1,2]=0.75,b[1][2]=-0.5"
    assert parse_changes(typed) == CHANGES


def test_spaces_do_not_matter() -> None:
    assert parse_changes(["8: W[0][1, 2] = 0.75, l1 = 1e-3"]) == [
        Change(8, l1=1e-3, weights=(SetWeight(0, 2, 0.75, 1),))
    ]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("learning_rate=0.5", "needs a number of steps and what changes"),
        ("8:", "needs a number of steps and what changes"),
        ("-8:l1=1", "needs a number of steps"),
        ("8:l1", "needs a name and a value"),
        ("8:lr=1", "learning_rate"),
        ("8:l1=much", "l1 is 'much' in '8:l1=much'; needs a number"),
        ("8:batch_size=1.5", "Change.batch_size: got 1.5; needs a whole number"),
        ("8:b[1]=1", r"got 'b\[1\]'"),
        ("8:weights=1", "got 'weights'"),
    ],
)
def test_what_cannot_be_is_explained(typed: str, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        parse_changes([typed])


def test_the_command_line_trains_as_python_does(tmp_path: Path) -> None:
    options = [text for change in CHANGES for text in ("--change", change.typed())]
    arguments = ["train", "penguins", "--label", "species", "--hidden", "5", "--epochs", "9", "--threads", "1"]
    ending = ["--early-stopping", "off", "--keep", "last", "--steps", "45", "-o", str(tmp_path / "model.creche")]
    assert main([*arguments, *options, *ending]) == 0
    typed = cr.load(tmp_path / "model.creche")
    run = cr.train(
        "penguins", label="species", hidden=[5], epochs=9, early_stopping=False, keep="last", steps=45, threads=1,
        changes=CHANGES,
    )  # fmt: skip
    assert run.step == 45
    for (w, b), (v, c) in zip(typed.weights, run.model.weights, strict=True):  # type: ignore[union-attr]
        np.testing.assert_array_equal(w, v)
        np.testing.assert_array_equal(b, c)
