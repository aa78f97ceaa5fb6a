"""The search for a learning rate: networks with many rates are trained to their end, and compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche._progress import OnProgress, watch
from creche.engine.hardware import Hardware, resolve_hardware
from creche.errors import PlanError
from creche.model_selection.arguments import NumericValues, check_argument_names, select_shared_arguments
from creche.model_selection.colony import Colony
from creche.model_selection.cost_estimate import Estimate, check_cost
from creche.model_selection.jobs import Jobs
from creche.model_selection.learning_rate_bands import BandLimits, find_limits
from creche.model_selection.learning_rate_baselines import Baselines, train_baselines
from creche.model_selection.learning_rate_result import Band, LearningRates, beats_constant
from creche.model_selection.search_space import Axis, Combinations, Range, log_range, split_axes
from creche.model_selection.sweep import create_colony, merge_colonies, train_all
from creche.plan.activations import Activation
from creche.plan.arguments import PER_LAYER, check_whole_number
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
from creche.table.schema import Schema

__all__ = ["find_bands", "find_learning_rate"]

DEFAULT_RATES = log_range(1e-6, 10.0, 48)
RATES_PER_DECADE = 7  # of a range without a count
MIN_RATES, MAX_RATES = 3, 10_000
LOWEST_RATE, HIGHEST_RATE = 1e-12, 1e6  # to which a range is extended
MAX_EXTENSIONS, EXTENSION_FACTOR = 3, 100.0
# A loss is still falling if it decreases by this share of its total decrease in this last share of the epochs.
LAST_EPOCHS, STILL_FALLING = 0.1, 0.01


def _refuse_learning_rate(arguments: Mapping[str, Any]) -> None:
    if "learning_rate" in arguments:
        raise PlanError(
            f"learning_rate: got {arguments['learning_rate']!r}, but the search chooses it; leave it out, or give the "
            f"rates to try, such as {advise('rates', DEFAULT_RATES)}",
            argument="learning_rate",
        )


@check_argument_names(_refuse_learning_rate)
def find_learning_rate(
    data: Any,
    y: Any = None,
    *,
    label: str | Sequence[str] | None = None,
    rates: NumericValues[float] = DEFAULT_RATES,
    seeds: int = 4,
    seed: int = 0,
    extend: bool = True,
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
    loss: Loss | LossName | None = None,
    quantiles: Sequence[float] | None = None,
    ordered: bool = False,
    optimizer: Optimizer | OptimizerName = "adam",
    weight_decay: float | None = None,
    l1: float | None = None,
    momentum: float | None = None,
    clip_norm: float | None = None,
    clip_value: float | None = None,
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
    shuffle: RowOrder = True,
    task: Task | None = None,
    precision: Precision = "float32",
    schema: Mapping[str, Role] | Schema | None = None,
    preprocessing: Preprocessing | Mapping[str, Any] | PreprocessingName | None = None,
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
) -> LearningRates:
    """Train networks with many learning rates at once, each to its end, and find which are too low, good or too high.

    Unlike a range test, which raises the rate of a single run until it diverges (Smith 2017), this trains the networks
    themselves: each is, bit for bit, the network that `creche.train` gives with its rate, its seed and
    ``split_seed=seed``. `creche.model_selection.learning_rate_bands` documents which rates are good, and which of them
    is recommended.

    Parameters
    ----------
    data, y, label
        As for `creche.train`.
    rates : Range or sequence of float, default ``log_range(1e-6, 10, 48)``
        At least 3 learning rates, above 0.
    seeds : int, default 4
        The number of networks for each rate, with the seeds ``seed``, ``seed + 1``, ….
    seed : int, default 0
        The first of these seeds, and the seed of the split.
    extend : bool, default True
        Whether to try higher or lower rates, too, if the good ones reach the end of the range: up to three times, by a
        factor of 100.
    recipe, hidden, activation, dropout, initializer, bias_initializer, normalization, parametric_activation, residual
        As for `creche.train`.
    scale_inputs, number_embedding, category_embedding, submodels, weight_sharing, loss, quantiles, ordered, optimizer
        As for `creche.train`.
    weight_decay, l1, momentum, clip_norm, clip_value : float, optional
        The fields of the optimizer with these names, in place of its own.
    schedule, weight_decay_schedule, dropout_schedule, label_smoothing_schedule, batch_size, drop_last
        As for `creche.train`.
    submodel_batches, shards, epochs
        As for `creche.train`.
    shuffle
        As for `creche.train`.
    task, precision, schema, preprocessing, standardize
        As for `creche.train`.
    early_stopping : EarlyStopping, int or bool, optional
        As for `creche.train`, but never by default: what a rate leads to shows at the end of training. With early
        stopping, the weights of the best epoch are kept, else the last.
    validation_fraction, test_fraction, stratify, group, time, split_column, split_seed, duplicates, missing_label
        As for `creche.train`; without `split_seed`, the split is drawn by `seed`.
    sample_weight, class_weight, classes, read_options, validation_data, test_data, threads, device
        As for `creche.train`.
    memory : str or int, optional
        What the table may take, as for `creche.train`: it is read in pieces, and `shuffle=True` stands for
        ``Windows()``. Encoded rows that take more are on disk, and networks are trained on them one after the other,
        with the same bits.
    cluster : str, Cluster or executor, optional
        Where the networks are trained, as for `creche.sweep`.
    confirm : callable, optional
        Called with an `Estimate` before training begins; if it returns False, nothing is trained.
    on_progress : callable or bool, optional
        By default, a bar in notebooks and terminals when it takes longer than half a second; False for none. A function
        is called about twenty times a second with the colony that is being trained.

    Returns
    -------
    LearningRates

    Raises
    ------
    TableError, FileError
        As for `creche.train`.
    PlanError
        If the plan is invalid, or the rates are too few or not above 0.
    DivergedError
        If all networks diverged; the message tells which rates to try.
    KeyboardInterrupt
        On Ctrl-C; the exception's `learning_rates` is the result of the networks that had ended, if there are enough.

    Examples
    --------
    >>> import creche as cr
    >>> found = cr.find_learning_rate("penguins", label="species", hidden=[8], epochs=30, seeds=2,
    ...                               rates=cr.log_range(1e-4, 10, 16), threads=1)
    >>> bool(0.003 < found.rate < 0.3), [band.name for band in found.bands[:3]]
    (True, ['too low', 'good', 'too high'])

    """
    fixed = _check_single_values(select_shared_arguments(locals()))
    seed, seeds = check_whole_number("seed", seed, at_least=0), check_whole_number("seeds", seeds, at_least=1)
    values = _check_rates(rates)
    hardware = with_workers(resolve_hardware(threads, device), cluster)
    jobs = Jobs(data, y, fixed, seed, memory=memory)
    check_cost(Combinations([Axis("learning_rate", tuple(values))]), seeds, jobs, None, confirm, hardware)
    seed_range = range(seed, seed + seeds)
    with watch(on_progress, "sweep") as report:
        search = _Search(jobs, seed_range, train_baselines(jobs, seed_range, hardware), hardware, report)
        search.train(values)
        while extend and (more := search.extend_range()):
            search.train(more)
    return search.result()


def _check_rates(rates: Any) -> list[float]:
    """Return the rates in ascending order."""
    if isinstance(rates, Range) and rates.count is None and rates.low > 0 and rates.high > rates.low:
        count = int(RATES_PER_DECADE * np.log10(rates.high / rates.low)) + MIN_RATES
        rates = log_range(rates.low, rates.high, count)
    values: Sequence[Any] = [rates]
    if isinstance(rates, Range):
        values = rates.grid_values()
    elif isinstance(rates, list | tuple | np.ndarray):
        values = np.atleast_1d(rates).tolist() if isinstance(rates, np.ndarray) else rates
    if len(values) > MAX_RATES:
        raise PlanError(f"rates: got {len(values):,} rates; needs at most {MAX_RATES:,}, and 48 are enough")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) < np.inf:
            raise PlanError(f"rates: got {value!r}; needs numbers above 0, such as {advise('rates', DEFAULT_RATES)}")
    ascending = sorted(float(value) for value in values)
    repeated = next((low for low, high in pairwise(ascending) if low == high), None)
    if repeated is not None:
        raise PlanError(f"rates: got {repeated!r} twice; give each rate once")
    if len(values) < MIN_RATES:
        given = "1 rate" if len(values) == 1 else f"{len(values)} rates"
        raise PlanError(f"rates: got {given}; needs at least {MIN_RATES}, such as {advise('rates', DEFAULT_RATES)}")
    return ascending


def _check_single_values(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that all networks share, and no learning rate."""
    for name in PER_LAYER:  # a list has a value for each layer, as in `creche.train`
        arguments[name] = tuple(arguments[name]) if isinstance(arguments[name], list) else arguments[name]
    stopping = False if arguments["early_stopping"] is None else arguments["early_stopping"]
    keep = "last" if stopping is False else "best"
    fixed, axes = split_axes({**arguments, "learning_rate": None, "early_stopping": stopping, "keep": keep})
    if axes:
        raise PlanError(
            f"{axes[0].name}: got several values; needs one, since all networks of the search share it. To compare "
            f"several, use {advise('creche.sweep')}"
        )
    return fixed


