"""Verification of any model: of a network by training it again, of a fitted model by fitting it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from creche._version import __version__
from creche.errors import PlanError
from creche.fitting.fit import fit_again
from creche.model.ensemble import Ensemble
from creche.model.file import load
from creche.model.fitted import FittedModel
from creche.model.model import Model
from creche.plan.losses import LossFunction
from creche.table.digest import compare_tables
from creche.training.resume import order_columns
from creche.training.verify import Verification
from creche.training.verify import verify as verify_network

__all__ = ["verify"]


def verify(
    model: Model | FittedModel | str | Path,
    data: Any,
    y: Any = None,
    *,
    validation_data: Any = None,
    sample_weight: Any = None,
    loss: LossFunction | None = None,
    threads: int | None = None,
    on_progress: Callable[[Any], object] | None = None,
) -> Verification:
    """Train a model again as its file says on the same table, and compare the weights, bit for bit.

    Neither the order of the table's columns matters for a network, nor columns that were not there in training. A model
    of `creche.fit` is fitted again with the configurations and epochs it records, also where a time limit ended it.

    Parameters
    ----------
    model : Model, FittedModel or file name
        The model to verify.
    data, y, validation_data, sample_weight
        What the model was trained on, as for `creche.train` or `creche.fit`.
    loss : function, optional
        The loss, if it was a Python function, which a file does not hold.
    threads : int, optional
        Number of threads; any number gives the same bits.
    on_progress : callable, optional
        Called with the run, or with a `FitProgress`, as training progresses.

    Returns
    -------
    Verification

    Raises
    ------
    PlanError
        If the model does not hold how it was trained, or its loss is a function that is not given or differs.
    TableError
        If the table cannot be trained on.

    Examples
    --------
    >>> import creche as cr
    >>> run = cr.train("penguins", label="species", epochs=5, threads=1)
    >>> print(verify(run.model, "penguins", threads=2))  # doctest: +ELLIPSIS
    verified: training again gives the same weights, bit for bit (...)

    """
    loaded: Any = load(model) if isinstance(model, str | Path) else model
    if not isinstance(loaded, FittedModel):
        if isinstance(model, Ensemble):
            raise PlanError(
                f"model: got an ensemble of {len(model)} networks; needs a model of one, such as those in its `models`",
                argument="model",
            )
        alone = model if isinstance(loaded, Ensemble) else loaded
        return verify_network(
            alone, data, y, validation_data=validation_data, sample_weight=sample_weight, loss=loss, threads=threads,
            on_progress=on_progress,
        )  # fmt: skip
    for name, value in (("validation_data", validation_data), ("loss", loss)):
        if value is not None:
            raise PlanError(f"{name}: a model of creche.fit has none; leave it out", argument=name)
    origin = loaded.provenance
    if origin is None:
        raise PlanError("the model does not hold how it was fitted; fit it with `creche.fit`", argument="model")
    names = () if origin.schema is None else [column.name for column in origin.schema.columns]
    data = order_columns(data, origin.preparation, names, others=False)
    again = fit_again(loaded, data, y, sample_weight=sample_weight, threads=threads, on_progress=on_progress)
    found = again.provenance
    assert found is not None
    differences = [f"the table: {change}" for change in compare_tables(origin.data, found.data)]
    is_same_table = not differences
    if origin.version != __version__:
        differences.append(f"the model was trained with Creche {origin.version}, this is {__version__}")
    is_same = found.weights == origin.weights
    return Verification(is_same, origin.weights, found.weights, is_same_table, tuple(differences))
