from __future__ import annotations

import math

import pytest

from creche.render.chart_text import chart_text
from creche.render.document import Chart, Curve, Point, Section
from creche.render.html import sections_html
from creche.render.text import sections_text

CURVE = Curve("the loss of one run", range(100), [1.0 - i / 200 for i in range(100)])


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_line_is_wider(width: int) -> None:
    points = [Point("where a step with the learning rate 0.1 lands", 50, 0.75, "1")]
    text = chart_text(Chart("weight", [CURVE], points), width)
    assert max(map(len, text.splitlines())) <= max(width, 24)


def test_a_point_lies_over_the_curve_at_its_place() -> None:
    text = chart_text(Chart("x", [CURVE], [Point("end", 99, 0.505)]), 60)
    drawn = [line for line in text.splitlines() if "●" in line and "end" not in line]
    assert drawn == [text.splitlines()[8]]
    assert drawn[0].endswith("●")


def test_values_that_are_not_finite_or_too_high_are_on_the_edge_or_left_out() -> None:
    curve = Curve("loss", [0, 1, 2], [1.0, math.nan, 0.5])
    assert "1 ┤" in chart_text(Chart("x", [curve]), 40)
    high = chart_text(Chart("x", [curve, Curve("other", [0, 1, 2], [1.0, 1e9, 1e9], "2")], highest=2.0), 40)
    assert high.splitlines()[0].startswith("        2 ┤")
    assert "2" in high.splitlines()[0][11:]


def test_a_large_factor_makes_the_axis_logarithmic() -> None:
    text = chart_text(Chart("step", [Curve("loss", range(5), [1.0, 0.1, 0.01, 0.001, 0.0001])]), 50)
    assert "(logarithmic)" in text
    assert "     0.01 ┤" in text.splitlines()[4]


def test_a_constant_can_be_drawn() -> None:
    assert "3 ┤" in chart_text(Chart("x", [Curve("c", [0, 1], [3.0, 3.0])]), 40)
    assert "3 ┤" in chart_text(Chart("x", [Curve("c", [1], [3.0])]), 40)


def test_text_and_page_show_it() -> None:
    sections = [Section("", [Chart("x", [CURVE])])]
    assert "the loss of one run" in sections_text(sections, 80)
    assert "<pre>" in sections_html(sections)