@dataclass(slots=True, eq=False)
class _Search:
    """The networks that are trained so far, and how the range was extended."""

    jobs: Jobs
    seeds: range
    baselines: Baselines
    hardware: Hardware
    on_progress: Callable[[Colony], object] | None
    colony: Colony | None = None
    extensions: tuple[str, ...] = ()

    def train(self, rates: list[float]) -> None:
        """Train networks with these rates, and add them to the colony."""
        choices = [{"learning_rate": rate, "seed": s} for rate in _order_evenly(rates) for s in self.seeds]
        colony = create_colony(self.jobs, choices, self.hardware)
        try:
            train_all(colony, on_progress=self.on_progress)
        except KeyboardInterrupt as interrupt:
            self._add(colony)
            found = find_bands(self.colony, self.baselines, self.extensions) if self.colony else None
            if found is not None and len(found.rates) >= MIN_RATES:
                interrupt.learning_rates = found  # type: ignore[attr-defined]
            raise
        self._add(colony)

    def _add(self, colony: Colony) -> None:
        self.colony = colony if self.colony is None else merge_colonies([self.colony, colony])

    def result(self) -> LearningRates:
        """Return the learning rates and their bands.

        Raises
        ------
        DivergedError
            If all networks diverged.

        """
        assert self.colony is not None
        found = find_bands(self.colony, self.baselines, self.extensions)
        if found is None:
            self.colony.raise_no_ranked_member()
        return found

    def extend_range(self) -> list[float]:
        """Return rates beyond the range if the good ones reach its end, and note it; an empty list otherwise."""
        assert self.colony is not None
        if len(self.extensions) >= MAX_EXTENSIONS:
            return []
        tried = np.unique([choice["learning_rate"] for choice in self.colony.choices])
        steps = max(1, round(float(np.log(EXTENSION_FACTOR) / np.median(np.diff(np.log(tried))))))
        lowest, highest = float(tried[0]), float(tried[-1])
        found = find_bands(self.colony, self.baselines, self.extensions)
        if found is None:
            if not self.colony.results.diverged.any():
                return []
            return self._extend(lowest, 1 / EXTENSION_FACTOR, steps, "all networks diverged")
        more: list[float] = []
        if found.improves_on_constant:
            if found.limits.first_good == 0:
                more += self._extend(lowest, 1 / EXTENSION_FACTOR, steps, "the lowest rates were as good as the best")
            if found.limits.last_good == len(tried) - 1:
                more += self._extend(highest, EXTENSION_FACTOR, steps, "the highest rates were as good as the best")
        return more

    def _extend(self, end: float, factor: float, steps: int, reason: str) -> list[float]:
        """Return rates from the end of the range on, with the same spacing, and note the reason."""
        rates = [float(f"{end * factor ** (step / steps):.6g}") for step in range(1, steps + 1)]
        rates = [rate for rate in rates if (rate >= LOWEST_RATE if factor < 1 else rate <= HIGHEST_RATE)]
        if rates:
            direction = "down" if factor < 1 else "up"
            self.extensions += (f"{reason}, so the range was extended {direction} from {end:g} to {rates[-1]:g}",)
        return rates


