"""Training: a plan carried out on a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creche.errors import PlanError
from creche.plan.activations import Activation
from creche.plan.arguments import check_whole_number
from creche.plan.initializers import Initializer
from creche.plan.losses import Loss
from creche.plan.optimizers import Optimizer
from creche.plan.plan import EarlyStopping, Plan
from creche.plan.schedules import Schedule
from creche.table.encoders.features import Preprocessing
from creche.table.prepare import prepare
from creche.table.reading.options import ReadOptions
from creche.table.schema import Schema
from creche.training.arguments import (
    create_run,
    resolve_arguments,
    resolve_loss,
    resolve_optimizer,
    resolve_preparation,
    resolve_record,
)
from creche.training.callbacks import OnEpoch
from creche.training.run import Run

if TYPE_CHECKING:
    from creche.training.recorder import Record

__all__ = ["train"]

# What only some runs need is imported where it is used: a run on the penguins takes less time than importing it.


def train(
    data: Any,
    y: Any = None,
    *,
    label: str | Sequence[str] | None = None,
    hidden: Sequence[int] = (32, 32),
    activation: Activation | str | Sequence[Activation | str] = "relu",
    dropout: float | Sequence[float] = 0.0,
    initializer: Initializer | str | Sequence[Initializer | str] | None = None,
    loss: Loss | str | Callable[..., Any] | None = None,
    optimizer: Optimizer | str = "adam",
    learning_rate: float | None = None,
    schedule: Schedule | str = "constant",
    batch_size: int = 32,
    epochs: int = 100,
    early_stopping: EarlyStopping | int | bool | None = None,
    seed: int = 0,
    shuffle: bool = True,
    task: str | None = None,
    precision: str = "float32",
    plan: Plan | None = None,
    schema: Mapping[str, str] | Schema | None = None,
    preprocessing: Preprocessing | Mapping[str, Any] | str | None = None,
    standardize: bool = True,
    validation_fraction: float = 0.3,
    test_fraction: float = 0.0,
    stratify: bool = True,
    group: str | None = None,
    time: str | None = None,
    split_column: str | None = None,
    split_seed: int | None = None,
    duplicates: str = "warn",
    missing_label: str = "error",
    sample_weight: Any = None,
    class_weight: Mapping[Any, float] | str | None = None,
    classes: Sequence[Any] | None = None,
    read_options: ReadOptions | Mapping[str, Any] | None = None,
    validation_data: Any = None,
    test_data: Any = None,
    threads: int | None = None,
    on_epoch: OnEpoch | Sequence[OnEpoch] | None = None,
    on_progress: Callable[[Run], object] | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 10,
    resume: bool = False,
    record: Record | Mapping[str, Any] | str | Sequence[str] | bool | None = None,
) -> Run:
    """Trains a network on a table.

    The same arguments on the same data give the same weights, bit for bit, on any number of threads.

    Parameters
    ----------
    data : file name, DataFrame or (n, d) array
        A file (CSV, Parquet, Arrow, JSON lines) or any DataFrame (with `label` or `y`), or the features as an array of
        numbers (with `y`).
    y : (n,) array, or (n, k) array of numbers, optional
        The labels, if `data` is without them.
    label : str, or several, optional
        The column to predict, or columns of numbers to predict together; the other columns are the features.
    hidden : sequence of int, default (32, 32)
        The widths of the hidden layers; empty for none.
    activation : default "relu"
        Of the hidden layers, one for all or one for each: a word or an object such as ``LeakyRelu(0.02)``.
    dropout : float, default 0
        Of the hidden layers, one for all or one for each.
    initializer : optional
        Of all weights, or one for each layer, the output layer too; by default, what suits each layer's activation.
    loss : word, Loss or function, optional
        Default "cross_entropy" for classes, "squared_error" for numbers. A function takes (outputs, labels) and gives
        (losses, gradient): see `CustomLoss`.
    optimizer : default "adam"
    learning_rate : float, optional
        In place of the optimizer's own.
    schedule : default "constant"
        Of the learning rate.
    batch_size : int, default 32
    epochs : int, default 100
    early_stopping : optional
        True, a patience in epochs, or an `EarlyStopping`.
    seed : int, default 0
        Of the split, the initial weights, the order of rows and dropout.
    shuffle : bool, default True
    task : {"classification", "regression"}, optional
        What the label is. By default: words, yes/no and up to 50 different whole numbers are classes.
    precision : {"float32", "float64"}, default "float32"
    plan : Plan, optional
        In place of `hidden` to `precision`: such as another run's.
    schema : dict of column to role, optional
        What columns are (numeric, categorical, boolean, datetime, ignore, …) where it is not to be inferred.
    preprocessing : Preprocessing, dict or word, optional
        How columns become inputs: "standard" (the default), "robust", "quantile" or "none" says how numbers are scaled.
    standardize : bool, default True
        False is short for ``preprocessing="none"``: numbers stay as they are.
    validation_fraction : float, default 0.3
        The share of rows kept for validation; of classes, the same share of each. 0 for none.
    test_fraction : float, default 0
        The share of rows kept for testing, which have no part in training at all.
    stratify : bool, default True
        Whether each class gives the same share.
    group, time, split_column : str, optional
        A column to split by: equal values on one side; the latest for testing and validation; or words that say train,
        validation or test.
    split_seed : int, optional
        Of the split alone, where it is not to be `seed`.
    duplicates : {"warn", "drop", "together"}, default "warn"
        What becomes of copies of rows: a warning if they stand on both sides of the split, one of each kept, or all of
        each on one side.
    missing_label : {"error", "drop"}, default "error"
        What becomes of rows whose label is missing.
    sample_weight : (n,) array or name of a column, optional
        How much each row counts; rows of weight 0 are left out.
    class_weight : dict or "balanced", optional
        How much the rows of each class count in training.
    classes : sequence, optional
        All classes, sorted, where these rows may not hold each of them.
    read_options : ReadOptions, optional
        How a file is written (separator, encoding, …), where it is not to be detected.
    validation_data, test_data : optional
        Rows for validation and testing instead: a table, or a pair (X, y).
    threads : int, optional
        By default ``CRECHE_NUM_THREADS``, or else the cores this process may use.
    on_epoch : function or several, optional
        Is called with an `EpochRecord` after each epoch; training stops where it returns True.
    on_progress : callable, optional
        Is called with the run about twenty times a second.
    checkpoint : folder, optional
        Where the whole state of the run is kept, so that it can go on after whatever stopped it.
    checkpoint_every : int, default 10
        After how many epochs a checkpoint is written.
    resume : bool, default False
        Go on from the folder's latest checkpoint, if there is one. A recording begins there, for checkpoints
        keep none.
    record : Record, word or several, or bool, optional
        What to keep on the way, in the run's `recording`: "weights", "gradients", "activations", or True for all three.

    Returns
    -------
    Run
        With `history` and `model`.

    Raises
    ------
    TableError
        If the table cannot be trained on: which row and column, and why.
    PlanError
        If the plan cannot be: which argument, and what it needs.
    FileError
        If a file cannot be read or written.
    DivergedError
        If the loss stops being finite.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 2))
    >>> run = train(X, X[:, 0] * X[:, 1] > 0, hidden=[16], epochs=60, learning_rate=0.01, threads=1)
    >>> bool(run.history.validation_metric[-1] > 0.85)
    True

    A plan can be written down, and carried out again:

    >>> again = train(X, X[:, 0] * X[:, 1] > 0, plan=Plan.from_json(run.plan.to_json()), threads=1)
    >>> bool((again.model.weights[0][0] == run.model.weights[0][0]).all())
    True

    """
    if resume and checkpoint is None:
        raise PlanError("resume: there is no checkpoint to go on from; name its folder, as checkpoint (--checkpoint)")
    given = resolve_arguments(dict(locals()))
    # Checked before the table is read, which may take long.
    preparation, chosen_loss, _ = resolve_preparation(given), resolve_loss(given), resolve_optimizer(given)
    given["record"] = resolve_record(record)
    prepared = prepare(
        data, y, preparation, task=given["task"], loss=chosen_loss, seed=check_whole_number("seed", given["seed"], at_least=0),
        validation_data=validation_data, test_data=test_data,
        weights=None if isinstance(sample_weight, str) else sample_weight,
    )  # fmt: skip
    run = create_run(given, prepared)
    sources = {"data": data, "validation_data": validation_data, "test_data": test_data}
    writer = None
    if checkpoint is not None:
        from creche.training.checkpoint import create_writer

        writer = create_writer(run, checkpoint, checkpoint_every, resume, sources)
    return run.resume(on_epoch=on_epoch, on_progress=on_progress, checkpoints=writer)
