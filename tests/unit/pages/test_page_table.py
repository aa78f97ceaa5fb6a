"""Tables in terminals of any width: no line is wider, no number and no word is cut that has room in a line."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from creche.pages.console import create_console, page_lines
from creche.pages.tables import narrow_table, plain_table

WORDS = st.text("abcdefgh", min_size=1, max_size=9)
NUMBERS = st.integers(0, 10**7).map(lambda number: f"{number:,}")


def lines(table: object, width: int) -> list[str]:
    console = create_console(io.StringIO())
    console.width = width
    return ["".join(segment.text for segment in line) for line in page_lines(console, table)]  # type: ignore[arg-type]


@given(st.data(), st.integers(30, 100), st.integers(1, 8), st.integers(1, 6))
def test_nothing_is_cut_and_nothing_is_wider(data: st.DataObject, width: int, columns: int, rows: int) -> None:
    head = ["name", *data.draw(st.lists(WORDS, min_size=columns, max_size=columns, unique=True))]
    cells = [[data.draw(WORDS), *(data.draw(NUMBERS) for _ in range(columns))] for _ in range(rows)]
    table = plain_table(*head, left=("name",))
    for row in cells:
        table.add_row(*row)
    found = lines(table, width)
    assert max(map(cell_len, found)) <= width
    words = " ".join(found).split()
    assert "…" not in "".join(words)
    for column in range(1, columns + 1):
        numbers = [row[column] for row in cells]
        assert all(words.count(number) >= numbers.count(number) for number in numbers)
    assert set(head) <= set(words)


def test_columns_continue_under_the_first_one() -> None:
    table = plain_table("metric", "value", "interval", "baseline", left=("metric",))
    table.add_row("accuracy", "0.9903", "0.9709 to 1.0000", "0.4466")
    table.add_row("of Adelie", "0.9890", "0.9630 to 1.0000", "")
    assert lines(table, 80) == [
        "  metric      value          interval  baseline",
        "  accuracy   0.9903  0.9709 to 1.0000    0.4466",
        "  of Adelie  0.9890  0.9630 to 1.0000",
    ]
    assert lines(table, 40) == [
        "  metric      value          interval",
        "  accuracy   0.9903  0.9709 to 1.0000",
        "  of Adelie  0.9890  0.9630 to 1.0000",
        "",
        "  metric     baseline",
        "  accuracy     0.4466",
    ]


def test_words_break_and_bars_do_not() -> None:
    table = plain_table("reason", "", left=("reason", ""))
    table.add_row("the largest share of all", Text("███░░░"))
    assert lines(table, 24) == ["  reason", "  the largest     ███░░░", "  share of all"]


@pytest.mark.parametrize("width", [20, 24])
def test_a_name_that_has_no_room_at_all_is_cut(width: int) -> None:
    table = plain_table("column", "n", left=("column",))
    table.add_row("a_column_with_a_very_long_name", "12,345")
    found = lines(table, width)
    assert max(map(cell_len, found)) <= width
    assert "12,345" in " ".join(found)


def test_names_of_narrow_tables_break_between_words() -> None:
    table = narrow_table(["validation_loss", "best value"])
    table.add_row("0.5", "1")
    assert lines(table, 30) == [" validation   best", "       loss  value", "        0.5      1"]
