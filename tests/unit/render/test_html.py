from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from creche.render.html import Html, facts_table, table, tag
from creche.report.model_card import escape_markdown
from tests.unit.report.pages import Page

TEXTS = st.text(min_size=1).filter(lambda text: text.isprintable() and text.strip() == text)


@given(TEXTS, TEXTS)
def test_any_text_is_nothing_but_text(inside: str, attribute: str) -> None:
    page = Page.of(tag("p", inside, title=attribute))
    assert page.tags == ["p"]
    assert page.texts == [inside]
    assert page.attributes == [("p", "title", attribute)]


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2), min_size=1, max_size=3))
def test_cells_are_text(rows: list[list[str]]) -> None:
    page = Page.of(table(["a", "b"], rows) + facts_table([("<i>", "</dl>")]))
    assert page.texts == ["a", "b", *(cell for row in rows for cell in row), "<i>", "</dl>"]
    assert page.tags.count("td") == 2 * len(rows)


def test_html_stays_html_and_none_is_left_out() -> None:
    assert tag("p", Html("<b>x</b>"), None, class_=None) == "<p><b>x</b></p>"


def test_what_commands_a_terminal_or_turns_letters_around_is_shown() -> None:
    assert tag("p", "a\x1b[31m‮b") == "<p>a�[31m�b</p>"


def test_text_in_markdown_is_nothing_but_text() -> None:
    assert escape_markdown("# no heading") == r"\# no heading"
    assert escape_markdown("1. no item") == r"1\. no item"
    assert escape_markdown("1.5 mm, bill_length_mm") == "1.5 mm, bill_length_mm"
    assert escape_markdown("[a](http://b) `c` _d_ a|b") == r"\[a\](http://b) \`c\` \_d\_ a\|b"
    assert escape_markdown("a\n\n<script>&") == "a &lt;script&gt;&amp;"
