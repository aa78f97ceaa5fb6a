"""Sweeps with Optuna: a study chooses the values, and a whole pack of networks is trained at a time."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from creche._displayed import Displayed
from creche._progress import OnProgress, watch
from creche.engine.hardware import Hardware, resolve_hardware
from creche.errors import CrecheError, PlanError, nearest
from creche.model_selection.arguments import NumericValues, Values, check_argument_names, select_shared_arguments
from creche.model_selection.colony import Colony
from creche.model_selection.jobs import Jobs
from creche.model_selection.member import Member
from creche.model_selection.results import format_choice
from creche.model_selection.search_space import Axis, Range, split_axes
from creche.model_selection.sweep import create_colony, merge_colonies, train_all
from creche.plan.activations import Activation
from creche.plan.arguments import SWEEPABLE, check_whole_number
from creche.plan.embeddings import CategoryEmbedding, NumberEmbedding
from creche.plan.initializers import Initializer
from creche.plan.losses import Loss
from creche.plan.optimizers import Optimizer
from creche.plan.plan import EarlyStopping
from creche.plan.row_order import RowOrder
from creche.plan.schedules import Schedule
from creche.plan.words import (
    ActivationName,
    BestBy,
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
from creche.table.encoders.features import Preprocessing
from creche.table.reading.options import ReadOptions
from creche.table.result_frames import frame_method, polars_frame
from creche.table.schema import Schema
from creche.table.table import FrameLibrary

if TYPE_CHECKING:
    import optuna
    import polars as pl

__all__ = ["OptunaSweep", "sweep_with_optuna"]

MAX_NETWORKS = 100_000  # of a round

Space = Callable[["optuna.Trial"], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class OptunaSweep(Displayed):
    """A study and the networks of its trials, as `creche.sweep_with_optuna` returns them.

    Attributes
    ----------
    study : optuna.Study
        The value of each trial is the loss of its network (the mean over the seeds; infinite if one diverged). Its user
        attribute "members" holds the numbers of its networks in the colony.
    colony : Colony
        The networks of all rounds.
    trial_numbers : tuple of int
        The number of the trial of each network.

    """

    study: optuna.Study
    colony: Colony
    trial_numbers: tuple[int, ...]

    @property
    def library(self) -> FrameLibrary:
        """The library of DataFrames in which its tables come."""
        return self.colony.library

    def best(self, by: BestBy = "plan") -> Member:
        """Return the network to keep, which is trained already: see `Colony.best`.

        Parameters
        ----------
        by : {"plan", "network"}, default "plan"
            The median network of the values with the lowest mean over the seeds, or the one with the lowest loss.

        """
        return self.colony.best(by)

    @frame_method
    def table(self) -> pl.DataFrame:
        """Return `Colony.table`, with the number of each network's trial."""
        import polars as pl

        table = polars_frame(self.colony.table)
        return table.insert_column(2, pl.Series("trial", [self.trial_numbers[n] for n in table["member"]]))

    def to_dict(self) -> dict[str, Any]:
        """Return `Colony.to_dict`, with the number of each network's trial."""
        return {**self.colony.to_dict(), "members": polars_frame(self.table).to_dicts()}

    def plot(self, by: str | None = None) -> Any:
        """Draw the loss against the epoch: see `Colony.plot`.

        Parameters
        ----------
        by : str, optional
            The argument with a panel for each of its values; by default the one that explains most of the variance.

        Returns
        -------
        matplotlib.figure.Figure

        """
        return self.colony.plot(by)

    def __repr__(self) -> str:
        return f"OptunaSweep({len(set(self.trial_numbers)):,} trials; {self.colony!r})"


