"""Fitted estimators as they are pickled: parameters, and the bytes of archives in place of objects.

What is read from an archive is checked and runs no code, so that a loader that trusts only chosen types, such as skops,
has to trust the estimator alone, and the files of one version are read by later ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from creche._system.archive import dump_archive, parse_archive
from creche._system.strict_json import MalformedJsonError
from creche.model.file import build_model
from creche.model.fitted import FittedModel
from creche.model.history import COLUMNS, History
from creche.model.model import Model
from creche.plan.plan import Plan
from creche.table.preparation import Preparation
from creche.training.resume import TrainingState

__all__ = ["pack_fitted", "unpack_fitted"]

MODEL, TRAINING = "_model_archive", "_training_archive"
HISTORY = "recorded."  # what the names of its arrays begin with; the state of training has "history." itself


def pack_fitted(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of an estimator with its model, history and training state as the bytes of archives.

    An estimator that is not fitted, or whose network has a loss that is a Python function, is returned as it is.

    Parameters
    ----------
    attributes : dict
        What `BaseEstimator.__getstate__` returns.

    """
    model = attributes.get("model_")
    if model is None or (isinstance(model, Model) and model.plan.loss.is_python):
        return attributes
    packed = {name: value for name, value in attributes.items() if name not in ("model_", "record_")}
    try:
        packed[MODEL] = dump_archive("model", *model.to_parts())
        if "_state" in packed:
            packed[TRAINING] = _dump_training(packed.pop("_state"), packed.pop("history_"))
    except MalformedJsonError:
        return attributes
    return packed


def unpack_fitted(state: dict[str, Any], threads: int | None) -> dict[str, Any]:
    """Return the attributes that `pack_fitted` was given; those of an earlier version, without archives, as they are.

    Parameters
    ----------
    state : dict
    threads : int, optional
        For predictions.

    Raises
    ------
    FileError
        If an archive is damaged, or from a newer version of Creche.

    """
    if MODEL not in state:
        return state
    attributes = {name: value for name, value in state.items() if name not in (MODEL, TRAINING)}
    model = build_model("the pickled estimator", *parse_archive(state[MODEL], "model", "the pickled estimator"))
    attributes["model_"] = replace(model, threads=threads) if isinstance(model, Model) else model.with_threads(threads)
    if isinstance(model, FittedModel):
        attributes["record_"] = model.record
    if TRAINING in state:
        attributes["_state"], attributes["history_"] = _parse_training(state[TRAINING], attributes["model_"])
    return attributes


def _dump_training(state: TrainingState, history: History) -> bytes:
    header = {
        "plan": state.plan.to_dict(),
        "preparation": state.preparation.to_dict(),
        "metric": history.metric,
        "library": history.library,
    }
    columns = {HISTORY + name: getattr(history, name) for name in COLUMNS}
    return dump_archive("checkpoint", header, {**state.state, **columns})


def _parse_training(data: bytes, model: Model) -> tuple[TrainingState, History]:
    """Return the state of training, whose encoders are those of the model, and the history."""
    header, arrays = parse_archive(data, "checkpoint", "the pickled estimator")
    columns = {name: arrays.pop(HISTORY + name) for name in COLUMNS}
    plan, preparation = Plan.from_dict(header["plan"]), Preparation.from_dict(header["preparation"])
    state = TrainingState(plan, preparation, model.features, model.labels, arrays)
    return state, History.of(columns, header["metric"], header["library"])
