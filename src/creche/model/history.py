"""The history of a run: loss and metric, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from creche.errors import FileError
from creche.table.result_frames import FrameResult, frame_method, library_entry, read_library
from creche.table.table import FrameLibrary

if TYPE_CHECKING:
    import polars as pl

__all__ = ["COLUMNS", "History"]

COLUMNS = ("train_loss", "validation_loss", "train_metric", "validation_metric", "learning_rate", "seconds")
BLOCKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True, repr=False)
class History(FrameResult):
    """The record of a run, one number per completed epoch in each array.

    Training numbers are means over the epoch's batches, each computed before its update and with dropout, while the
    network was changing; validation numbers are of the network at the end of the epoch, without dropout.

    Attributes
    ----------
    train_loss, validation_loss : (epochs,) float64
        Validation is NaN throughout if no rows were kept for it.
    train_metric, validation_metric : (epochs,) float64
        The metric named by `metric`.
    learning_rate : (epochs,) float64
        The learning rate of the first step of each epoch.
    seconds : (epochs,) float64
        The duration of each epoch.
    metric : {"accuracy", "rmse"}
        Accuracy for classes; root mean squared error for numbers, in the label's units (for several labels, as they
        are trained on).

    Examples
    --------
    >>> import creche as cr
    >>> history = cr.train("penguins", label="species", epochs=5, learning_rate=0.01, threads=1).history
    >>> len(history), history.metric, bool(history.train_loss[-1] < history.train_loss[0])
    (5, 'accuracy', True)

    """

    train_loss: NDArray[np.float64]
    validation_loss: NDArray[np.float64]
    train_metric: NDArray[np.float64]
    validation_metric: NDArray[np.float64]
    learning_rate: NDArray[np.float64]
    seconds: NDArray[np.float64]
    metric: str

    @classmethod
    def of(cls, columns: dict[str, Any], metric: str, library: FrameLibrary = "polars") -> Self:
        """Build a history from its columns.

        Parameters
        ----------
        columns : dict of str to (epochs,) float64
            The arrays by name.
        metric : str
            What the metrics are: "accuracy" or "rmse".
        library : {"polars", "pandas", "pyarrow", "modin", "cudf"}, default "polars"
            The library of the training data.

        """
        return cls(**columns, metric=metric, library=library)

    @classmethod
    def from_engine(
        cls, columns: dict[str, Any], task: str, scale: Sequence[float], library: FrameLibrary = "polars"
    ) -> Self:
        """Build a history from the engine's columns.

        Parameters
        ----------
        columns : dict of str to (epochs,) float64
            The engine's arrays by name; root mean squared errors are in standard deviations of the label.
        task : str
            "classification", "regression" or "multilabel".
        scale : sequence of float
            The standard deviation of each label that is a number.
        library : {"polars", "pandas", "pyarrow", "modin", "cudf"}, default "polars"
            The library of the training data.

        """
        if task != "regression":
            return cls.of(columns, "accuracy", library)
        # The error of one label is in its own units; several have no unit in common.
        unit = scale[0] if len(scale) == 1 else 1.0
        scaled = {name: columns[name] * unit for name in ("train_metric", "validation_metric")}
        return cls.of({**columns, **scaled}, "rmse", library)

    def __len__(self) -> int:
        return len(self.train_loss)

    @property
    def has_validation(self) -> bool:
        """Whether there are validation losses."""
        return len(self) > 0 and not bool(np.isnan(self.validation_loss).all())

    @property
    def watched_loss(self) -> NDArray[np.float64]:
        """The validation loss or, without validation rows, the training loss."""
        return self.validation_loss if self.has_validation else self.train_loss

    @property
    def best_epoch(self) -> int:
        """The epoch, from 0, with the lowest watched loss; -1 before the first epoch ends."""
        return -1 if not np.isfinite(self.watched_loss).any() else int(np.nanargmin(self.watched_loss))

    @frame_method
    def table(self) -> pl.DataFrame:
        """Return the history as a DataFrame, one row per epoch, epochs counted from 1."""
        import polars as pl

        columns = {
            "epoch": np.arange(1, len(self) + 1),
            "train_loss": self.train_loss,
            "validation_loss": self.validation_loss,
            f"train_{self.metric}": self.train_metric,
            f"validation_{self.metric}": self.validation_metric,
            "learning_rate": self.learning_rate,
            "seconds": self.seconds,
        }
        return pl.DataFrame(columns)

    def to_dict(self) -> dict[str, Any]:
        """Return the history as plain data; None where a number is not finite."""
        return {
            "metric": self.metric,
            **{
                name: [value if np.isfinite(value) else None for value in getattr(self, name).tolist()]
                for name in COLUMNS
            },
            **library_entry(self.library),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` returned.

        Parameters
        ----------
        data : dict

        Raises
        ------
        FileError
            If a column is missing or invalid.

        """
        columns = {name: data.get(name) for name in COLUMNS}
        for name, values in columns.items():
            if not isinstance(values, list) or not all(v is None or type(v) in (int, float) for v in values):
                raise FileError(f"history: {name} is not a list of numbers; the file was damaged or made by hand")
        if len({len(values) for values in columns.values() if values is not None}) > 1:
            raise FileError("history: its columns differ in length; the file was damaged or made by hand")
        if data.get("metric") not in ("accuracy", "rmse"):
            raise FileError(f"history: metric is {data.get('metric')!r}; the file was damaged or made by hand")
        numbers = {name: np.array(values, dtype=np.float64) for name, values in columns.items()}
        return cls.of(numbers, data["metric"], read_library(data))

    def plot(self) -> Any:
        """Draw loss and metric by epoch, as a matplotlib Figure (needs the `plots` extra); see `creche.plots`."""
        from creche import plots

        return plots.plot_history(self)

    def __repr__(self) -> str:
        if not len(self):
            return "History(no epoch completed)"
        best = self.best_epoch
        which = "validation" if self.has_validation else "train"
        return (
            f"History({len(self)} epochs; {which} loss {sparkline(self.watched_loss)} "
            f"{self.watched_loss[0]:.4g} to {self.watched_loss[-1]:.4g}, best {self.watched_loss[best]:.4g} "
            f"in epoch {best + 1})"
        )


def sparkline(values: NDArray[np.float64], width: int = 30) -> str:
    """Draw a curve in one line of text, by the means of up to `width` parts of it.

    Examples
    --------
    >>> import numpy as np
    >>> sparkline(np.array([4.0, 3.0, 2.0, 1.0]))
    '█▅▃▁'

    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return ""
    means = np.array([part.mean() for part in np.array_split(finite, min(width, len(finite)))])
    low, high = means.min(), means.max()
    heights = np.zeros(len(means)) if high == low else (means - low) / (high - low)
    return "".join(BLOCKS[int(height * (len(BLOCKS) - 1))] for height in heights)
