"""The sweep: the same training with many settings and seeds, all at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from creche.colony.begun import begun, train_all
from creche.colony.choices import Choices, axes_of
from creche.colony.colony import Colony
from creche.colony.estimate import Estimate, check
from creche.colony.halving import Halving
from creche.colony.jobs import Jobs, all_arguments
from creche.colony.keeping import Keeper
from creche.engine.machine import resolve_threads
from creche.errors import PlanError
from creche.planning import whole

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
    seed, seeds = whole("seed", seed, at_least=0), whole("seeds", seeds, at_least=1)
    folds, repeats = _folds(folds, repeats)
    given = all_arguments(arguments)
    fixed, axes = axes_of({name: value for name, value in given.items() if name != "seed"})
    choices = Choices(axes, samples, method, seed)
    halving = Halving.of(halving)
    threads = resolve_threads(threads)
    if folds is not None and halving is not None:
        raise PlanError("halving: does not go with folds, which would be stopped apart; leave one of the two out")
    jobs = Jobs(data, y, fixed, seed, folds, repeats, bootstrap)
    check(choices, seeds, jobs, halving, confirm, threads)
    colony = begun(jobs, [{**choice, "seed": s} for choice in choices for s in range(seed, seed + seeds)], threads)
    keeper = None
    if checkpoint is not None:
        keeper = Keeper(checkpoint, colony, halving, resume)
    train_all(colony, halving, on_progress, keeper)
    if not colony.has_somebody():
        colony.best()  # says why there is nobody
    return colony


def _folds(folds: int | None, repeats: int) -> tuple[int | None, int]:
    repeats = whole("repeats", repeats, at_least=1)
    if folds is None and repeats > 1:
        raise PlanError(f"repeats: got {repeats}, but there are no folds to deal out anew; give folds too, such as 5")
    return None if folds is None else whole("folds", folds, at_least=2), repeats
