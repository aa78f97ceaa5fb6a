"""The arguments of `creche.train`: one typed bag, and the preparation, plan and run that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from creche._advice import advise
from creche._progress import OnProgress
from creche.engine.device import resolve_device
from creche.engine.hardware import resolve_hardware
from creche.errors import PlanError, UnknownArgumentError, nearest
from creche.plan.activations import Activation
from creche.plan.arguments import (
    ARGUMENTS,
    DEFAULTS,
    NUMBER_SCHEDULES,
    OF_NETWORK,
    PER_LAYER,
    arguments_in,
    check_whole_number,
)
from creche.plan.changes import Change, order_changes
from creche.plan.embeddings import (
    CategoryEmbedding,
    EmbeddedColumns,
    NumberEmbedding,
    resolve_category_embedding,
    resolve_number_embedding,
)
from creche.plan.initializers import Initializer
from creche.plan.losses import LOSSES, BinaryCrossEntropy, CrossEntropy, CustomLoss, Loss, Quantile, SquaredError
from creche.plan.memory_size import parse_memory
from creche.plan.network import Network, choose_submodel_start
from creche.plan.optimizers import OPTIMIZERS, Optimizer
from creche.plan.plan import EarlyStopping, Plan
from creche.plan.row_order import RowOrder, Windows, choose_row_order
from creche.plan.schedules import Schedule
from creche.plan.words import (
    PRECISIONS,
    TASKS,
    ActivationName,
    BiasInitializerName,
    ClassWeighting,
    DeviceName,
    DType,
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
    check_word,
)
from creche.table.encoders.features import FeatureEncoder, Preprocessing
from creche.table.preparation import Preparation
from creche.table.prepare import Prepared
from creche.table.reading.options import ReadOptions
from creche.table.schema import Schema
from creche.table.split import Split
from creche.training.callbacks import OnEpoch
from creche.training.large_tables import encode_rows
from creche.training.processes import Crew
from creche.training.recipes import apply_recipe, check_recipe
from creche.training.run import Run
from creche.training.watching import check_watched

if TYPE_CHECKING:
    from creche.scale.cluster import ClusterChoice
    from creche.training.recorder import Record

__all__ = [
    "TrainArguments",
    "choose_loss",
    "create_plan",
    "create_run",
    "default_loss",
    "resolve_arguments",
    "resolve_early_stopping",
    "resolve_loss",
    "resolve_optimizer",
    "resolve_preparation",
    "resolve_record",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainArguments:
    """All arguments of `creche.train`, with the types of its signature; its docstring explains each of them."""

    data: Any
    y: Any
    label: str | Sequence[str] | None
    recipe: RecipeName | None
    hidden: Sequence[int]
    activation: Activation | ActivationName | Sequence[Activation | ActivationName]
    dropout: float | Sequence[float]
    initializer: Initializer | InitializerName | Sequence[Initializer | InitializerName] | None
    bias_initializer: BiasInitializerName | Sequence[BiasInitializerName]
    normalization: Normalization | Sequence[Normalization | None] | None
    parametric_activation: bool | Sequence[bool]
    residual: bool | Sequence[bool]
    scale_inputs: bool | Sequence[bool]
    number_embedding: NumberEmbedding | NumberEmbeddingName | None
    category_embedding: CategoryEmbedding | int | None
    submodels: int
    weight_sharing: WeightSharing
    loss: Loss | LossName | Callable[..., Any] | None
    quantiles: Sequence[float] | None
    ordered: bool
    optimizer: Optimizer | OptimizerName
    learning_rate: float | None
    schedule: Schedule | ScheduleName
    weight_decay_schedule: Schedule | ScheduleName
    dropout_schedule: Schedule | ScheduleName
    label_smoothing_schedule: Schedule | ScheduleName
    batch_size: int
    drop_last: bool
    submodel_batches: SubmodelBatches
    shards: int
    epochs: int
    early_stopping: EarlyStopping | int | bool | None
    keep: KeptWeights
    seed: int
    shuffle: RowOrder
    task: Task | None
    precision: Precision
    plan: Plan | None
    schema: Mapping[str, Role] | Schema | None
    preprocessing: Preprocessing | Mapping[str, Any] | PreprocessingName | None
    standardize: bool
    validation_fraction: float
    test_fraction: float
    stratify: bool
    group: str | None
    time: str | None
    split_column: str | None
    split_seed: int | None
    duplicates: Duplicates
    missing_label: MissingLabel
    sample_weight: Any
    class_weight: Mapping[Any, float] | ClassWeighting | None
    classes: Sequence[Any] | Mapping[Any, str] | None
    read_options: ReadOptions | Mapping[str, Any] | None
    validation_data: Any
    test_data: Any
    changes: Sequence[Change | Mapping[str, Any]] | None
    steps: int | None
    processes: int | None
    threads: int | None
    device: DeviceName | None
    memory: str | int | None
    cluster: ClusterChoice | None
    on_epoch: OnEpoch | Sequence[OnEpoch] | None
    on_progress: OnProgress[Run]
    checkpoint: str | Path | None
    checkpoint_every: int
    resume: bool
    record: Record | Mapping[str, Any] | RecordedQuantity | Sequence[RecordedQuantity] | bool | None

    @classmethod
    def complete(cls, data: Any, arguments: Mapping[str, Any]) -> Self:
        """Return all arguments: those given, and the defaults of the others.

        Raises
        ------
        UnknownArgumentError
            If one is not an argument of `creche.train`.

        Examples
        --------
        >>> TrainArguments.complete("penguins", {"label": "species", "epochs": 5}).batch_size
        32

        """
        known = [field.name for field in fields(cls)]
        for name in arguments:
            if name not in known or name == "data":
                raise UnknownArgumentError(f"{name}: unknown argument; {nearest(name, known[1:])}", argument=name)
        return cls(data=data, **{**DEFAULTS, **arguments})

    @property
    def column_weights(self) -> str | None:
        """The column that holds the weights of the rows, if they lie in one."""
        return self.sample_weight if isinstance(self.sample_weight, str) else None

    @property
    def row_weights(self) -> Any:
        """The weights of the rows as an array, if they were given so."""
        return None if isinstance(self.sample_weight, str) else self.sample_weight

    @property
    def chosen_task(self) -> Task | None:
        """The task, if it is not for the label to decide."""
        return None if self.task is None else check_word("task", self.task, TASKS)

    @property
    def chosen_dtype(self) -> DType:
        """The type of the rows."""
        return "float64" if check_word("precision", self.precision, PRECISIONS) == "float64" else "float32"


def resolve_preparation(arguments: TrainArguments) -> Preparation:
    """Return how the table becomes rows."""
    split = Split(
        arguments.validation_fraction, arguments.test_fraction, arguments.stratify, arguments.group, arguments.time,
        arguments.split_column, arguments.split_seed,
    )  # fmt: skip
    is_shuffled_once = isinstance(_row_order(arguments), Windows) and split.time is None
    if not isinstance(arguments.standardize, bool | np.bool_):
        raise PlanError(f"standardize: got {arguments.standardize!r}; needs True or False", argument="standardize")
    return Preparation(
        label=() if arguments.label is None else arguments.label,  # type: ignore[arg-type]  # made a tuple there
        schema=arguments.schema,  # type: ignore[arg-type]  # made a dict there
        preprocessing=_resolve_preprocessing(arguments),
        split=split,
        duplicates=arguments.duplicates,
        missing_label=arguments.missing_label,
        sample_weight=arguments.column_weights,
        class_weight=arguments.class_weight,
        classes=arguments.classes,  # type: ignore[arg-type]  # made a tuple there
        read_options=ReadOptions() if arguments.read_options is None else arguments.read_options,  # type: ignore[arg-type]
        row_order=_order_seed(arguments) if is_shuffled_once else None,
    )


def _order_seed(arguments: TrainArguments) -> int:
    """Return the seed of the one order in which rows lie: networks that share a split share it, too."""
    seed = arguments.seed if arguments.split_seed is None else arguments.split_seed
    return check_whole_number("seed", seed, at_least=0)


def _row_order(arguments: TrainArguments) -> bool | Windows:
    return choose_row_order(arguments.shuffle) if arguments.plan is None else arguments.plan.shuffle


def _resolve_preprocessing(arguments: TrainArguments) -> Preprocessing:
    if arguments.recipe is not None:
        arguments = apply_recipe(arguments, "classification")  # the preprocessing does not depend on the task
    given = "auto" if arguments.preprocessing is None else arguments.preprocessing
    preprocessing = Preprocessing.of(given if arguments.standardize else "none")
    codes_above = _codes_above(arguments)
    if preprocessing.codes_above is not None and codes_above is None:
        raise PlanError(
            f"preprocessing: codes of categories need {advise('category_embedding', 8)}, which gives them vectors; "
            "give it, or leave codes_above out",
            argument="preprocessing",
        )
    return preprocessing if codes_above is None else replace(preprocessing, codes_above=codes_above)


def _codes_above(arguments: TrainArguments) -> int | None:
    """Return from how many categories on a column has codes, for its embedding; None if none has."""
    if arguments.plan is not None:
        embeddings = [embedded.embedding for embedded in arguments.plan.network.embeddings]
        found = [each.more_than for each in embeddings if isinstance(each, CategoryEmbedding)]
        return found[0] if found else None
    embedding = resolve_category_embedding(arguments.category_embedding)
    return None if embedding is None else embedding.more_than


def resolve_loss(arguments: TrainArguments) -> Loss | None:
    """Return the loss that was asked for; None where the task decides.

    Raises
    ------
    PlanError
        If there is no such loss, or it was asked for in two ways.

    """
    return choose_loss(arguments.loss, arguments.quantiles, arguments.ordered)


def choose_loss(loss: Any, quantiles: Sequence[float] | None, ordered: bool) -> Loss | None:
    """Return the loss that one of these asks for; None if none does.

    Raises
    ------
    PlanError
        If there is no such loss, or it was asked for in two ways.

    """
    if not isinstance(ordered, bool | np.bool_):
        raise PlanError(f"ordered: got {ordered!r}; needs True or False", argument="ordered")
    others = {"quantiles": quantiles is not None, "ordered": bool(ordered)}
    setting = [name for name, is_given in others.items() if is_given]
    if not setting:
        return None if loss is None else LOSSES.of(loss)
    if len(setting) > 1 or loss is not None:
        other = advise("ordered", True) if len(setting) > 1 else advise("loss", loss)
        raise PlanError(
            f"{setting[0]}: sets the loss, and {other} sets it already; leave one of the two out", argument=setting[0]
        )
    if ordered:
        return BinaryCrossEntropy(ordered=True)
    try:
        return Quantile(quantiles)  # type: ignore[arg-type]  # made a tuple there
    except PlanError as error:
        raise PlanError(f"quantiles: {str(error).partition(': ')[2]}", argument="quantiles") from error


def default_loss(task: str) -> Loss:
    """Return the loss of a task for which none was asked."""
    losses: dict[str, Loss] = {"classification": CrossEntropy(), "multilabel": BinaryCrossEntropy()}
    return losses.get(task, SquaredError())


def resolve_early_stopping(choice: Any, has_validation: bool) -> EarlyStopping | None:
    """Return when to stop early; where that was left open, by the validation rows, if there are any."""
    if choice is None:
        return EarlyStopping() if has_validation else None
    return EarlyStopping.of(choice)


def resolve_optimizer(arguments: TrainArguments) -> Optimizer:
    """Return the optimizer, with the learning rate if one was given besides."""
    optimizer = OPTIMIZERS.of(arguments.optimizer)
    if arguments.learning_rate is not None:
        optimizer = replace(optimizer, learning_rate=arguments.learning_rate)
    return optimizer


def create_plan(arguments: TrainArguments, prepared: Prepared) -> Plan:
    """Return the plan for a prepared table."""
    arguments = apply_recipe(arguments, prepared.task, len(prepared.train), on_disk=prepared.is_lazy)
    loss = resolve_loss(arguments) or default_loss(prepared.task)
    inputs, outputs = len(prepared.features.inputs), prepared.labels.outputs(loss)
    of_network = {name: getattr(arguments, name) for name in (*PER_LAYER, *OF_NETWORK)}
    embeddings = _embed_features(arguments, prepared.features)
    if arguments.submodels != 1:
        of_network["input_features"] = prepared.features.column_numbers
        of_network["submodel_start"] = choose_submodel_start(embeddings)
    plan = Plan(
        Network.of(inputs, arguments.hidden, outputs, **of_network, embeddings=embeddings),
        task=prepared.task,
        loss=loss,
        optimizer=resolve_optimizer(arguments),
        schedule=arguments.schedule,  # type: ignore[arg-type]  # made a Schedule there
        **{name: getattr(arguments, name) for name in NUMBER_SCHEDULES},
        batch_size=arguments.batch_size,
        drop_last=arguments.drop_last,
        submodel_batches=arguments.submodel_batches,
        shards=arguments.shards,
        epochs=arguments.epochs,
        seed=arguments.seed,
        shuffle=choose_row_order(arguments.shuffle),
        early_stopping=resolve_early_stopping(arguments.early_stopping, prepared.validation is not None),
        keep=arguments.keep,
        precision=arguments.precision,
        changes=order_changes(arguments.changes),
    )
    return check_watched(plan)


def _embed_features(arguments: TrainArguments, features: FeatureEncoder) -> list[EmbeddedColumns]:
    number = resolve_number_embedding(arguments.number_embedding)
    return features.embed(number, resolve_category_embedding(arguments.category_embedding))


def resolve_arguments(arguments: TrainArguments) -> TrainArguments:
    """Return the arguments with loss, seed and task taken from the plan among them, if there is one.

    Raises
    ------
    PlanError
        If the plan is not a Plan, other arguments set what it sets, or this machine lacks the device.

    """
    check_recipe(arguments)
    resolve_device(arguments.device)  # before the table is read
    if arguments.plan is None:
        return arguments
    plan = _check_only_plan(arguments)
    return replace(arguments, plan=plan, loss=plan.loss, seed=plan.seed, task=plan.task)


def create_run(
    arguments: TrainArguments,
    prepared: Prepared,
    like: Run | None = None,
    crew: Crew = Crew(),  # noqa: B008 - frozen
) -> Run:
    """Return a run of (resolved) arguments on prepared rows, before its first step.

    It shares the encoded rows of another run that it is `like`, if those are the same.
    """
    plan = create_plan(arguments, prepared) if arguments.plan is None else arguments.plan
    encoded = None
    if like is not None and like.prepared is prepared and (like.plan.loss, like.plan.dtype) == (
        plan.loss, plan.dtype,
    ):  # fmt: skip
        encoded = like.rows, like.validation
    elif arguments.memory is not None:
        encoded = encode_rows(prepared, plan, parse_memory(arguments.memory))
    hardware = crew.share(resolve_hardware(arguments.threads, arguments.device), arguments.threads)
    run = Run(plan, prepared, hardware, encoded)
    run.crew = crew
    record = resolve_record(arguments.record)
    if record is not None:
        from creche.training.recorder import Recorder

        run.recorder = Recorder(record, run)
    return run


def resolve_record(choice: Any) -> Record | None:
    """Return what is to be recorded; None for nothing."""
    if choice is None or choice is False:
        return None
    from creche.training.recorder import Record

    return Record.of(choice)


def _is_default(value: object, default: object) -> bool:
    return value is default or (isinstance(value, bool | int | float | str | tuple) and value == default)


def _check_only_plan(arguments: TrainArguments) -> Plan:
    plan = arguments.plan
    if not isinstance(plan, Plan):
        raise PlanError(
            f"plan: got {type(plan).__name__}; needs a Plan, such as another run's, or Plan.from_json(text)",
            argument="plan",
        )
    loss = arguments.loss
    if isinstance(plan.loss, CustomLoss) and callable(loss):  # a function, which a plan from a file lacks
        plan, arguments = plan.with_function(loss), replace(arguments, loss=None)
    both = [name for name in arguments_in("plan") if not _is_default(getattr(arguments, name), ARGUMENTS[name].default)]
    if both:
        raise PlanError(f"plan: it sets {both[0]} already; leave {', '.join(both)} out, or the plan", argument=both[0])
    return plan
