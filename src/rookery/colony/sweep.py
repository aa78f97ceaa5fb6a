"""The sweep: the same training with many settings and seeds, all at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rookery.colony.choices import Choices, axes_of
from rookery.colony.colony import Colony
from rookery.colony.estimate import TRIED, Estimate, estimate
from rookery.colony.folded import Folded
from rookery.colony.halving import Halving, halve
from rookery.colony.jobs import Jobs, all_arguments
from rookery.colony.keeping import Keeper
from rookery.engine.colony import Crew, Job, memory_of
from rookery.engine.machine import available_memory, resolve_threads
from rookery.engine.native import Rows, gigabytes
from rookery.errors import PlanError
from rookery.planning import whole
from rookery.table.prepare import Prepared

__all__ = ["sweep"]


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
    confirm: Callable[[Estimate], bool] | None = None,
    threads: int | None = None,
    on_progress: Callable[[Colony], object] | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    **arguments: Any,
) -> Colony:
    """Trains a network for each combination of the given values and each seed, all at once.

    Every argument of `rookery.train` that says something of the network or its training may have several values: a
    list, an array or a range (`log_range`, `linear_range`). Widths of several layers are a list of their own,
    ``hidden=[[5, 5], [10, 10]]``; what else is to differ from layer to layer is a tuple,
    ``activation=[("relu", "tanh"), "relu"]``. `weight_decay`, `l1`, `momentum`, `clip_norm` and `clip_value` of the
    optimizer may be given, and differ, likewise.

    All networks learn the same rows and are compared on the same rows. Each is, bit for bit, what `rookery.train` gives
    with its values, its seed and ``split_seed=seed``.

    Parameters
    ----------
    data, y
        As for `rookery.train`.
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
    confirm : callable, optional
        Is called with an `Estimate` before training begins; nothing is trained where it returns False.
    threads : int, optional
        By default ``ROOKERY_NUM_THREADS``, or else the cores this process may use.
    on_progress : callable, optional
        Is called with the colony about twenty times a second.
    checkpoint : file name, optional
        Where the state of all networks is kept: once a minute, and when the sweep ends or is interrupted.
    resume : bool, default False
        Go on from that file, if it is there; all networks end with the same bytes as if nothing had happened.
    **arguments
        Of `rookery.train`.

    Returns
    -------
    Colony

    Raises
    ------
    TableError, FileError
        As for `rookery.train`; or if the checkpoint is of another sweep.
    PlanError
        If a plan cannot be, a range is empty, or there are more networks than memory.
    DivergedError
        If all networks diverged; its message says which rates to try.
    KeyboardInterrupt
        On Ctrl-C; what was done is the exception's `colony`.

    Examples
    --------
    >>> import rookery as rk
    >>> colony = rk.sweep("penguins", label="species", hidden=[[5, 5], [10, 10]], optimizer=["sgd", "adam"],
    ...                   learning_rate=rk.log_range(0.001, 0.1, 3), seeds=4, epochs=20, threads=1)
    >>> len(colony), colony.varied
    (48, ('hidden', 'optimizer', 'learning_rate'))
    >>> best = colony.best()
    >>> bool(best.evaluation[1].accuracy > 0.95)
    True

    """
    seed, seeds = whole("seed", seed, at_least=0), whole("seeds", seeds, at_least=1)
    folds, repeats = _folds(folds, repeats)
    given = all_arguments(arguments)
    fixed, axes = axes_of({name: value for name, value in given.items() if name != "seed"})
    choices = Choices(axes, samples, method, seed)
    halving = Halving.of(halving)
    threads = resolve_threads(threads)
    if folds is not None and halving is not None:
        raise PlanError("halving: does not go with folds, which would be stopped apart; leave one of the two out")
    jobs = Jobs(data, y, fixed, seed, folds, repeats)
    networks = len(choices) * seeds * jobs.splits
    _check(networks, choices, jobs, halving, confirm, threads)
    made: list[Job] = []
    members: list[dict[str, Any]] = []
    prepared: list[Prepared] = []
    held_out: list[Rows | None] = []
    for split in range(jobs.splits):
        for choice in choices:
            plan, table = jobs.planned(choice, split)
            place, rows = jobs.fold(choice, split)
            job = jobs.job(plan, choice, split)
            for s in range(seed, seed + seeds):
                made.append(replace(job, plan=plan.with_seed(s)))
                members.append({**choice, **place, "seed": s})
                prepared.append(table)
                held_out.append(rows)
    folded = None if folds is None else Folded(folds, repeats, jobs.test_to_train(choices[0]), held_out)
    colony = Colony(Crew(made, threads), members, prepared, folded)
    keeper = None
    if checkpoint is not None:
        keeper = Keeper(checkpoint, colony, halving, resume)
    train_all(colony, halving, on_progress, keeper)
    if not len(colony.ranking()):
        colony.best()  # says why there is none
    return colony


def train_all(
    colony: Colony,
    halving: Halving | None,
    on_progress: Callable[[Colony], object] | None,
    keeper: Keeper | None = None,
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


def _folds(folds: int | None, repeats: int) -> tuple[int | None, int]:
    repeats = whole("repeats", repeats, at_least=1)
    if folds is None and repeats > 1:
        raise PlanError(f"repeats: got {repeats}, but there are no folds to deal out anew; give folds too, such as 5")
    return None if folds is None else whole("folds", folds, at_least=2), repeats


def _comparable(colony: Colony) -> list[int]:
    """A number for each kind of loss."""
    kinds: dict[str, int] = {}
    return [kinds.setdefault(repr(choice.get("loss")), len(kinds)) for choice in colony.choices]


def _check(
    networks: int,
    choices: Choices,
    jobs: Jobs,
    halving: Halving | None,
    confirm: Callable[[Estimate], bool] | None,
    threads: int,
) -> None:
    """Refuses what cannot be, before anything is made of it, and asks whether to begin."""
    some = []
    for k in np.unique(np.linspace(0, len(choices) - 1, min(len(choices), TRIED)).astype(int)):
        choice = choices[int(k)]
        some.append(jobs.job(jobs.planned(choice)[0], choice))
    needed = int(sum(memory_of(job.plan, len(job.rows)) for job in some) / len(some) * networks)
    free = available_memory()
    if free is not None and needed > free:
        raise PlanError(
            f"a sweep of {networks:,} networks needs about {gigabytes(needed)}, more than {gigabytes(free)} available; "
            "give fewer values, seeds or folds, or draw some with samples=1000"
        )
    if confirm is None:
        return
    expected = estimate(networks, some, threads)
    if halving is not None:
        share = halving.share(max(job.plan.epochs for job in some), networks)
        expected = replace(expected, seconds=expected.seconds * share)
    if not confirm(expected):
        raise PlanError(f"nothing was trained: {networks:,} networks were not confirmed")
