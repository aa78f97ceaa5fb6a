"""Verification: a model is trained again from the plan in its file, and the digests are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from creche._system.resources import resolve_threads
from creche.errors import PlanError
from creche.model.model import Model
from creche.model.provenance import Provenance
from creche.plan.losses import LossFunction
from creche.table.digest import compare_tables, describe_table, digest_arrays
from creche.training.resume import order_columns, prepare_again
from creche.training.run import Run

__all__ = ["Verification", "verify"]


@dataclass(frozen=True, slots=True)
class Verification:
    """What training again gave.

    Attributes
    ----------
    same : bool
        Whether the weights are the same, bit for bit.
    expected, found : str
        The digests of the weights in the model and of those trained now; the latter is empty if the table has changed
        so much that the network does not fit it.
    data_same : bool
        Whether the table is the one the model was trained on.
    differences : tuple of str
        What differs, in words: rows, columns, the version of Creche.

    """

    same: bool
    expected: str
    found: str
    data_same: bool
    differences: tuple[str, ...]

    def __str__(self) -> str:
        why = "; ".join(self.differences)
        if self.same:
            also = f", although {why}" if why else ""
            return f"verified: training again gives the same weights, bit for bit ({self.found[:16]}){also}"
        if not self.found:
            return f"not verified: the network does not fit the table as it is now: {why}"
        why = why or "the table and the plan are the same, so the engine differs"
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
    on_progress: Callable[[Run], object] | None = None,
) -> Verification:
    """Trains again from a model's plan on the same table, and compares digests.

    The order of the table's columns does not matter, nor do columns that it did not have in training.

    Parameters
    ----------
    model : Model or file name
    data, y, validation_data, sample_weight
        What the model was trained on.
    loss : function, optional
        The loss, if it was a function of your own: a file does not keep it.
    threads : int, optional
        Any number gives the same bits.
    on_progress : callable, optional
        Is called with the run about twenty times a second.

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
    >>> import creche as cr
    >>> run = cr.train("penguins", label="species", epochs=5, threads=1)
    >>> print(verify(run.model, "penguins", threads=2))  # doctest: +ELLIPSIS
    verified: training again gives the same weights, bit for bit (...)

    """
    from creche._version import __version__

    if not isinstance(model, Model):
        from creche.model.file import load_model

        model = load_model(model)
    origin = model.provenance
    if origin is None:
        raise PlanError(
            "the model does not say how it was trained; only those that `creche.train` made can be verified"
        )
    plan = model.plan if loss is None else model.plan.with_function(loss)
    names = () if origin.schema is None else [column.name for column in origin.schema.columns]
    prepared = prepare_again(
        plan, origin.preparation, order_columns(data, origin.preparation, names, others=False), y,
        validation_data=validation_data, sample_weight=sample_weight,
    )  # fmt: skip
    description = describe_table(prepared.training_table(), prepared.side_tables())
    differences = [f"the table: {change}" for change in compare_tables(origin.data, description)]
    data_same = not differences
    if origin.version != __version__:
        differences.append(f"the model is of Creche {origin.version}, this is {__version__}")
    try:
        run = Run(plan, prepared, resolve_threads(threads))
    except PlanError:
        if data_same:
            raise
        return Verification(False, origin.weights, "", False, tuple(differences))
    weights = _trained_again(run, origin, on_progress)
    return Verification(weights == origin.weights, origin.weights, weights, data_same, tuple(differences))


def _trained_again(run: Run, origin: Provenance, on_progress: Callable[[Run], object] | None) -> str:
    """The digest of the weights after as many epochs and steps."""
    run.resume(epochs=len(origin.history), on_progress=on_progress)
    if run.step < origin.steps:  # it was interrupted within an epoch
        run.resume(steps=origin.steps - run.step)
    return digest_arrays(run.model.arrays())
