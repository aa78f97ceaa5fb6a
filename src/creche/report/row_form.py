"""The report's form: a reader types a row, and the model's JavaScript module predicts it within the page."""

from __future__ import annotations

import datetime
from importlib.resources import files
from typing import Any

import numpy as np

from creche.errors import PlanError
from creche.exporting import build_script
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.render.html import Html, join_html, tag
from creche.report.subject import ReportSubject
from creche.table.cell_format import CellFormat
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.roles import Encoder
from creche.table.table import Table

__all__ = ["FORM_STYLE", "create_form", "create_form_script"]

# More would make the page long, and large.
MOST_COLUMNS, MOST_PARAMETERS, CATEGORIES_LISTED = 60, 10_000, 200

FORM_STYLE = """
#row { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(13rem, 100%), 1fr)); gap: 0.75rem 1.25rem; }
#row label { display: block; color: var(--quiet); font-size: 0.9rem; overflow-wrap: anywhere; }
#row input { width: 100%; font: inherit; color: inherit; background: var(--ground); padding: 0.35rem 0.6rem; }
#row input { border: 1px solid var(--quiet); border-radius: 6px; }
#row input:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
#row input[aria-invalid] { border: 2px solid var(--down); }
#predicted { display: block; min-height: 6rem; }
#predicted meter { width: 8rem; vertical-align: middle; }
@media print { #predict { display: none; } }
"""


def create_form(subject: ReportSubject, figures: object = None) -> Html | None:
    """Return the fields, filled with the first row of the evaluation; None for a model that is too large for a page."""
    model = subject.model
    if create_form_script(subject) is None:
        return None
    fields = [
        _create_field(place, encoder, _first_cell(subject, encoder, place), model.features.formats.get(encoder.name))
        for place, encoder in enumerate(model.features.columns)
    ]
    words = "An empty field is a missing value." if model.features.has_column_names else "All fields need a number."
    return join_html(
        [
            tag("p", f"Change a value to see what the model predicts; the page itself computes it. {words}"),
            tag("form", *fields, id="row", data_label=subject.label, autocomplete="off"),
            tag("p", id="refused", role="alert"),
            tag(
                "output",
                tag("noscript", "A browser that runs scripts shows predictions here."),
                id="predicted",
            ),
        ]
    )


def create_form_script(subject: ReportSubject) -> str | None:
    """Return the script of the form; None for a model that is too large for a page, or cannot be exported."""
    model = subject.model
    models = [model] if isinstance(model, Model) else model.models
    parameters = sum(each.parameters.count for each in models)
    if parameters > MOST_PARAMETERS or len(model.features.columns) > MOST_COLUMNS:
        return None
    assert isinstance(model, Model | Ensemble)
    try:
        module = build_script(model)
    except PlanError:
        return None
    return module + files("creche.report").joinpath("form.js").read_text("utf-8")


def _create_field(place: int, encoder: Encoder, value: str, format: CellFormat | None) -> Html:
    field, listed = f"field-{place}", None
    attributes: dict[str, Any] = {"id": field, "name": encoder.name, "value": value, "type": "text"}
    if isinstance(encoder, CategoricalEncoder):
        known = encoder.categories[:CATEGORIES_LISTED]
        listed = tag("datalist", *(tag("option", value=word) for word in known), id=f"{field}-words")
        attributes["list"] = f"{field}-words"
    elif encoder.kind == "boolean":
        listed = tag("datalist", tag("option", value="yes"), tag("option", value="no"), id=f"{field}-words")
        attributes["list"] = f"{field}-words"
    elif encoder.kind == "number":
        attributes["inputmode"] = "decimal"
    unit = f" ({format.unit})" if format is not None and format.unit else ""
    written = "".join(f' {name}="{_quote(value)}"' for name, value in attributes.items())
    return tag("div", tag("label", encoder.name, unit, for_=field), Html(f"<input{written}>"), listed)


def _quote(value: Any) -> str:
    """Return a value as an attribute holds it."""
    return tag("a", title=value).removeprefix('<a title="').removesuffix('"></a>')


def _first_cell(subject: ReportSubject, encoder: Encoder, place: int) -> str:
    """Return a cell of the first row, as the training table writes such cells; empty if it is missing."""
    x = subject.rows.x
    cell = x.columns[encoder.name].take(slice(0, 1)).to_objects()[0] if isinstance(x, Table) else float(x[0, place])
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, bool | np.bool_):
        return "yes" if cell else "no"
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(" ").removesuffix(" 00:00:00")
    if not isinstance(cell, int | float | np.number):
        return str(cell)
    number = float(cell)
    written = str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)
    format = subject.model.features.formats.get(encoder.name)
    if format is None or isinstance(encoder, CategoricalEncoder):
        return written
    return written.replace(".", format.decimal) + (f" {format.unit}" if format.unit else "")
