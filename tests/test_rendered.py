"""Pages of results in a real browser: readable on light and on dark, nothing wider than the screen, no style lost.

Chromium is used where it is installed; elsewhere these tests are skipped.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import creche as cr
from creche import explain

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

SECONDS_OF_A_HANG = 240
NARROW = 500  # pixels; Chromium opens no narrower window

# Measures what a reader sees: the contrast of each text with what is behind it (WCAG 2), and what sticks out.
MEASURE = """
const channels = text => { const m = text.match(/[\\d.]+/g).map(Number), unit = text.startsWith("color(") ? 255 : 1;
  return [m[0] * unit, m[1] * unit, m[2] * unit, m.length > 3 ? m[3] : 1]; };
const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat([1]);
const linear = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const luminance = c => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
const ground = e => { const all = [];
  for (; e; e = e.parentElement) all.push(channels(getComputedStyle(e).backgroundColor));
  return all.reverse().reduce((below, c) => over(c, below), [255, 255, 255, 1]); };
const contrast = e => { const g = ground(e), b = luminance(g);
  const a = luminance(over(channels(getComputedStyle(e).color), g));
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); };
const texts = [...document.querySelectorAll(".creche-page *")].filter(e => !e.closest("svg, style")
  && [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()) && !/^[█░▒│ ]*$/.test(e.textContent));
const curves = [...document.querySelectorAll("svg path, svg text")].map(e => getComputedStyle(e))
  .flatMap(s => [s.stroke, s.fill]);
const outside = e => { const s = getComputedStyle(e);
  return [s.color, s.font, s.padding, s.border, s.background].join(); };
const facts = {
  texts: texts.length,
  faint: texts.filter(e => contrast(e) < 4.5).map(e => [contrast(e), e.className, e.textContent.slice(0, 30)]),
  wide: document.documentElement.scrollWidth > innerWidth,
  unresolved: curves.filter(c => c.includes("var(")).length,
  blues: [...new Set(curves)].filter(c => ["rgb(0, 114, 178)", "rgb(86, 180, 233)"].includes(c)).length,
  plain: [...document.querySelectorAll(".plain")].map(outside),
};
document.body.innerHTML = "<pre id=facts></pre>";
document.getElementById("facts").textContent = JSON.stringify(facts);
"""
PLAIN = '<p class="plain">text</p><table><tr><td class="plain">cell</td></tr></table>'


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("rendered")
    run = cr.train("penguins", label="species", hidden=[5, 5], epochs=12, learning_rate=0.01, threads=1)
    trace = explain.trace(run.model, "penguins", rows=[1, 2, 3])
    shown = [result._repr_html_() for result in (run, run.plan, trace, cr.inspect_columns("penguins", "species"))]
    themes = {"true": "background: #fff; color: #000", "false": "background: #111; color: #e8e8e8"}
    parts = [
        f'<div data-jp-theme-light="{key}" style="{style}">{"".join(shown)}</div>' for key, style in themes.items()
    ]
    page = f"<!doctype html><meta charset=utf-8><body>{PLAIN}{''.join(parts)}{PLAIN}<script>{MEASURE}</script>"
    (folder / "page.html").write_text(page, encoding="utf-8")
    assert CHROMIUM is not None
    rendered = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}",
            f"--window-size={NARROW},2000", "--dump-dom", (folder / "page.html").as_uri(),
        ],
        capture_output=True, text=True, check=True, timeout=SECONDS_OF_A_HANG,
    )  # fmt: skip
    found = re.search(r'<pre id="facts">(.*?)</pre>', rendered.stdout, re.DOTALL)
    assert found is not None, rendered.stdout[-2000:]
    return dict(json.loads(html.unescape(found[1])))


def test_each_text_can_be_read_on_light_and_on_dark(facts: dict[str, Any]) -> None:
    assert facts["texts"] > 200
    assert facts["faint"] == []


def test_a_narrow_window_does_not_scroll_sideways(facts: dict[str, Any]) -> None:
    assert facts["wide"] is False


def test_plots_have_the_colors_of_both_themes(facts: dict[str, Any]) -> None:
    assert facts["unresolved"] == 0
    assert facts["blues"] == 2


def test_the_style_of_the_notebook_stays(facts: dict[str, Any]) -> None:
    before, after = facts["plain"][:2], facts["plain"][2:]
    assert before == after
    assert before[0].startswith("rgb(0, 0, 0)")
