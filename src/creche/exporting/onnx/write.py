"""Writing a model as an ONNX file, whole and checked, or not at all."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from creche._system.atomic_files import file_name, open_replacement
from creche._system.output_files import Output, check_ending, check_outputs
from creche.errors import PlanError
from creche.exporting.onnx.build import build_graph
from creche.exporting.onnx.checking import check_graph
from creche.exporting.onnx.feeds import make_sample_rows, read_rows
from creche.exporting.onnx.graph import import_onnx
from creche.model.ensemble import Ensemble
from creche.model.model import Model

__all__ = ["ONNX_FILE", "write_onnx"]

ONNX_FILE = Output("file for ONNX", ".onnx")


def write_onnx(
    model: Model | Ensemble, path: str | Path, *, check: Any, interval: float | None, tolerance: float
) -> None:
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
    tables = () if model.provenance is None else model.provenance.tables
    check_outputs({"path": name}, {"table": tables, "check": check})
    check_ending(name, ONNX_FILE.what, ONNX_FILE.ending)
    import_onnx()
    rows = make_sample_rows(model) if check is None else read_rows(model, check)
    content, names = build_graph(model, interval)
    check_graph(content, names, model, rows, interval=interval, tolerance=tolerance)
    with open_replacement(name) as file:
        file.write(content)
