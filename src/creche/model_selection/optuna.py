"""Optuna chooses, Creche trains: a study asked and told, a whole pack of networks at a time."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from creche._system.resources import resolve_threads
from creche.errors import CrecheError, PlanError, nearest
from creche.model_selection.colony import Colony
from creche.model_selection.jobs import Jobs, complete_arguments
from creche.model_selection.member import Member
from creche.model_selection.results import format_choice
from creche.model_selection.search_space import Axis, Range, split_axes
from creche.model_selection.sweep import create_colony, merge_colonies, train_all
from creche.plan.arguments import SWEEPABLE, check_whole_number

if TYPE_CHECKING:
    import optuna
    import polars as pl

__all__ = ["OptunaSweep", "sweep_with_optuna"]

MOST_AT_ONCE = 100_000


Space = Callable[["optuna.Trial"], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class OptunaSweep:
    """A study and the networks it chose.

    Attributes
    ----------
    study : optuna.Study
        Each trial's value is the loss its networks are compared by (their mean over the seeds; infinite where one
        diverged), and its user attribute "members" says which of the colony's they are.
    colony : Colony
        All networks of all rounds.
    trials : tuple of int
        Of each of them, the number of its trial.

    """

    study: optuna.Study
    colony: Colony
    trials: tuple[int, ...]

    def best(self) -> Member:
        """The network with the lowest loss, trained already: see `Colony.best`."""
        return self.colony.best()

    def table(self) -> pl.DataFrame:
        """One row for each network, the best first, as `Colony.table`; with the number of its trial."""
        import polars as pl

        table = self.colony.table()
        return table.insert_column(2, pl.Series("trial", [self.trials[n] for n in table["member"]]))

    def __repr__(self) -> str:
        return f"OptunaSweep({len(set(self.trials)):,} trials; {self.colony!r})"


def sweep_with_optuna(
    data: Any,
    y: Any = None,
    *,
    study: optuna.Study | None = None,
    space: Space | None = None,
    pack: int = 16,
    rounds: int = 10,
    seeds: int = 1,
    seed: int = 0,
    threads: int | None = None,
    on_progress: Callable[[Colony], object] | None = None,
    **arguments: Any,
) -> OptunaSweep:
    """Lets Optuna choose among values, and trains what it chooses, a whole pack of networks at once.

    Each round asks the study for `pack` trials, trains their networks together, and tells what came of all of them. The
    arguments that have several values are those of `creche.sweep`: lists are choices, and a range is all numbers
    between its ends. All networks learn the same rows and are compared on the same rows, and each is, bit for bit, what
    `creche.train` gives with its values, its seed and ``split_seed=seed``.

    Parameters
    ----------
    data, y
        As for `creche.train`.
    study : optuna.Study, optional
        With one direction, "minimize"; goes on where it stands. By default a new one in memory, with Optuna's TPE
        sampler (Bergstra et al. 2011) by `seed`, told to spread the trials of a pack (``constant_liar=True``).
    space : callable, optional
        For spaces in which one choice depends on another: is given the trial, asks it for values, and returns
        arguments by name.
    pack : int, default 16
        Trials of a round; 16 networks of one kind fill the lanes of a register.
    rounds : int, default 10
    seeds : int, default 1
        Networks of each trial, with the seeds ``seed``, ``seed + 1``, ….
    seed : int, default 0
        The first of them; also that of the split, and of the sampler.
    threads : int, optional
        By default ``CRECHE_NUM_THREADS``, or else the cores this process may use.
    on_progress : callable, optional
        Is called with the colony of the round about twenty times a second.
    **arguments
        Of `creche.train` and its optimizer, with one value or several.

    Returns
    -------
    OptunaSweep

    Raises
    ------
    TableError, FileError
        As for `creche.train`.
    PlanError
        If a plan cannot be, nothing has several values, or the study does not minimise one number.
    DivergedError
        If all networks diverged; its message says which rates to try.
    CrecheError
        If Optuna is not installed.
    KeyboardInterrupt
        On Ctrl-C; what was told by then is the exception's `sweep`, and in the study. Trials under way have failed.

    Examples
    --------
    >>> import creche as cr
    >>> found = cr.sweep_with_optuna("penguins", label="species", hidden=[[5, 5], [10]], optimizer=["sgd", "adam"],
    ...                              learning_rate=cr.log_range(1e-4, 1), epochs=20, pack=16, rounds=2, threads=1)
    >>> len(found.study.trials), len(found.colony)
    (32, 32)
    >>> bool(found.study.best_value == found.best().history.validation_loss[-1])
    True

    """
    library = _optuna()
    pack, rounds = check_whole_number("pack", pack, at_least=1), check_whole_number("rounds", rounds, at_least=1)
    seed, seeds = check_whole_number("seed", seed, at_least=0), check_whole_number("seeds", seeds, at_least=1)
    if pack * seeds > MOST_AT_ONCE:
        raise PlanError(f"pack: {pack:,} × {seeds:,} seeds are too many to train at once; give more rounds instead")
    given = complete_arguments(arguments)
    fixed, axes = split_axes({name: value for name, value in given.items() if name != "seed"})
    if not axes and space is None:
        raise PlanError("there is nothing to choose; give an argument a range or a list of values, or a space")
    study = _new_study(library, seed) if study is None else _checked(study)
    jobs = Jobs(data, y, fixed, seed)
    rounds_of = _Rounds(study, axes, space, jobs, fixed, range(seed, seed + seeds), resolve_threads(threads))
    try:
        for _ in range(rounds):
            rounds_of.next(pack, on_progress)
    except KeyboardInterrupt as interrupt:
        if rounds_of.colonies:
            interrupt.sweep = rounds_of.result()  # type: ignore[attr-defined]
        raise
    result = rounds_of.result()
    if not len(result.colony.ranking()):
        result.best()  # says why there is none
    return result


@dataclass(slots=True, eq=False)
class _Rounds:
    """A study's rounds: what is needed for the next, and what came of those before."""

    study: optuna.Study
    axes: list[Axis]
    space: Space | None
    jobs: Jobs
    fixed: Mapping[str, Any]
    seeds: range
    threads: int
    colonies: list[Colony] | None = None
    trials: tuple[int, ...] = ()

    def next(self, pack: int, on_progress: Callable[[Colony], object] | None) -> None:
        """Asks, trains and tells; trials of a round that does not come to its end have failed."""
        asked: list[optuna.Trial] = []
        try:
            choices = []
            for _ in range(pack):
                asked.append(self.study.ask())
                choices.append(self._choice(asked[-1]))
            members = [{**choice, "seed": s} for choice in choices for s in self.seeds]
            colony = create_colony(self.jobs, members, self.threads)
            train_all(colony, on_progress=on_progress)
            colony.crew.stop([])  # of those that have ended, the engine keeps nothing
        except BaseException:
            for trial in asked:
                self.study.tell(trial, state=_optuna().trial.TrialState.FAIL)
            raise
        self._tell(asked, colony)

    def _choice(self, trial: optuna.Trial) -> dict[str, Any]:
        choice = {axis.name: _suggested(trial, axis) for axis in self.axes}
        if self.space is None:
            return choice
        chosen = dict(self.space(trial))
        for name in chosen:
            if name not in SWEEPABLE:
                raise PlanError(f"space: gives {name!r}, which is none of what can differ; {nearest(name, SWEEPABLE)}")
        return {**choice, **chosen}

    def _tell(self, asked: list[optuna.Trial], colony: Colony) -> None:
        results = colony.results
        by_loss = all("loss" not in choice for choice in colony.choices)
        score = np.where(results.diverged, np.inf, results.loss if by_loss else results.error)
        each = len(self.seeds)
        begin = len(self.trials)
        for k, trial in enumerate(asked):
            own = score[k * each : (k + 1) * each]
            trial.set_user_attr("members", list(range(begin + k * each, begin + (k + 1) * each)))
            # A diverged trial is told as the worst there is; one that failed would be asked for again and again.
            self.study.tell(trial, float(own.mean()) if np.isfinite(own).all() else float("inf"))
        self.trials += tuple(trial.number for trial in asked for _ in self.seeds)
        self.colonies = [*(self.colonies or []), colony]

    def result(self) -> OptunaSweep:
        assert self.colonies
        return OptunaSweep(self.study, merge_colonies(self.colonies, self.fixed), self.trials)


