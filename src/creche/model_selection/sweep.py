"""A colony begun, trained to its end, and several made one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from creche._system.resources import resolve_threads
from creche.engine.colony import Crew, Job
from creche.engine.native import Rows
from creche.errors import PlanError
from creche.model_selection.colony import Colony
from creche.model_selection.cost_estimate import Estimate, check_cost
from creche.model_selection.fold_statistics import FoldLayout
from creche.model_selection.jobs import Jobs, complete_arguments
from creche.model_selection.search_space import Combinations, split_axes
from creche.model_selection.successive_halving import Halving, halve
from creche.model_selection.sweep_checkpoint import SweepCheckpoint
from creche.plan.arguments import check_whole_number
from creche.table.prepare import Prepared

__all__ = ["create_colony", "merge_colonies", "sweep", "train_all"]


def create_colony(jobs: Jobs, choices: Sequence[Mapping[str, Any]], threads: int) -> Colony:
    """A colony that has not taken a step.

    Parameters
    ----------
    jobs : Jobs
    choices : sequence of dict
        Of each network: the arguments it is given, its seed last. On folds, there is one for each fold.
    threads : int

    Raises
    ------
    PlanError
        If one of the plans cannot be.

    """
    made: list[Job] = []
    members: list[dict[str, Any]] = []
    tables: list[Prepared] = []
    held_out: list[Rows | None] = []
    for split in range(jobs.splits):
        for choice, seeds in _by_choice(choices):  # the seeds of a plan stand together
            plan, _ = jobs.planned(choice, split)
            encoded = jobs.encoded(choice, split)
            for seed in seeds:
                own = jobs.of(seed, encoded)
                made.append(Job(plan.with_seed(seed), own.rows, own.validation))
                members.append({**choice, **encoded.place, "seed": seed})
                tables.append(own.prepared)
                held_out.append(encoded.held_out)
    folded = None
    if jobs.folds is not None:
        first = {name: value for name, value in choices[0].items() if name != "seed"}
        folded = FoldLayout(jobs.folds, jobs.repeats, jobs.test_to_train(first), held_out)
    return Colony(Crew(made, threads), members, tables, folded)


def _by_choice(choices: Sequence[Mapping[str, Any]]) -> Iterator[tuple[dict[str, Any], list[int]]]:
    """Choices without their seed, and the seeds of those that follow each other and are else the same."""
    seeds: list[int] = []
    before: dict[str, Any] = {}
    for member in choices:
        choice = {name: value for name, value in member.items() if name != "seed"}
        # By identity: values may be arrays.
        if seeds and not (choice.keys() == before.keys() and all(choice[name] is before[name] for name in choice)):
            yield before, seeds
            seeds = []
        before = choice
        seeds.append(member["seed"])
    if seeds:
        yield before, seeds


def train_all(
    colony: Colony,
    halving: Halving | None = None,
    on_progress: Callable[[Colony], object] | None = None,
    keeper: SweepCheckpoint | None = None,
) -> None:
    """Trains a colony to its end; on Ctrl-C it is the exception's `colony`."""
    crew, begin, before = colony.crew, time.monotonic(), colony.seconds

    def report() -> None:
        colony.seconds = before + time.monotonic() - begin
        if keeper is not None:
            keeper.save_if_due()
        if on_progress is not None:
            on_progress(colony)

    look = None if on_progress is None and keeper is None else report
    try:
        if halving is None:
            crew.run(-1, look)
        else:
            halve(crew, halving, _comparable(colony), look)
    except KeyboardInterrupt as interrupt:
        colony.interrupted = True
        interrupt.colony = colony  # type: ignore[attr-defined]
        raise
    finally:
        colony.seconds = before + time.monotonic() - begin
        colony.forget_results()
        if keeper is not None:
            keeper.save()


def merge_colonies(colonies: Sequence[Colony], fixed: Mapping[str, Any] = MappingProxyType({})) -> Colony:
    """The members of several colonies as one.

    Parameters
    ----------
    colonies : sequence of Colony
    fixed : dict
        The values of arguments that not all choices name.

    """
    members = [member for colony in colonies for member in colony]
    crew = Crew.merge([colony.crew for colony in colonies])
    names = [name for name in dict.fromkeys(name for member in members for name in member.choice) if name != "seed"]
    choices = [
        {name: member.choice.get(name, fixed.get(name)) for name in names} | {"seed": member.choice["seed"]}
        for member in members
    ]
    one = Colony(crew, choices, [member.prepared for member in members])
    one.seconds = sum(colony.seconds for colony in colonies)
    one.interrupted = any(colony.interrupted for colony in colonies)
    return one


def _comparable(colony: Colony) -> list[int]:
    """A number for each kind of loss."""
    kinds: dict[str, int] = {}
    return [kinds.setdefault(repr(choice.get("loss")), len(kinds)) for choice in colony.choices]


