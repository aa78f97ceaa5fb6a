"""What was recorded of a run: moments, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import CrecheError
from creche.plan.plan import Plan

if TYPE_CHECKING:
    import polars as pl

__all__ = ["OF_NEURONS", "Recording"]

OF_NEURONS = ("mean", "deviation", "silent", "saturated")


Weights = list[tuple[NDArray[Any], NDArray[Any]]]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Recording:
    """Moments of a run, m of them; the layers are the hidden ones and the output layer, L together.

    Numbers of gradients and activations are of the same rows at each moment, so that moments can be compared. Norms
    are Euclidean, over all of a layer's W (without its bias). While the run goes on, take it anew from `Run.recording`.

    Attributes
    ----------
    plan : Plan
    steps_per_epoch : int
    rows : (k,) int64
        What the sampled training rows are called.

    Examples
    --------
    >>> import creche as cr
    >>> run = cr.train("penguins", label="species", hidden=[5, 5], epochs=20, record=True, threads=1)
    >>> recording = run.recording
    >>> recording
    Recording(161 moments from step 0 to 160 of a 14-5-5-3 network; weights, gradients, activations)
    >>> recording.weights[0][0].shape, recording.update_ratios.shape
    ((161, 14, 5), (161, 3))
    >>> bool((recording.path()[-1][0][0] == run.model.weights[0][0]).all())
    True

    """

    plan: Plan
    steps_per_epoch: int
    rows: NDArray[np.int64]
    _kept: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def layers(self) -> tuple[str, ...]:
        """What the layers are called."""
        hidden = len(self.plan.network.layers) - 1
        return (*(f"layer {i + 1}" for i in range(hidden)), "output layer")

    @property
    def steps(self) -> NDArray[np.int64]:
        """Completed steps at each moment, (m,)."""
        return self._kept["step"]

    @property
    def epochs(self) -> NDArray[np.float64]:
        """Completed epochs at each moment, with their fractions, (m,)."""
        return self.steps / self.steps_per_epoch

    @property
    def loss(self) -> NDArray[np.float64]:
        """The loss on the sampled rows, without dropout, (m,)."""
        return self._kept["loss"]

    @property
    def has_weights(self) -> bool:
        return "weights.0" in self._kept

    @property
    def has_gradients(self) -> bool:
        return "gradients.0" in self._kept

    @property
    def has_activations(self) -> bool:
        return "mean.0" in self._kept

    @property
    def weights(self) -> Weights:
        """W (m, d_in, d_out) and b (m, d_out) of each layer.

        Raises
        ------
        CrecheError
            If weights were not recorded.

        """
        return self._of_parameters("weights")

    @property
    def gradients(self) -> Weights:
        """Of the loss on the sampled rows, by W (m, d_in, d_out) and b (m, d_out) of each layer.

        Raises
        ------
        CrecheError
            If gradients were not recorded.

        """
        return self._of_parameters("gradients")

    @property
    def weight_norms(self) -> NDArray[np.float64]:
        """(m, L)."""
        return self._kept["weight_norm"]

    @property
    def gradient_norms(self) -> NDArray[np.float64]:
        """(m, L); CrecheError if gradients were not recorded."""
        return np.stack([np.linalg.norm(w.astype(np.float64), axis=(1, 2)) for w, _ in self.gradients], axis=1)

    @property
    def update_norms(self) -> NDArray[np.float64]:
        """Of what the one step before each moment changed, (m, L); NaN where it was not seen, as at the beginning."""
        return self._kept["update_norm"]

    @property
    def update_ratios(self) -> NDArray[np.float64]:
        """By which share of themselves the one step before each moment changed the weights, (m, L)."""
        with np.errstate(all="ignore"):
            return np.asarray(self.update_norms / self.weight_norms)

    @property
    def dead(self) -> NDArray[np.float64]:
        """The share of each layer's neurons that give 0 on all sampled rows, (m, L).

        NaN for activations that do not tend to 0 on one side. CrecheError if activations were not recorded.
        """
        silent = self._of_neurons("silent")
        return np.stack([np.where(np.isnan(s).all(axis=1), np.nan, (s == 1).mean(axis=1)) for s in silent], axis=1)

    @property
    def saturated(self) -> NDArray[np.float64]:
        """How often the slope of each layer's neurons is near 0, as a share of neurons and sampled rows, (m, L).

        Near 0 is less than a twentieth of the greatest slope. NaN for activations other than tanh and sigmoid.
        CrecheError if activations were not recorded.
        """
        return np.stack([s.mean(axis=1) for s in self._of_neurons("saturated")], axis=1)

    @property
    def activation_means(self) -> list[NDArray[np.float64]]:
        """Of each layer's neurons over the sampled rows, (m, width); CrecheError if activations were not recorded."""
        return self._of_neurons("mean")

    @property
    def activation_deviations(self) -> list[NDArray[np.float64]]:
        """Standard deviations likewise, (m, width)."""
        return self._of_neurons("deviation")

    def path(self) -> list[Weights]:
        """The weights at each moment, each like `Model.weights`: the way of the run through the space of weights.

        Raises
        ------
        CrecheError
            If weights were not recorded.

        """
        weights = self.weights
        return [[(w[at], b[at]) for w, b in weights] for at in range(len(self))]

    def table(self) -> pl.DataFrame:
        """One row for each moment and layer, as a Polars DataFrame; what was not recorded is null.

        Columns: step, epoch, loss, layer, weight_norm, gradient_norm, update_norm, update_ratio, dead, saturated,
        activation_mean and activation_deviation (means over the layer's neurons).
        """
        import polars as pl

        m, layers = len(self), len(self.layers)
        columns: dict[str, Any] = {
            "step": np.repeat(self.steps, layers),
            "epoch": np.repeat(self.epochs, layers),
            "loss": np.repeat(self.loss, layers),
            "layer": list(self.layers) * m,
        }
        numbers: dict[str, NDArray[np.float64] | None] = {
            "weight_norm": self.weight_norms,
            "gradient_norm": self.gradient_norms if self.has_gradients else None,
            "update_norm": self.update_norms,
            "update_ratio": self.update_ratios,
            "dead": self.dead if self.has_activations else None,
            "saturated": self.saturated if self.has_activations else None,
        }
        for name, key in (("activation_mean", "mean"), ("activation_deviation", "deviation")):
            of_neurons = self._of_neurons(key) if self.has_activations else None
            numbers[name] = None if of_neurons is None else np.stack([a.mean(axis=1) for a in of_neurons], axis=1)
        for name, values in numbers.items():
            columns[name] = np.full(m * layers, np.nan) if values is None else values.reshape(-1)
        return pl.DataFrame(columns).with_columns(pl.col(name).fill_nan(None) for name in numbers)

    def plot(self, axes: Any = None, *, of: str = "update_ratio") -> Any:
        """A number of each layer by epoch; returns the matplotlib Axes (needs the `plots` extra).

        See `creche.plots.recorded_numbers`.
        """
        from creche.plots.recording import recorded_numbers

        return recorded_numbers(self, axes, of=of)

    def plot_weights(self, layer: int = 0, axes: Any = None) -> Any:
        """How the weights of a layer are spread, epoch by epoch; returns the matplotlib Axes.

        See `creche.plots.recorded_weights`.
        """
        from creche.plots.recording import recorded_weights

        return recorded_weights(self, layer, axes)

    def _of_parameters(self, name: str) -> Weights:
        self._check(name, f"{name}.0")
        layers = range(len(self.layers))
        return [(self._kept[f"{name}.{i}"], self._kept[f"{name}.{i}.bias"]) for i in layers]

    def _of_neurons(self, name: str) -> list[NDArray[np.float64]]:
        self._check("activations", "mean.0")
        return [self._kept[f"{name}.{i}"] for i in range(len(self.layers))]

    def _check(self, what: str, key: str) -> None:
        if key not in self._kept:
            raise CrecheError(f"recording: holds no {what}; train with record={what!r}, or record=True for everything")

    def __repr__(self) -> str:
        kept = [name for name in ("weights", "gradients", "activations") if getattr(self, f"has_{name}")]
        span = f"from step {self.steps[0]:,} to {self.steps[-1]:,} " if len(self) else ""
        of = f"of a {self.plan.network} network"
        return f"Recording({len(self):,} moments {span}{of}; {', '.join(kept) or 'norms'})"
