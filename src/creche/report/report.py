"""`creche.report`: one page about a model, from its metrics to its limitations, and a model card."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creche._advice import advise
from creche._progress import OnProgress, StepProgress, track, watch_steps
from creche._system.atomic_files import check_writable, open_replacement
from creche._system.output_files import check_ending, check_outputs
from creche.errors import CrecheError, PlanError
from creche.pages.terms import define_terms
from creche.plan.arguments import reject_unknown
from creche.plan.words import MissingLabel
from creche.plots.inline_svg import theme_variables
from creche.plots.style import pyplot
from creche.render.html import Html, facts_table, html_page, join_html, tag
from creche.report.explanations import Figures, importance_section, step_section, weight_section
from creche.report.hub_head import write_hub_head
from creche.report.limits import find_limitations
from creche.report.model_card import create_card
from creche.report.report_file import ReportFile
from creche.report.row_form import FORM_STYLE, create_form, create_form_script
from creche.report.sections import (
    TERM,
    data_section,
    errors_section,
    network_section,
    summary_section,
    training_section,
)
from creche.report.subject import N_RESAMPLES, ReportSubject, create_subject
from creche.table.datasets import resolve_bundled
from creche.table.reading.options import ReadOptions

if TYPE_CHECKING:
    from creche.model.ensemble import Ensemble
    from creche.model.model import Model

__all__ = ["create_page", "report"]

Section = Callable[[ReportSubject, Figures], Html | None]


FIGURE_STYLE = (
    f":root {{ --plot-ground: var(--ground); {theme_variables(dark=False)} }}\n"
    f"@media (prefers-color-scheme: dark) {{ :root {{ {theme_variables(dark=True)} }} }}\n"
)
EXPLANATIONS = ("importance", "step", "landscape")


@reject_unknown
def report(
    model: Model | Ensemble | str | Path,
    data: Any,
    path: str | Path,
    y: Any = None,
    *,
    card: str | Path | None = None,
    for_hub: bool = False,
    intended_use: str | None = None,
    title: str | None = None,
    sample_weight: Any = None,
    read_options: ReadOptions | None = None,
    missing_label: MissingLabel = "error",
    threads: int | None = None,
    on_progress: OnProgress[StepProgress] = None,
) -> ReportFile:
    """Write a page of HTML about a model, and optionally a model card (Mitchell et al. 2019).

    The page has the metrics, the data, the network, its training, its errors, the importance of the columns, one
    training step, the loss landscape, the limitations of the model and the terms that it uses; and, of a small model, a
    form that predicts the row that a reader types, within the page. It is one file that needs no network connection,
    for light and dark screens and for paper.

    If the table is the one that the model was trained with, the model is evaluated on the rows that were kept out of
    training; otherwise on all rows. The same model and table give the same page.

    Parameters
    ----------
    model : Model, Ensemble or file name
    data, y
        Rows with their labels, as for `Model.evaluate`.
    path : str or Path
        The file of the page; an older one is replaced when the new one is complete.
    card : str or Path, optional
        The file of the model card, in Markdown.
    for_hub : bool, default False
        Whether the card begins with the YAML from which the Hugging Face Hub learns what a model is and how good.
    intended_use : str, optional
        What the model is meant for. Without it, the page and the card have a blank to fill in.
    title : str, optional
        The title of the page; by default the name of the model's file and the label.
    sample_weight : (n,) array or name of a column, optional
        How much each row counts.
    read_options : ReadOptions, optional
        How to read the table's file.
    missing_label : {"error", "drop"}, default "error"
        Whether a row without a label is an error or dropped.
    threads : int, optional
        Number of threads of a model that is loaded from a file; by default ``CRECHE_NUM_THREADS``, or else the cores
        this process may use.
    on_progress : callable or bool, optional
        By default, a bar in notebooks and terminals when it takes longer than half a second; False for none. A function
        is called with a `StepProgress` as it goes on.

    Returns
    -------
    ReportFile
        The path of the page, which a notebook shows.

    Raises
    ------
    TableError
        If labels are missing, or columns that the model was trained with.
    FileError
        If the model cannot be read, or a file cannot be written; no incomplete file is left.
    PlanError
        If `model` is neither a model nor the name of its file, or a file would be replaced that is read here.
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
    if for_hub and card is None:
        raise PlanError(f"for_hub: needs a model card; name its file by {advise('card')}", argument="for_hub")
    _check_names(path, card, {"table": resolve_bundled(data), "model": model})
    with watch_steps(on_progress):
        subject = create_subject(
            model, data, y, title=title, sample_weight=sample_weight, read_options=read_options,
            missing_label=missing_label, threads=threads,
        )  # fmt: skip
        contents = [(Path(path), create_page(subject, intended_use))]
        if card is not None:
            head = write_hub_head(subject) if for_hub else ""
            contents.append((Path(card), head + create_card(subject, intended_use)))
    for name, content in contents:
        with open_replacement(name) as file:
            file.write(content.encode())
    return ReportFile(path)


