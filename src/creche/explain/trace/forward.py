"""`creche.explain.forward_pass`: rows on their way through the network, whose labels need not be known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche._phrases import format_count
from creche.engine.introspection import batch_internals, first_layer_inputs
from creche.engine.native import Rows
from creche.errors import PlanError
from creche.explain.encoded_rows import encode_inputs
from creche.explain.rows import read_rows, select_rows
from creche.explain.trace.step import single_batch_plan
from creche.model.model import Model
from creche.plan.plan import Plan
from creche.table.result_frames import FrameResult, frame_method

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ForwardPass", "forward_pass"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ForwardPass(FrameResult):
    """Every number of some rows on their way through a network: made by `creche.explain.forward_pass`.

    Layers are counted as in the drawing of a network: the inputs are layer 0, the first hidden layer is layer 1.

    Attributes
    ----------
    plan : Plan
    source : str
        The name of the table.
    rows : (n,) int
        The row numbers: tables are counted from 1, arrays from 0.
    features : dict of str to list
        The values of each column as given, None where one is missing.
    inputs : tuple of str
        The names of the network's inputs.
    encoded : (n, d) array
        The inputs of each row.
    weights : list of ((d_in, width) array, (width,) array)
        The weights and biases that lead to each layer.
    sums, activations : list of (n, width) array
        The weighted sums z of each layer, and f(z); in the output layer z itself.
    functions : tuple of str
        The name of f in each layer; for the output layer, the function that turns sums into predictions.
    label : str
        The name of the label.
    classes : tuple or None
        The classes; None for regression.
    output_names : tuple of str
        The class or label of each column of `predictions`.
    predictions : (n, classes) or (n, labels) array
        Probabilities, or numbers in the labels' units.

    """

    plan: Plan
    source: str
    rows: NDArray[np.int64]
    features: dict[str, list[Any]]
    inputs: tuple[str, ...]
    encoded: NDArray[Any]
    weights: list[tuple[NDArray[Any], NDArray[Any]]]
    sums: list[NDArray[Any]]
    activations: list[NDArray[Any]]
    functions: tuple[str, ...]
    label: str
    classes: tuple[Any, ...] | None
    output_names: tuple[str, ...]
    predictions: NDArray[Any]

    def __len__(self) -> int:
        return len(self.rows)

    @frame_method
    def table(self) -> pl.DataFrame:
        """Return every number as a long DataFrame, one number to a row.

        Returns
        -------
        DataFrame
            quantity : "input", "sum", "activation" or "prediction"; layer; row; neuron, from 0; name of the input or
            output; value.

        """
        import polars as pl

        found: list[dict[str, Any]] = []
        hidden = len(self.sums) - 1
        for r, row in enumerate(self.rows.tolist()):
            found += [_cell("input", 0, row, i, self.encoded[r, i], name) for i, name in enumerate(self.inputs)]
            for at in range(len(self.sums)):
                found += [_cell("sum", at + 1, row, i, z) for i, z in enumerate(self.sums[at][r])]
                if at < hidden:
                    found += [_cell("activation", at + 1, row, i, a) for i, a in enumerate(self.activations[at][r])]
            named = enumerate(self.output_names)
            found += [_cell("prediction", hidden + 1, row, i, self.predictions[r, i], name) for i, name in named]
        return pl.DataFrame(found, schema_overrides={"name": pl.String})

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers as plain data, ready for JSON."""
        return {
            "source": self.source,
            "rows": self.rows.tolist(),
            "features": {name: [_plain(value) for value in values] for name, values in self.features.items()},
            "inputs": list(self.inputs),
            "encoded": self.encoded.tolist(),
            "layers": [
                {"function": function, "sums": z.tolist(), "activations": a.tolist()}
                for function, z, a in zip(self.functions, self.sums, self.activations, strict=True)
            ],
            "label": self.label,
            "outputs": list(self.output_names),
            "predictions": self.predictions.tolist(),
        }

    def __repr__(self) -> str:
        return f"ForwardPass({format_count(len(self), 'row')} of {self.source}, {self.plan.network})"


def _cell(quantity: str, layer: int, row: int, neuron: int, value: Any, name: str | None = None) -> dict[str, Any]:
    return {"quantity": quantity, "layer": layer, "row": row, "neuron": neuron, "name": name, "value": float(value)}


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def forward_pass(model: Model, data: Any, *, rows: Any = None) -> ForwardPass:
    """Follow rows through the network: inputs, weighted sums and activations of each layer, predictions.

    The rows need no label; `trace` goes on with the loss, backward and through the optimizer's step. The numbers are
    the engine's own, in the plan's precision.

    Parameters
    ----------
    model : Model
    data : file name, DataFrame, dict, or (n, d) array
        The rows, as for `Model.predict`.
    rows : int, sequence of int, slice, or (n,) boolean mask, optional
        Row numbers of `data`: tables are counted from 1, arrays from 0. By default all rows.

    Returns
    -------
    ForwardPass

    Raises
    ------
    TableError
        If there is no such row, a column is missing, or a cell holds a value that training did not allow.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins-four", label="species", hidden=[5, 5], epochs=2, threads=1).model
    >>> observation = [[37.3, 16.8, 19.2, 30.0]]
    >>> forward = cr.explain.forward_pass(model, observation)
    >>> [z.shape for z in forward.sums]
    [(1, 5), (1, 5), (1, 3)]
    >>> bool((forward.predictions == model.predict_proba(observation)).all())
    True

    """
    if not isinstance(model, Model):
        raise PlanError(f"model: got {type(model).__name__}; needs a Model")
    model.plan.network.require_one_model("model")
    read = read_rows(model, data)
    read = read.take(select_rows(read.row_numbers, rows))
    encoded = encode_inputs(model, read)
    plan, count = model.plan, len(read)
    # The engine's pass goes forward and back; any label will do, for only the way forward is kept.
    loss_takes_numbers = plan.task == "classification" and plan.loss.takes_class_numbers
    targets = None if loss_takes_numbers else np.zeros((count, plan.network.outputs), dtype=plan.dtype)
    labels = Rows(encoded, np.zeros(count, dtype=np.int32) if loss_takes_numbers else None, targets, None)
    inside = batch_internals(single_batch_plan(plan, count), model.parameters, labels)
    names = tuple(str(value) for value in model.labels.outcomes)
    functions = [layer.activation.key for layer in plan.network.layers[:-1]]
    columns = model.features.names
    cells = {name: values.tolist() for name, values in zip(columns, read.cells(columns), strict=True)}
    return ForwardPass(
        plan, read.table.source, read.row_numbers, cells,
        model.input_names, first_layer_inputs(plan, model.parameters, encoded), model.weights, inside.sums,
        inside.activations,
        (*functions, plan.loss.head(plan.task).key), model.labels.name, model.classes, names,
        model.predict_encoded(encoded), library=read.table.library,
    )  # fmt: skip
