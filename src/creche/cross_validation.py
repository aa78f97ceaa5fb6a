"""Cross-validation: every row is predicted by networks that never saw it."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

from creche.crossing.result import CrossValidation
from creche.crossing.trained import Networks, networks_on
from creche.errors import DivergedError
from creche.evaluation.bootstrap import at_least_0
from creche.plan.plan import EarlyStopping
from creche.planning import loss_of, optimizer_of, preparation_of, whole
from creche.table.check import warn
from creche.table.folding import check_not_of_folds, folds_of
from creche.table.survey import Survey, surveyed
from creche.training import settled, train

__all__ = ["CrossValidation", "cross_validate"]

MOST_REPEATS = 10_000


def cross_validate(
    data: Any,
    y: Any = None,
    *,
    label: str | None = None,
    folds: int = 5,
    repeats: int = 1,
    seeds: int = 1,
    seed: int = 0,
    group: str | None = None,
    time: str | None = None,
    intervals: int = 1000,
    on_progress: Callable[[Networks], object] | None = None,
    **arguments: Any,
) -> CrossValidation:
    """Trains a network for each seed on each fold, all at once, and judges it on the rows of that fold.

    What the columns are is found out once, for the whole table; encoders are fitted for each fold on its training rows.
    Where a network stops early, it watches `validation_fraction` of its training rows, and never the rows of its fold.
    Each network is, bit for bit, the one that is trained alone on those rows.

    Parameters
    ----------
    data, y, label
        As for `creche.train`.
    folds : int, default 5
    repeats : int, default 1
        How often the rows are dealt out anew.
    seeds : int, default 1
        How many networks for each fold; they have the seeds ``seed``, ``seed + 1``, ….
    seed : int, default 0
        Of the folds (where `split_seed` is not given), and of the first network of each.
    group, time : str, optional
        A column whose equal values stay in one fold, or by which each fold is judged by what went before it only.
    intervals : int, default 1000
        Resamples for the intervals of `CrossValidation.evaluation`; 0 for none.
    on_progress : callable, optional
        Is called about twenty times a second with the networks, which say how many are `done` of ``len(networks)``, how
        many a second (`rate`), and how many `epochs`.
    **arguments
        Of `creche.train`: the network, the optimizer, the epochs, `threads`, …. With a loss that is a function of
        Python, or with `on_epoch`, the networks are trained one by one.

    Returns
    -------
    CrossValidation

    Warns
    -----
    CrecheWarning
        Of leakage: rows that have copies in other folds; of classes that a fold lacks; of networks that diverged.

    Raises
    ------
    TableError
        If there are fewer rows, groups or rows of a class than folds, or a fold leaves only one class to learn.
    PlanError
        If an argument cannot be, or there are more networks than memory.
    DivergedError
        If all networks of a fold diverged.
    KeyboardInterrupt
        On Ctrl-C, within a tenth of a second; where networks were done, what they give is the exception's
        `cross_validation`.

    Examples
    --------
    >>> import creche as cr
    >>> crossed = cross_validate("penguins", label="species", folds=3, seeds=4, epochs=30, threads=1)
    >>> len(crossed.members), crossed.predictions.shape
    (12, (344, 3))
    >>> accuracy = crossed.summary()["accuracy"]
    >>> bool(accuracy.low < accuracy.mean <= accuracy.high)
    True

    """
    given = _arguments(data, y, label=label, seed=seed, group=group, time=time, **arguments)
    first, count = whole("seed", given["seed"], at_least=0), whole("seeds", seeds, at_least=1)
    at_least_0("intervals", intervals)
    survey = _surveyed(given)
    stops_early = EarlyStopping.of(given["early_stopping"] if given["plan"] is None else given["plan"].early_stopping)
    whole("repeats", repeats, at_least=1, at_most=MOST_REPEATS)  # before rows are dealt out so often
    parted = folds_of(survey, folds, repeats, first, watches=stops_early is not None)
    networks = networks_on(parted, range(first, first + count), given)
    try:
        networks.train(on_progress)
    except KeyboardInterrupt as interrupt:
        done = CrossValidation(survey, networks, intervals)
        if done.members:
            interrupt.cross_validation = done  # type: ignore[attr-defined]
        raise
    crossed = CrossValidation(survey, networks, intervals)
    if crossed.diverged:
        _tell_of_diverged(networks, crossed)
    return crossed


def _arguments(*data: Any, **arguments: Any) -> dict[str, Any]:
    """All arguments of `train` by name."""
    given = signature(train).bind(*data, **arguments)
    check_not_of_folds(arguments, ("checkpoint", "resume"))
    given.apply_defaults()
    return settled(given.arguments)


def _surveyed(given: dict[str, Any]) -> Survey:
    preparation, loss, _ = preparation_of(given), loss_of(given), optimizer_of(given)
    weights = given["sample_weight"]
    return surveyed(
        given["data"], given["y"], preparation, task=given["task"], loss=loss,
        weights=None if isinstance(weights, str) else weights,
    )  # fmt: skip


def _tell_of_diverged(networks: Networks, crossed: CrossValidation) -> None:
    """A warning that some are left out; an error where a fold is left without any."""
    diverged = [(i, seed) for i in range(len(networks.folds)) for seed, n in networks.on(i) if n.status == "diverged"]
    i, seed = diverged[0]
    fold, (epoch, batch, rate) = networks.folds[i], networks.divergence(i, seed)
    said = (
        f"{len(diverged):,} of {len(networks):,} networks diverged (seed {seed} on fold {fold.number} of repeat "
        f"{fold.repeat} in epoch {epoch + 1}, for one)"
    )
    cure = f"try a learning rate of {rate / 10:g} or lower"
    left = {(place.repeat, place.fold) for place in crossed.places}
    without = [f for f in networks.folds if (f.repeat, f.number) not in left]
    if without:
        raise DivergedError(f"{said}, so fold {without[0].number} has none to judge; {cure}", epoch, batch, rate, None)
    warn(f"{said} and are left out of what is told of the others; {cure}")
