"""Results of training as entries for a tracker: parameters, metrics, metrics of each epoch, and digests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from creche._version import __version__
from creche.errors import PlanError
from creche.model.fitted import FittedModel
from creche.model.provenance import OUT_OF_FOLD
from creche.model_selection.colony import Colony
from creche.model_selection.cross_validation_result import CrossValidation
from creche.model_selection.member import Member
from creche.tracking.hyperparameters import Hyperparameter, flatten, list_hyperparameters
from creche.training.run import Run

if TYPE_CHECKING:
    from creche.evaluation import AnyEvaluation
    from creche.model.ensemble import Ensemble
    from creche.model.history import History
    from creche.model.model import Model

__all__ = ["Entry", "Trackable", "check_trackable", "choose_model", "describe_networks", "describe_result"]

Trackable: TypeAlias = Run | Member | CrossValidation | Colony | FittedModel

NOT_PARAMETERS = ("score", "baseline", "work", "seconds", "status")  # of the record of a fit


@dataclass(frozen=True, slots=True)
class Entry:
    """What a tracker keeps of a result.

    Attributes
    ----------
    parameters : dict of str to bool, int, float or str
    metrics : dict of str to float
        Metrics of the result as a whole.
    epochs : dict of str to list of float
        Metrics of each epoch.
    seconds : list of float
        The duration of each epoch.
    tags : dict of str to str

    """

    parameters: Mapping[str, Hyperparameter]
    metrics: Mapping[str, float]
    epochs: Mapping[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    tags: Mapping[str, str] = field(default_factory=dict)


def check_trackable(result: object) -> None:
    """Check that a result is one that can be logged.

    Raises
    ------
    PlanError

    """
    if not isinstance(result, Run | Member | CrossValidation | Colony | FittedModel):
        raise PlanError(
            f"result: got {type(result).__name__}; needs what train, cross_validate, sweep or fit returned",
            argument="result",
        )


def choose_model(result: Trackable) -> Model | Ensemble:
    """Return the model of a result: of a sweep the best network, of a cross-validation the ensemble."""
    if isinstance(result, FittedModel):
        return result
    if isinstance(result, CrossValidation):
        return result.ensemble()
    return result.best().model if isinstance(result, Colony) else result.model


def describe_result(result: Trackable) -> Entry:
    """Describe a result as a whole."""
    if isinstance(result, CrossValidation):
        first = result.members[0]
        parameters = list_hyperparameters(first.plan, first.prepared.preparation)
        metrics = _list_metrics(result.evaluation, OUT_OF_FOLD)
        return Entry({**parameters, "networks": len(result.members)}, metrics)
    if isinstance(result, FittedModel):
        return _describe_fit(result)
    network = result.best() if isinstance(result, Colony) else result
    entry = _describe_history(network.history)
    parameters = list_hyperparameters(network.plan, network.prepared.preparation)
    if isinstance(result, Colony):
        parameters |= {"networks": len(result), "varied": ", ".join(result.varied_arguments)}
    return Entry(
        parameters,
        _list_metrics(network.evaluation, network.evaluated_on),
        entry.epochs,
        entry.seconds,
        {"creche.status": network.status, **_list_digests(network.model)},
    )


def describe_networks(result: Trackable, limit: int) -> Iterator[tuple[str, Entry]]:
    """Yield the name and the entry of each network of a result: of a sweep up to `limit`, the best first."""
    if isinstance(result, Colony):
        for number in result.ranking()[:limit].tolist():
            member = result[number]
            yield f"network {number}", _describe_network(member, member.choice)
    elif isinstance(result, CrossValidation):
        for place, member in zip(result.fold_members, result.members, strict=True):
            choice = {"repeat": place.repeat, "fold": place.fold, "seed": place.seed}
            yield ", ".join(f"{name} {value}" for name, value in choice.items()), _describe_network(member, choice)
    elif isinstance(result, FittedModel):
        metric = result.record.metric
        for tried in result.record.tried:
            parameters = dict(flatten(tried.arguments))
            metrics = {metric: tried.score, "weight": tried.weight, "epochs": float(tried.epoch)}
            yield tried.name, Entry(parameters, metrics)


def _describe_fit(model: FittedModel) -> Entry:
    record = {name: value for name, value in model.record.to_dict().items() if not isinstance(value, list | dict)}
    parameters = dict(flatten({name: value for name, value in record.items() if name not in NOT_PARAMETERS}))
    metrics = {} if model.out_of_fold is None else _list_metrics(model.out_of_fold, OUT_OF_FOLD)
    return Entry(parameters, metrics, tags={"creche.status": model.record.status, **_list_digests(model)})


def _describe_network(network: Run | Member, choice: Mapping[str, Any]) -> Entry:
    """Describe one of several networks: without an evaluation, which takes longer than its training."""
    entry = _describe_history(network.history)
    return Entry(dict(flatten(choice)), {}, entry.epochs, entry.seconds, {"creche.status": network.status})


def _describe_history(history: History) -> Entry:
    metric = history.metric
    epochs = {
        "train_loss": history.train_loss,
        f"train_{metric}": history.train_metric,
        "learning_rate": history.learning_rate,
    }
    if history.has_validation:
        epochs |= {"validation_loss": history.validation_loss, f"validation_{metric}": history.validation_metric}
    return Entry({}, {}, {name: numbers.tolist() for name, numbers in epochs.items()}, history.seconds.tolist())


def _list_metrics(evaluation: AnyEvaluation, part: str) -> dict[str, float]:
    """Return the metrics of an evaluation by names such as "validation/accuracy"."""
    rows = evaluation.table()
    return {f"{part}/{name}": float(value) for name, value in zip(rows["metric"], rows["value"], strict=True)}


def _list_digests(model: Model | Ensemble) -> dict[str, str]:
    provenance = model.provenance
    if provenance is None:
        return {"creche.version": __version__}
    data, weights = str(provenance.data.get("total", "")), provenance.weights
    return {"creche.version": provenance.version, "creche.data": data, "creche.weights": weights}