def _suggested(trial: optuna.Trial, axis: Axis) -> Any:
    values = axis.values
    if isinstance(values, Range):
        if values.whole:
            return trial.suggest_int(axis.name, int(values.low), int(values.high), log=values.log)
        return trial.suggest_float(axis.name, float(values.low), float(values.high), log=values.log)
    said = _said(values)
    return said[trial.suggest_categorical(axis.name, list(said))]


def _said(values: tuple[Any, ...]) -> dict[Any, Any]:
    """The values by what Optuna can keep of them: numbers and words as they are, others as they print."""
    words = [format_choice(value) for value in values]
    words = words if len(set(map(repr, words))) == len(words) else [repr(value) for value in values]
    return dict(zip(words, values, strict=True))


def _new_study(library: Any, seed: int) -> optuna.Study:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", library.exceptions.ExperimentalWarning)  # as some versions call constant_liar
        sampler = library.samplers.TPESampler(seed=seed % 2**32, constant_liar=True)
    verbosity = library.logging.get_verbosity()
    library.logging.set_verbosity(max(verbosity, library.logging.WARNING))  # that there is a new study is no news
    try:
        study: optuna.Study = library.create_study(direction="minimize", sampler=sampler)
    finally:
        library.logging.set_verbosity(verbosity)
    return study


def _checked(study: Any) -> optuna.Study:
    if not hasattr(study, "ask") or not hasattr(study, "directions"):
        raise PlanError(f"study: got {type(study).__name__}; needs an Optuna study, such as optuna.create_study()")
    directions = [direction.name.lower() for direction in study.directions]
    if directions != ["minimize"]:
        raise PlanError(f"study: has the directions {', '.join(directions)}; needs one, minimize, for a loss")
    found: optuna.Study = study
    return found


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise CrecheError("sweep_with_optuna needs Optuna: pip install 'creche[sweep]'") from error
    return optuna
