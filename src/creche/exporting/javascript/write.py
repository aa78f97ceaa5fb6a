"""Writing a model as a JavaScript module, whole or not at all."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path

from creche._system.output_files import Output
from creche._version import __version__
from creche.errors import PlanError
from creche.exporting.javascript.description import describe_model
from creche.exporting.text_file import write_text
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.model.predictor import Predictor

__all__ = ["JAVASCRIPT_FILE", "MOST_PARAMETERS", "build_module", "build_script", "write_javascript"]

JAVASCRIPT_FILE = Output("JavaScript module", ".js")

# A module of more would take megabytes, and milliseconds for a row.
MOST_PARAMETERS = 1_000_000

# In this order, each uses only what those before it define.
RUNTIME = ("cells.js", "blake2b.js", "encode.js", "network.js", "outputs.js", "predict.js")


def write_javascript(model: Predictor, path: str | Path, *, interval: float | None = None) -> None:
    """Write a model as a JavaScript module: see `Predictor.to_javascript`.

    Raises
    ------
    PlanError
        If the model is too large, cannot be expressed, or has no intervals of this coverage.
    FileError
        If the file cannot be written.

    """
    write_text(model, path, JAVASCRIPT_FILE, lambda known: build_module(known, interval))


def build_module(model: Predictor, interval: float | None = None) -> str:
    """Return the text of a module that exports `predict`, `columns`, `classes` and `RowError`.

    Parameters
    ----------
    model : Model, Ensemble or FittedModel
    interval : float, optional
        The coverage of intervals, or of sets of classes, that `predict` returns, too.

    Raises
    ------
    PlanError
        If the model is too large, cannot be expressed, or has no intervals of this coverage.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", epochs=2, threads=1).model
    >>> build_module(model).splitlines()[1]
    ' * Predicts species from island, bill_length_mm, bill_depth_mm, flipper_length_mm, body_mass_g, sex'

    """
    assert isinstance(model, Model | Ensemble)  # there is no other kind
    models = [model] if isinstance(model, Model) else model.models
    parameters = sum(each.parameters.count for each in models)
    if parameters > MOST_PARAMETERS:
        raise PlanError(
            f"the model has {parameters:,} parameters, and a JavaScript module holds at most {MOST_PARAMETERS:,}; "
            "export it to ONNX, which runs in a browser, too, or train a smaller network"
        )
    return f"{_introduce(model)}\n{build_script(model, interval)}"


def build_script(model: Model | Ensemble, interval: float | None = None) -> str:
    """Return the module without the comment at its beginning: no name of the model can end it within a page of HTML.

    Parameters
    ----------
    model, interval
        As for `build_module`.

    Raises
    ------
    PlanError
        If a part of the model cannot be expressed.

    """
    description = json.dumps(describe_model(model, interval), separators=(",", ":"), allow_nan=False)
    literal = description.replace("<", "\\u003c")
    return f"const MODEL = {literal};\n{_read_runtime()}"


def _introduce(model: Predictor) -> str:
    columns = ", ".join(model.features.names[:12]) + (", …" if len(model.features.names) > 12 else "")
    lines = [
        f"Predicts {model.labels.name} from {columns}",
        "",
        'import { predict } from "./this_file.js";',
        "predict({ column: value, … }) // null is a missing value",
        "",
        f"Made by Creche {__version__}, without which it works.",
    ]
    safe = [line.replace("*/", "* /").replace("\r", " ").replace("\n", " ") for line in lines]
    return "\n".join(["/**", *(f" * {line}".rstrip() for line in safe), " */"])


@cache
def _read_runtime() -> str:
    """Return what predicts as one text: without the imports between its files, and comments on what is not exported."""
    text = "\n".join(files(__package__).joinpath("runtime", name).read_text("utf-8") for name in RUNTIME)
    is_left_out = re.compile(r"\s*(?://|/\*\* .* \*/$|import .* from |$)").match
    bundled = "\n".join(line for line in text.splitlines() if not is_left_out(line))
    inner = r"^export (?=(?:async )?function (?!predict\b))"
    return re.sub(inner, "", bundled, flags=re.MULTILINE) + "\n"
