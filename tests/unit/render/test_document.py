"""Sections as text and as a page: the same numbers in both."""

from __future__ import annotations

import pytest

from creche.render.document import Facts, Grid, Section
from creche.render.html import html_page, sections_html
from creche.render.text import sections_text
from tests.unit.report.pages import Page

SHADED = Grid(["from", "a"], [["x", -2.0], ["y", 1.0], ["sum", -1.0]], sums=1, shaded=True, folded=True, caption="Sums")
SECTIONS = [Section("Step", [Facts([("loss", "0.5 & falling")])]), Section("Weights", ["Two <of> them.", SHADED])]


def test_text_and_page_hold_the_same() -> None:
    text, page = sections_text(SECTIONS), Page.of(html_page("A step", sections_html(SECTIONS)))
    for words in ("0.5 & falling", "Two <of> them.", "sum", "-2"):
        assert words in text
        assert words in page.text
    assert page.tags.count("h2") == 1  # the first section's title is the page's
    assert page.values("lang") == ["en"]


def test_shades_show_sign_and_size() -> None:
    page = Page.of(sections_html(SECTIONS, heading="h3"))
    assert page.values("style") == ["--share: 100%", "--share: 50%", "--share: 50%"]
    assert [name for name in page.values("class") if "number" in name] == ["number", *[f"number {c}" for c in (
        "down", "up", "down")]]  # fmt: skip
    assert "sum" in page.values("class")
    assert (page.tags.count("h3"), page.tags.count("details"), page.tags.count("summary")) == (1, 1, 1)


def test_cells_that_look_like_markup_stay_text() -> None:
    names = ["<td>", "<td class=x>"]
    page = Page.of(sections_html([Section("", [Grid(["name"], [[name] for name in names])])]))
    assert page.texts == ["name", "<td>", "<td class=x>"]


def test_a_table_that_is_too_wide_continues_below_itself() -> None:
    head = ["row", *(f"column {i} of many" for i in range(8))]
    text = sections_text([Section("Wide", [Grid(head, [["a", *map(float, range(8))], ["sum", *[1.0] * 8]], sums=1)])])
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line.startswith("  row ")] == [lines[1], lines[6]]
    assert text.count("─\n  sum ") == 2
    assert all(text.count(name) == 1 for name in head[1:])


@pytest.mark.parametrize("width", [40, 80])
def test_no_line_is_wider_than_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    long = "a long name of a column of the table"
    sections = [
        Section(
            "A title that is longer than a narrow terminal",
            [Facts([(long, "and its value")]), "Words " * 30, Grid([long, long], [[long, 1.0]], left=1)],
        )
    ]
    lines = sections_text(sections).splitlines()
    assert max(map(len, lines)) <= width