def _order_evenly(rates: list[float]) -> list[float]:
    """Order rates so that the first few are spread over the whole range (van der Corput 1935).

    Packs are trained one after the other, so an interrupted search has rates from the whole range.
    """
    digits = len(f"{len(rates):b}")
    return [rates[i] for i in sorted(range(len(rates)), key=lambda i: f"{i:0{digits}b}"[::-1])]


def find_bands(colony: Colony, baselines: Baselines, extensions: Sequence[str] = ()) -> LearningRates | None:
    """Return the learning rates of a colony and their bands; None if no network has ended, or all rates diverge.

    Parameters
    ----------
    colony : Colony
        Networks that differ in their rate and their seed.
    baselines : Baselines
        In the order of the seeds.
    extensions : sequence of str
        How the range was extended.

    """
    results = colony.results
    if not results.done.any():
        return None
    member_losses = np.where(results.diverged | ~np.isfinite(results.loss), np.inf, results.loss)
    member_rates = np.array([choice["learning_rate"] for choice in colony.choices])
    member_seeds = np.array([choice["seed"] for choice in colony.choices])
    done = results.done
    rates, row = np.unique(member_rates[done], return_inverse=True)
    _, column = np.unique(member_seeds[done], return_inverse=True)
    shape = (len(rates), int(column.max()) + 1)
    losses, above_initial, falling = np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_), np.zeros(shape, np.bool_)
    initial = _initial_losses(colony, baselines)
    losses[row, column] = member_losses[done]
    above_initial[row, column] = (~np.isfinite(member_losses) | (results.train_loss > initial))[done]
    falling[row, column] = _find_still_falling(colony, initial)[done]
    limits = find_limits(rates, losses, above_initial, baselines.constant)
    if limits is None:
        return None
    # At low rates, where next to nothing is learnt, dropout alone can raise the loss above its initial value.
    above_initial[: limits.best_index + 1] = False
    diverged = (losses == np.inf) | above_initial
    slices = {
        "too low": slice(0, limits.first_good),
        "good": slice(limits.first_good, limits.last_good + 1),
        "too high": slice(limits.last_good + 1, limits.first_diverged),
        "diverged": slice(limits.first_diverged, len(rates)),
    }
    bands = tuple(
        _create_band(name, rates[s], losses[s], diverged[s], falling[s], limits, colony.partition)
        for name, s in slices.items()
        if s.stop > s.start
    )
    notes = (*extensions, *_create_notes(limits, baselines, rates))
    return LearningRates(
        float(rates[limits.recommended_index]),
        bands,
        rates,
        losses,
        diverged,
        falling,
        colony,
        limits,
        baselines,
        notes,
    )


