"""The page of each result: one table says which module makes it, and both text and HTML are made from it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from creche._displayed import Displayed

if TYPE_CHECKING:
    from rich.console import RenderableType

    from creche.render.document import Section
    from creche.render.html import Html

__all__ = ["PAGES", "result_html", "result_text"]

# The class of a result, and the function of this package that makes its page. A class that is missing here shows its
# own text, if it has one, or else its first line and its table.
PAGES = {
    "ClassificationEvaluation": "evaluation:evaluation_page",
    "Colony": "sweep:sweep_page",
    "ColumnInspection": "columns:columns_page",
    "Comparison": "comparison:comparison_page",
    "CrossValidation": "cross_validation:cross_validation_page",
    "Diagnosis": "diagnosis:diagnosis_page",
    "Ensemble": "run:ensemble_page",
    "Finding": "diagnosis:finding_page",
    "FitRecord": "fit:record_page",
    "FittedModel": "fit:fitted_page",
    "ForwardPass": "forward_pass:forward_page",
    "History": "history:history_page",
    "IntegratedGradients": "explain:attribution_page",
    "LearningRates": "learning_rate:learning_rate_page",
    "LossAgainstWeight": "loss_curve:loss_curve_page",
    "Member": "history:member_page",
    "Model": "run:model_page",
    "PartialDependence": "partial_dependence:dependence_page",
    "PermutationImportance": "explain:importance_page",
    "Plan": "history:plan_page",
    "Provenance": "run:provenance_page",
    "RegressionEvaluation": "evaluation:evaluation_page",
    "Run": "run:run_page",
    "Schema": "run:schema_table",
    "Trace": "trace:trace_page",
}


def result_text(result: Displayed) -> str:
    """Return the page of a result as text, as wide as the terminal."""
    from creche._advice import has_command_line_words
    from creche.pages.console import page_text
    from creche.pages.terms import terms_line
    from creche.render.text import WIDTH, sections_text, terminal_width

    page = _find_page(result)
    if page is None:
        return repr(result)
    text = sections_text(page) if isinstance(page, Sequence) and not isinstance(page, str) else page_text(page)
    line = (
        "" if has_command_line_words() else terms_line(text, min(terminal_width(), WIDTH))
    )  # a command prints its own at its end
    return f"{text}\n\n{line}" if line else text


def result_html(result: Displayed) -> str:
    """Return the page of a result as HTML for a notebook, with its plots if matplotlib is installed."""
    from rich.text import Text

    from creche.pages.markup import page_html

    page = _find_page(result)
    return page_html(Text(repr(result)) if page is None else page, _draw_figures(result))


def _find_page(result: Displayed) -> RenderableType | Sequence[Section] | None:
    """Return the page of a result, or None if there is nothing to show but its `repr`."""
    for kind in type(result).__mro__:
        if kind.__name__ in PAGES:
            module, _, function = PAGES[kind.__name__].partition(":")
            return getattr(import_module(f"creche.pages.{module}"), function)(result)  # type: ignore[no-any-return]
    if type(result).__str__ is not Displayed.__str__:
        from rich.text import Text

        return Text(str(result))
    if hasattr(result, "table"):
        from creche.pages.tables import frame_page
        from creche.table.result_frames import polars_frame

        return frame_page(repr(result), polars_frame(result.table))
    return None


def _draw_figures(result: Any) -> list[Html]:
    """Return the plots of a result; without matplotlib there are none."""
    if find_spec("matplotlib") is None:
        return []
    from creche.pages.pictures import draw_figures

    return draw_figures(result)
