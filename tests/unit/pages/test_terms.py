"""The terms of a page: found by how pages write them, named in a line that fits, and defined in HTML."""

from __future__ import annotations

import re

import pytest

import creche as cr
from creche._advice import use_words
from creche.cli.advice import write_as_option
from creche.pages.glossary import ALSO, GLOSSARY, describe_terms
from creche.pages.terms import COMMON, TOPICS, define_terms, find_terms, link_term, terms_html, terms_line

TERMS = [term for terms in GLOSSARY.values() for term in terms]


@pytest.mark.parametrize("term", TERMS)
def test_each_term_is_found(term: str) -> None:
    assert find_terms(f"the {term} of it") == [term]
    assert find_terms(f"the {term}\n  of it: {term.upper()}") == [term]


def test_terms_are_whole_words_and_the_longest() -> None:
    assert find_terms("batches, weight_decay, stepwise, losses") == []
    assert find_terms("balanced accuracy 0.9") == ["balanced accuracy"]
    assert find_terms("two losses, three epochs") == ["epoch"]
    assert find_terms("95 % CI (bootstrap), root mean squared error, ECE") == [
        "confidence interval", "RMSE", "calibration",
    ]  # fmt: skip


def test_the_lists_are_of_the_glossary() -> None:
    assert set(TERMS) >= COMMON
    assert sorted(TOPICS) == sorted(GLOSSARY)
    assert set(TERMS) >= set(ALSO.values())


@pytest.mark.parametrize("width", [30, 40, 60, 80])
def test_the_line_fits_and_can_be_typed(width: int) -> None:
    line = terms_line("accuracy, balanced accuracy, log loss, AUC, F1, recall, Brier score, learning rate", width)
    assert len(line) <= width
    command, _, terms = line.partition("glossary ")
    assert command == "Terms: creche "
    assert [section.title for section in describe_terms(terms)] == terms.split(", ")
    assert terms_line("nothing to explain", width) == ""


def test_html_defines_each_term_once_and_links_to_it() -> None:
    assert terms_html("<p>nothing to explain</p>") is None
    page = "<style>.epoch{}</style><p>log loss</p><svg><text>recall</text></svg><td>log&nbsp;loss</td><td>R²</td>"
    made = define_terms(page, "term-")
    assert made is not None
    assert re.findall('<dt id="([^"]*)">([^<]*)</dt>', made) == [("term-log-loss", "log loss"), ("term-r²", "R²")]
    assert 'href="#term-log-loss"' in link_term("log loss", "term-")
    assert link_term("other", "term-") == "other"
    folded = terms_html(page)
    assert folded is not None
    assert folded.startswith("<details>")
    assert "id=" not in folded  # a notebook shows many pages, and ids may occur only once


def test_a_result_names_its_terms_unless_a_command_does() -> None:
    run = cr.train("penguins", label="species", hidden=[2], epochs=2, threads=1)
    evaluation = run.evaluation
    last = str(evaluation).splitlines()[-1]
    assert last.startswith("Terms: creche glossary ")
    assert "balanced accuracy" in last
    assert "<summary>Terms</summary>" in evaluation._repr_html_()
    with use_words(write_as_option):
        assert "Terms:" not in str(evaluation)
