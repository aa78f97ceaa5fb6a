"""Predicting one observation."""

from __future__ import annotations

from creche.model.predictor import Predictor
from creche.studio.answers.registry import Turn, answers
from creche.studio.prediction import describe_prediction, fill_fields, list_fields, read_cells, write_cells
from creche.studio.protocol import requests, views
from creche.studio.protocol.requests import ModelName
from creche.studio.state import RefusedError, SessionState
from creche.table.table import Table

__all__: list[str] = []

ENSEMBLE_SIZE = 16


@answers(requests.Predict)
def predict(turn: Turn, request: requests.Predict) -> views.PredictionView:
    """Predict what was typed, or a typical observation."""
    state = turn.state
    model, fields = _find_model(state, request.model), list_fields(state)
    values = request.values or {field.column: field.value for field in fields}
    row = read_cells(model, fields, values)
    return describe_prediction(model, row, fill_fields(fields, values), _edges_version(state))


@answers(requests.LoadRow)
def load_row(turn: Turn, request: requests.LoadRow) -> views.PredictionView:
    """Load a row of the table into the form, and predict it."""
    state = turn.state
    model, rows = _find_model(state, request.model), state.prepared.labelled
    assert isinstance(rows.x, Table)
    place = state.find_row(request.row)
    fields = fill_fields(list_fields(state), write_cells(rows.x, place))
    # The cells themselves rather than the fields, so that the row is predicted as every other row is.
    return describe_prediction(model, rows.x.take(slice(place, place + 1)), fields, _edges_version(state))


def _find_model(state: SessionState, name: ModelName) -> Predictor:
    if name == "network":
        return state.need_live().run.model
    state.need_live()
    fitted = state.fit
    if name == "fit" and fitted is not None and fitted.model is not None:
        return fitted.model
    if name == "ensemble" and state.colony is not None:
        return state.colony.ensemble(ENSEMBLE_SIZE)
    what = "fitted model" if name == "fit" else "ensemble"
    raise RefusedError("no_network", f"There is no {what} yet.", "Train one first.")


def _edges_version(state: SessionState) -> int:
    return 0 if state.drawn is None else state.drawn.version
