"""The colony: networks that were trained together, their comparison, and the best of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, overload

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche._displayed import Displayed
from creche.engine.colony import Crew
from creche.errors import DivergedError, PlanError
from creche.model_selection.fold_statistics import FOLD_COLUMNS, FoldLayout, plan_numbers, rank_by_plan
from creche.model_selection.member import Member
from creche.model_selection.results import Results, read_results
from creche.plan.words import BEST_BY, BestBy, check_word
from creche.table.prepare import Prepared
from creche.table.result_frames import frame_method, polars_frame
from creche.table.table import FrameLibrary

if TYPE_CHECKING:
    import polars as pl

    from creche.model.ensemble import Ensemble
    from creche.model_selection.cross_validation_result import CrossValidation
    from creche.model_selection.jobs import Jobs
    from creche.model_selection.results import Effect

__all__ = ["Colony"]


class Colony(Displayed, Sequence[Member]):
    """Networks trained together, as `creche.sweep` returns them.

    A colony is a sequence of `Member` objects, in the order of their plans and seeds.

    Attributes
    ----------
    crew : Crew
        The members in the engine.
    choices : sequence of dict
        For each member the values of the arguments in which the members differ, the seed last.
    prepared : sequence of Prepared
        For each member the prepared table.
    varied_arguments : tuple of str
        The names of these arguments, without the seed.
    fold_layout : FoldLayout or None
        How the networks are distributed over folds, if the sweep had folds.
    seconds : float
        The training time.
    interrupted : bool
        Whether Ctrl-C stopped the training before all networks had ended.
    jobs : Jobs or None
        What the plans and the rows of a sweep's networks were made by.

    """

    def __init__(
        self,
        crew: Crew,
        choices: Sequence[Mapping[str, Any]],
        prepared: Sequence[Prepared],
        fold_layout: FoldLayout | None = None,
    ) -> None:
        self.crew = crew
        self.prepared = prepared
        self.choices = choices
        self.fold_layout = fold_layout
        self.varied_arguments = tuple(name for name in self.choices[0] if name not in ("seed", *FOLD_COLUMNS))
        self.seconds = 0.0
        self.interrupted = False
        self.jobs: Jobs | None = None
        self._results: Results | None = None

    def __len__(self) -> int:
        return len(self.choices)

    @overload
    def __getitem__(self, number: int) -> Member: ...

    @overload
    def __getitem__(self, number: slice) -> list[Member]: ...

    def __getitem__(self, number: int | slice) -> Member | list[Member]:
        if isinstance(number, slice):
            return [self[i] for i in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(f"member {number}: the colony has {len(self):,}; give a number below that")
        number %= len(self)
        return Member(self.crew, number, self.choices[number], self.prepared[number])

    def __iter__(self) -> Iterator[Member]:
        return (self[i] for i in range(len(self)))

    @property
    def library(self) -> FrameLibrary:
        """The library of DataFrames in which its tables come."""
        return self.prepared[0].library

    @property
    def results(self) -> Results:
        """The results of all members, as arrays."""
        if self._results is None:
            self._results = read_results(self)
        return self._results

    def forget_results(self) -> None:
        """Discard `results`, so that they are read again when they are needed next."""
        self._results = None

    @property
    def partition(self) -> str:
        """The rows on which the members are compared: "validation", or "train" if there are no validation rows."""
        return "train" if self.crew.jobs[0].validation is None and self.fold_layout is None else "validation"

    @property
    def ranking_metric(self) -> str:
        """What the ranking compares: "loss", or "accuracy" or "rmse" if the members have different losses."""
        return self.results.metric_name if "loss" in self.varied_arguments else "loss"

    def ranking(self) -> NDArray[np.int64]:
        """Return the numbers of the members, the best first, without those that diverged or have not begun.

        With folds, the plan with the lowest mean comes first, with all of its members.
        """
        score = self._scores()
        if self.fold_layout is not None:
            return rank_by_plan(self, score)
        usable = np.flatnonzero(np.isfinite(score) & ~self.results.diverged)
        return usable[np.argsort(score[usable], kind="stable")]

    def has_ranked_member(self) -> bool:
        """Return whether any member can be ranked, without reading the results of all of them."""
        crew = self.crew
        return any(crew.epoch(n) > 0 and crew.status(n) != "diverged" for n in range(len(self)))

    def best(self, by: BestBy = "plan") -> Member:
        """Return the member to keep: of the plan with the lowest mean loss over its seeds, the one in the middle.

        A plan is as good as the mean of its seeds, and its member in the middle is as good as another seed is likely to
        be; the single best of many members is partly the luckiest of them. The loss is that of the validation rows (of
        the training rows, if there are no others). Rows that had no part in the choice (`test_fraction`) tell how good
        the member is.

        Parameters
        ----------
        by : {"plan", "network"}, default "plan"
            Choose the plan with the lowest mean (over its seeds, and over its folds if it has any), and of its members
            the one with the median loss (the lower of two in the middle); or the single member with the lowest loss.
            Members that diverged or that halving stopped are not chosen; plans with diverged members rank last.

        Raises
        ------
        DivergedError
            If all members diverged.
        PlanError
            If no member was trained for an epoch, or `by` is another word.

        Examples
        --------
        >>> import creche as cr
        >>> colony = cr.sweep("penguins", label="species", hidden=[[5], [10]], seeds=3, epochs=5, threads=1)
        >>> middle, lowest = colony.best(), colony.best(by="network")
        >>> bool(lowest.history.validation_loss.min() <= middle.history.validation_loss.min())
        True

        """
        check_word("by", by, BEST_BY)
        score = self._scores()
        ranking = rank_by_plan(self, score)
        if not len(ranking):
            self.raise_no_ranked_member()
        if by == "network":
            return self[int(ranking[np.argmin(score[ranking])])]
        complete = ranking[self.results.status[ranking] != "stopped"]
        candidates = complete if len(complete) else ranking
        plans = plan_numbers(self)[candidates]
        members = candidates[plans == plans[0]]
        return self[int(members[(len(members) - 1) // 2])]

    def best_folds(self) -> CrossValidation:
        """Return the networks of the best plan on all folds, as `creche.cross_validate` returns them.

        Its `ensemble()` is a model of all of these networks, and its `refit()` one that is trained on all rows. These
        folds have chosen the best of many plans, so its metrics are a little too optimistic.

        Raises
        ------
        PlanError
            If the sweep had no folds, or no member was trained for an epoch.
        DivergedError
            If all members diverged.

        Examples
        --------
        >>> import creche as cr
        >>> colony = cr.sweep("penguins", label="species", hidden=[[5], [10]], folds=3, epochs=5, threads=1)
        >>> model = colony.best_folds().ensemble()
        >>> len(model)
        3

        """
        from creche.model_selection.best_folds import select_best_folds

        return select_best_folds(self)

    def ensemble(self, size: int = 16, *, candidates: int = 256, temperature: bool = True) -> Ensemble:
        """Build an ensemble of the best members, whose probabilities (or numbers) are averaged.

        Members are added one at a time: each time the one that lowers the loss of the mean on the validation rows most,
        whether or not it is in the ensemble already (Caruana et al. 2004, "Ensemble selection from libraries of
        models").

        Parameters
        ----------
        size : int, default 16
            The number of selection steps, and the largest number of networks in the ensemble.
        candidates : int, default 256
            How many of the best members may be selected.
        temperature : bool, default True
            Whether the probabilities are calibrated on the validation rows by temperature scaling (Guo et al. 2017).

        Raises
        ------
        DivergedError
            If all members diverged.
        PlanError
            If a number is too small, or the members were trained on different folds, and so have no rows in common that
            none of them was trained on.

        Examples
        --------
        >>> import creche as cr
        >>> colony = cr.sweep("penguins", label="species", hidden=[5], epochs=20, seeds=8, threads=1)
        >>> ensemble = colony.ensemble(4)
        >>> ensemble.predict_proba("penguins").shape
        (344, 3)

        """
        from creche.model_selection.ensemble_selection import select_ensemble

        return select_ensemble(self, size, candidates, temperature)

    @frame_method
    def table(self) -> pl.DataFrame:
        """Return a DataFrame with a row for each member, the best first; values that do not exist are null.

        The columns are rank (from 1; null for members that diverged), member (its number), the arguments in which the
        members differ, seed, status, epochs, and train_loss, validation_loss and the metrics in the epoch whose weights
        the member has.
        """
        from creche.model_selection.results import members_table

        return members_table(self)

    @frame_method
    def plans(self) -> pl.DataFrame:
        """Return a DataFrame with a row for each plan, the best mean first.

        The networks of a plan differ in their seed and fold only. The columns are the arguments in which the plans
        differ, networks and diverged (numbers of networks), and mean, std, min and max of the validation loss and the
        metric over the networks.

        With folds, there are also the 95 % confidence intervals of the means (low, high), which allow for folds that
        share training rows (see `CrossValidation.summary`), and the gap to the best plan, compared fold by fold, with
        its interval (gap, low_gap, high_gap): where the interval contains 0, the plan may be as good as the best one.
        The best of many plans is partly the luckiest, because these rows chose it.
        """
        from creche.model_selection.results import plans_table

        return plans_table(self)

    def effects(self) -> list[Effect]:
        """Return the share of variance between the networks that each argument explains, and the seed.

        The variance is that of the ranks, where diverged networks come last, so that a few very large losses do not
        count more than others. The rest, up to 1, is due to interactions between arguments.

        Examples
        --------
        >>> import creche as cr
        >>> colony = cr.sweep("penguins", label="species", hidden=[5], learning_rate=[1e-5, 0.01], epochs=5, seeds=4,
        ...                   threads=1)
        >>> [effect.argument for effect in colony.effects()]
        ['learning_rate', 'seed']

        """
        from creche.model_selection.results import compute_effects

        return compute_effects(self)

    def to_dict(self, best_by: BestBy = "plan") -> dict[str, Any]:
        """Return the members, the plans, the effects and the best member as plain data.

        Parameters
        ----------
        best_by : {"plan", "network"}, default "plan"
            How `best` chooses the member.

        Raises
        ------
        DivergedError
            If all members diverged.
        PlanError
            If no member was trained for an epoch.

        """
        best = self.best(best_by)
        partition, evaluation = best.evaluated_on, best.evaluation
        return {
            "networks": len(self),
            "varied_arguments": list(self.varied_arguments),
            "ranking_metric": f"{self.partition}_{self.ranking_metric}",
            "diverged": int(self.results.diverged.sum()),
            "interrupted": self.interrupted,
            "seconds": self.seconds,
            "threads": self.crew.hardware.threads,
            "label": best.prepared.labels.name,
            "training_rows": len(best.prepared.train),
            "bootstrap": best.prepared.preparation.bootstrap is not None,
            "evaluated_on": partition,
            "best": {
                "by": best_by,
                "member": best.number,
                "evaluation": evaluation.to_dict(),
                "plan": best.plan.to_dict(),
            },
            "effects": [effect.to_dict() for effect in self.effects()],
            "plans": polars_frame(self.plans).to_dicts(),
            "members": polars_frame(self.table).to_dicts(),
        }

    def plot(self, by: str | None = None) -> Any:
        """Draw the loss against the epoch, in a panel for each value of an argument.

        Parameters
        ----------
        by : str, optional
            The argument; by default the one that explains most of the variance.

        Returns
        -------
        matplotlib.figure.Figure

        """
        from creche import plots

        return plots.plot_curves(self, by)

    def plot_map(self, x: str | None = None, y: str | None = None) -> Any:
        """Draw the lowest loss for each pair of values of two arguments, such as learning rate and optimizer.

        Parameters
        ----------
        x, y : str, optional
            The arguments; by default the two that explain most of the variance.

        Returns
        -------
        matplotlib.figure.Figure

        """
        from creche import plots

        return plots.plot_map(self, x, y)

    def plot_spread(self, plans: int = 12) -> Any:
        """Draw the losses of the best plans, with a point for each seed.

        Parameters
        ----------
        plans : int, default 12
            The number of plans.

        Returns
        -------
        matplotlib.figure.Figure

        """
        from creche import plots

        return plots.plot_spread(self, plans)

    def raise_no_ranked_member(self) -> NoReturn:
        """Raise the error that tells why there is no best member.

        Raises
        ------
        DivergedError
            If all members diverged.
        PlanError
            If no member was trained for an epoch.

        """
        if all(job.plan.epochs == 0 for job in self.crew.jobs):
            raise PlanError("epochs: got 0; needs at least 1, because untrained networks cannot be compared")
        if not self.results.diverged.any():
            raise PlanError("the colony was stopped before any network had completed an epoch; continue with resume")
        rates = [job.plan.optimizer.learning_rate for job in self.crew.jobs]
        low, high = min(rates), max(rates)
        epoch, batch, rate = self.crew.divergence(int(np.argmax(self.results.diverged))) or (0, 0, low)
        tried = f"a learning rate of {low:g}" if low == high else f"learning rates from {low:g} to {high:g}"
        raise DivergedError(
            f"all {len(self):,} networks diverged, with {tried}. Try lower ones, from {low / 1000:g} to {low / 10:g}; "
            f"or {advise('preprocessing', 'standard')}, if columns were not scaled",
            epoch, batch, rate, None,
        )  # fmt: skip

    def __repr__(self) -> str:
        results = self.results
        diverged = f", {int(results.diverged.sum()):,} diverged" if results.diverged.any() else ""
        ranking = self.ranking()
        best = (
            f"; best {self.partition} {self.ranking_metric} {self._score(int(ranking[0])):.4g}" if len(ranking) else ""
        )
        return f"Colony({len(self):,} networks{diverged}, {self.seconds:.2f} s{best})"

    def _scores(self) -> NDArray[np.float64]:
        """Return what the ranking compares, lower is better; NaN for members without a result."""
        return self.results.loss if self.ranking_metric == "loss" else self.results.error

    def _score(self, number: int) -> float:
        results = self.results
        return float(results.loss[number] if self.ranking_metric == "loss" else results.metric[number])
