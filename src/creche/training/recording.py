"""The recording of a run: its weights, gradients and activations at moments of the training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.parameters import Parameters
from creche.errors import CrecheError
from creche.plan.plan import Plan
from creche.table.result_frames import FrameResult, frame_method

if TYPE_CHECKING:
    import polars as pl

    from creche.plan.words import RecordedStatistic

__all__ = ["NEURON_STATISTICS", "Recording"]

NEURON_STATISTICS = ("mean", "deviation", "inactive", "saturated")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Recording(FrameResult):
    """What was recorded of a run at m moments, for its L layers: the hidden ones and the output layer.

    Gradients and activations are computed on the same rows at each moment, so that moments can be compared. Norms are
    Euclidean norms of a layer's W, without its bias. While a run continues, `Run.recording` gives the newest recording.

    Attributes
    ----------
    plan : Plan
        The plan of the run.
    steps_per_epoch : int
        The number of steps in an epoch.
    rows : (k,) int64
        Row numbers of the sampled training rows.

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
    _recorded: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the layers."""
        hidden = len(self.plan.network.layers) - 1
        return (*(f"layer {i + 1}" for i in range(hidden)), "output layer")

    @property
    def steps(self) -> NDArray[np.int64]:
        """Completed steps at each moment, (m,)."""
        return self._recorded["step"]

    @property
    def epochs(self) -> NDArray[np.float64]:
        """Completed epochs at each moment, with their fractions, (m,)."""
        return self.steps / self.steps_per_epoch

    @property
    def loss(self) -> NDArray[np.float64]:
        """The loss on the sampled rows, without dropout, (m,)."""
        return self._recorded["loss"]

    @property
    def has_weights(self) -> bool:
        """Whether weights were recorded."""
        return self._holds("weights")

    @property
    def has_gradients(self) -> bool:
        """Whether gradients were recorded."""
        return self._holds("gradients")

    @property
    def has_activations(self) -> bool:
        """Whether activations were recorded."""
        return self._holds("mean")

    @property
    def parameters(self) -> Parameters:
        """All parameters by name, each array with the moments first.

        Raises
        ------
        CrecheError
            If weights were not recorded.

        """
        return self._parameters("weights")

    @property
    def weights(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """W (m, d_in, d_out) and b (m, d_out) of each layer.

        Raises
        ------
        CrecheError
            If weights were not recorded.

        """
        return self.parameters.layers

    @property
    def gradients(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """The gradient of the loss on the sampled rows by W (m, d_in, d_out) and b (m, d_out) of each layer.

        Raises
        ------
        CrecheError
            If gradients were not recorded.

        """
        return self._parameters("gradients").layers

    @property
    def weight_norms(self) -> NDArray[np.float64]:
        """The norm of the weights of each layer, (m, L)."""
        return self._recorded["weight_norm"]

    @property
    def gradient_norms(self) -> NDArray[np.float64]:
        """The norm of the gradient of each layer, (m, L); CrecheError if gradients were not recorded."""
        return np.stack([np.linalg.norm(w.astype(np.float64), axis=(1, 2)) for w, _ in self.gradients], axis=1)

    @property
    def update_norms(self) -> NDArray[np.float64]:
        """The norm of what the last step before each moment changed, (m, L); NaN where there is none, as at first."""
        return self._recorded["update_norm"]

    @property
    def update_ratios(self) -> NDArray[np.float64]:
        """`update_norms` divided by `weight_norms`: the relative size of the last step, (m, L)."""
        with np.errstate(all="ignore"):
            return np.asarray(self.update_norms / self.weight_norms)

    @property
    def dead(self) -> NDArray[np.float64]:
        """The share of each layer's neurons that give 0 on all sampled rows, (m, L).

        NaN for activations that do not tend to 0 for negative z. CrecheError if activations were not recorded.
        """
        inactive = self._neuron_statistic("inactive")
        return np.stack([np.where(np.isnan(s).all(axis=1), np.nan, (s == 1).mean(axis=1)) for s in inactive], axis=1)

    @property
    def saturated(self) -> NDArray[np.float64]:
        """The share of each layer's neurons and sampled rows where the slope is near 0, (m, L).

        Near 0 means less than a twentieth of the greatest slope. NaN for activations other than tanh and sigmoid.
        CrecheError if activations were not recorded.
        """
        return np.stack([s.mean(axis=1) for s in self._neuron_statistic("saturated")], axis=1)

    @property
    def activation_means(self) -> list[NDArray[np.float64]]:
        """The mean activation of each neuron over the sampled rows, (m, width); CrecheError if not recorded."""
        return self._neuron_statistic("mean")

    @property
    def activation_deviations(self) -> list[NDArray[np.float64]]:
        """The standard deviation of each neuron's activation over the sampled rows, (m, width)."""
        return self._neuron_statistic("deviation")

    def path(self) -> list[list[tuple[NDArray[Any], NDArray[Any]]]]:
        """Return the weights at each moment, each like `Model.weights`.

        Raises
        ------
        CrecheError
            If weights were not recorded.

        """
        return [self.parameters.network(at).layers for at in range(len(self))]

    @frame_method
    def table(self) -> pl.DataFrame:
        """Return a DataFrame with a row for each moment and layer; what was not recorded is null.

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
            by_layer = self._neuron_statistic(key) if self.has_activations else None
            numbers[name] = None if by_layer is None else np.stack([a.mean(axis=1) for a in by_layer], axis=1)
        for name, values in numbers.items():
            columns[name] = np.full(m * layers, np.nan) if values is None else values.reshape(-1)
        return pl.DataFrame(columns).with_columns(pl.col(name).fill_nan(None) for name in numbers)

    def plot(self, *, statistic: RecordedStatistic = "update_ratio", axes: Any = None) -> Any:
        """Draw a statistic of each layer by epoch (needs the `plots` extra); see `creche.plots.recorded_numbers`.

        Parameters
        ----------
        statistic : {"update_ratio", "weight_norm", "gradient_norm", "dead", "saturated", "activation_mean", \
"activation_deviation"}, default "update_ratio"
            The statistic. Those of single neurons are averaged over the neurons of a layer.
        axes : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        """
        from creche import plots

        return plots.recorded_numbers(self, statistic=statistic, axes=axes)

    def plot_weights(self, layer: int = 0, *, axes: Any = None) -> Any:
        """Draw the distribution of a layer's weights by epoch (needs the `plots` extra).

        See `creche.plots.recorded_weights`.

        Parameters
        ----------
        layer : int, default 0
            The layer, from 0; -1 for the output layer.
        axes : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        """
        from creche import plots

        return plots.recorded_weights(self, layer, axes=axes)

    def _parameters(self, quantity: str) -> Parameters:
        self._check(quantity, quantity)
        prefix = f"{quantity}."
        named = self._recorded.items()
        return Parameters({name.removeprefix(prefix): array for name, array in named if name.startswith(prefix)})

    def _neuron_statistic(self, name: str) -> list[NDArray[np.float64]]:
        self._check("activations", name)
        return [self._recorded[f"{name}.{i}"] for i in range(len(self.layers))]

    def _holds(self, name: str) -> bool:
        return any(key.startswith(f"{name}.") for key in self._recorded)

    def _check(self, quantity: str, name: str) -> None:
        if not self._holds(name):
            raise CrecheError(
                f"recording: holds no {quantity}; train with record={quantity!r}, or record=True for everything",
                argument="record",
            )

    def __repr__(self) -> str:
        quantities = [name for name in ("weights", "gradients", "activations") if getattr(self, f"has_{name}")]
        span = f"from step {self.steps[0]:,} to {self.steps[-1]:,} " if len(self) else ""
        network = f"of a {self.plan.network} network"
        return f"Recording({len(self):,} moments {span}{network}; {', '.join(quantities) or 'norms'})"