def sweep(
    data: Any,
    y: Any = None,
    *,
    seeds: int = 1,
    seed: int = 0,
    folds: int | None = None,
    repeats: int = 1,
    samples: int | None = None,
    method: str | None = None,
    halving: Halving | float | bool | None = None,
    bootstrap: bool = False,
    confirm: Callable[[Estimate], bool] | None = None,
    threads: int | None = None,
    on_progress: Callable[[Colony], object] | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    **arguments: Any,
) -> Colony:
    """Trains a network for each combination of the given values and each seed, all at once.

    Every argument of `creche.train` that says something of the network or its training may have several values: a
    list, an array or a range (`log_range`, `linear_range`). Widths of several layers are a list of their own,
    ``hidden=[[5, 5], [10, 10]]``; what else is to differ from layer to layer is a tuple,
    ``activation=[("relu", "tanh"), "relu"]``. `weight_decay`, `l1`, `momentum`, `clip_norm` and `clip_value` of the
    optimizer may be given, and differ, likewise.

    All networks learn the same rows (unless `bootstrap`) and are compared on the same rows. Each is, bit for bit, what
    `creche.train` gives with its values, its seed and ``split_seed=seed``.

    Parameters
    ----------
    data, y
        As for `creche.train`.
    seeds : int, default 1
        How many networks for each combination; they have the seeds ``seed``, ``seed + 1``, ….
    seed : int, default 0
        The first of them; also that of the split, and of what is drawn.
    folds : int, optional
        Judge each plan by cross-validation: a network for each seed on each of so many folds. `Colony.plans` tells the
        mean over the folds with an interval, and ranks by it.
    repeats : int, default 1
        How often the folds are dealt out anew.
    samples : int, optional
        Draw so many combinations instead of trying all.
    method : {"grid", "random", "sobol"}, optional
        All combinations (the default without `samples`), drawn at random (the default with), or drawn evenly (Sobol's
        quasi-random numbers; needs scipy).
    halving : Halving, float or bool, optional
        Stop the worst early: True, or the share that goes on after each round (0.33).
    bootstrap : bool, default False
        Whether each network learns a sample of its own: as many rows as there are for training, drawn from them with
        replacement by its seed. An ensemble of such networks is bagging (Breiman 1996, "Bagging predictors"), and the
        spread over the seeds is that of the rows, too. Encoders and validation rows are the same for all.
    confirm : callable, optional
        Is called with an `Estimate` before training begins; nothing is trained where it returns False.
    threads : int, optional
        By default ``CRECHE_NUM_THREADS``, or else the cores this process may use.
    on_progress : callable, optional
        Is called with the colony about twenty times a second.
    checkpoint : file name, optional
        Where the state of all networks is kept: once a minute, and when the sweep ends or is interrupted.
    resume : bool, default False
        Go on from that file, if it is there; all networks end with the same bytes as if nothing had happened.
    **arguments
        Of `creche.train`.

    Returns
    -------
    Colony

    Raises
    ------
    TableError, FileError
        As for `creche.train`; or if the checkpoint is of another sweep.
    PlanError
        If a plan cannot be, a range is empty, or there are more networks than memory.
    DivergedError
        If all networks diverged; its message says which rates to try.
    KeyboardInterrupt
        On Ctrl-C; what was done is the exception's `colony`.

    Examples
    --------
    >>> import creche as cr
    >>> colony = cr.sweep("penguins", label="species", hidden=[[5, 5], [10, 10]], optimizer=["sgd", "adam"],
    ...                   learning_rate=cr.log_range(0.001, 0.1, 3), seeds=4, epochs=20, threads=1)
    >>> len(colony), colony.varied
    (48, ('hidden', 'optimizer', 'learning_rate'))
    >>> best = colony.best()
    >>> bool(best.evaluation[1].accuracy > 0.95)
    True

    """
    seed, seeds = check_whole_number("seed", seed, at_least=0), check_whole_number("seeds", seeds, at_least=1)
    folds, repeats = _folds(folds, repeats)
    given = complete_arguments(arguments)
    fixed, axes = split_axes({name: value for name, value in given.items() if name != "seed"})
    choices = Combinations(axes, samples, method, seed)
    halving = Halving.of(halving)
    threads = resolve_threads(threads)
    if folds is not None and halving is not None:
        raise PlanError("halving: does not go with folds, which would be stopped apart; leave one of the two out")
    jobs = Jobs(data, y, fixed, seed, folds, repeats, bootstrap)
    check_cost(choices, seeds, jobs, halving, confirm, threads)
    colony = create_colony(
        jobs, [{**choice, "seed": s} for choice in choices for s in range(seed, seed + seeds)], threads
    )
    keeper = None
    if checkpoint is not None:
        keeper = SweepCheckpoint(checkpoint, colony, halving, resume)
    train_all(colony, halving, on_progress, keeper)
    if not colony.has_ranked_member():
        colony.best()  # says why there is nobody
    return colony


def _folds(folds: int | None, repeats: int) -> tuple[int | None, int]:
    repeats = check_whole_number("repeats", repeats, at_least=1)
    if folds is None and repeats > 1:
        raise PlanError(f"repeats: got {repeats}, but there are no folds to deal out anew; give folds too, such as 5")
    return None if folds is None else check_whole_number("folds", folds, at_least=2), repeats
