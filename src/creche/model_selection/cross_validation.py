"""Cross-validation: networks trained on the folds of a table, each evaluated on the rows of the fold it never saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from creche._progress import OnProgress, watch
from creche.errors import CrecheError, DivergedError
from creche.evaluation.bootstrap import check_count
from creche.model_selection.arguments import check_argument_names, select_train_arguments
from creche.model_selection.cross_validation_result import CrossValidation
from creche.model_selection.fold_training import FoldNetworks, create_fold_networks
from creche.plan.activations import Activation
from creche.plan.arguments import check_whole_number
from creche.plan.embeddings import CategoryEmbedding, NumberEmbedding
from creche.plan.initializers import Initializer
from creche.plan.losses import Loss
from creche.plan.optimizers import Optimizer
from creche.plan.plan import EarlyStopping, Plan
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
    RecordedQuantity,
    Role,
    ScheduleName,
    SubmodelBatches,
    Task,
    WeightSharing,
)
from creche.scale.cluster import ClusterChoice
from creche.table.checks import warn
from creche.table.encoders.features import Preprocessing
from creche.table.folds import Fold, check_fold_arguments, prepare_folds
from creche.table.inspection import TableInspection, inspect_table
from creche.table.reading.options import ReadOptions
from creche.table.schema import Schema
from creche.training.arguments import (
    TrainArguments,
    resolve_arguments,
    resolve_early_stopping,
    resolve_loss,
    resolve_optimizer,
    resolve_preparation,
)
from creche.training.callbacks import OnEpoch
from creche.training.large_tables import move_to_disk
from creche.training.recipes import apply_recipe

if TYPE_CHECKING:
    from creche.training.recorder import Record

__all__ = ["cross_validate"]

MAX_REPEATS = 10_000


@check_argument_names(check_fold_arguments)
def cross_validate(
    data: Any,
    y: Any = None,
    *,
    label: str | Sequence[str] | None = None,
    folds: int = 5,
    repeats: int = 1,
    seeds: int = 1,
    seed: int = 0,
    n_resamples: int = 1000,
    recipe: RecipeName | None = None,
    hidden: Sequence[int] = (32, 32),
    activation: Activation | ActivationName | Sequence[Activation | ActivationName] = "tanh",
    dropout: float | Sequence[float] = 0.0,
    initializer: Initializer | InitializerName | Sequence[Initializer | InitializerName] | None = None,
    bias_initializer: BiasInitializerName | Sequence[BiasInitializerName] = "zeros",
    normalization: Normalization | Sequence[Normalization | None] | None = None,
    parametric_activation: bool | Sequence[bool] = False,
    residual: bool | Sequence[bool] = False,
    scale_inputs: bool | Sequence[bool] = False,
    number_embedding: NumberEmbedding | NumberEmbeddingName | None = None,
    category_embedding: CategoryEmbedding | int | None = None,
    submodels: int = 1,
    weight_sharing: WeightSharing = "mini",
    loss: Loss | LossName | Callable[..., Any] | None = None,
    quantiles: Sequence[float] | None = None,
    ordered: bool = False,
    optimizer: Optimizer | OptimizerName = "adam",
    learning_rate: float | None = None,
    schedule: Schedule | ScheduleName = "constant",
    weight_decay_schedule: Schedule | ScheduleName = "constant",
    dropout_schedule: Schedule | ScheduleName = "constant",
    label_smoothing_schedule: Schedule | ScheduleName = "constant",
    batch_size: int = 32,
    drop_last: bool = False,
    submodel_batches: SubmodelBatches = "shared",
    shards: int = 1,
    epochs: int = 100,
    early_stopping: EarlyStopping | int | bool | None = None,
    keep: KeptWeights = "best",
    shuffle: RowOrder = True,
    task: Task | None = None,
    precision: Precision = "float32",
    plan: Plan | None = None,
    schema: Mapping[str, Role] | Schema | None = None,
    preprocessing: Preprocessing | Mapping[str, Any] | PreprocessingName | None = None,
    standardize: bool = True,
    validation_fraction: float = 0.3,
    stratify: bool = True,
    group: str | None = None,
    time: str | None = None,
    split_seed: int | None = None,
    duplicates: Duplicates = "warn",
    missing_label: MissingLabel = "error",
    sample_weight: Any = None,
    class_weight: Mapping[Any, float] | ClassWeighting | None = None,
    classes: Sequence[Any] | None = None,
    read_options: ReadOptions | Mapping[str, Any] | None = None,
    threads: int | None = None,
    device: DeviceName | None = None,
    memory: str | int | None = None,
    cluster: ClusterChoice | None = None,
    on_epoch: OnEpoch | Sequence[OnEpoch] | None = None,
    on_progress: OnProgress[FoldNetworks] = None,
    record: Record | Mapping[str, Any] | RecordedQuantity | Sequence[RecordedQuantity] | bool | None = None,
) -> CrossValidation:
    """Train a network for each seed on each fold, all at once, and evaluate each on the rows of its fold.

    The schema is inferred once, from the whole table; the encoders are fitted for each fold on its training rows. With
    early stopping, a network watches `validation_fraction` of its training rows, and never the rows of its fold. Each
    network is, bit for bit, the one that is trained alone on the same rows.

    Parameters
    ----------
    data, y, label
        As for `creche.train`.
    folds : int, default 5
        The number of folds.
    repeats : int, default 1
        How often the rows are divided into folds, differently each time.
    seeds : int, default 1
        The number of networks for each fold, with the seeds ``seed``, ``seed + 1``, ….
    seed : int, default 0
        Seed of the folds, unless `split_seed` is given, and of the first network of each fold.
    n_resamples : int, default 1000
        Number of bootstrap resamples for the intervals of `CrossValidation.evaluation`; 0 for none.
    recipe, hidden, activation, dropout, initializer, bias_initializer, normalization, parametric_activation, residual
        As for `creche.train`.
    scale_inputs, number_embedding, category_embedding, submodels, weight_sharing, quantiles, ordered, optimizer
        As for `creche.train`.
    learning_rate, batch_size, drop_last, submodel_batches, shards
        As for `creche.train`.
    epochs
        As for `creche.train`.
    schedule, weight_decay_schedule, dropout_schedule, label_smoothing_schedule : Schedule or str, default "constant"
        As for `creche.train`.
    early_stopping : EarlyStopping, int or bool, optional
        As for `creche.train`, and on by default; False trains on all rows outside the fold, for all epochs.
    keep : {"best", "last"}, default "best"
        As for `creche.train`; without early stopping it is the last, because the rows of the fold choose nothing.
    loss : Loss, str or function, optional
        As for `creche.train`; with a Python function, the networks are trained one by one.
    shuffle, task, precision, plan, schema, preprocessing, standardize
        As for `creche.train`.
    validation_fraction : float, default 0.3
        With early stopping, the share of a fold's training rows that is held out for validation.
    stratify : bool, default True
        Whether each fold has the same share of each class.
    group, time : str, optional
        A column whose equal values stay in the same fold, or by which a fold comes after the rows that are trained on.
    split_seed : int, optional
        Seed for the folds only.
    duplicates, missing_label, sample_weight, class_weight, classes, read_options, threads, device
        As for `creche.train`.
    memory : str or int, optional
        What the table may take, as for `creche.train`. Encoded rows of folds that take more are on disk, once for each
        fold, and networks are trained on them one after the other, with the same bits.
    cluster : str, Cluster or executor, optional
        Where the networks are trained, as for `creche.sweep`.
    on_epoch : function or several, optional
        As for `creche.train`; the networks are then trained one by one.
    on_progress : callable or bool, optional
        By default, a bar in notebooks and terminals when it takes longer than half a second; False for none. A function
        is called about twenty times a second with the networks, whose attributes tell how far training is: `done`, how
        many of ``len(networks)`` have ended; `rate`, how many end per second; and `epochs`, done and in total.
    record : Record, str, sequence of str or bool, optional
        As for `creche.train`; the networks are then trained one by one.

    Returns
    -------
    CrossValidation

    Warns
    -----
    CrecheWarning
        If rows have duplicates in other folds, a fold lacks a class, or networks diverged.

    Raises
    ------
    TableError
        If there are fewer rows, groups or rows of a class than folds, or a fold leaves a single class to learn.
    PlanError
        If an argument is invalid, or the networks need more memory than there is.
    DivergedError
        If all networks of a fold diverged.
    CrecheError
        If workers of a cluster are lost for good; the exception's `cross_validation` holds the networks that had ended.
    KeyboardInterrupt
        On Ctrl-C, within a tenth of a second; the exception's `cross_validation` holds the networks that had ended.

    Examples
    --------
    >>> import creche as cr
    >>> crossed = cr.cross_validate("penguins", label="species", folds=3, seeds=4, epochs=30, threads=1)
    >>> len(crossed.members), crossed.predictions.shape
    (12, (344, 3))
    >>> accuracy = crossed.summary()["accuracy"]
    >>> bool(accuracy.low < accuracy.mean <= accuracy.high)
    True

    """
    given = {**select_train_arguments(locals()), "on_progress": False}
    arguments = resolve_arguments(TrainArguments.complete(data, given))
    first, count = check_whole_number("seed", arguments.seed, at_least=0), check_whole_number("seeds", seeds, 1)
    check_count("n_resamples", n_resamples)
    if memory is not None:
        arguments = move_to_disk(arguments)
    inspection = _inspect(arguments)
    check_whole_number("repeats", repeats, at_least=1, at_most=MAX_REPEATS)  # before the rows are divided that often
    if arguments.plan is None:
        # The recipe stays among the arguments: what it means on a fold depends on the rows there.
        watched = apply_recipe(arguments, inspection.task).early_stopping
        stopping = resolve_early_stopping(watched, has_validation=True)
    else:
        stopping = arguments.plan.early_stopping
    prepared = prepare_folds(inspection, folds, repeats, first, stops_early=stopping is not None)
    networks = create_fold_networks(prepared, range(first, first + count), arguments, cluster)
    try:
        with watch(on_progress, "folds") as report:
            networks.train(report)
    except (KeyboardInterrupt, CrecheError) as stopped:
        partial = CrossValidation(inspection, networks, n_resamples)
        if partial.members:
            stopped.cross_validation = partial  # type: ignore[union-attr]
        raise
    crossed = CrossValidation(inspection, networks, n_resamples)
    if crossed.diverged:
        _report_divergence(networks, crossed)
    return crossed


def _inspect(arguments: TrainArguments) -> TableInspection:
    preparation, loss = resolve_preparation(arguments), resolve_loss(arguments)
    resolve_optimizer(arguments)  # an invalid one is refused before the table is read
    return inspect_table(
        arguments.data, arguments.y, preparation, task=arguments.chosen_task, loss=loss, weights=arguments.row_weights
    )


def _report_divergence(networks: FoldNetworks, crossed: CrossValidation) -> None:
    """Warn that networks diverged.

    Raises
    ------
    DivergedError
        If all networks of a fold diverged.

    """
    first = crossed.diverged[0]
    index = next(i for i, fold in enumerate(networks.folds) if (fold.repeat, fold.number) == (first.repeat, first.fold))
    epoch, batch, rate = networks.divergence(index, first.seed)
    message = (
        f"{len(crossed.diverged):,} of {len(networks):,} networks diverged (for example seed {first.seed} on fold "
        f"{first.fold} of repeat {first.repeat}, in epoch {epoch + 1})"
    )
    remedy = f"try a learning rate of {rate / 10:g} or lower"
    left = {(member.repeat, member.fold) for member in crossed.fold_members}
    empty: list[Fold] = [fold for fold in networks.folds if (fold.repeat, fold.number) not in left]
    if empty:
        raise DivergedError(
            f"{message}, which leaves no network to evaluate on fold {empty[0].number}; {remedy}", epoch, batch, rate,
            None,
        )  # fmt: skip
    warn(f"{message} and are dropped from all results; {remedy}")
