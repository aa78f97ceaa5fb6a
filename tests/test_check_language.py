"""The check of the project's language: it finds each turn, and leaves good English alone."""

from __future__ import annotations

import re

import pytest
from tools.check_language import TURNS


def find(text: str) -> list[str]:
    return [found[0] for turn in TURNS for found in re.finditer(turn, text)]


@pytest.mark.parametrize(
    "text",
    [
        "a word is no number", "these columns\nare no features", "the probability from which on yes is predicted",
        "halving does not go with folds", "rows that its networks did not learn", "the label is learnt as a number",
        "more than chance lets expect", "got 'foo'; There are: sgd, adam", "what is worth a look",
    ],
)  # fmt: skip
def test_a_turn_is_found(text: str) -> None:
    assert find(text)


@pytest.mark.parametrize(
    "text",
    [
        "there is no such file", "the loss is no longer finite", "the model is no better than the baseline",
        "from then on", "the network does not learn from one row at a time", "the parameters are learnt",
        "got 'foo'; choose one of sgd, adam", "divide the label; Creche reads it then", "it is not a number",
    ],
)  # fmt: skip
def test_good_english_is_left_alone(text: str) -> None:
    assert find(text) == []
