"""Which terms of the glossary a page uses: a line that names them, and their definitions as HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from html import unescape

from creche.pages.glossary import ALSO, GLOSSARY
from creche.render.html import Html, tag

__all__ = ["define_terms", "find_terms", "link_term", "terms_html", "terms_line"]

# Words that every page uses: the line names them only if there is room, after the terms of a topic further below.
COMMON = frozenset(
    {
        "feature", "label", "training rows", "validation rows", "test rows", "neuron", "weight", "bias", "activation",
        "seed", "loss", "gradient", "batch", "step", "epoch", "optimizer", "schedule", "plan", "accuracy", "fold",
    }
)  # fmt: skip
# The topics whose terms readers look up most, in this order.
TOPICS = ("Explanation", "Evaluation", "Many networks", "Training", "The network", "Data")

# How pages write a term, where that is neither its name nor one of its other names.
WRITTEN_AS = {"95 % CI": "confidence interval", "root mean squared error": "RMSE", "mean absolute error": "MAE"}
# Other names that also have a meaning of their own on pages.
AMBIGUOUS = frozenset({"example", "coefficient", "relu", "lr"})

COMMAND = "Terms: creche glossary "


def find_terms(text: str) -> list[str]:
    """Return the terms of the glossary that a text uses: those that need explaining most come first.

    Examples
    --------
    >>> find_terms("label species, log loss 0.1 (95 % CI: 0.05 to 0.2)")
    ['log loss', 'confidence interval', 'label']

    """
    names, pattern = _spellings()
    found = dict.fromkeys(names[match[0].lower()] for match in pattern.finditer(" ".join(text.split())))
    topics = {term: TOPICS.index(topic) for topic, terms in GLOSSARY.items() for term in terms}
    return sorted(found, key=lambda term: (term in COMMON, topics[term]))


def terms_line(text: str, width: int) -> str:
    """Return the last line of a page: the command that explains its terms, as many as fit; empty if it uses none.

    Examples
    --------
    >>> terms_line("accuracy 0.9, log loss 0.3, AUC 0.95", 50)
    'Terms: creche glossary log loss, AUC, accuracy'

    """
    line = ""
    for term in find_terms(text):
        longer = f"{line}, {term}" if line else COMMAND + term
        line = longer if len(longer) <= width else line
    return line


def terms_html(html: str) -> Html | None:
    """Return the definitions of the terms that a page of HTML uses, folded; None if it uses none."""
    definitions = define_terms(html)
    return None if definitions is None else tag("details", tag("summary", "Terms"), definitions)


def define_terms(html: str, prefix: str | None = None) -> Html | None:
    """Return the definitions of the terms that HTML uses, as a list; None if it uses none.

    Parameters
    ----------
    html : str
    prefix : str, optional
        What the ids of the terms begin with, to which `link_term` links; by default they have none.

    """
    text = unescape(re.sub(r"<style>.*?</style>|<svg.*?</svg>|<[^>]*>", " ", html, flags=re.DOTALL))
    terms = sorted(find_terms(text), key=str.lower)
    texts = _definitions()
    entries = [
        tag("div", tag("dt", term, id=None if prefix is None else _id(term, prefix)), tag("dd", texts[term]))
        for term in terms
    ]
    return tag("dl", *entries) if entries else None


def link_term(text: str, prefix: str) -> Html | str:
    """Return text as a link to its definition, if it is a term or begins with one."""
    term = next(iter(find_terms(text)), None)
    return text if term is None else tag("a", text, href=f"#{_id(term, prefix)}", class_="term")


def _id(term: str, prefix: str) -> str:
    return prefix + re.sub(r"\W+", "-", term.lower())


@cache
def _definitions() -> Mapping[str, str]:
    return {term: text for topic in GLOSSARY.values() for term, text in topic.items()}


@cache
def _spellings() -> tuple[Mapping[str, str], re.Pattern[str]]:
    """Return the term of each spelling, and a pattern that finds all of them, the longest first."""
    names = {term.lower(): term for term in _definitions()}
    names |= {name.lower(): term for name, term in {**ALSO, **WRITTEN_AS}.items() if name not in AMBIGUOUS}
    names |= {f"{name}s": term for name, term in names.items() if not name.endswith("s")}
    longest_first = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return names, re.compile(rf"(?<![\w-])(?:{longest_first})(?![\w-])", re.IGNORECASE)
