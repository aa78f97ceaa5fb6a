"""The colony: networks that were trained together, their comparison, and the best of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from creche.engine.colony import Crew
from creche.errors import DivergedError, PlanError
from creche.model_selection.fold_statistics import OF_FOLDS, FoldLayout, rank_by_plan
from creche.model_selection.member import Member
from creche.model_selection.results import Results, read_results
from creche.table.prepare import Prepared

if TYPE_CHECKING:
    import polars as pl

    from creche.model.ensemble import Ensemble
    from creche.model_selection.results import Effect

__all__ = ["Colony"]


class Colony(Sequence[Member]):
    """Networks trained together, as `creche.sweep` makes them.

    ``len(colony)`` says how many, ``colony[i]`` is one of them (`Member`), in the order in which they were planned.

    Attributes
    ----------
    crew : Crew
        The members in the engine.
    choices : list of dict
        Of each member: what it was given where the members differ, its seed last.
    varied : tuple of str
        The arguments that differ, without the seed.
    folded : Folded or None
        How the networks are spread over folds, if the sweep had some.
    seconds : float
        How long training took.
    interrupted : bool
        Whether Ctrl-C ended it before all were done.

    """

    def __init__(
        self,
        crew: Crew,
        choices: Sequence[Mapping[str, Any]],
        prepared: Sequence[Prepared],
        folded: FoldLayout | None = None,
    ) -> None:
        self.crew = crew
        self._prepared = list(prepared)
        self.choices = [dict(choice) for choice in choices]
        self.folded = folded
        self.varied = tuple(name for name in self.choices[0] if name not in ("seed", *OF_FOLDS))
        self.seconds = 0.0
        self.interrupted = False
        self._results: Results | None = None

    def __len__(self) -> int:
        return len(self.choices)

    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [self[i] for i in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(f"member {number}: there are {len(self):,}")
        number %= len(self)
        return Member(self.crew, number, self.choices[number], self._prepared[number])

    def __iter__(self) -> Iterator[Member]:
        return (self[i] for i in range(len(self)))

    @property
    def results(self) -> Results:
        """What became of each member, as arrays."""
        if self._results is None:
            self._results = read_results(self)
        return self._results

    def forget_results(self) -> None:
        """What was read of the members is read again when it is asked for next."""
        self._results = None

    @property
    def watched(self) -> str:
        """By which rows the members are compared: "validation", or "train" where none were kept for that."""
        return "train" if self.crew.jobs[0].validation is None and self.folded is None else "validation"

    @property
    def ranked_by(self) -> str:
        """By what: the "loss", or the metric ("accuracy", "rmse") where not all have the same loss."""
        return self.results.metric_name if "loss" in self.varied else "loss"

    def ranking(self) -> NDArray[np.int64]:
        """The numbers of the members, the best first; without those that diverged or were not begun.

        On folds, the plan with the lowest mean comes first, with all its members.
        """
        results = self.results
        score = results.loss if self.ranked_by == "loss" else results.error
        if self.folded is not None:
            return rank_by_plan(self, score)
        usable = np.flatnonzero(np.isfinite(score) & ~results.diverged)
        return usable[np.argsort(score[usable], kind="stable")]

    def has_ranked_member(self) -> bool:
        """Whether there is a member to compare; known without reading what became of all of them."""
        crew = self.crew
        return any(crew.epoch(n) > 0 and crew.status(n) != "diverged" for n in range(len(self)))

    def best(self) -> Member:
        """The member with the lowest validation loss (training loss, where there are no validation rows).

        On folds, the best member of the plan with the lowest mean over the folds.

        Of thousands, the best is partly the luckiest: what it reaches on rows that had no part in the choice
        (`test_fraction`) says how good it is.

        Raises
        ------
        DivergedError
            If all diverged.
        PlanError
            If none was trained for an epoch.

        """
        ranking = self.ranking()
        if not len(ranking):
            self.raise_no_ranked_member()
        return self[int(ranking[0])]  # type: ignore[no-any-return]

    def ensemble(self, size: int = 16, *, candidates: int = 256, temperature: bool = True) -> Ensemble:
        """The best together: their probabilities (or numbers) averaged, which members and how much decided greedily.

        Members are added one by one, each time the one that lowers the loss of the mean on the validation rows most,
        and the same one may come again (Caruana et al. 2004, "Ensemble selection from libraries of models").

        Parameters
        ----------
        size : int, default 16
            How many times a member is added; so many at most are in it.
        candidates : int, default 256
            Among how many of the best.
        temperature : bool, default True
            Whether probabilities are made neither too sure nor too unsure on the validation rows by one number
            (Guo et al. 2017).

        Raises
        ------
        DivergedError
            If all diverged.
        PlanError
            If a number is too small, or the members learnt different folds, and so have no rows in common that none
            of them learnt.

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

    def table(self) -> pl.DataFrame:
        """One row for each member, the best first, as a Polars DataFrame; what was not reached is null.

        Columns: rank (from 1; null for members that diverged), member (its number), what the members differ in, seed,
        status, epochs, and train_loss, validation_loss and the metrics of the epoch whose weights the member has.
        """
        from creche.model_selection.results import members_table

        return members_table(self)

    def plans(self) -> pl.DataFrame:
        """One row for each plan, that is, for all members that differ by their seed or fold only; the best mean first.

        Columns: what the plans differ in, networks, diverged, and of the validation loss (and metric) mean, standard
        deviation over the networks, lowest and highest. On folds also, of the mean, the ends of an interval of 95 %
        (low, high) that allows for folds sharing training rows (see `CrossValidation.summary`); and how far the plan is
        behind the best, compared fold by fold, with an interval too (behind, low_behind, high_behind): where that holds
        0, the plan may be as good. The best was chosen by these rows: of many plans, it is partly the luckiest.
        """
        from creche.model_selection.results import plans_table

        return plans_table(self)

    def effects(self) -> list[Effect]:
        """How much of the differences between the networks goes with each argument, and how much with the seed.

        Told by ranks, a diverged network being the last; so it does not matter whether losses differ by a little or by
        orders of magnitude. What is missing from a sum of 1 is how arguments go together.

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

    def plot_curves(self, by: str | None = None) -> Any:
        """Loss by epoch, a panel for each value of an argument: see `creche.plots.colony`.

        Parameters
        ----------
        by : str, optional
            The argument; by default the one that matters most.

        """
        from creche.plots.colony import plot_curves

        return plot_curves(self, by)

    def plot_map(self, x: str | None = None, y: str | None = None) -> Any:
        """The lowest loss for each pair of values of two arguments, such as learning rate and optimizer.

        Parameters
        ----------
        x, y : str, optional
            The arguments; by default the two that matter most.

        """
        from creche.plots.colony import plot_map

        return plot_map(self, x, y)

    def plot_spread(self, plans: int = 12) -> Any:
        """How much the seed matters: the losses of the best plans, a point for each seed.

        Parameters
        ----------
        plans : int, default 12
            How many.

        """
        from creche.plots.colony import plot_spread

        return plot_spread(self, plans)

    def raise_no_ranked_member(self) -> NoReturn:
        """Says why there is no best member.

        Raises
        ------
        DivergedError
            If all diverged.
        PlanError
            If none was trained for an epoch.

        """
        if all(job.plan.epochs == 0 for job in self.crew.jobs):
            raise PlanError(
                "epochs: got 0; needs at least 1, for networks that were not trained have nothing to compare"
            )
        if not self.results.diverged.any():
            raise PlanError("the colony was stopped before any network had ended an epoch; go on with resume")
        rates = [job.plan.optimizer.learning_rate for job in self.crew.jobs]
        low, high = min(rates), max(rates)
        epoch, batch, rate = self.crew.divergence(int(np.argmax(self.results.diverged))) or (0, 0, low)
        tried = f"a learning rate of {low:g}" if low == high else f"learning rates from {low:g} to {high:g}"
        raise DivergedError(
            f"all {len(self):,} networks diverged, with {tried}. Try lower ones, from "
            f"{low / 1000:g} to {low / 10:g}; or preprocessing='standard', if columns were not scaled",
            epoch, batch, rate, None,
        )  # fmt: skip

    def __repr__(self) -> str:
        results = self.results
        diverged = f", {int(results.diverged.sum()):,} diverged" if results.diverged.any() else ""
        ranking = self.ranking()
        best = f"; best {self.watched} {self.ranked_by} {self._score(int(ranking[0])):.4g}" if len(ranking) else ""
        return f"Colony({len(self):,} networks{diverged}, {self.seconds:.2f} s{best})"

    def _score(self, number: int) -> float:
        results = self.results
        return float(results.loss[number] if self.ranked_by == "loss" else results.metric[number])
