"""The process in which a system fits and predicts: python -m benchmarks.tables.worker REQUEST, run by the runner.

It writes a line of JSON when a fit begins, when predicting begins, and when a split is judged, so that the runner can
tell how long each takes and end a process that takes too long.
"""

import json
import os
import sys
import time
import traceback
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.tables.manifest import TableSpec
from benchmarks.tables.metrics import majority_probabilities, score_classes, score_numbers
from benchmarks.tables.sources import LoadedTable, load_table
from benchmarks.tables.splits import Split
from benchmarks.tables.systems import SYSTEMS, Contender, Predictions, Problem, System, spread_probabilities


def write_request(system: System, spec: TableSpec, splits: list[int]) -> str:
    """Return the argument of a worker that judges the system on these splits of the table."""
    return json.dumps({"system": system.name, "spec": asdict(spec), "splits": splits})


def main() -> int:
    request = json.loads(sys.argv[1])
    # What libraries print must not come between the lines of this module.
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    spec = TableSpec(**{name: _as_tuple(value) for name, value in request["spec"].items()})
    table = load_table(spec)
    system = SYSTEMS[request["system"]]
    system.create()  # imports are not part of a fit
    for number in request["splits"]:
        result = judge_split(system, table, number, lambda event: print(json.dumps(event), file=out))
        print(json.dumps({"event": "judged", "result": result}), file=out)
    return 0


def judge_split(system: System, table: LoadedTable, number: int, tell: Any = lambda event: None) -> dict[str, Any]:
    """Fit on the training rows of a split and measure the predictions of its test rows.

    A system that fails is measured by the answer of the majority, with the error under "failed".
    """
    split = table.splits[number]
    labels = table.labels[split.train]
    before = resident_mib()
    forget_peak()
    tell({"event": "fitting", "split": number})
    begin = time.perf_counter()
    try:
        contender, present = fit_split(system, table, split)
        fit_s = time.perf_counter() - begin
        tell({"event": "predicting", "split": number})
        begin = time.perf_counter()
        answer = contender.predict(table.inputs.iloc[split.test].reset_index(drop=True))
        predict_s = time.perf_counter() - begin
        peak = peak_mib() - before
        if table.classes:
            answer = Predictions(spread_probabilities(answer.values, present, len(table.classes)))
        scores = score(table, split, answer)
    except Exception as error:
        traceback.print_exc()
        failed = f"{type(error).__name__}: {error}"[:300]
        return failure(table, number, failed, seconds=time.perf_counter() - begin)
    return {
        "split": number,
        "digest": split.digest,
        "rows": [len(labels), len(split.test)],
        **{name: round(value, 6) for name, value in scores.items()},
        "fit_s": round(fit_s, 3),
        "predict_s": round(predict_s, 4),
        "peak_mib": round(peak, 1),
        "load": round(os.getloadavg()[0], 1),
    }


def fit_split(system: System, table: LoadedTable, split: Split) -> tuple[Contender, NDArray[Any]]:
    """Return the fitted system, and the codes of the classes that it knows: those among the training labels."""
    labels = table.labels[split.train]
    present = np.arange(0)
    if table.classes:
        present, labels = np.unique(labels, return_inverse=True)
    contender = system.create()
    problem = Problem(table.spec.task, len(present))
    contender.fit(problem, table.inputs.iloc[split.train].reset_index(drop=True), labels)
    return contender, present


def score(table: LoadedTable, split: Split, answer: Predictions) -> dict[str, float]:
    """Measure predictions; those that are not numbers are an error of the system."""
    labels = table.labels[split.test]
    if not np.all(np.isfinite(answer.values)):
        raise ValueError("predictions that are not finite")
    if not table.classes:
        return score_numbers(labels, np.asarray(answer.values, dtype=float), answer.interval)
    totals = answer.values.sum(axis=1)
    if np.abs(totals - 1).max() > 1e-3:
        raise ValueError(f"probabilities that sum to {totals.min():.4f} .. {totals.max():.4f}")
    return score_classes(labels, answer.values / totals[:, None])


def failure(table: LoadedTable, number: int, failed: str, seconds: float) -> dict[str, Any]:
    """Return the result of a system without an answer: that of the majority, or the mean."""
    split = table.splits[number]
    labels, test = table.labels[split.train], table.labels[split.test]
    if table.classes:
        scores = score_classes(test, majority_probabilities(labels, len(table.classes), len(test)))
    else:
        scores = score_numbers(test, np.full(len(test), labels.mean()), None)
    return {
        "split": number,
        "digest": split.digest,
        "rows": [len(labels), len(test)],
        **{name: round(value, 6) for name, value in scores.items()},
        "fit_s": round(seconds, 3),
        "failed": failed,
    }


def forget_peak() -> None:
    """Let the peak of resident memory begin anew; see proc(5), clear_refs."""
    Path("/proc/self/clear_refs").write_text("5")


def resident_mib() -> float:
    return _status("VmRSS")


def peak_mib() -> float:
    return _status("VmHWM")


def _status(key: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


if __name__ == "__main__":
    raise SystemExit(main())