def _initial_losses(colony: Colony, baselines: Baselines) -> NDArray[np.float64]:
    """Return the training loss of each network with its initial weights."""
    first = min(choice["seed"] for choice in colony.choices)
    return np.array([baselines.untrained_train[choice["seed"] - first] for choice in colony.choices])


def _find_still_falling(colony: Colony, initial: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return for each network whether its training loss was still falling at the end."""
    falling = np.zeros(len(colony), dtype=np.bool_)
    for n, member in enumerate(colony):
        losses = np.concatenate([[initial[n]], member.history.train_loss])
        if member.status == "finished" and len(losses) > 1:
            before = losses[-1 - max(1, round(LAST_EPOCHS * (len(losses) - 1)))]
            falling[n] = before - losses[-1] > STILL_FALLING * max(losses[0] - losses[-1], 0.0)
    return falling


def _create_band(
    name: str,
    rates: NDArray[np.float64],
    losses: NDArray[np.float64],
    diverged: NDArray[np.bool_],
    falling: NDArray[np.bool_],
    limits: BandLimits,
    partition: str,
) -> Band:
    known = losses[~np.isnan(losses)]
    networks, n_diverged, n_falling = len(known), int(diverged.sum()), int(falling.sum())
    loss, lowest = float(np.median(known)), float(limits.smoothed_medians[limits.best_index])
    median = f"median {'validation' if partition == 'validation' else 'training'} loss {loss:.3g}"
    reason = {
        "too low": f"{median}; {n_falling:,} of {networks:,} networks were still falling at the end",
        "good": f"{median}, at most {limits.tolerance:.2g} above the lowest, {lowest:.3g}",
        "too high": median + (f"; {n_diverged:,} of {networks:,} networks diverged" if n_diverged else ""),
        "diverged": f"{n_diverged:,} of {networks:,} networks diverged, or ended above their initial loss",
    }[name]
    return Band(name, float(rates[0]), float(rates[-1]), len(rates), networks, n_diverged, n_falling, loss, reason)


def _create_notes(limits: BandLimits, baselines: Baselines, rates: NDArray[np.float64]) -> list[str]:
    if not beats_constant(limits, baselines):
        return [
            f"no rate improves on a constant prediction, whose loss is {baselines.constant:.4g}: the recommended rate "
            "means little. Train longer, try another network, or check that the features are related to the label"
        ]
    notes = []
    if limits.first_good == 0:
        notes.append(f"the good rates include the lowest that was tried, {rates[0]:g}; lower ones may be good, too")
    if limits.last_good == len(rates) - 1:
        notes.append(f"the good rates include the highest that was tried, {rates[-1]:g}; higher ones may be good, too")
    return notes
