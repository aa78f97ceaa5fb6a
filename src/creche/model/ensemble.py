"""The ensemble: several networks that predict together, and say how far they disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from creche.errors import CrecheError, FileError, PlanError
from creche.evaluation.disagreement import class_disagreement, entropy, number_disagreement
from creche.model.batched import BatchedModels
from creche.model.model import Model
from creche.model.predictor import Predictor
from creche.model.provenance import Provenance

__all__ = ["Ensemble", "apply_temperature"]

LEAST_TEMPERATURE, MOST_TEMPERATURE = 0.01, 100.0


class Ensemble(Predictor):
    """Networks whose predictions are averaged; made by `Colony.ensemble`, or of any models of the same label.

    Parameters
    ----------
    models : sequence of Model
        With the same features and the same label.
    weights : sequence of float, optional
        How much each counts; equal by default.
    temperature : float, default 1
        By which the logarithms of the mean probabilities are divided: above 1 makes them less sure, below 1 surer
        (Guo et al. 2017, "On calibration of modern neural networks").
    threads : int, optional
        How many threads predict.
    provenance : Provenance, optional
        Of the ensemble.

    Attributes
    ----------
    shares : (models,) float64
        The weights, so that they sum to 1.

    Raises
    ------
    PlanError
        If the models do not predict the same, or a weight cannot be.

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

    def __init__(
        self,
        models: Sequence[Model],
        weights: Sequence[float] | None = None,
        temperature: float = 1.0,
        threads: int | None = None,
        provenance: Provenance | None = None,
    ) -> None:
        if not models:
            raise PlanError("models: an ensemble needs at least one")
        first = models[0]
        for i, model in enumerate(models):
            same = (model.labels.names, model.classes) == (first.labels.names, first.classes)
            if not same or model.features.names != first.features.names:
                raise PlanError(f"models: model {i} predicts another label, or from other columns, than model 0")
        shares = np.ones(len(models)) if weights is None else np.array(weights, dtype=np.float64)
        if shares.shape != (len(models),) or not np.isfinite(shares).all() or (shares < 0).any() or not shares.any():
            raise PlanError(f"weights: got {weights!r}; needs a number of 0 or more for each of {len(models)} models")
        if not LEAST_TEMPERATURE <= temperature <= MOST_TEMPERATURE:
            raise PlanError(
                f"temperature: got {temperature!r}; needs a number from {LEAST_TEMPERATURE} to {MOST_TEMPERATURE:g}"
            )
        self.models = [replace(model, threads=threads) for model in models]
        self.weights = shares
        self.shares = shares / shares.sum()
        self.temperature = float(temperature)
        self.threads = threads
        self.provenance = provenance
        self.features = first.features
        self.labels = first.labels
        self._side_by_side = BatchedModels(self.models, threads)

    def __len__(self) -> int:
        return len(self.models)

    def on_threads(self, threads: int | None) -> Ensemble:
        """The same ensemble, predicting with so many threads."""
        return Ensemble(self.models, self.weights.tolist(), self.temperature, threads, self.provenance)

    @property
    def quantile(self) -> float | None:
        return self.models[0].quantile

    def disagreement(self, data: Any) -> NDArray[np.float64]:
        """How far the networks disagree about each row: a measure of doubt that one network alone cannot give.

        Parameters
        ----------
        data
            As for `predict`.

        Returns
        -------
        (n,) float64
            For classes: by how much the networks' mean is less sure than they are themselves, that is, the entropy of
            the mean less the mean of the entropies (Houlsby et al. 2011, eq. 2), as a share of the most there can be:
            0 where all say the same, 1 where each is sure of another class. For numbers: the standard deviation among
            the networks, in the label's units; of several labels, the mean of theirs in standard deviations.

        """
        measure = self._spread if self.classes is None else self._difference
        return np.concatenate([measure(said) for said in self._side_by_side.each(data)])

    def _difference(self, said: NDArray[np.float64]) -> NDArray[np.float64]:
        mean_entropy = np.tensordot(self.shares, entropy(said), axes=1)
        return class_disagreement(np.tensordot(self.shares, said, axes=1), mean_entropy)

    def _spread(self, said: NDArray[np.float64]) -> NDArray[np.float64]:
        mean = np.tensordot(self.shares, said, axes=1)
        variance = np.tensordot(self.shares, (said - mean) ** 2, axes=1)
        return number_disagreement(variance, np.array(self.labels.scale))

    def _mean(self, data: Any) -> NDArray[np.float64]:
        return self._side_by_side.mean(data, self.shares)

    def _probabilities_of(self, data: Any) -> NDArray[np.float64]:
        if self.classes is None:
            raise CrecheError(f"predict_proba: the label {self.labels.name!r} is a number, not a class; use predict")
        return apply_temperature(self._mean(data), self.temperature)

    def _numbers_of(self, data: Any) -> NDArray[np.float64]:
        numbers = self._mean(data)
        return numbers[:, 0] if numbers.shape[1] == 1 else numbers

    def save(self, path: str | Path) -> None:
        """Writes the ensemble to one file, ``.creche``, that `creche.load` and the command line read as a model's.

        Raises
        ------
        FileError
            If it cannot be written.

        """
        from creche.model.file import save_model

        save_model(self, path)

    def to_parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The ensemble as plain data and named arrays, as they go to a file."""
        members: list[dict[str, Any]] = []
        arrays: dict[str, NDArray[Any]] = {}
        for i, model in enumerate(self.models):
            header, own = replace(model, origin=None).to_parts()
            members.append(header)
            arrays |= {f"members.{i}.{name}": array for name, array in own.items()}
        header = {
            "ensemble": {"weights": self.weights.tolist(), "temperature": self.temperature},
            "members": members,
            "provenance": None if self.provenance is None else self.provenance.to_dict(),
        }
        return header, arrays

    @classmethod
    def from_parts(cls, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The ensemble that `to_parts` described.

        Raises
        ------
        CrecheError
            If the parts do not fit together.

        """
        together, members = header["ensemble"], header.get("members")
        fits = (
            isinstance(members, list) and isinstance(together, Mapping) and set(together) == {"weights", "temperature"}
        )
        if not fits or not isinstance(together["temperature"], int | float):
            raise FileError("its ensemble is not described in full; the file was damaged or made by hand")
        models = []
        for i, member in enumerate(members):  # type: ignore[arg-type]
            prefix = f"members.{i}."
            own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
            models.append(Model.from_parts(member, own))
        if len(arrays) != sum(len(model.arrays()) for model in models):
            raise FileError("it holds arrays that belong to none of its networks; the file is damaged")
        origin = None if header.get("provenance") is None else Provenance.from_dict(header["provenance"])
        return cls(models, together["weights"], float(together["temperature"]), None, origin)

    def __repr__(self) -> str:
        kinds = list(dict.fromkeys(str(model.plan.network) for model in self.models))
        shown = ", ".join(kinds[:3]) + (", …" if len(kinds) > 3 else "")
        return f"Ensemble({len(self)} networks: {shown}; {self.labels.name}; temperature {self.temperature:.3g})"


def apply_temperature(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Probabilities whose logarithms are divided by a temperature; rows sum to 1."""
    if temperature == 1.0:
        return probabilities
    with np.errstate(divide="ignore"):
        logits = np.log(probabilities) / temperature
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
