"""Writing a model as an ONNX file, whole and checked, or not at all."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche._system.atomic_files import file_name, open_replacement
from creche._system.output_files import Output, check_ending, check_outputs
from creche.errors import CrecheError, PlanError
from creche.exporting.onnx.build import build_graph
from creche.exporting.onnx.checking import find_difference
from creche.exporting.onnx.feeds import make_sample_rows, read_rows
from creche.exporting.onnx.graph import import_onnx
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.model.predictor import Predictor
from creche.table.table import Table

__all__ = ["ONNX_FILE", "write_onnx"]

# Other rows may differ more than those that are compared.
FIRST_TRY = 0.5

ONNX_FILE = Output("file for ONNX", ".onnx")


def write_onnx(model: Predictor, path: str | Path, *, check: Any, interval: float | None, tolerance: float) -> None:
    """Write a model to an ONNX file: see `Predictor.to_onnx`.

    Parameters
    ----------
    model : Model, Ensemble or FittedModel
    path : str or path
    check : file name, DataFrame or (n, d) array, or None
    interval : float or None
    tolerance : float

    Raises
    ------
    CrecheError
        If onnx is not installed, the model cannot be expressed, or its graph predicts otherwise.
    FileError
        If the file cannot be written.

    """
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 < tolerance < math.inf:
        raise PlanError(f"tolerance: got {tolerance!r}; needs a number above 0, such as 1e-6", argument="tolerance")
    name = file_name(path)
    assert isinstance(model, Model | Ensemble)  # there is no other kind
    tables = () if model.provenance is None else model.provenance.tables
    check_outputs({"path": name}, {"table": tables, "check": check})
    check_ending(name, ONNX_FILE.what, ONNX_FILE.ending)
    import_onnx()
    rows = make_sample_rows(model) if check is None else read_rows(model, check)
    content = _build_checked(model, rows, interval, tolerance)
    with open_replacement(name) as file:
        file.write(content)


def _build_checked(
    model: Model | Ensemble, rows: Table | NDArray[np.float64], interval: float | None, tolerance: float
) -> bytes:
    """Return the file: with networks in their own precision, or in double where their rounding would be too much."""
    difference: str | None = None
    attempts = [(False, FIRST_TRY * tolerance), (True, tolerance)]
    models = [model] if isinstance(model, Model) else model.models
    # Layer normalization may divide by a small spread, and multiply rounding errors by that.
    if any(layer.normalization == "layer" for each in models for layer in each.plan.network.layers):
        attempts.pop(0)
    for in_double, allowed in attempts:
        content, names = build_graph(model, interval, in_double=in_double)
        difference = find_difference(content, names, model, rows, interval=interval, tolerance=allowed)
        if difference is None:
            return content
    raise CrecheError(
        f"the ONNX graph differs from the model: {difference}; the tolerance of probabilities is {tolerance:g}, and "
        f"nothing was written; if that difference does not matter, give a larger {advise('tolerance')}"
    )
