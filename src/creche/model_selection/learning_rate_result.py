"""What came of looking for a learning rate: the rate to take, the bands around it, and what they are told by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.model_selection.colony import Colony
from creche.model_selection.learning_rate_bands import BandLimits
from creche.model_selection.learning_rate_baselines import Baselines
from creche.model_selection.member import Member

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Band", "LearningRates", "improves_on_constant"]

WORTH = 0.01  # of the loss of a constant: who gains less has learnt nothing


@dataclass(frozen=True, slots=True)
class Band:
    """Learning rates of one kind.

    Attributes
    ----------
    name : {"too low", "good", "too high", "diverged"}
    low, high : float
        The first and the last rate that was tried in it.
    rates, networks : int
        How many.
    diverged : int
        Networks whose loss stopped being finite, or (above the best rate) whose training loss ended above where it
        began.
    still_falling : int
        Networks whose training loss fell by more than a hundredth of its whole fall in the last tenth of the epochs.
    loss : float
        The median of what the networks ended with; infinite if that is a diverged one.
    why : str
        In words, by what the band is told.

    """

    name: str
    low: float
    high: float
    rates: int
    networks: int
    diverged: int
    still_falling: int
    loss: float
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class LearningRates:
    """Learning rates that were tried, as `creche.find_learning_rate` gives them.

    Attributes
    ----------
    rate : float
        The one to take: that in the middle of the good band, in ratios.
    bands : tuple of Band
        From low rates to high ones.
    rates : (rates,) float64
        All that were tried, rising.
    losses : (rates, seeds) float64
        The validation loss (training loss, without validation rows) of each network with the weights it ended with;
        infinite where it diverged, NaN where it was not done.
    diverged, still_falling : (rates, seeds) bool array
        As in `Band`.
    colony : Colony
        The networks.
    limits : Limits
        Where the bands lie.
    references : References
        The losses of networks that have learnt nothing.
    notes : tuple of str
        What was changed, and what is to be borne in mind.

    """

    rate: float
    bands: tuple[Band, ...]
    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    diverged: NDArray[np.bool_]
    still_falling: NDArray[np.bool_]
    colony: Colony
    limits: BandLimits
    references: Baselines
    notes: tuple[str, ...]

    @property
    def learned(self) -> bool:
        """Whether the best rate gains anything over always giving the same prediction."""
        return improves_on_constant(self.limits, self.references)

    @property
    def interrupted(self) -> bool:
        return self.colony.interrupted

    @property
    def ceiling(self) -> float:
        """Up to where losses are drawn by equal steps: half as much again above what nothing learnt comes to."""
        top = max(self.references.constant, float(np.median(self.references.untrained_watched)))
        lowest = float(self.losses[np.isfinite(self.losses)].min())
        return top + 0.5 * max(top - lowest, 0.0)

    def band_of(self, rate: float) -> str:
        """The name of the band in which a rate lies; between two bands, that of the one that is nearer in ratio."""

        def away(band: Band) -> float:
            return float(max(np.log(band.low / rate), np.log(rate / band.high), 0.0))

        return min(self.bands, key=away).name

    def member(self, rate: float | None = None) -> Member:
        """The network with the lowest loss of a rate that was tried, by default the one to take."""
        place = int(np.abs(np.log(self.rates / (self.rate if rate is None else rate))).argmin())
        of_rate = [n for n, c in enumerate(self.colony.choices) if c["learning_rate"] == self.rates[place]]
        loss = self.colony.results.loss[of_rate]
        return self.colony[of_rate[int(np.nan_to_num(loss, nan=np.inf).argmin())]]  # type: ignore[no-any-return]

    def table(self) -> pl.DataFrame:
        """One row for each rate, rising, as a Polars DataFrame.

        Columns: learning_rate, band, networks, diverged, still_falling (networks), of the validation (or training) loss
        the median, lowest and highest, median_beside (with the rates on both sides, by which the bands are told), and
        the median of the metric. What is not finite is null.
        """
        import polars as pl

        results, name = self.colony.results, self.colony.watched
        rate_of = np.array([choice["learning_rate"] for choice in self.colony.choices])
        rows = []
        for i, rate in enumerate(self.rates.tolist()):
            there = self.losses[i][~np.isnan(self.losses[i])]
            metric = results.metric[(rate_of == rate) & results.done]
            rows.append(
                {
                    "learning_rate": rate,
                    "band": next(band.name for band in self.bands if band.low <= rate <= band.high),
                    "networks": len(there),
                    "diverged": int(self.diverged[i].sum()),
                    "still_falling": int(self.still_falling[i].sum()),
                    f"median_{name}_loss": float(np.median(there)),
                    f"min_{name}_loss": float(there.min()),
                    f"max_{name}_loss": float(there.max()),
                    "median_beside": float(self.limits.medians[i]),
                    f"median_{name}_{results.metric_name}": float(np.median(metric)),
                }
            )
        table = pl.DataFrame(rows)
        floats = [column for column, kind in table.schema.items() if kind == pl.Float64]
        return table.with_columns(
            pl.when(pl.col(column).is_finite()).then(pl.col(column)).alias(column) for column in floats
        )

    def plot(self, axes: Any = None) -> Any:
        """The loss against the rate, a point for each network, the bands named: see `creche.plots.learning_rate`.

        Parameters
        ----------
        axes : matplotlib.axes.Axes, optional

        Returns
        -------
        matplotlib.axes.Axes

        """
        from creche.plots.learning_rate import learning_rate_bands

        return learning_rate_bands(self, axes)

    def plot_curves(self) -> Any:
        """The loss by epoch of a rate of each band, side by side: see `creche.plots.learning_rate`.

        Returns
        -------
        list of matplotlib.axes.Axes

        """
        from creche.plots.learning_rate import learning_rate_curves

        return learning_rate_curves(self)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        finite = [
            {k: v if not isinstance(v, float) or np.isfinite(v) else None for k, v in _fields(b)} for b in self.bands
        ]
        return {
            "learning_rate": self.rate,
            "bands": finite,
            "learned": self.learned,
            "notes": list(self.notes),
            "interrupted": self.interrupted,
            "loss": f"{self.colony.watched}_loss",
            "tolerance": self.limits.tolerance,
            "constant_loss": self.references.constant,
            "untrained_loss": float(np.median(self.references.untrained_watched)),
            "rates": self.table().to_dicts(),
        }

    def __repr__(self) -> str:
        bands = ", ".join(f"{band.name} {band.low:.2g} to {band.high:.2g}" for band in self.bands)
        return f"LearningRates({self.rate:g}; {len(self.colony):,} networks: {bands})"


def _fields(band: Band) -> list[tuple[str, Any]]:
    return [(name, getattr(band, name)) for name in Band.__dataclass_fields__]


def improves_on_constant(limits: BandLimits, references: Baselines) -> bool:
    """Whether the best rate gains anything over always giving the same prediction."""
    gain = references.constant - limits.medians[limits.best]
    return bool(gain > WORTH * abs(references.constant))
