from __future__ import annotations

from typing import Any

import pytest

from creche.errors import TableError
from creche.table.cell_format import DEFAULT_MISSING, CellFormat
from creche.table.cell_types import Rule
from creche.table.text_rules import TextRules
from tests.unit.table.test_number_columns import CELLS, column, values

FRAME = TextRules()


@pytest.mark.parametrize("word", DEFAULT_MISSING)
def test_the_usual_words_are_missing_in_cells_and_words_in_frames(word: str) -> None:
    assert values(["a", word]) == ["a", None]
    assert values(["a", word], FRAME) == ["a", word or None]


def test_the_user_says_which_words_are_missing() -> None:
    words = ["a", "None", "unknown", ""]
    assert values(words, TextRules(are_cells=True, missing=("unknown",))) == ["a", None, None, None]
    only = TextRules(are_cells=True, missing=("unknown",), has_default_missing=False)
    assert values(words, only) == ["a", "None", None, None]
    assert values(words, TextRules(missing=("unknown",))) == ["a", "None", None, None]


def test_a_word_of_the_training_frame_is_no_missing_value_in_a_file() -> None:
    """None was a class in a frame, so it is one in a file, too."""
    learnt = column(["Heavy", "None"], FRAME).format
    assert values(["Heavy", "None", "NA"], CELLS, Rule("words", True, learnt)) == ["Heavy", "None", None]
    learnt = column(["Heavy", "None"], CELLS).format
    assert values(["Heavy", "None"], CELLS, Rule("words", True, learnt)) == ["Heavy", None]


@pytest.mark.parametrize("text", [CELLS, FRAME])
def test_spaces_and_unicode_forms_do_not_tell_words_apart(text: TextRules) -> None:
    assert values(["London", " London ", "cafe\u0301", "caf\u00e9"], text) == ["London"] * 2 + ["caf\u00e9"] * 2
    assert values(["a", "  "], text) == ["a", None]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["yes", "No", "YES"], [True, False, True]),
        (["true", "FALSE"], [True, False]),
        (["True", "False", "Unknown"], ["True", "False", "Unknown"]),
        (["1", "0"], [1, 0]),
        (["y", "n"], ["y", "n"]),
    ],
)
def test_booleans(words: list[str], expected: list[Any]) -> None:
    assert values(words) == expected


@pytest.mark.parametrize(
    ("kind", "words", "expected"),
    [
        ("boolean", ["yes", "0", "True", "1.0", "NA"], [True, False, True, True, None]),
        ("words", ["10115", "SW1A", "NA"], ["10115", "SW1A", None]),
        ("whole", ["10115", "815.0"], [10115, 815]),
        ("number", ["1.5", "inf"], [1.5, float("inf")]),
        ("datetime", ["2020-01-31", ""], None),
    ],
)
def test_required_kinds(kind: str, words: list[str], expected: list[Any] | None) -> None:
    found = column(words, CELLS, Rule(kind, True))
    assert found.kind == kind
    assert expected is None or found.to_objects().tolist() == expected


@pytest.mark.parametrize(
    ("kind", "words", "wrong", "needed"),
    [
        ("boolean", ["yes", "maybe"], "row 2, column 'it' is 'maybe'", "needs yes or no"),
        ("whole", ["1", "1.5"], "row 2, column 'it' is 1.5", "needs a whole number"),
        ("number", ["1", "2", "x" * 100], r"row 3, column 'it' is 'xxx.*… \(100 characters\)", "needs a number"),
        ("datetime", ["2020-01-31", "x"], "row 2, column 'it' is 'x'", "needs a date such as 2020-01-31"),
    ],
)
def test_other_values_are_refused_by_row_and_column(kind: str, words: list[str], wrong: str, needed: str) -> None:
    with pytest.raises(TableError, match=f"^the table: {wrong}; {needed}.*, or an empty cell$"):
        column(words, CELLS, Rule(kind, True))


def test_a_hint_where_the_kind_was_learnt_from_the_rows_before() -> None:
    rule = Rule()
    column(["1", "2"], CELLS, rule)
    rule.format = CellFormat()
    with pytest.raises(TableError, match="as in the rows before; set the kind or role of the column"):
        column(["x", "y", "z"], CELLS, rule)
