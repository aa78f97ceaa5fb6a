"""Results of training in MLflow: parameters, metrics of each epoch, digests, a report and the model."""

from __future__ import annotations

import re
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from creche.errors import CrecheError
from creche.plan.arguments import check_whole_number, reject_unknown
from creche.tracking.entries import (
    Entry,
    Trackable,
    check_trackable,
    choose_model,
    describe_networks,
    describe_result,
)

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["log"]

# What MLflow takes in one request, as a value and as a name.
METRICS_AT_ONCE, PARAMETERS_AT_ONCE = 1000, 100
LONGEST_VALUE, LONGEST_NAME = 6000, 250
NOT_IN_NAMES = re.compile(r"[^\w\-. :/]")

V = TypeVar("V")


@reject_unknown
def log(
    result: Trackable,
    data: Any = None,
    *,
    run_name: str | None = None,
    keep_model: bool = True,
    networks: int = 20,
) -> str:
    """Log a result of training to MLflow, in the active run or one of its own.

    It has parameters (the arguments of the network), the metrics of each epoch, in one request, those of the
    evaluation, tags with the digests of data and weights, and the model with its signature, for
    ``mlflow.pyfunc.load_model`` and ``mlflow models serve``. Where there are several networks, each is a nested run.
    It needs the extra "mlflow".

    Parameters
    ----------
    result : Run, Member, CrossValidation, Colony or FittedModel
        What `creche.train`, `creche.cross_validate`, `creche.sweep` or `creche.fit` returned.
    data : table, optional
        The table that it was trained with: adds the page of `creche.report` as an artifact, which takes longer.
    run_name : str, optional
        The name of a run of its own, nested if one is active. By default it is the active run, or one whose name MLflow
        chooses.
    keep_model : bool, default True
        Whether to log the model: of a sweep the best network, of a cross-validation the ensemble of its networks.
    networks : int, default 20
        The number of networks of a sweep that become nested runs, the best first.

    Returns
    -------
    str
        The identifier of the run of MLflow.

    Raises
    ------
    CrecheError
        If MLflow is not installed.
    PlanError
        If the result is of another kind.

    Examples
    --------
    >>> import creche as cr
    >>> run = cr.train("penguins", label="species", epochs=20, threads=1)
    >>> cr.tracking.mlflow.log(run, run_name="first")  # doctest: +SKIP
    'c0f0a6e9f5f54c5e9a4b1f8f9a1f6e2d'

    """
    check_trackable(result)
    check_whole_number("networks", networks, at_least=0)
    mlflow = _import_mlflow()
    with _open_run(mlflow, run_name) as run:
        client, run_id = mlflow.MlflowClient(), str(run.info.run_id)
        _log_entry(client, run_id, describe_result(result))
        for name, entry in describe_networks(result, networks):
            child = client.create_run(
                run.info.experiment_id, run_name=name, tags={"mlflow.parentRunId": run_id}, start_time=_now()
            )
            _log_entry(client, child.info.run_id, entry)
            client.set_terminated(child.info.run_id)
        if keep_model or data is not None:
            with tempfile.TemporaryDirectory() as folder:
                _log_files(mlflow, result, data, keep_model, Path(folder))
    return run_id


def _import_mlflow() -> ModuleType:
    try:
        import mlflow
        import mlflow.pyfunc
    except ImportError as error:
        raise CrecheError("logging to MLflow needs the package mlflow: pip install 'creche[mlflow]'") from error
    return mlflow  # type: ignore[no-any-return,unused-ignore]


@contextmanager
def _open_run(mlflow: ModuleType, name: str | None) -> Iterator[Any]:
    active = mlflow.active_run()
    if active is not None and name is None:
        yield active
        return
    with mlflow.start_run(run_name=name, nested=active is not None) as own:
        yield own


def _log_files(mlflow: ModuleType, result: Trackable, data: Any, keep_model: bool, folder: Path) -> None:
    from creche.tracking.mlflow_model import model_arguments

    model = choose_model(result)
    if data is not None:
        from creche.report.report import report

        page = folder / "report.html"
        report(model, data, page, on_progress=False)
        mlflow.log_artifact(str(page))
    if keep_model:
        with warnings.catch_warnings():  # of what is as it should be: rows have columns and no one type
            warnings.filterwarnings("ignore", "(?s).*(type hints|input example)", UserWarning)
            mlflow.pyfunc.log_model(name="model", **model_arguments(model, folder))


def _log_entry(client: Any, run_id: str, entry: Entry) -> None:
    """Log an entry in as few requests as MLflow allows: mostly one."""
    from mlflow.entities import Metric, Param, RunTag

    now, left = _now(), 0.0
    moments = []
    for seconds in reversed(entry.seconds):  # when each epoch would have ended, had the last one ended now
        moments.append(now - round(1000 * left))
        left += seconds
    moments.reverse()
    metrics = [Metric(name, value, now, 0) for name, value in _clean_names(entry.metrics)]
    for name, numbers in _clean_names(entry.epochs):
        metrics += [Metric(name, number, moments[i], i + 1) for i, number in enumerate(numbers)]
    parameters = [Param(name, str(value)[:LONGEST_VALUE]) for name, value in _clean_names(entry.parameters)]
    tags = [RunTag(name, value) for name, value in entry.tags.items()]
    while metrics or parameters or tags:
        client.log_batch(run_id, metrics[:METRICS_AT_ONCE], parameters[:PARAMETERS_AT_ONCE], tags)
        metrics, parameters, tags = metrics[METRICS_AT_ONCE:], parameters[PARAMETERS_AT_ONCE:], []


def _clean_names(values: Mapping[str, V]) -> Iterator[tuple[str, V]]:
    """Yield values under names that MLflow takes, which remain different from each other."""
    used: set[str] = set()
    for name, value in values.items():
        # MLflow takes a name for a path, too: without empty parts, or those that lead elsewhere.
        parts = [part for part in NOT_IN_NAMES.sub("_", name).split("/") if part.strip(".")]
        cleaned = plain = "/".join(parts)[: LONGEST_NAME - 5] or "_"
        number = 1
        while cleaned in used:
            number += 1
            cleaned = f"{plain}_{number}"
        used.add(cleaned)
        yield cleaned, value


def _now() -> int:
    return int(1000 * time.time())
