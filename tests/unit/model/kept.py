"""Model files that are kept for ever, with rows and the predictions for them when the file was made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.model.model import Model

FOLDER = Path(__file__).resolve().parents[2] / "data" / "kept"


def model_files() -> Iterator[Path]:
    """Each comes with ``.csv``, the rows, and ``.json``, the predictions."""
    return iter(sorted(FOLDER.glob("*/*.creche")))


def predictions(model: Model, rows: Path) -> dict[str, Any]:
    """What the model predicts of the rows, as plain data that keeps each bit."""
    out = {"predict": _exact(model.predict(rows))}
    return out if model.classes is None else {**out, "predict_proba": _exact(model.predict_proba(rows))}


def expected(path: Path) -> dict[str, Any]:
    """What was predicted once."""
    found: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())["predictions"]
    return found


def _exact(array: NDArray[Any]) -> dict[str, Any]:
    return {"dtype": array.dtype.str, "values": _hexadecimal(array)}


def _hexadecimal(array: NDArray[Any]) -> Any:
    """Nested lists; of floats, in hexadecimal, in which none loses a bit."""
    if array.ndim:
        return [_hexadecimal(row) for row in array]
    return float(array).hex() if isinstance(array, np.floating | float) or array.dtype.kind == "f" else array.item()
