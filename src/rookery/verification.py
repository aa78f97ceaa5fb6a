"""Verification: a model is trained again from the plan in its file, and the digests are compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rookery.errors import PlanError
from rookery.files.digest import table_changes
from rookery.model import Model
from rookery.plan.custom_loss import LossFunction
from rookery.training import carry_out

__all__ = ["Verification", "verify"]


@dataclass(frozen=True, slots=True)
class Verification:
    """What training again gave.

    Attributes
    ----------
    same : bool
        Whether the weights are the same, bit for bit.
    expected, found : str
        The digests of the weights in the model and of those trained now.
    data_same : bool
        Whether the table is the one the model was trained on.
    differences : tuple of str
        What differs, in words: rows, columns, the version of Rookery.

    """

    same: bool
    expected: str
    found: str
    data_same: bool
    differences: tuple[str, ...]

    def __str__(self) -> str:
        if self.same:
            return f"verified: training again gives the same weights, bit for bit ({self.found[:16]})"
        why = "; ".join(self.differences) or "the table and the plan are the same, so the engine differs"
        return f"not verified: training again gives other weights: {why}"


def verify(
    model: Model | str | Path,
    data: Any,
    y: Any = None,
    *,
    validation_data: Any = None,
    sample_weight: Any = None,
    loss: LossFunction | None = None,
    threads: int | None = None,
) -> Verification:
    """Trains again from a model's plan on the same table, and compares digests.

    Parameters
    ----------
    model : Model or file name
    data, y, validation_data, sample_weight
        What the model was trained on.
    loss : function, optional
        The loss, if it was a function of your own: a file does not keep it.
    threads : int, optional
        Any number gives the same bits.

    Returns
    -------
    Verification

    Raises
    ------
    PlanError
        If the model does not say how it was trained; or was trained with a function that is not given, or another.
    TableError
        If the table cannot be trained on.

    Examples
    --------
    >>> import rookery as rk
    >>> run = rk.train("penguins", label="species", epochs=5, threads=1)
    >>> print(verify(run.model, "penguins", threads=2))  # doctest: +ELLIPSIS
    verified: training again gives the same weights, bit for bit (...)

    """
    from rookery import __version__

    if not isinstance(model, Model):
        from rookery.files.model_file import load_model

        model = load_model(model)
    origin = model.provenance
    if origin is None:
        raise PlanError(
            "the model does not say how it was trained; only those that `rookery.train` made can be verified"
        )
    plan = model.plan if loss is None else model.plan.with_function(loss)
    run = carry_out(
        plan, origin.preparation, data, y, validation_data=validation_data, sample_weight=sample_weight,
        threads=threads,
    )  # fmt: skip
    run.resume(epochs=len(origin.history))
    if run.step < origin.steps:  # it was interrupted within an epoch
        run.resume(steps=origin.steps - run.step)
    found = run.model.provenance
    assert found is not None
    differences = [f"the table: {change}" for change in table_changes(origin.data, found.data)]
    data_same = not differences
    if origin.version != __version__:
        differences.append(f"the model is of Rookery {origin.version}, this is {__version__}")
    return Verification(found.weights == origin.weights, origin.weights, found.weights, data_same, tuple(differences))
