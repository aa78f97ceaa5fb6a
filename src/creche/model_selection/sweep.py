"""Sweeps: a network for each combination of values and each seed, all trained at once in one colony."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from creche._advice import advise
from creche._progress import OnProgress, watch
from creche.engine.colony import Crew
from creche.engine.hardware import Hardware, resolve_hardware
from creche.errors import CrecheError, PlanError
from creche.model_selection.arguments import NumericValues, Values, check_argument_names, select_shared_arguments
from creche.model_selection.choices import Choices, place_on_splits, without_seed
from creche.model_selection.colony import Colony
from creche.model_selection.cost_estimate import Estimate, check_cost
from creche.model_selection.fold_statistics import FoldLayout, number_keys
from creche.model_selection.jobs import Jobs
from creche.model_selection.network_columns import make_columns
from creche.model_selection.search_space import Combinations, SearchMethod, split_axes
from creche.model_selection.successive_halving import Halving, halve
from creche.model_selection.sweep_checkpoint import SweepCheckpoint
from creche.plan.activations import Activation
from creche.plan.arguments import check_whole_number
from creche.plan.embeddings import CategoryEmbedding, NumberEmbedding
from creche.plan.initializers import Initializer
from creche.plan.losses import Loss
from creche.plan.optimizers import Optimizer
from creche.plan.plan import EarlyStopping
from creche.plan.row_order import RowOrder
from creche.plan.schedules import Schedule
from creche.plan.words import (
    ActivationName,
    BiasInitializerName,
    ClassWeighting,
    DeviceName,
    Duplicates,
    InitializerName,
    KeptWeights,
    LossName,
    MissingLabel,
    Normalization,
    NumberEmbeddingName,
    OptimizerName,
    Precision,
    PreprocessingName,
    RecipeName,
    Role,
    ScheduleName,
    SubmodelBatches,
    Task,
    WeightSharing,
)
from creche.scale.cluster import ClusterChoice, with_workers
from creche.scale.crew import new_crew
from creche.table.encoders.features import Preprocessing
from creche.table.reading.options import ReadOptions
from creche.table.schema import Schema
from creche.training.checkpoint import check_inputs_kept

__all__ = ["create_colony", "merge_colonies", "sweep", "train_all"]


@check_argument_names()
def sweep(
    data: Any,
    y: Any = None,
    *,
    label: str | Sequence[str] | None = None,
    seeds: int = 1,
    seed: int = 0,
    folds: int | None = None,
    repeats: int = 1,
    samples: int | None = None,
    method: SearchMethod | None = None,
    halving: Halving | float | bool | None = None,
    bootstrap: bool = False,
    recipe: Values[RecipeName | None] = None,
    hidden: Sequence[int] | Sequence[Sequence[int]] = (32, 32),
    activation: Values[Activation | ActivationName | Sequence[Activation | ActivationName]] = "tanh",
    dropout: NumericValues[float | Sequence[float]] = 0.0,
    initializer: Values[Initializer | InitializerName | Sequence[Initializer | InitializerName] | None] = None,
    bias_initializer: Values[BiasInitializerName | Sequence[BiasInitializerName]] = "zeros",
    normalization: Values[Normalization | Sequence[Normalization | None] | None] = None,
    parametric_activation: Values[bool | Sequence[bool]] = False,
    residual: Values[bool | Sequence[bool]] = False,
    scale_inputs: Values[bool | Sequence[bool]] = False,
    number_embedding: Values[NumberEmbedding | NumberEmbeddingName | None] = None,
    category_embedding: Values[CategoryEmbedding | int | None] = None,
    submodels: Values[int] = 1,
    weight_sharing: Values[WeightSharing] = "mini",
    loss: Values[Loss | LossName | None] = None,
    quantiles: Sequence[float] | None = None,
    ordered: bool = False,
    optimizer: Values[Optimizer | OptimizerName] = "adam",
    learning_rate: NumericValues[float | None] = None,
    weight_decay: NumericValues[float | None] = None,
    l1: NumericValues[float | None] = None,
    momentum: NumericValues[float | None] = None,
    clip_norm: NumericValues[float | None] = None,
    clip_value: NumericValues[float | None] = None,
    schedule: Values[Schedule | ScheduleName] = "constant",
    weight_decay_schedule: Values[Schedule | ScheduleName] = "constant",
    dropout_schedule: Values[Schedule | ScheduleName] = "constant",
    label_smoothing_schedule: Values[Schedule | ScheduleName] = "constant",
    batch_size: NumericValues[int] = 32,
    drop_last: Values[bool] = False,
    submodel_batches: Values[SubmodelBatches] = "shared",
    shards: NumericValues[int] = 1,
    epochs: NumericValues[int] = 100,
    early_stopping: NumericValues[EarlyStopping | int | bool | None] = None,
    keep: Values[KeptWeights] = "best",
    shuffle: Values[RowOrder] = True,
    task: Task | None = None,
    precision: Precision = "float32",
    schema: Mapping[str, Role] | Schema | None = None,
    preprocessing: Values[Preprocessing | Mapping[str, Any] | PreprocessingName | None] = None,
    standardize: bool = True,
    validation_fraction: float = 0.3,
    test_fraction: float = 0.0,
    stratify: bool = True,
    group: str | None = None,
    time: str | None = None,
    split_column: str | None = None,
    split_seed: int | None = None,
    duplicates: Duplicates = "warn",
    missing_label: MissingLabel = "error",
    sample_weight: Any = None,
    class_weight: Mapping[Any, float] | ClassWeighting | None = None,
    classes: Sequence[Any] | None = None,
    read_options: ReadOptions | Mapping[str, Any] | None = None,
    validation_data: Any = None,
    test_data: Any = None,
    threads: int | None = None,
    device: DeviceName | None = None,
    memory: str | int | None = None,
    cluster: ClusterChoice | None = None,
    confirm: Callable[[Estimate], bool] | None = None,
    on_progress: OnProgress[Colony] = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
) -> Colony:
    """Train a network for each combination of values and each seed, all at once, and compare them.

    Arguments that describe the network or its training may have several values: a list, an array or a range
    (`log_range`, `linear_range`). The widths of several layers are a list of their own, ``hidden=[[5, 5], [10, 10]]``;
    a tuple has a value for each layer, ``activation=[("relu", "tanh"), "relu"]``.

    All networks are trained on the same rows (unless `bootstrap`) and compared on the same rows. Each is, bit for bit,
    the network that `creche.train` gives with its values, its seed and ``split_seed=seed``.

    Parameters
    ----------
    data, y, label
        As for `creche.train`.
    seeds : int, default 1
        The number of networks for each combination, with the seeds ``seed``, ``seed + 1``, ….
    seed : int, default 0
        The first of these seeds, and the seed of the split and of all draws.
    folds : int, optional
        Evaluate each plan by cross-validation, with a network for each seed on each fold. `Colony.plans` then ranks by
        the mean over the folds, and has its confidence interval.
    repeats : int, default 1
        How often the rows are divided into folds, differently each time.
    samples : int, optional
        Draw this many combinations instead of trying all of them.
    method : {"grid", "random", "sobol"}, optional
        Try all combinations (the default without `samples`), draw them at random (the default with `samples`), or draw
        them evenly (Sobol's quasi-random numbers; needs scipy).
    halving : Halving, float or bool, optional
        Stop the worst networks early: True, or the share that continues after each round, such as 0.33.
    bootstrap : bool, default False
        Whether each network is trained on a bootstrap sample: as many rows as there are for training, drawn with
        replacement by its seed. An ensemble of such networks is bagging (Breiman 1996, "Bagging predictors"), and the
        spread over the seeds includes that of the rows. Encoders and validation rows are the same for all networks.
    recipe, hidden, activation, dropout, initializer, bias_initializer, normalization, parametric_activation, residual
        As for `creche.train`; each may have several values.
    scale_inputs, number_embedding, category_embedding, submodels, weight_sharing, loss, optimizer, learning_rate
        As for `creche.train`; each may have several values.
    weight_decay, l1, momentum, clip_norm, clip_value : float, optional
        The fields of the optimizer with these names, in place of its own; each may have several values.
    schedule, weight_decay_schedule, dropout_schedule, label_smoothing_schedule, batch_size, drop_last
        As for `creche.train`; each may have several values.
    submodel_batches, shards
        As for `creche.train`; each may have several values.
    epochs
        As for `creche.train`; each may have several values.
    early_stopping, keep, shuffle
        As for `creche.train`; each may have several values.
    quantiles, ordered, task, precision, schema
        As for `creche.train`.
    preprocessing : Preprocessing, dict or str, optional
        As for `creche.train`; may have several values.
    standardize, validation_fraction, test_fraction, stratify, group, time, split_column, split_seed, duplicates
        As for `creche.train`; without `split_seed`, the split is drawn by `seed`.
    missing_label, sample_weight, class_weight, classes, read_options, validation_data, test_data, threads, device
        As for `creche.train`.
    memory : str or int, optional
        What the table may take, as for `creche.train`: it is read in pieces, and `shuffle=True` stands for
        ``Windows()``. Encoded rows that take more are on disk, and networks are trained on them one after the other,
        with the same bits.
    cluster : str, Cluster or executor, optional
        Where the networks are trained, piece by piece, in place of this process: a cluster of Ray ("auto",
        ``"10.0.0.5:6379"``, ``"ray://…"`` or a `Cluster`), or an executor of `concurrent.futures`, submitit or Dask.
        The networks have the same bytes.
    confirm : callable, optional
        Called with an `Estimate` before training begins; if it returns False, nothing is trained.
    on_progress : callable or bool, optional
        By default, a bar in notebooks and terminals when it takes longer than half a second; False for none. A function
        is called with the colony about twenty times a second.
    checkpoint : file name, optional
        A file in which the state of all networks is kept, once a minute and when the sweep ends or is interrupted.
    resume : bool, default False
        Continue from that file, if it exists; all networks end with the same bytes as without the interruption.

    Returns
    -------
    Colony

    Raises
    ------
    TableError, FileError
        As for `creche.train`; or if the checkpoint belongs to another sweep.
    PlanError
        If a plan is invalid, a range is empty, or the networks need more memory than there is.
    DivergedError
        If all networks diverged; the message tells which learning rates to try.
    CrecheError
        If workers of a cluster are lost for good; the exception's `colony` holds the networks as they are.
    KeyboardInterrupt
        On Ctrl-C; likewise.

    Examples
    --------
    >>> import creche as cr
    >>> colony = cr.sweep("penguins", label="species", hidden=[[5, 5], [10, 10]], optimizer=["sgd", "adam"],
    ...                   learning_rate=cr.log_range(0.001, 0.1, 3), seeds=4, epochs=20, threads=1)
    >>> len(colony), colony.varied_arguments
    (48, ('hidden', 'optimizer', 'learning_rate'))
    >>> best = colony.best()
    >>> bool(best.evaluation.accuracy > 0.95)
    True

    """
    arguments = select_shared_arguments(locals())
    if checkpoint is not None:
        check_inputs_kept(
            "checkpoint", checkpoint, {"data": data, "validation_data": validation_data, "test_data": test_data}
        )
    seed, seeds = check_whole_number("seed", seed, at_least=0), check_whole_number("seeds", seeds, at_least=1)
    folds, repeats = _check_folds(folds, repeats)
    fixed, axes = split_axes(arguments)
    combinations = Combinations(axes, samples, method, seed)
    halving = Halving.of(halving)
    hardware = with_workers(resolve_hardware(threads, device), cluster)
    if folds is not None and halving is not None:
        raise PlanError("halving: cannot be combined with folds; leave one of the two out")
    jobs = Jobs(data, y, fixed, seed, folds, repeats, bootstrap, memory=memory)
    check_cost(combinations, seeds, jobs, halving, confirm, hardware)
    colony = create_colony(jobs, Choices(combinations, range(seed, seed + seeds)), hardware, waits=halving is not None)
    writer = None if checkpoint is None else SweepCheckpoint(checkpoint, colony, halving, resume)
    with watch(on_progress, "sweep") as report:
        train_all(colony, halving, report, writer)
    if not colony.has_ranked_member():
        colony.raise_no_ranked_member()
    return colony


def _check_folds(folds: int | None, repeats: int) -> tuple[int | None, int]:
    repeats = check_whole_number("repeats", repeats, at_least=1)
    if folds is None and repeats > 1:
        raise PlanError(
            f"repeats: got {repeats}, but there are no folds to repeat; give folds too, such as {advise('folds', 5)}"
        )
    return None if folds is None else check_whole_number("folds", folds, at_least=2), repeats


def create_colony(
    jobs: Jobs, choices: Sequence[Mapping[str, Any]], hardware: Hardware, *, waits: bool = False
) -> Colony:
    """Return a colony before its first step.

    Parameters
    ----------
    jobs : Jobs
    choices : sequence of dict
        For each network the values of its arguments, the seed last. With folds, it is trained on each fold.
    hardware : Hardware
    waits : bool
        Whether networks wait for each other, as those of halving do.

    Raises
    ------
    PlanError
        If a plan is invalid.

    """
    columns = make_columns(jobs, choices)
    layout = None
    if jobs.folds is not None:
        rows = len(columns.prepared[0].labelled)
        ratio = jobs.test_to_train(without_seed(choices[0]))
        layout = FoldLayout(jobs.folds, jobs.repeats, ratio, columns.held_out, rows)
    made = place_on_splits(choices, columns.positions)
    crew = new_crew(columns.jobs, hardware, columns.held_out.values, waits=waits)
    colony = Colony(crew, made, columns.prepared, layout)
    colony.jobs = jobs
    return colony


def train_all(
    colony: Colony,
    halving: Halving | None = None,
    on_progress: Callable[[Colony], object] | None = None,
    writer: SweepCheckpoint | None = None,
) -> None:
    """Train a colony to its end; after Ctrl-C, or where workers are lost, it is the exception's `colony`."""
    crew, start, before = colony.crew, time.monotonic(), colony.seconds

    def report() -> None:
        colony.seconds = before + time.monotonic() - start
        if writer is not None:
            writer.save_if_due()
        if on_progress is not None:
            on_progress(colony)

    callback = None if on_progress is None and writer is None else report
    try:
        if halving is None:
            crew.run(-1, callback)
        else:
            halve(crew, halving, _number_losses(colony), callback)
    except (KeyboardInterrupt, CrecheError) as stopped:
        colony.interrupted = True
        stopped.colony = colony  # type: ignore[union-attr]
        raise
    finally:
        colony.seconds = before + time.monotonic() - start
        colony.forget_results()
        if writer is not None:
            writer.save()


def _number_losses(colony: Colony) -> list[int]:
    """Number the losses: only members with the same one can be compared by it."""
    return number_keys([repr(choice.get("loss")) for choice in colony.choices]).tolist()  # type: ignore[no-any-return]


def merge_colonies(colonies: Sequence[Colony], fixed: Mapping[str, Any] = MappingProxyType({})) -> Colony:
    """Return one colony with the members of several.

    Parameters
    ----------
    colonies : sequence of Colony
    fixed : dict
        The values of arguments that some of the members' choices lack.

    """
    members = [member for colony in colonies for member in colony]
    crew = Crew.merge([colony.crew for colony in colonies])
    names = [name for name in dict.fromkeys(name for member in members for name in member.choice) if name != "seed"]
    choices = [
        {name: member.choice.get(name, fixed.get(name)) for name in names} | {"seed": member.choice["seed"]}
        for member in members
    ]
    merged = Colony(crew, choices, [member.prepared for member in members])
    merged.seconds = sum(colony.seconds for colony in colonies)
    merged.interrupted = any(colony.interrupted for colony in colonies)
    return merged
