"""The ensemble: several networks that predict together, and how much they disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from creche.engine.device import Device
from creche.errors import FileError, PlanError
from creche.evaluation.disagreement import class_disagreement, entropy, number_disagreement
from creche.model.batched import BatchedModels
from creche.model.calibration import Calibration
from creche.model.model import Model
from creche.model.predictor import Predictor
from creche.model.provenance import Provenance
from creche.model.storable import Storable
from creche.model.thresholds import DecisionThreshold, check_threshold, read_threshold
from creche.plan.words import DeviceName

if TYPE_CHECKING:
    from creche.table.training_summary import TrainingSummary

__all__ = ["Ensemble"]


class Ensemble(Predictor, Storable):
    """Networks whose predictions are averaged, from `Colony.ensemble` or from any models of the same label.

    Parameters
    ----------
    models : sequence of Model
        Models with the same features and the same label.
    weights : sequence of float, optional
        How much each counts, 0 or more; equal by default.
    temperature : float, default 1
        The logarithms of the mean probabilities are divided by it: above 1 makes predictions less confident, below 1
        more confident. From 0.01 to 100 (Guo et al. 2017, "On calibration of modern neural networks").
    threads : int, optional
        Number of threads for predictions; by default ``CRECHE_NUM_THREADS``, or else the cores this process may use.
    provenance : Provenance, optional
        Where the ensemble comes from.
    threshold : float, optional
        For two classes, the probability at or above which the second is predicted; by default, the likelier one is.

    Attributes
    ----------
    shares : (models,) float64
        The weights, divided by their sum.
    calibration : Calibration
        What is done to the mean of the predictions.

    Raises
    ------
    PlanError
        If the models do not predict the same label from the same columns, or a weight or the temperature is invalid.

    Examples
    --------
    >>> import creche as cr
    >>> colony = cr.sweep("penguins", label="species", hidden=[5], epochs=20, seeds=4, threads=1)
    >>> ensemble = Ensemble([member.model for member in colony])
    >>> float(ensemble.predict_proba("penguins").sum(axis=1).round(6).max())
    1.0
    >>> ensemble.disagreement("penguins").shape
    (344,)

    """

    provenance: Provenance | None = None

    def __init__(
        self,
        models: Sequence[Model],
        weights: Sequence[float] | None = None,
        temperature: float = 1.0,
        threads: int | None = None,
        provenance: Provenance | None = None,
        threshold: DecisionThreshold | None = None,
    ) -> None:
        if not models:
            raise PlanError("models: an ensemble needs at least one")
        first = models[0]
        for i, model in enumerate(models):
            same = (model.labels.names, model.labels.outcomes) == (first.labels.names, first.labels.outcomes)
            if not same or model.features.names != first.features.names:
                raise PlanError(f"models: model {i} predicts another label, or from other columns, than model 0")
        shares = np.ones(len(models)) if weights is None else np.array(weights, dtype=np.float64)
        if shares.shape != (len(models),) or not np.isfinite(shares).all() or (shares < 0).any() or not shares.any():
            raise PlanError(f"weights: got {weights!r}; needs a number of 0 or more for each of {len(models)} models")
        calibration = Calibration(float(temperature))
        self.calibration = Calibration() if first.classes is None else calibration
        self.models = [replace(model, threads=threads) for model in models]
        self.weights = shares
        self.shares = shares / shares.sum()
        self.threads = threads
        self.provenance = provenance
        self.threshold = None if threshold is None else check_threshold(threshold, first.labels)
        self.features = first.features
        self.labels = first.labels
        self._batched = BatchedModels(self.models, threads)

    def __len__(self) -> int:
        return len(self.models)

    def with_threads(self, threads: int | None) -> Ensemble:
        """Return the ensemble with another number of threads.

        Parameters
        ----------
        threads : int or None
            Number of threads for predictions; None for ``CRECHE_NUM_THREADS``, or else the cores this process may use.

        """
        return Ensemble(self.models, self.weights.tolist(), self.temperature, threads, self.provenance, self.threshold)

    def with_device(self, device: DeviceName | Device | None) -> Self:
        """Return the ensemble with another device for predictions, on which its networks predict one after the other.

        Parameters
        ----------
        device : str, optional
            As for `creche.train`; by default ``CRECHE_DEVICE``, or else the processor.

        Raises
        ------
        PlanError
            If this machine lacks the device, or it lacks the precision of a network.

        """
        changed = copy(self)
        changed.models = [model.with_device(device) for model in self.models]
        changed._batched = BatchedModels(changed.models, self.threads)
        return changed

    def _replace_threshold(self, threshold: DecisionThreshold | None) -> Self:
        changed = copy(self)
        changed.threshold = threshold
        return changed

    @property
    def training_summary(self) -> TrainingSummary | None:
        """What the first network keeps of its training rows."""
        return self.models[0].training_summary

    @property
    def temperature(self) -> float:
        """By what the logarithms of the mean probabilities are divided."""
        return self.calibration.temperature

    def disagreement(self, data: Any) -> NDArray[np.float64]:
        """Measure how much the networks disagree about each row: an uncertainty that a single network cannot show.

        Parameters
        ----------
        data
            As for `predict`.

        Returns
        -------
        (n,) float64
            For classes, the entropy of the mean prediction less the mean entropy of the networks' predictions, divided
            by its largest possible value (mutual information; Houlsby et al. 2011, eq. 2): 0 where all predict the
            same, 1 where each is certain of another class. For a number, the standard deviation of the networks'
            predictions, in the label's units; for several, the mean of these in standard deviations of the labels.

        """
        measure = self._number_disagreement if self.classes is None else self._class_disagreement
        return np.concatenate([measure(predicted) for predicted in self._batched.each(data)])

    def _class_disagreement(self, predicted: NDArray[np.float64]) -> NDArray[np.float64]:
        mean_entropy = np.tensordot(self.shares, entropy(predicted), axes=1)
        return class_disagreement(np.tensordot(self.shares, predicted, axes=1), mean_entropy)

    def _number_disagreement(self, predicted: NDArray[np.float64]) -> NDArray[np.float64]:
        mean = np.tensordot(self.shares, predicted, axes=1)
        variance = np.tensordot(self.shares, (predicted - mean) ** 2, axes=1)
        return number_disagreement(variance, self.labels.repeat(self.labels.scale))

    def _mean(self, data: Any) -> NDArray[np.float64]:
        return self._batched.mean(data, self.shares)

    def _predict_probabilities(self, data: Any) -> NDArray[np.float64]:
        self._require_classes()
        return self.calibration.apply(self._mean(data))

    def _predict_numbers(self, data: Any) -> NDArray[np.float64]:
        numbers = self.calibration.apply(self._mean(data))
        return numbers[:, 0] if numbers.shape[1] == 1 else numbers

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the weights of all networks by name: ``members.0.layers.0.weights``, …"""
        named = (
            (f"members.{i}.{name}", array) for i, m in enumerate(self.models) for name, array in m.arrays().items()
        )
        return dict(named)

    def to_parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the header, plain data, and the named arrays of a model file."""
        members: list[dict[str, Any]] = []
        arrays: dict[str, NDArray[Any]] = {}
        for i, model in enumerate(self.models):
            header, own = replace(model, origin=None, summarize=None if i else model.summarize).to_parts()
            members.append(header)
            arrays |= {f"members.{i}.{name}": array for name, array in own.items()}
        header = {
            "ensemble": {"weights": self.weights.tolist(), "temperature": self.temperature},
            "members": members,
            "provenance": None if self.provenance is None else self.provenance.to_dict(),
        }
        if self.threshold is not None:
            header["threshold"] = self.threshold
        return header, arrays

    @classmethod
    def _from_parts(cls, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        together, members = header["ensemble"], header.get("members")
        fits = (
            isinstance(members, list) and isinstance(together, Mapping) and set(together) == {"weights", "temperature"}
        )
        if not fits or not isinstance(together["temperature"], int | float):
            raise FileError("its header does not describe the whole ensemble; the file was damaged or made by hand")
        models = []
        for i, member in enumerate(members):  # type: ignore[arg-type]
            prefix = f"members.{i}."
            own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
            models.append(Model.from_parts(member, own))
        if len(arrays) != sum(len(model.to_parts()[1]) for model in models):
            raise FileError("it holds arrays that belong to none of its networks; the file is damaged")
        origin = None if header.get("provenance") is None else Provenance.from_dict(header["provenance"])
        threshold = read_threshold(header.get("threshold"), models[0].labels)
        return cls(models, together["weights"], float(together["temperature"]), None, origin, threshold)

    def __repr__(self) -> str:
        kinds = list(dict.fromkeys(str(model.plan.network) for model in self.models))
        shown = ", ".join(kinds[:3]) + (", …" if len(kinds) > 3 else "")
        return f"Ensemble({len(self)} networks: {shown}; {self.labels.name}; temperature {self.temperature:.3g})"
