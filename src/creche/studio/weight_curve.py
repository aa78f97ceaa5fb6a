"""The loss against one weight for the page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from creche.engine.stored_rows import as_rows
from creche.explain.loss_curve import LossAgainstWeight, loss_against_weight
from creche.explain.rows import Batch, take_rows
from creche.explain.weight_space import find_weight
from creche.model.model import Model
from creche.studio.protocol import requests, views
from creche.training.run import Run

__all__ = ["MOST_ROWS", "curve_of_weight"]

# The loss of more training rows would take longer than a picture that follows training may.
MOST_ROWS = 2048


def curve_of_weight(run: Run, request: requests.Probe) -> views.WeightCurve:
    """Return the curve of a weight, at its value or at the one that is tried.

    Raises
    ------
    CrecheError
        If there is no such weight, or its loss is not finite.

    """
    model = Model(run.current_plan, run.prepared.features, run.prepared.labels, run.parameters, run.threads)
    if request.value is not None and request.target is not None:
        model = _with_weight(model, request, request.value)
    part = run.prepared.train
    batch = Batch(part.observations, as_rows(run.rows), tuple(model.features.inputs))
    rows = f"The loss of all {len(batch):,} training rows."
    if len(batch) > MOST_ROWS:
        rows = f"The loss of the first {MOST_ROWS:,} of {len(batch):,} training rows."
        batch = take_rows(batch, np.arange(MOST_ROWS))
    is_open = request.target is None
    curve = loss_against_weight(
        model, batch, layer=None if is_open else request.layer, source=None if is_open else request.source,
        target=request.target, bias=not is_open and request.source is None,
        learning_rate=run.learning_rate or None, points=request.points, threads=run.threads, on_progress=False,
    )  # fmt: skip
    return _describe(curve, rows, run.learning_rate, is_trial=request.value is not None and not is_open)


def _with_weight(model: Model, request: requests.Probe, value: float) -> Model:
    is_bias = request.source is None
    place = find_weight(model, request.layer, request.source, request.target, bias=is_bias)
    parameters = model.parameters.copy()
    w, b = parameters.layers[place.layer]
    if place.source is None:
        b[place.target] = value
    else:
        w[place.source, place.target] = value
    return replace(model, parameters=parameters)


def _describe(curve: LossAgainstWeight, rows: str, rate: float, *, is_trial: bool) -> views.WeightCurve:
    return views.WeightCurve(
        layer=curve.layer,
        source=curve.source,
        target=curve.target,
        title=curve.name,
        weight=curve.weight,
        loss=curve.loss,
        gradient=curve.gradient,
        slope=curve.slope,
        next_weight=curve.weight - rate * curve.gradient,
        rows=" ".join([rows, *(f"{note[0].upper()}{note[1:]}." for note in curve.notes())]),
        weights=curve.weights.astype(np.float32),
        losses=curve.losses.astype(np.float32),
        is_trial=is_trial,
    )
