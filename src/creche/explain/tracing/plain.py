"""A traced step as plain data, ready for JSON."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.explain.tracing.mistakes import ClassMistakes

if TYPE_CHECKING:
    from creche.explain.tracing.following import Followed
    from creche.explain.tracing.result import Trace, TracedLayer

__all__ = ["as_plain"]


def as_plain(trace: Trace) -> dict[str, Any]:
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
    if isinstance(mistakes, ClassMistakes):
        found["truth"] = [(trace.classes or ())[number] for number in mistakes.truth]
    return found


def _check(trace: Trace) -> dict[str, Any] | None:
    check = trace.check
    if check is None:
        return None
    where = {"layer": check.layer, "row": None if check.row < 0 else check.row, "column": check.column}
    counts = {"checked": check.checked, "of": check.of, "kinks": check.kinks}
    return {"worst": check.worst, "worst_in_float64": check.worst_in_float64, "where": where, **counts}


def _followed(followed: Followed) -> dict[str, Any]:
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