@check_argument_names()
def sweep_with_optuna(
    data: Any,
    y: Any = None,
    *,
    label: str | Sequence[str] | None = None,
    study: optuna.Study | None = None,
    space: Space | None = None,
    pack: int = 16,
    rounds: int = 10,
    seeds: int = 1,
    seed: int = 0,
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
    on_progress: OnProgress[Colony] = None,
) -> OptunaSweep:
    """Let Optuna choose values, and train the networks of a whole pack of trials at once.

    Each round asks the study for `pack` trials, trains their networks together, and tells the study their losses. The
    arguments with several values are those of `creche.sweep`: a list holds choices, and a range holds all numbers
    between its ends. All networks are trained and compared on the same rows, and each is, bit for bit, the network that
    `creche.train` gives with its values, its seed and ``split_seed=seed``.

    Parameters
    ----------
    data, y, label
        As for `creche.train`.
    study : optuna.Study, optional
        A study with one direction, "minimize", which is continued. By default a new one in memory, with Optuna's TPE
        sampler (Bergstra et al. 2011), seeded by `seed`, which spreads the trials of a pack (``constant_liar=True``).
    space : callable, optional
        For spaces in which one choice depends on another: a function that takes the trial, asks it for values, and
        returns a dict of arguments.
    pack : int, default 16
        Trials in a round; 16 networks of one kind fill the lanes of a register.
    rounds : int, default 10
        The number of rounds.
    seeds : int, default 1
        The number of networks for each trial, with the seeds ``seed``, ``seed + 1``, ….
    seed : int, default 0
        The first of these seeds, and the seed of the split and of the sampler.
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
        Where the networks of a round are trained, as for `creche.sweep`.
    on_progress : callable or bool, optional
        By default, a bar in notebooks and terminals when it takes longer than half a second; False for none. A function
        is called with the colony of the round about twenty times a second.

    Returns
    -------
    OptunaSweep

    Raises
    ------
    TableError, FileError
        As for `creche.train`.
    PlanError
        If a plan is invalid, no argument has several values, or the study does not minimize a single number.
    DivergedError
        If all networks diverged; the message tells which learning rates to try.
    CrecheError
        If Optuna is not installed.
    KeyboardInterrupt
        On Ctrl-C; the trials of the rounds that were completed are in the study and in the exception's `sweep`, and
        those of the current round have failed.

    Examples
    --------
    >>> import creche as cr
    >>> found = cr.sweep_with_optuna("penguins", label="species", hidden=[[5, 5], [10]], optimizer=["sgd", "adam"],
    ...                              learning_rate=cr.log_range(1e-4, 1), epochs=20, pack=16, rounds=2, threads=1)
    >>> len(found.study.trials), len(found.colony)
    (32, 32)
    >>> bool(found.study.best_value == found.best().history.validation_loss.min())
    True

    """
    arguments = select_shared_arguments(locals())
    library = _import_optuna()
    pack, rounds = check_whole_number("pack", pack, at_least=1), check_whole_number("rounds", rounds, at_least=1)
    seed, seeds = check_whole_number("seed", seed, at_least=0), check_whole_number("seeds", seeds, at_least=1)
    if pack * seeds > MAX_NETWORKS:
        raise PlanError(
            f"pack: got {pack:,} trials of {seeds:,} seeds; needs at most {MAX_NETWORKS:,} networks per round, so give "
            "more rounds"
        )
    fixed, axes = split_axes(arguments)
    if not axes and space is None:
        raise PlanError("no argument has several values; give one a range or a list of values, or give a space")
    study = _create_study(library, seed) if study is None else _check_study(study)
    hardware = with_workers(resolve_hardware(threads, device), cluster)
    jobs = Jobs(data, y, fixed, seed, memory=memory)
    search = _Search(study, axes, space, jobs, fixed, range(seed, seed + seeds), hardware)
    try:
        with watch(on_progress, "sweep") as report:
            for _ in range(rounds):
                search.run_round(pack, report)
    except KeyboardInterrupt as interrupt:
        if search.colonies:
            interrupt.sweep = search.result()  # type: ignore[attr-defined]
        raise
    result = search.result()
    if not len(result.colony.ranking()):
        result.colony.raise_no_ranked_member()
    return result


