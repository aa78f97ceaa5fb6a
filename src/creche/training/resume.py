"""Continuing a run from its state or its checkpoint, and preparing its table again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from numpy.typing import NDArray

from creche._advice import advise
from creche._progress import OnProgress, watch
from creche._system.output_files import Folder
from creche.engine.hardware import resolve_hardware
from creche.engine.run_state import RunState
from creche.errors import FileError, PlanError
from creche.plan.arguments import CHECKPOINT_FILES, reject_unknown
from creche.plan.losses import LossFunction
from creche.plan.plan import Plan
from creche.plan.words import ClassWeighting, DeviceName, RecordedQuantity
from creche.table.encoders.features import FeatureEncoder
from creche.table.labels import LabelEncoder
from creche.table.on_disk import read_within
from creche.table.preparation import Preparation
from creche.table.prepare import Prepared, prepare
from creche.table.reading.read import is_table, read_table
from creche.training.callbacks import OnEpoch
from creche.training.checkpoint import (
    CheckpointWriter,
    check_inputs_kept,
    check_same_run,
    describe_run,
    latest_checkpoint,
    read_checkpoint,
    read_memory,
    read_sources,
)
from creche.training.large_tables import left_out_columns
from creche.training.processes import choose_crew
from creche.training.recorder import Record, Recorder
from creche.training.run import Run

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from creche.scale.cluster import ClusterChoice

__all__ = ["TrainingState", "continue_training", "order_columns", "prepare_again", "resume"]


def prepare_again(
    plan: Plan,
    preparation: Preparation,
    data: Any,
    y: Any = None,
    *,
    validation_data: Any = None,
    test_data: Any = None,
    sample_weight: Any = None,
) -> Prepared:
    """Prepare a table as it was for another run.

    Parameters
    ----------
    plan : Plan
        The plan of the other run.
    preparation : Preparation
        Its preparation.
    data, y, validation_data, test_data, sample_weight
        As for `creche.train`.

    """
    return prepare(
        data, y, preparation, task=plan.task, loss=plan.loss, seed=plan.seed, validation_data=validation_data,
        test_data=test_data, weights=sample_weight,
    )  # fmt: skip


def order_columns(data: Any, preparation: Preparation, names: Sequence[str], *, others: bool) -> Any:
    """Return the data with its columns in the order of these names, which is the order of a network's inputs.

    Parameters
    ----------
    data
        As for `creche.train`; arrays, whose columns have no names, stay as they are.
    preparation : Preparation
        How a file is read, and which columns are labels.
    names : sequence of str
        Those that are not there are passed over.
    others : bool
        Whether columns of other names stay, behind those.

    """
    if not names or not is_table(data):
        return data
    table = read_table(data, preparation.read_options)
    wanted = {name: None for name in (*names, *preparation.label) if name in table.columns}
    rest = [name for name in table.names if name not in wanted] if others else []
    return table.select([*wanted, *rest])


@dataclass(frozen=True, slots=True, eq=False)
class TrainingState:
    """What is needed to continue a run, as plain data that can be copied and pickled.

    Attributes
    ----------
    plan : Plan
    preparation : Preparation
    features : FeatureEncoder
        The fitted encoder of the features.
    labels : LabelEncoder
        The fitted encoder of the label.
    state : dict of str to array
        What `Run.state` returns: weights, the optimizer's state, counters, history.

    """

    plan: Plan
    preparation: Preparation
    features: FeatureEncoder
    labels: LabelEncoder
    state: Mapping[str, NDArray[Any]]

    @classmethod
    def of(cls, run: Run) -> Self:
        """Return the current state of a run."""
        prepared = run.prepared
        return cls(run.plan, prepared.preparation, prepared.features, prepared.labels, run.state())

    @property
    def epoch(self) -> int:
        """Completed epochs."""
        return RunState(self.state).epoch


def continue_training(
    state: TrainingState,
    plan: Plan,
    data: Any,
    y: Any,
    *,
    sample_weight: ArrayLike | None = None,
    class_weight: Mapping[Any, float] | ClassWeighting | None = None,
    validation_fraction: float = 0.0,
    validation_data: Any = None,
    threads: int | None = None,
    device: DeviceName | None = None,
) -> Run:
    """Return a run that continues another, before its next step.

    It continues with the weights, the optimizer's state and the number of epochs, so that with the same plan and rows
    it ends with the same bytes as a run that never stopped. Early stopping starts afresh, because losses on other rows
    cannot be compared.

    Parameters
    ----------
    state : TrainingState
        The state of the other run.
    plan : Plan
        The plan to continue with; its `epochs` include those done. All but the network, the kind of optimizer and the
        precision may differ from the plan so far.
    data, y, sample_weight, class_weight, validation_fraction, validation_data, threads, device
        As for `train`.

    Raises
    ------
    PlanError
        If the weights or the optimizer's state do not fit the plan.
    TableError
        If the rows do not fit the encoders, or a label is none of the classes.

    """
    before = state.plan
    for name, was, now in (
        ("network", before.network, plan.network),
        ("precision", before.precision, plan.precision),
        ("optimizer", before.optimizer.key, plan.optimizer.key),
    ):
        if was != now:
            raise PlanError(
                f"{name}: was {was} when training began and is now {now}; to change it, train from the beginning",
                argument=name,
            )
    split = replace(state.preparation.split, validation_fraction=validation_fraction)
    prepared = prepare(
        data, y, replace(state.preparation, split=split, class_weight=class_weight), task=plan.task, loss=plan.loss,
        seed=plan.seed, validation_data=validation_data, weights=sample_weight,
        encoders=(state.features, state.labels),
    )  # fmt: skip
    run = Run(plan, prepared, resolve_hardware(threads, device))
    run.set_state(RunState(state.state).without_best().arrays)
    return run


@reject_unknown
def resume(
    folder: str | Path,
    data: Any = None,
    y: Any = None,
    *,
    validation_data: Any = None,
    test_data: Any = None,
    sample_weight: Any = None,
    loss: LossFunction | None = None,
    checkpoint_every: int = 10,
    processes: int | None = None,
    cluster: ClusterChoice | None = None,
    threads: int | None = None,
    device: DeviceName | None = None,
    on_epoch: OnEpoch | Sequence[OnEpoch] | None = None,
    on_progress: OnProgress[Run] = None,
    record: Record | Mapping[str, Any] | RecordedQuantity | Sequence[RecordedQuantity] | bool | None = None,
) -> Run:
    """Continue a run from its latest checkpoint; it ends with the same bytes as if it had never stopped.

    Parameters
    ----------
    folder : path
        The folder that `creche.train` was given as `checkpoint`.
    data, y, validation_data, test_data, sample_weight : optional
        What the run was started with. Files need not be given again unless they have been moved.
    loss : function, optional
        The loss, if it was a Python function, which a checkpoint does not hold.
    checkpoint_every : int, default 10
        Epochs between two checkpoints from now on.
    processes, cluster, threads, device, on_epoch, on_progress, record
        As for `creche.train`; another number of processes gives the same bits. A recording begins at the checkpoint:
        what was recorded before is lost.

    Returns
    -------
    Run
        The trained run.

    Raises
    ------
    FileError
        If there is no checkpoint, or the table is not the one the run was started with.
    PlanError
        If the loss was a function that is not given or differs.

    Examples
    --------
    >>> import tempfile, creche as cr
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     whole = cr.train("penguins", label="species", epochs=9, threads=1)
    ...     _ = cr.train("penguins", label="species", epochs=9, threads=1, checkpoint=folder, checkpoint_every=4)
    ...     again = cr.resume(folder)  # from epoch 8
    >>> again.epoch, bool((again.model.weights[0][0] == whole.model.weights[0][0]).all())
    (9, True)

    """
    chosen = Record.of(record)
    latest = latest_checkpoint(folder)
    if latest is None:
        raise FileError(
            f"{folder}: holds no checkpoint; give the folder that training was given as {advise('checkpoint')}",
            argument="folder",
        )
    header, state = read_checkpoint(latest)
    given = {"data": data, "validation_data": validation_data, "test_data": test_data}
    tables = read_sources(Path(folder)) | {name: value for name, value in given.items() if value is not None}
    check_inputs_kept("folder", Folder(folder, CHECKPOINT_FILES), tables)
    data = tables.get("data")
    if data is None:
        raise FileError(
            f"{folder}: does not hold the table, which was not a file; give it again as {advise('data')}",
            argument="data",
        )
    plan, preparation = Plan.from_dict(header["plan"]), Preparation.from_dict(header["preparation"])
    plan = plan if loss is None else plan.with_function(loss)
    memory = read_memory(Path(folder))
    if memory is not None:
        data = read_within(data, memory, preparation.read_options, left_out_columns(preparation.schema))
    prepared = prepare_again(
        plan, preparation, order_columns(data, preparation, header["table"].get("order", ()), others=True), y,
        validation_data=tables.get("validation_data"), test_data=tables.get("test_data"), sample_weight=sample_weight,
    )  # fmt: skip
    crew = choose_crew(processes, plan.shards, cluster, device)
    run = Run(plan, prepared, crew.share(resolve_hardware(threads, device), threads))
    run.crew = crew
    check_same_run(latest, header, **describe_run(run))
    run.set_state(state)
    if chosen is not None:
        run.recorder = Recorder(chosen, run)
    writer = CheckpointWriter(folder, every=checkpoint_every, **describe_run(run)) if crew.is_first else None
    with watch(on_progress, "training") as report:
        return run.resume(on_epoch=on_epoch, on_progress=report, checkpoints=writer)
