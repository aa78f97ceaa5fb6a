"""The path that `creche.report` returns: a path like any other, which a notebook shows as the page."""

from __future__ import annotations

import os
import pickle
from html import unescape
from pathlib import Path

from creche.report.report_file import ReportFile


def test_it_is_a_path(tmp_path: Path) -> None:
    path = ReportFile(tmp_path / "report.html")
    assert isinstance(path, Path)
    assert path == tmp_path / "report.html"
    assert os.fspath(path) == str(tmp_path / "report.html")
    assert pickle.loads(pickle.dumps(path)) == path
    assert path.with_suffix(".md").name == "report.md"


def test_a_notebook_shows_the_page_in_a_frame_that_runs_nothing(tmp_path: Path) -> None:
    path = ReportFile(tmp_path / "report.html")
    assert path._repr_html_() is None
    page = '<!doctype html><p title="a">1 &lt; 2</p>'
    path.write_text(page)
    html = path._repr_html_()
    assert html is not None
    assert html.startswith("<iframe")
    assert " sandbox " in html
    assert unescape(html.split('"')[1]) == page