@dataclass(slots=True, eq=False)
class _Search:
    """The rounds of a study: what the next one needs, and the results of those that are completed."""

    study: optuna.Study
    axes: list[Axis]
    space: Space | None
    jobs: Jobs
    fixed: Mapping[str, Any]
    seeds: range
    hardware: Hardware
    colonies: list[Colony] | None = None
    trial_numbers: tuple[int, ...] = ()

    def run_round(self, pack: int, on_progress: Callable[[Colony], object] | None) -> None:
        """Ask for trials, train their networks and tell their losses; the trials of an incomplete round fail."""
        trials: list[optuna.Trial] = []
        try:
            choices = []
            for _ in range(pack):
                trials.append(self.study.ask())
                choices.append(self._choose(trials[-1]))
            members = [{**choice, "seed": s} for choice in choices for s in self.seeds]
            colony = create_colony(self.jobs, members, self.hardware)
            train_all(colony, on_progress=on_progress)
            colony.crew.stop([])  # frees what the engine holds of members that have ended
        except BaseException:
            for trial in trials:
                self.study.tell(trial, state=_import_optuna().trial.TrialState.FAIL)
            raise
        self._tell(trials, colony)

    def _choose(self, trial: optuna.Trial) -> dict[str, Any]:
        choice = {axis.name: _suggest(trial, axis) for axis in self.axes}
        if self.space is None:
            return choice
        dependent = dict(self.space(trial))
        for name in dependent:
            if name not in SWEEPABLE:
                raise PlanError(f"space: returns {name!r}, which cannot differ; {nearest(name, SWEEPABLE)}")
        return {**choice, **dependent}

    def _tell(self, trials: list[optuna.Trial], colony: Colony) -> None:
        results = colony.results
        has_one_loss = all("loss" not in choice for choice in colony.choices)
        score = np.where(results.diverged, np.inf, results.loss if has_one_loss else results.error)
        n_seeds = len(self.seeds)
        start = len(self.trial_numbers)
        for k, trial in enumerate(trials):
            scores = score[k * n_seeds : (k + 1) * n_seeds]
            trial.set_user_attr("members", list(range(start + k * n_seeds, start + (k + 1) * n_seeds)))
            # A diverged trial gets the worst value, so that samplers avoid it; a failed one would be suggested again.
            self.study.tell(trial, float(scores.mean()) if np.isfinite(scores).all() else float("inf"))
        self.trial_numbers += tuple(trial.number for trial in trials for _ in self.seeds)
        self.colonies = [*(self.colonies or []), colony]

    def result(self) -> OptunaSweep:
        assert self.colonies
        return OptunaSweep(self.study, merge_colonies(self.colonies, self.fixed), self.trial_numbers)


def _suggest(trial: optuna.Trial, axis: Axis) -> Any:
    values = axis.values
    if isinstance(values, Range):
        if values.whole:
            return trial.suggest_int(axis.name, int(values.low), int(values.high), log=values.log)
        return trial.suggest_float(axis.name, float(values.low), float(values.high), log=values.log)
    names = _name_values(values)
    return names[trial.suggest_categorical(axis.name, list(names))]


def _name_values(values: tuple[Any, ...]) -> dict[Any, Any]:
    """Return the values by a name that Optuna can store: numbers and words as they are, others as they print."""
    names = [format_choice(value) for value in values]
    names = names if len(set(map(repr, names))) == len(names) else [repr(value) for value in values]
    return dict(zip(names, values, strict=True))


def _create_study(library: Any, seed: int) -> optuna.Study:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", library.exceptions.ExperimentalWarning)  # some versions warn of constant_liar
        sampler = library.samplers.TPESampler(seed=seed % 2**32, constant_liar=True)
    verbosity = library.logging.get_verbosity()
    library.logging.set_verbosity(max(verbosity, library.logging.WARNING))  # Optuna reports each new study
    try:
        study: optuna.Study = library.create_study(direction="minimize", sampler=sampler)
    finally:
        library.logging.set_verbosity(verbosity)
    return study


def _check_study(study: Any) -> optuna.Study:
    if not hasattr(study, "ask") or not hasattr(study, "directions"):
        raise PlanError(f"study: got {type(study).__name__}; needs an Optuna study, such as optuna.create_study()")
    directions = [direction.name.lower() for direction in study.directions]
    if directions != ["minimize"]:
        raise PlanError(f"study: has the directions {', '.join(directions)}; needs one, minimize, for a loss")
    checked: optuna.Study = study
    return checked


def _import_optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise CrecheError("sweep_with_optuna needs Optuna: pip install optuna") from error
    return optuna