def _check_names(path: Any, card: Any, read: dict[str, Any]) -> None:
    """Check that both files can be written, and are neither the table nor the model nor the same file."""
    for argument, name in (("path", path), ("card", card)):
        if name is None and argument == "card":
            continue
        if not isinstance(name, str | Path) or not str(name):
            raise PlanError(f"{argument}: got {name!r}; needs the name of a file")
    check_outputs({"path": path, "card": card}, read)
    for name, what, ending in ((path, "page", ".html"), (card, "model card", ".md")):
        if name is not None:
            check_ending(name, what, ending)
            check_writable(name)


def create_page(subject: ReportSubject, intended_use: str | None = None) -> str:
    """Return the page as text."""
    figures, script = Figures(), create_form_script(subject)
    sections: list[tuple[str, str, Section]] = [
        ("summary", "Summary", summary_section),
        ("predict", "Predict a row", create_form),
        ("use", "Intended use", lambda *_: _use_section(intended_use)),
        ("data", "Data", data_section),
        ("network", "Network", network_section),
        ("training", "Training", training_section),
        ("errors", "Errors", errors_section),
        ("importance", "Feature importance", importance_section),
        ("step", "One training step", step_section),
        ("landscape", "Loss landscape", weight_section),
        ("limitations", "Limitations", _limitations_section),
        ("reproduce", "Reproduce", _reproduce_section),
    ]
    made = [
        (name, heading, _create_section(name, create, subject, figures))
        for name, heading, create in track(sections, "sections")
    ]
    definitions = define_terms(join_html(content for _, _, content in made), TERM)
    made.append(("glossary", "Glossary", definitions))
    there = [(name, heading, content) for name, heading, content in made if content is not None]
    links = tag("ol", *(tag("li", tag("a", heading, href=f"#{name}")) for name, heading, _ in there))
    return html_page(
        subject.title,
        tag(
            "header",
            tag("h1", subject.title),
            tag("p", f"{subject.kind[0].upper()}{subject.kind[1:]}.", class_="quiet"),
        ),
        tag("nav", links, aria_label="sections"),
        tag("main", *(tag("section", tag("h2", heading), content, id=name) for name, heading, content in there)),
        _footer(),
        style=FIGURE_STYLE if script is None else FIGURE_STYLE + FORM_STYLE,
        script=script,
    )


def _create_section(name: str, create: Section, subject: ReportSubject, figures: Figures) -> Html | None:
    """Return a section; if an explanation is impossible for this model and these rows, the reason in its place."""
    try:
        return create(subject, figures)
    except CrecheError as error:
        if name not in EXPLANATIONS:
            raise
        return tag("p", f"Not available: {str(error).removesuffix('.')}.", class_="quiet")


def _use_section(intended_use: str | None) -> Html:
    if intended_use:
        return tag("p", intended_use)
    return tag(
        "p", "To be filled in: intended users and uses, and uses that are out of scope "
        f"({advise('intended_use', ...)}).", class_="blank",
    )  # fmt: skip


def _limitations_section(subject: ReportSubject, figures: Figures) -> Html:
    general = (
        "The model has learned associations in its training rows, not causes. This report does not show how well it "
        "predicts rows of another kind, place or time."
    )
    items = [tag("li", tag("strong", found.topic), ": ", found.text) for found in find_limitations(subject)]
    return join_html([tag("ul", *items) if items else None, tag("p", general)])


def _reproduce_section(subject: ReportSubject, figures: Figures) -> Html | None:
    origin = subject.origin
    if origin is None:
        return None
    is_same = "is not" if subject.part == "other" else "is"
    return join_html(
        [
            facts_table(
                [
                    ("SHA-256 of the weights", tag("code", origin.weights)),
                    ("SHA-256 of the table", tag("code", str(origin.data.get("total")))),
                    ("trained by", f"Creche {origin.version}"),
                ]
            ),
            tag(
                "p", tag("code", "creche verify MODEL TABLE"), " trains the model again and compares all weights bit "
                                                               "for "
                f"bit. The table of this report {is_same} the table that the model was trained on.",
            ),
        ]
    )  # fmt: skip


def _footer() -> Html:
    from creche._version import __version__

    return tag(
        "footer",
        f"Made by Creche {__version__}. 95 % confidence intervals: {N_RESAMPLES:,} bootstrap resamples of the rows.",
    )
