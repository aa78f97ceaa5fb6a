"""Verification of any model: of a network by training it again, of a fitted model by fitting it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from creche._advice import advise
from creche._progress import OnProgress
from creche.errors import PlanError
from creche.fitting.fit import fit_again
from creche.model.ensemble import Ensemble
from creche.model.file import load
from creche.model.fitted import FittedModel
from creche.model.model import Model
from creche.model_selection.verify_folds import verify_folds
from creche.plan.arguments import reject_unknown
from creche.plan.losses import LossFunction
from creche.plan.words import DeviceName
from creche.training.verify import Verification, arrange_columns, list_differences, read_again, verify_network

__all__ = ["verify"]


@reject_unknown
def verify(
    model: Model | Ensemble | str | Path,
    data: Any,
    y: Any = None,
    *,
    validation_data: Any = None,
    sample_weight: Any = None,
    loss: LossFunction | None = None,
    threads: int | None = None,
    device: DeviceName | None = None,
    memory: str | int | None = None,
    on_progress: OnProgress[Any] = None,
) -> Verification:
    """Train a model again as its file says on the same table, and compare the weights, bit for bit.

    Neither the order of the table's columns matters for a network, nor columns that were not there in training. The
    ensemble of a cross-validation is trained again on the same folds. A model of `creche.fit` is fitted again with the
    configurations and epochs it records, also where a time limit ended it.

    Parameters
    ----------
    model : Model, Ensemble, FittedModel or file name
        The model to verify: of one network, of the networks of all folds (`CrossValidation.ensemble`), or of
        `creche.fit`.
    data, y, validation_data, sample_weight
        What the model was trained on, as for `creche.train` or `creche.fit`.
    loss : function, optional
        The loss, if it was a Python function, which a file does not hold.
    threads : int, optional
        Number of threads; any number gives the same bits.
    device : str, optional
        What trains a single network again; by default, what trained it. Where another does, bits differ, and the loss
        is compared. Ensembles are trained on the processor.
    memory : str or int, optional
        What the table may take, as for `creche.train`. Any gives the same bits, for a network that was trained with
        ``shuffle=Windows()`` or in the order of the rows; others need their rows in memory.
    on_progress : callable or bool, optional
        By default, a bar in notebooks and terminals when it takes longer than half a second; False for none. A function
        is called with the run, for an ensemble with a `StepProgress`, or with a `FitProgress`, as training progresses.

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
    if not isinstance(loaded, Ensemble):
        return verify_network(
            loaded, data, y, validation_data=validation_data, sample_weight=sample_weight, loss=loss, threads=threads,
            device=device, memory=memory, on_progress=on_progress,
        )  # fmt: skip
    kind = f"a model of {advise('creche.fit')}" if isinstance(loaded, FittedModel) else "an ensemble"
    if validation_data is not None:
        raise PlanError(f"validation_data: {kind} has none; leave it out", argument="validation_data")
    if not isinstance(loaded, FittedModel):
        return verify_folds(
            loaded, data, y, sample_weight=sample_weight, loss=loss, threads=threads, memory=memory,
            on_progress=on_progress,
        )  # fmt: skip
    if loss is not None:
        raise PlanError(f"loss: {kind} has none; leave it out", argument="loss")
    origin = loaded.provenance
    if origin is None:
        raise PlanError(
            f"the model does not hold how it was fitted; fit it with {advise('creche.fit')}", argument="model"
        )
    again = fit_again(
        loaded, arrange_columns(read_again(data, memory, origin), origin), y, sample_weight=sample_weight,
        threads=threads, memory=memory, on_progress=on_progress,
    )  # fmt: skip
    found = again.provenance
    assert found is not None
    is_same_table, differences = list_differences(origin, found.data)
    return Verification(found.weights == origin.weights, origin.weights, found.weights, is_same_table, differences)
