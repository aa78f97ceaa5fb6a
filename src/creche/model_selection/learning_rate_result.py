"""The result of a search for a learning rate: the recommended rate, the bands around it, and the losses behind them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche._displayed import Displayed
from creche.model_selection.colony import Colony
from creche.model_selection.learning_rate_bands import BandLimits
from creche.model_selection.learning_rate_baselines import Baselines
from creche.model_selection.member import Member
from creche.table.result_frames import frame_method, polars_frame
from creche.table.table import FrameLibrary

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Band", "LearningRates", "beats_constant"]

SMALLEST_GAIN = 0.01  # of the loss of a constant prediction; a smaller improvement does not count


@dataclass(frozen=True, slots=True)
class Band:
    """Adjacent learning rates that are too low, good, too high, or diverge.

    Attributes
    ----------
    name : {"too low", "good", "too high", "diverged"}
    low, high : float
        The lowest and the highest rate in the band.
    rates, networks : int
        The number of rates and of networks in the band.
    diverged : int
        The number of networks whose loss stopped being finite or, above the best rate, whose training loss ended above
        its initial value.
    still_falling : int
        The number of networks whose training loss fell by more than 1 % of its total decrease in the last 10 % of the
        epochs.
    loss : float
        The median of the final losses; infinite if that network diverged.
    reason : str
        A sentence that tells why the rates belong to this band.

    """

    name: str
    low: float
    high: float
    rates: int
    networks: int
    diverged: int
    still_falling: int
    loss: float
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Return the band as plain data; numbers that are not finite are None."""
        return {
            name: None if isinstance(value, float) and not np.isfinite(value) else value
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True, eq=False)
class LearningRates(Displayed):
    """Learning rates and the losses of their networks, as `creche.find_learning_rate` returns them.

    Attributes
    ----------
    rate : float
        The recommended learning rate, in the (geometric) middle of the good band.
    bands : tuple of Band
        In ascending order of the rates.
    rates : (rates,) float64
        All rates, in ascending order.
    losses : (rates, seeds) float64
        The final validation loss of each network (training loss, without validation rows); infinite if it diverged, NaN
        if it was not trained to its end.
    diverged, still_falling : (rates, seeds) bool array
        For each network, as in `Band`.
    colony : Colony
        The networks.
    limits : BandLimits
        The limits of the bands.
    baselines : Baselines
        The losses of untrained networks and of a constant prediction.
    notes : tuple of str
        How the range was extended, and what limits the result.

    """

    rate: float
    bands: tuple[Band, ...]
    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    diverged: NDArray[np.bool_]
    still_falling: NDArray[np.bool_]
    colony: Colony
    limits: BandLimits
    baselines: Baselines
    notes: tuple[str, ...]

    @property
    def library(self) -> FrameLibrary:
        """The library of DataFrames in which its tables come."""
        return self.colony.library

    @property
    def improves_on_constant(self) -> bool:
        """Whether the best rate improves on a constant prediction."""
        return beats_constant(self.limits, self.baselines)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C stopped the training before all networks had ended."""
        return self.colony.interrupted

    @property
    def ceiling(self) -> float:
        """The highest loss on a linear scale: half as far again above the lowest loss as an untrained network."""
        top = max(self.baselines.constant, float(np.median(self.baselines.untrained)))
        lowest = float(self.losses[np.isfinite(self.losses)].min())
        return top + 0.5 * max(top - lowest, 0.0)

    def find_band(self, rate: float) -> str:
        """Return the name of the band that contains a rate, or of the nearest band, by ratio.

        Parameters
        ----------
        rate : float
            A learning rate, above 0.

        Returns
        -------
        {"too low", "good", "too high", "diverged"}

        """

        def distance(band: Band) -> float:
            return float(max(np.log(band.low / rate), np.log(rate / band.high), 0.0))

        return min(self.bands, key=distance).name

    def member(self, rate: float | None = None) -> Member:
        """Return the network with the lowest loss at one of the rates.

        Parameters
        ----------
        rate : float, optional
            The rate, or one near it, by ratio; by default the recommended rate.

        Returns
        -------
        Member

        """
        i = int(np.abs(np.log(self.rates / (self.rate if rate is None else rate))).argmin())
        members = [n for n, choice in enumerate(self.colony.choices) if choice["learning_rate"] == self.rates[i]]
        loss = self.colony.results.loss[members]
        return self.colony[members[int(np.nan_to_num(loss, nan=np.inf).argmin())]]

    @frame_method
    def table(self) -> pl.DataFrame:
        """Return a DataFrame with a row for each rate, in ascending order; values that are not finite are null.

        The columns are learning_rate, band, the numbers of networks, diverged and still_falling; median, min and max of
        the validation (or training) loss; smoothed_median, the median loss of the rate and both neighbours, which
        determines the bands; and the median of the metric.
        """
        import polars as pl

        results, partition = self.colony.results, self.colony.partition
        member_rates = np.array([choice["learning_rate"] for choice in self.colony.choices])
        rows = []
        for i, rate in enumerate(self.rates.tolist()):
            losses = self.losses[i][~np.isnan(self.losses[i])]
            metric = results.metric[(member_rates == rate) & results.done]
            rows.append(
                {
                    "learning_rate": rate,
                    "band": next(band.name for band in self.bands if band.low <= rate <= band.high),
                    "networks": len(losses),
                    "diverged": int(self.diverged[i].sum()),
                    "still_falling": int(self.still_falling[i].sum()),
                    f"median_{partition}_loss": float(np.median(losses)),
                    f"min_{partition}_loss": float(losses.min()),
                    f"max_{partition}_loss": float(losses.max()),
                    "smoothed_median": float(self.limits.smoothed_medians[i]),
                    f"median_{partition}_{results.metric_name}": float(np.median(metric)),
                }
            )
        table = pl.DataFrame(rows)
        floats = [column for column, dtype in table.schema.items() if dtype == pl.Float64]
        return table.with_columns(
            pl.when(pl.col(column).is_finite()).then(pl.col(column)).alias(column) for column in floats
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the rates, the bands and the baselines as plain data."""
        return {
            "learning_rate": self.rate,
            "bands": [band.to_dict() for band in self.bands],
            "improves_on_constant": self.improves_on_constant,
            "notes": list(self.notes),
            "interrupted": self.interrupted,
            "loss": f"{self.colony.partition}_loss",
            "tolerance": self.limits.tolerance,
            "constant_loss": self.baselines.constant,
            "untrained_loss": float(np.median(self.baselines.untrained)),
            "rates": polars_frame(self.table).to_dicts(),
        }

    def plot(self, *, axes: Any = None) -> Any:
        """Draw the loss against the learning rate, with a point for each network and the names of the bands.

        Parameters
        ----------
        axes : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        """
        from creche import plots

        return plots.learning_rate_bands(self, axes=axes)

    def plot_curves(self) -> Any:
        """Draw the loss against the epoch at one rate of each band, in adjacent panels.

        Returns
        -------
        list of matplotlib.axes.Axes

        """
        from creche import plots

        return plots.learning_rate_curves(self)

    def __repr__(self) -> str:
        bands = ", ".join(f"{band.name} {band.low:.2g} to {band.high:.2g}" for band in self.bands)
        return f"LearningRates({self.rate:g}; {len(self.colony):,} networks: {bands})"


def beats_constant(limits: BandLimits, baselines: Baselines) -> bool:
    """Return whether the best rate improves on a constant prediction."""
    gain = baselines.constant - limits.smoothed_medians[limits.best_index]
    return bool(gain > SMALLEST_GAIN * abs(baselines.constant))
