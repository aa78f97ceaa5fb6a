"""A run done again: the same plan on the same table, which may lie elsewhere now, and in another order of columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from numpy.typing import NDArray

from creche._system.resources import resolve_threads
from creche.engine.run_state import RunState
from creche.errors import FileError, PlanError
from creche.plan.losses import LossFunction
from creche.plan.plan import Plan
from creche.table.encoders.features import FeatureEncoder
from creche.table.labels import LabelEncoder
from creche.table.preparation import Preparation
from creche.table.prepare import Prepared, prepare
from creche.table.reading.read import is_table, read_table
from creche.training.callbacks import OnEpoch
from creche.training.checkpoint import (
    CheckpointWriter,
    check_same_run,
    describe_run,
    latest_checkpoint,
    read_checkpoint,
    read_sources,
)
from creche.training.recorder import Record, Recorder
from creche.training.run import Run

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

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
    """A table prepared as it was for another run.

    Parameters
    ----------
    plan : Plan
    preparation : Preparation
    data, y, validation_data, test_data, sample_weight
        As for `creche.train`.

    """
    return prepare(
        data, y, preparation, task=plan.task, loss=plan.loss, seed=plan.seed, validation_data=validation_data,
        test_data=test_data, weights=sample_weight,
    )  # fmt: skip


def order_columns(data: Any, preparation: Preparation, names: Sequence[str], *, others: bool) -> Any:
    """The data with its columns in the order of these names: a network's first input is the first column.

    Parameters
    ----------
    data
        As for `creche.train`; arrays, whose columns have no names, stay as they are.
    preparation : Preparation
        How files are read, and which columns are labels.
    names : sequence of str
        Those that are not there are passed over.
    others : bool
        Whether columns of other names stay, behind those.

    """
    if not names or not is_table(data):
        return data
    table = read_table(data, preparation.read_options)
    wanted = [name for name in dict.fromkeys([*names, *preparation.label]) if name in table.columns]
    rest = [name for name in table.names if name not in wanted] if others else []
    return table.select([*wanted, *rest])


@dataclass(frozen=True, slots=True, eq=False)
class TrainingState:
    """Where a run stands: what is needed to go on with it, in plain arrays, so that it can be kept, copied and pickled.

    Attributes
    ----------
    plan : Plan
    preparation : Preparation
    features : FeatureEncoder
    labels : LabelEncoder
    state : dict of str to array
        As `Run.state` gives it: weights, the optimizer's state, counters, history.

    """

    plan: Plan
    preparation: Preparation
    features: FeatureEncoder
    labels: LabelEncoder
    state: Mapping[str, NDArray[Any]]

    @classmethod
    def of(cls, run: Run) -> Self:
        prepared = run.prepared
        return cls(run.plan, prepared.preparation, prepared.features, prepared.labels, run.state())

    @property
    def epoch(self) -> int:
        """Completed epochs."""
        return RunState(self.state).epoch


def continue_training(
    standing: TrainingState,
    plan: Plan,
    data: Any,
    y: Any,
    *,
    sample_weight: ArrayLike | None = None,
    class_weight: Mapping[Any, float] | str | None = None,
    validation_fraction: float = 0.0,
    validation_data: Any = None,
    threads: int | None = None,
) -> Run:
    """A run that goes on from where another stands; not begun.

    Weights, the optimizer's state and the count of epochs go on, so with the same plan and rows it ends with the same
    bytes as a run that never stopped. What early stopping remembers begins anew: losses on other rows say nothing
    about these.

    Parameters
    ----------
    standing : Standing
    plan : Plan
        Its `epochs` count from the beginning. All but the network, the kind of optimizer and the precision may differ
        from the plan so far.
    data, y, sample_weight, class_weight, validation_fraction, validation_data, threads
        As for `train`.

    Raises
    ------
    PlanError
        If the weights or the optimizer's state so far do not fit the plan.
    TableError
        If the rows do not fit the encoders, or have a label that is none of the classes.

    """
    before = standing.plan
    for name, was, now in (
        ("network", before.network, plan.network),
        ("precision", before.precision, plan.precision),
        ("optimizer", before.optimizer.key, plan.optimizer.key),
    ):
        if was != now:
            raise PlanError(f"{name}: was {was} when training began and is now {now}; to change it, begin anew")
    split = replace(standing.preparation.split, validation_fraction=validation_fraction)
    prepared = prepare(
        data, y, replace(standing.preparation, split=split, class_weight=class_weight), task=plan.task, loss=plan.loss,
        seed=plan.seed, validation_data=validation_data, weights=sample_weight,
        encoders=(standing.features, standing.labels),
    )  # fmt: skip
    run = Run(plan, prepared, resolve_threads(threads))
    run.set_state(RunState(standing.state).without_best().arrays)
    return run


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
    threads: int | None = None,
    on_epoch: OnEpoch | Sequence[OnEpoch] | None = None,
    on_progress: Callable[[Run], object] | None = None,
    record: Record | Mapping[str, Any] | str | Sequence[str] | bool | None = None,
) -> Run:
    """Goes on with a run from its latest checkpoint; it ends with the same bytes as if it had never stopped.

    Parameters
    ----------
    folder : path
        That was given to `creche.train` as `checkpoint`.
    data, y, validation_data, test_data, sample_weight : optional
        What the run was begun with; files need not be given again where they lie where they lay.
    loss : function, optional
        The loss, if it was a function of your own: a checkpoint does not keep it.
    checkpoint_every : int, default 10
        After how many epochs the next checkpoints are written.
    threads, on_epoch, on_progress, record
        As for `creche.train`. A recording begins at the checkpoint: what an earlier process recorded is lost with it.

    Returns
    -------
    Run

    Raises
    ------
    FileError
        If there is no checkpoint, or the table is not the one the run was begun with.
    PlanError
        If the loss was a function that is not given, or another.

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
    kept = Record.of(record)
    latest = latest_checkpoint(folder)
    if latest is None:
        raise FileError(f"{folder}: holds no checkpoint; give the folder that the run was given as checkpoint")
    header, state = read_checkpoint(latest)
    named = read_sources(Path(folder))
    data = named.get("data") if data is None else data
    if data is None:
        raise FileError(f"{folder}: does not say where the table lies, for it was no file; give it again (--table)")
    plan, preparation = Plan.from_dict(header["plan"]), Preparation.from_dict(header["preparation"])
    plan = plan if loss is None else plan.with_function(loss)
    prepared = prepare_again(
        plan, preparation, order_columns(data, preparation, header["table"].get("order", ()), others=True), y,
        validation_data=validation_data if validation_data is not None else named.get("validation_data"),
        test_data=test_data if test_data is not None else named.get("test_data"), sample_weight=sample_weight,
    )  # fmt: skip
    run = Run(plan, prepared, resolve_threads(threads))
    check_same_run(latest, header, **describe_run(run))
    run.set_state(state)
    if kept is not None:
        run.recorder = Recorder(kept, run)
    writer = CheckpointWriter(folder, every=checkpoint_every, **describe_run(run))
    return run.resume(on_epoch=on_epoch, on_progress=on_progress, checkpoints=writer)
