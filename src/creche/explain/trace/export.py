"""Every number of a traced step as one table, in long form."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.explain.trace.result import ClassificationErrors, as_cell

if TYPE_CHECKING:
    import polars as pl

    from creche.explain.trace.neuron import NeuronTrace
    from creche.explain.trace.result import Trace, TracedLayer

__all__ = ["long_table", "trace_to_dict"]


def long_table(trace: Trace) -> pl.DataFrame:
    """See `Trace.table`."""
    import polars as pl

    frames = [*_of_whole(trace), *_features(trace), *_of_rows(trace)]
    for i, layer in enumerate(trace.layers):
        frames += [*_neurons(trace, i + 1, layer), *_weights(trace, i, layer)]
    return pl.concat(frames)


def _frame(
    what: str,
    values: NDArray[Any] | None,
    *,
    layer: int | None = None,
    row: Any = None,
    source: Any = None,
    neuron: Any = None,
    names: Sequence[str] | None = None,
    name_at: Any = None,
    text: Sequence[str | None] | None = None,
) -> pl.DataFrame:
    """Numbers of one kind: `names` are looked up at `name_at`, by default at `neuron`."""
    import polars as pl

    count = len(text or ()) if values is None else values.size

    def numbers(given: Any) -> pl.Series:
        if given is None or isinstance(given, int):
            return pl.Series([given], dtype=pl.Int64).extend_constant(given, count - 1)
        return pl.Series(np.asarray(given, dtype=np.int64))

    at = neuron if name_at is None else name_at
    name = pl.Series([None] * count, dtype=pl.String)
    if names is not None:
        name = pl.Series(list(names), dtype=pl.String).gather(np.asarray(at, dtype=np.int64))
    value = pl.Series([None] * count, dtype=pl.Float64)
    if values is not None:
        value = pl.Series(values.astype(np.float64).ravel(), nan_to_null=False)
    return pl.DataFrame(
        {
            "what": pl.Series([what], dtype=pl.String).extend_constant(what, count - 1), "layer": numbers(layer),
            "row": numbers(row), "source": numbers(source), "neuron": numbers(neuron), "name": name, "value": value,
            "text": pl.Series(list(text) if text is not None else [None] * count, dtype=pl.String),
        }
    )  # fmt: skip


def _of_whole(trace: Trace) -> Iterator[pl.DataFrame]:
    for what, value in (
        ("batch_loss", trace.loss), ("batch_loss_after", trace.loss_after), ("learning_rate", trace.learning_rate),
        ("gradient_norm", trace.gradient_norm),
    ):  # fmt: skip
        yield _frame(what, np.array([value]))


def _features(trace: Trace) -> Iterator[pl.DataFrame]:
    """Column by column, so that numbers and words each have their place."""
    for i, (name, column) in enumerate(trace.features.items()):
        words = [None if isinstance(v, bool | int | float) or v is None else as_cell(v) for v in column]
        values = np.array([float(v) if isinstance(v, bool | int | float) else np.nan for v in column])
        at = np.full(len(column), i)
        frame = _frame("feature", values, row=trace.rows, neuron=at, names=[name], name_at=0 * at, text=words)
        yield frame.with_columns(_null_where_nan("value"))


def _null_where_nan(name: str) -> pl.Expr:
    import polars as pl

    return pl.col(name).fill_nan(None)


def _matrix(
    what: str, values: NDArray[Any], rows: NDArray[np.int64], names: Sequence[str], layer: int | None = None
) -> pl.DataFrame:
    """One number for each row and each of the names."""
    row, neuron = np.indices(values.shape).reshape(2, -1)
    return _frame(what, values, layer=layer, row=rows[row], neuron=neuron, names=names)


def _of_rows(trace: Trace) -> Iterator[pl.DataFrame]:
    rows, outputs, mistakes = trace.rows, len(trace.layers), trace.mistakes
    yield _matrix("input", trace.encoded, rows, trace.inputs, 0)
    yield _matrix("output", trace.outputs, rows, trace.output_names, outputs)
    if isinstance(mistakes, ClassificationErrors):
        names = [str(value) for value in trace.classes or ()]
        yield _frame(
            "truth", None, row=rows, neuron=mistakes.truth, names=names, text=[names[c] for c in mistakes.truth]
        )
        yield _matrix("probability", mistakes.probabilities, rows, names)
        yield _matrix("difference", mistakes.differences, rows, names)
        yield _matrix("square", mistakes.squares, rows, names)
        yield _frame("squared_error", mistakes.squared_error, row=rows)
        yield _frame("cross_entropy", mistakes.cross_entropy, row=rows)
    else:
        for prefix in ("", "scaled_"):
            for what in ("truth", "predictions", "differences", "squares"):
                values = getattr(mistakes, prefix + what)
                yield _matrix(prefix + what.removesuffix("s"), values, rows, trace.output_names)
    yield _frame("loss", trace.losses, row=rows)
    yield _frame("loss_after", trace.losses_after, row=rows)
    if trace.row_weights is not None:
        yield _frame("row_weight", trace.row_weights, row=rows)


def _neurons(trace: Trace, number: int, layer: TracedLayer) -> Iterator[pl.DataFrame]:
    names = [trace.neuron_name(number, j) for j in range(layer.width)]
    for what in ("sum", "activation", "dloss_dsum"):
        yield _matrix(what, getattr(layer, f"{what}s"), trace.rows, names, number)


def _weights(trace: Trace, number: int, layer: TracedLayer) -> Iterator[pl.DataFrame]:
    kinds: list[tuple[str, NDArray[Any], NDArray[Any]]] = [
        ("weight", layer.weights, layer.bias), ("gradient", layer.gradient, layer.bias_gradient),
    ]  # fmt: skip
    for name, (before, after) in layer.planes.items():
        kinds += [(f"{name}_before", *before), (f"{name}_after", *after)]
    kinds += [("step", layer.steps, layer.bias_steps), ("weight_after", layer.weights_after, layer.bias_after)]
    names = trace.sources(number + 1)
    source, neuron = np.indices(layer.weights.shape).reshape(2, -1)
    for what, w, b in kinds:
        yield _frame(what, w, layer=number, source=source, neuron=neuron, names=names, name_at=source)
        to = np.arange(len(b))
        yield _frame(what, b, layer=number, neuron=to, names=["bias"], name_at=0 * to)
    yield from _slopes(trace, number, names)


def _slopes(trace: Trace, number: int, names: Sequence[str]) -> Iterator[pl.DataFrame]:
    """The finite differences."""
    import polars as pl

    if trace.check is None:
        return
    here = trace.check.places[:, 0] == number
    places, slopes = trace.check.places[here], trace.check.slopes[here]
    if len(places):
        # Row -1, the bias, is the last of the names.
        frame = _frame(
            "slope", slopes, layer=number, source=places[:, 1], neuron=places[:, 2], names=[*names, "bias"],
            name_at=places[:, 1] % (len(names) + 1),
        )  # fmt: skip
        yield frame.with_columns(pl.when(pl.col("source") >= 0).then(pl.col("source")).alias("source"))


def trace_to_dict(trace: Trace) -> dict[str, Any]:
    """See `Trace.to_dict`."""
    found: dict[str, Any] = {
        "source": trace.source, "plan": trace.plan.to_dict(), "epoch": trace.epoch, "step": trace.number,
        "learning_rate": trace.learning_rate, "loss": trace.loss, "loss_after": trace.loss_after,
        "gradient_norm": trace.gradient_norm, "notes": list(trace.notes), "rows": trace.rows,
        "row_weights": trace.row_weights, "features": trace.features, "inputs": list(trace.inputs),
        "encoded": trace.encoded, "layers": [_layer(layer) for layer in trace.layers],
        "output_names": list(trace.output_names), "outputs": trace.outputs,
        "classes": None if trace.classes is None else list(trace.classes), "mistakes": _mistakes(trace),
        "losses": trace.losses, "losses_after": trace.losses_after, "gradient_check": _check(trace),
        "followed": _followed(trace.follow()),
    }  # fmt: skip
    return {name: _plain(value) for name, value in found.items()}


def _layer(layer: TracedLayer) -> dict[str, Any]:
    names = (
        "activation", "sums", "activations", "dloss_dsums", "silent", "weights", "bias", "gradient", "bias_gradient",
        "steps", "bias_steps", "weights_after", "bias_after",
    )  # fmt: skip
    planes = {
        name: {
            when: {"weights": of_weights, "bias": of_bias}
            for when, (of_weights, of_bias) in zip(("before", "after"), pair, strict=True)
        }
        for name, pair in layer.planes.items()
    }
    return {name: getattr(layer, name) for name in names} | {"optimizer": planes}


def _mistakes(trace: Trace) -> dict[str, Any]:
    mistakes = trace.mistakes
    found = {name: getattr(mistakes, name) for name in type(mistakes).__slots__}
    if isinstance(mistakes, ClassificationErrors):
        found["truth"] = [(trace.classes or ())[number] for number in mistakes.truth]
    return found


def _check(trace: Trace) -> dict[str, Any] | None:
    check = trace.check
    if check is None:
        return None
    where = {"layer": check.layer, "row": None if check.row < 0 else check.row, "column": check.column}
    counts = {"checked": check.checked, "of": check.of, "kinks": check.kinks}
    return {"worst": check.worst, "worst_in_float64": check.worst_in_float64, "where": where, **counts}


def _followed(followed: NeuronTrace) -> dict[str, Any]:
    return {name: getattr(followed, name) for name in type(followed).__slots__}


def _plain(value: Any) -> Any:
    """Lists and Python's own numbers, those that are not finite as None."""
    if isinstance(value, np.ndarray):
        return _of_array(value)
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if isinstance(value, date) else value


def _of_array(array: NDArray[Any]) -> Any:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return _plain(array.tolist())
    return array.tolist()
