"""The page of predictions of observations that were typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from creche.explain.cells import format_cell
from creche.pages.charts import BAR_WIDTH, draw_bar
from creche.pages.tables import plain_table
from creche.render.text import terminal_width
from creche.render.words import format_number

if TYPE_CHECKING:
    from creche.model.predictor import Predictor
    from creche.table.table import Table

__all__ = ["prediction_data", "prediction_page"]

VALUES_SHOWN = 12
ROOM_FOR_NAMES = 26  # of the columns beside the bars; names that are longer break


def prediction_data(model: Predictor, table: Table, predicted: Table) -> dict[str, Any]:
    """Return the values, the prediction and the probability of each class of every row, as plain data."""
    values, predictions = _rows(table), _rows(predicted)
    rows = []
    for row, prediction in zip(values, predictions, strict=True):
        known = {"values": row, "predicted": _predicted(model, prediction)}
        if model.labels.task != "regression":
            outcomes = map(str, model.labels.outcomes)
            known["probabilities"] = {name: prediction[f"probability_{name}"] for name in outcomes}
        if "disagreement" in prediction:
            known["disagreement"] = prediction["disagreement"]
        rows.append(known)
    return {"label": list(model.labels.names), "rows": rows}


def prediction_page(model: Predictor, table: Table, predicted: Table) -> RenderableType:
    """Render each row with its prediction, and a bar for the probability of each class."""
    data = prediction_data(model, table, predicted)["rows"]
    parts: list[RenderableType] = []
    width = max(min(BAR_WIDTH, terminal_width() - ROOM_FOR_NAMES), 1)
    for number, row in enumerate(data, 1):
        parts += [Text()] if parts else []
        cells = [f"{name} {format_cell(value)}" for name, value in list(row["values"].items())[:VALUES_SHOWN]]
        cells += [f"… ({len(row['values']) - VALUES_SHOWN} more)"] if len(row["values"]) > VALUES_SHOWN else []
        parts.append(Text(f"row {number}: {', '.join(cells)}", "dim"))
        for name, value in row["predicted"].items():
            shown = format_number(value) if isinstance(value, float) else str(value)
            parts.append(Text.assemble(f"predicted {name}: ", (shown, "bold")))
        if "probabilities" in row:
            head = "label" if model.labels.is_multilabel else "class"
            chart = plain_table(head, "probability", "", left=(head, ""))
            likeliest = [str(value) for value in row["predicted"].values()]
            if model.labels.is_multilabel:
                likeliest = [name for name, is_yes in row["predicted"].items() if is_yes]
            for name, probability in row["probabilities"].items():
                style = "bold" if name in likeliest else ""
                chart.add_row(Text(name, style), Text(_format(probability), style), draw_bar(probability, 1.0, width))
            parts.append(chart)
    return Group(*parts)


def _rows(table: Table) -> list[dict[str, Any]]:
    columns = {name: column.to_objects().tolist() for name, column in table.columns.items()}
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _predicted(model: Predictor, prediction: dict[str, Any]) -> dict[str, Any]:
    return {name: prediction[f"predicted_{name}"] for name in model.labels.predicted_names}


def _format(probability: float) -> str:
    """Write a probability with four decimals; a small one that is not 0 as less than the smallest."""
    return "<0.0001" if 0 < probability < 0.00005 else f"{probability:.4f}"
