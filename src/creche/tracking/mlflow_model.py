"""A model file as a model of MLflow: its signature, what it needs, and how it predicts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche._version import __version__
from creche.exporting.onnx.feeds import make_sample_rows
from creche.model.file import load
from creche.model.predict_file import predict_table
from creche.table.reading.read import read_table
from creche.table.table import Column, Table

if TYPE_CHECKING:
    from creche.model.ensemble import Ensemble
    from creche.model.model import Model

__all__ = ["create_python_model", "model_arguments"]

MODEL = "model"  # the name of the file among the artifacts of the model

# The code that MLflow keeps with the model and runs when it loads it, so that nothing is pickled.
CODE = """\
import mlflow.models

from creche.tracking.mlflow_model import create_python_model

mlflow.models.set_model(create_python_model())
"""


def model_arguments(model: Model | Ensemble, folder: Path) -> dict[str, Any]:
    """Write the files of a model, and return what `mlflow.pyfunc.log_model` and `save_model` take besides its name.

    Parameters
    ----------
    model : Model, Ensemble or FittedModel
    folder : Path
        Where the files are written; MLflow copies them.

    """
    import mlflow

    code, file = folder / "creche_model.py", folder / "model.creche"
    code.write_text(CODE)
    model.save(file)
    return {
        "python_model": str(code),
        "artifacts": {MODEL: str(file)},
        "signature": create_signature(model),
        # Without them, MLflow lists all that happens to be imported.
        "pip_requirements": [f"creche=={__version__}", f"mlflow=={mlflow.__version__}", "pandas"],
        "metadata": {"creche": describe_model(model)},
    }


def describe_model(model: Model | Ensemble) -> dict[str, Any]:
    """Return columns, label and classes of a model as plain data."""
    classes = model.labels.classes
    return {
        "version": __version__,
        "label": list(model.labels.names),
        "classes": None if classes is None else [str(name) for name in classes],
        "columns": {encoder.name: encoder.kind for encoder in model.features.columns},
    }


def create_signature(model: Model | Ensemble) -> Any:
    """Return the signature of a model: each column it reads, and each that it answers with.

    Words and dates have types of MLflow. Numbers and yes or no have none: MLflow would refuse whole numbers for
    "double" and missing values for "boolean", and the model takes both. A column that had missing values in training
    may be left out.
    """
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, ColSpec, Schema, TensorSpec

    columns = model.features.columns
    if model.features.has_column_names:
        types = {"words": "string", "datetime": "datetime"}
        inputs = [ColSpec(types.get(c.kind) or AnyType(), c.name, required=not c.marked) for c in columns]
    else:
        inputs = [TensorSpec(np.dtype(np.float64), (-1, len(columns)))]
    rows = make_sample_rows(model)
    answers = predict_table(model, rows if isinstance(rows, Table) else _name_columns(model, rows))
    kinds = {"words": "string", "boolean": "boolean"}
    outputs = [ColSpec(kinds.get(column.kind, "double"), name) for name, column in answers.columns.items()]
    return ModelSignature(Schema(inputs), Schema(outputs))


def _name_columns(model: Model | Ensemble, x: NDArray[Any]) -> Table:
    return read_table(dict(zip(model.features.names, np.asarray(x).T, strict=True)))


def _read_rows(model: Model | Ensemble, rows: Any) -> Table:
    """Return the rows that MLflow hands over: a DataFrame, or what else its callers gave, with all columns."""
    import pandas as pd

    if not model.features.has_column_names:
        return _name_columns(model, rows)
    frame = pd.DataFrame(rows)
    left_out = [column.name for column in model.features.columns if column.marked and column.name not in frame]
    return read_table(frame.assign(**dict.fromkeys(left_out)), expected=model.features.expected)


def create_python_model() -> Any:
    """Return the model that MLflow calls: it loads the model file when it is loaded, and predicts as columns."""
    import pandas as pd
    from mlflow.pyfunc import PythonModel  # type: ignore[attr-defined,unused-ignore]

    class CrecheModel(PythonModel):  # type: ignore[misc]
        def load_context(self, context: Any) -> None:
            self.model = load(context.artifacts[MODEL])

        def predict(self, context: Any, model_input: Any, params: Any = None) -> pd.DataFrame:
            answers = predict_table(self.model, _read_rows(self.model, model_input))
            return pd.DataFrame({name: _values(column) for name, column in answers.columns.items()})

    return CrecheModel()


def _values(column: Column) -> NDArray[Any]:
    if column.kind == "words":
        return column.to_objects()
    return column.values.astype(bool) if column.kind == "boolean" else column.values
