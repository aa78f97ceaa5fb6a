"""`creche.report`: one page that says what a model is, how good, and what to be careful about."""

from __future__ import annotations

from collections.abc import Callable
from os.path import samefile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creche._system.atomic_files import open_replacement
from creche.errors import CrecheError, PlanError
from creche.plots.style import pyplot
from creche.render.html import Html, facts_table, html_page, join_html, tag
from creche.report.explanations import Figures, importance_section, step_section, weight_section
from creche.report.limits import find_limitations
from creche.report.model_card import create_card
from creche.report.sections import data_section, errors_section, network_section, summary_section, training_section
from creche.report.subject import ReportSubject, create_subject
from creche.table.reading.options import ReadOptions

if TYPE_CHECKING:
    from creche.model.ensemble import Ensemble
    from creche.model.model import Model

__all__ = ["create_page", "report"]

Section = Callable[[ReportSubject, Figures], Html | None]


EXPLANATIONS = ("uses", "step", "weight")


def report(
    model: Model | Ensemble | str | Path,
    data: Any,
    path: str | Path,
    y: Any = None,
    *,
    card: str | Path | None = None,
    intended_use: str | None = None,
    title: str | None = None,
    sample_weight: Any = None,
    read_options: ReadOptions | None = None,
    missing_label: str = "error",
    threads: int | None = None,
) -> Path:
    """Writes a page of HTML about a model: what it is and how good, what it was trained on, how it learned, where it
    errs, what it uses, its limits; and, if wanted, a model card beside it (Mitchell et al. 2019).

    The page is one file that needs no network connection and runs no program, for light and dark screens and for paper.
    If the table is the one the model was trained on, it is judged by the rows that were kept out; any other is judged
    by as a whole. The same model and table give the same page.

    Parameters
    ----------
    model : Model, Ensemble or file name
    data, y
        Rows whose label is known, as for `Model.evaluate`.
    path : file name
        Of the page; an older one is replaced when the new one is whole.
    card : file name, optional
        Of the model card, in Markdown.
    intended_use : str, optional
        What the model is for; left out, the page and the card have a blank to fill.
    title : str, optional
        By default the file's name and the label.
    sample_weight : (n,) array or name of a column, optional
        How much each row counts.
    read_options : ReadOptions, optional
        How the file of the table is written.
    missing_label : {"error", "drop"}, default "error"
        What becomes of rows whose label is missing.
    threads : int, optional
        Of a model that is read from a file.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    TableError
        If the label is missing, or the table has not the columns the model was trained on.
    FileError
        If the model cannot be read, or the page cannot be written; nothing half-written is left.
    PlanError
        If it is no model.
    CrecheError
        If matplotlib is not installed.

    References
    ----------
    Mitchell, Wu, Zaldivar, Barnes, Vasserman, Hutchinson, Spitzer, Raji & Gebru 2019, "Model cards for model
    reporting".

    Examples
    --------
    >>> import tempfile, creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[4], epochs=5, threads=1).model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = cr.report(model, "penguins", folder + "/report.html").read_text()
    >>> page.startswith("<!doctype html>")
    True

    """
    pyplot()
    _check_names(path, card, {"table": data, "model": model})
    subject = create_subject(
        model, data, y, title=title, sample_weight=sample_weight, read_options=read_options, missing_label=missing_label,
        threads=threads,
    )  # fmt: skip
    contents = [(Path(path), create_page(subject, intended_use))]
    if card is not None:
        contents.append((Path(card), create_card(subject, intended_use)))
    for name, content in contents:
        with open_replacement(name) as file:
            file.write(content.encode())
    return Path(path)


def _check_names(path: Any, card: Any, read: dict[str, Any]) -> None:
    """Before anything is worked out: names that are names, and not those of the table or of each other."""
    for argument, name in (("path", path), ("card", card)):
        if name is None and argument == "card":
            continue
        if not isinstance(name, str | Path) or not str(name):
            raise PlanError(f"{argument}: got {name!r}; needs the name of a file")
        for what, source in read.items():
            are_files = isinstance(source, str | Path) and Path(name).exists() and Path(source).exists()
            if are_files and samefile(name, source):
                raise PlanError(f"{argument}: {name} is the {what} itself; give another name")
    if card is not None and Path(path).resolve() == Path(card).resolve():
        raise PlanError(f"card: {card} is the page's name too; give another")


def create_page(subject: ReportSubject, intended_use: str | None = None) -> str:
    """The page as text."""
    figures = Figures()
    sections: list[tuple[str, str, Section]] = [
        ("summary", "What it is, and how good", summary_section),
        ("use", "What it is for", lambda *_: _use(intended_use)),
        ("data", "What it was trained on", data_section),
        ("network", "The network", network_section),
        ("learning", "How it learned", training_section),
        ("mistakes", "Where it errs", errors_section),
        ("uses", "What it uses", importance_section),
        ("step", "One training step, taken apart", step_section),
        ("weight", "The loss against one weight", weight_section),
        ("limits", "Limits", _limits),
        ("again", "How to make it again", _again),
    ]
    made = [(name, heading, _made(name, make, subject, figures)) for name, heading, make in sections]
    there = [(name, heading, content) for name, heading, content in made if content is not None]
    links = tag("ol", *(tag("li", tag("a", heading, href=f"#{name}")) for name, heading, _ in there))
    return html_page(
        subject.title,
        tag("header", tag("h1", subject.title), tag("p", repr(subject.model), class_="quiet")),
        tag("nav", links, aria_label="sections"),
        tag("main", *(tag("section", tag("h2", heading), content, id=name) for name, heading, content in there)),
        _footer(),
    )


def _made(name: str, make: Section, subject: ReportSubject, figures: Figures) -> Html | None:
    """A section; in place of an explanation that cannot be had of this model and these rows, why."""
    try:
        return make(subject, figures)
    except CrecheError as error:
        if name not in EXPLANATIONS:
            raise
        return tag("p", f"Not shown: {str(error).removesuffix('.')}.", class_="quiet")


def _use(intended_use: str | None) -> Html:
    if intended_use:
        return tag("p", intended_use)
    return tag(
        "p", "To be filled in: who is to use it for what, and for what it is not meant (--intended-use \"…\").",
        class_="blank",
    )  # fmt: skip


def _limits(subject: ReportSubject, figures: Figures) -> Html:
    found = find_limitations(subject)
    general = (
        "It has learnt what goes together in these rows, not what causes what; on rows of another kind, place or time "
        "than those it was trained on, nothing here says how good it is."
    )
    items = [tag("li", tag("strong", limit.about), ": ", limit.text) for limit in found]
    return join_html([tag("ul", *items) if items else None, tag("p", general)])


def _again(subject: ReportSubject, figures: Figures) -> Html | None:
    origin = subject.origin
    if origin is None:
        return None
    same = "The table is not, as a whole," if subject.part == "given" else "The table is"
    return join_html(
        [
            facts_table(
                [
                    ("weights, SHA-256", tag("code", origin.weights)),
                    ("table, SHA-256", tag("code", str(origin.data.get("total")))),
                    ("trained by", f"Creche {origin.version}"),
                ]
            ),
            tag(
                "p", f"{same} one it was trained with. On what it was trained on, ",
                tag("code", "creche verify MODEL TABLE"), " trains the network again and compares every bit.",
            ),
        ]
    )  # fmt: skip


def _footer() -> Html:
    from creche._version import __version__

    return tag("footer", f"Made by Creche {__version__}. Intervals: 95 % of 1,000 bootstrap resamples of the rows.")
