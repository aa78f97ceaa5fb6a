"""Evaluation with confidence intervals: 1,000 bootstrap resamples of all metrics, compared with scikit-learn and NumPy.

Two classes, as many rows as the validation rows of the adult table. scikit-learn computes each metric of each resample;
NumPy computes all resamples together, as products of matrices of counts. All draw the same rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from _compare import Spread, time_in_turns
from _report import Options, Report, parse_options
from numpy.typing import NDArray

import creche as cr
from creche.evaluation.bootstrap import SEED

ROWS, QUICK_ROWS = (1_000, 14_653), (300,)
RESAMPLES, QUICK_RESAMPLES = 1_000, 50
SECONDS_BELOW = 0.3
CRECHE, PEER, PRODUCTS = "creche, 7 metrics", "scikit-learn, 6 metrics", "NumPy, products of matrices, 3 metrics"
SMALLEST = 1e-15

Array = NDArray[Any]


@dataclass(frozen=True)
class Predictions:
    probabilities: Array
    true: Array


def main() -> int:
    options = parse_options(__doc__, rounds=3)
    report = Report("Evaluation: all metrics with confidence intervals", options)
    resamples = QUICK_RESAMPLES if options.quick else RESAMPLES
    seconds: dict[str, list[float]] = {}
    for rows in QUICK_ROWS if options.quick else ROWS:
        report.section(f"{rows:,} rows, {resamples:,} resamples")
        seconds = compare(make_predictions(rows), resamples, options, report)
    report.section("Claims")
    report.claim_below(f"{CRECHE} take", Spread.of(seconds[CRECHE]), SECONDS_BELOW, " s")
    for peer in (PEER, PRODUCTS):
        ratios = Spread.of(slow / fast for slow, fast in zip(seconds[peer], seconds[CRECHE], strict=True))
        report.claim_ratio(f"{peer} take longer by", ratios, 1)
    return report.finish()


def make_predictions(rows: int) -> Predictions:
    rng = np.random.default_rng(0)
    second = 1 / (1 + np.exp(-rng.standard_normal(rows)))
    return Predictions(np.column_stack([1 - second, second]), (rng.random(rows) < second).astype(np.int64))


def compare(made: Predictions, resamples: int, options: Options, report: Report) -> dict[str, list[float]]:
    calls: dict[str, Callable[[], dict[str, tuple[float, float]]]] = {
        CRECHE: lambda: evaluate_creche(made, resamples),
        PRODUCTS: lambda: evaluate_products(made, resamples),
        PEER: lambda: evaluate_peer(made, resamples),
    }
    seconds = time_in_turns(calls, options.rounds)
    lines = []
    for name, call in calls.items():
        found = call()
        ratios = Spread.of(a / b for a, b in zip(seconds[name], seconds[CRECHE], strict=True))
        shown = [f"{found[key][0]:.4f} to {found[key][1]:.4f}" for key in ("accuracy", "auc")]
        lines.append([name, Spread.of(seconds[name]).show(), ratios.show(), *shown])
    report.table(["evaluation", "seconds", f"times {CRECHE}", "95 % CI of accuracy", "of AUC"], lines)
    return seconds


def evaluate_creche(made: Predictions, resamples: int) -> dict[str, tuple[float, float]]:
    evaluation = cr.ClassificationEvaluation.of(made.probabilities, made.true, ("no", "yes"), n_resamples=resamples)
    return evaluation.intervals


def evaluate_peer(made: Predictions, resamples: int) -> dict[str, tuple[float, float]]:
    from sklearn import metrics

    found: dict[str, list[float]] = {}
    for rows in draw_rows(len(made.true), resamples):
        true, second = made.true[rows], made.probabilities[rows, 1]
        predicted = (second >= 0.5).astype(np.int64)
        for key, value in {
            "accuracy": metrics.accuracy_score(true, predicted),
            "balanced_accuracy": metrics.balanced_accuracy_score(true, predicted),
            "log_loss": metrics.log_loss(true, second),
            "auc": metrics.roc_auc_score(true, second),
            "f1": metrics.f1_score(true, predicted, average="macro"),
            "brier": metrics.brier_score_loss(true, second),
        }.items():
            found.setdefault(key, []).append(float(value))
    return {key: middle(values) for key, values in found.items()}


def evaluate_products(made: Predictions, resamples: int) -> dict[str, tuple[float, float]]:
    rows = len(made.true)
    counts = np.stack([np.bincount(drawn, minlength=rows) for drawn in draw_rows(rows, resamples)]).astype(np.float64)
    second = made.probabilities[:, 1]
    of_true = made.probabilities[np.arange(rows), made.true]
    means = counts @ np.column_stack([(second >= 0.5) == made.true, -np.log(np.maximum(of_true, SMALLEST))]) / rows
    order = np.argsort(second)
    ordered, positive = counts[:, order], made.true[order] == 1
    below = np.cumsum(np.where(positive, 0.0, ordered), axis=1)
    positives = np.where(positive, ordered, 0.0)
    areas = (positives * below).sum(axis=1) / (positives.sum(axis=1) * below[:, -1])
    return {"accuracy": middle(means[:, 0]), "log_loss": middle(means[:, 1]), "auc": middle(areas)}


def draw_rows(rows: int, resamples: int) -> Array:
    return np.random.Generator(np.random.PCG64(SEED)).integers(rows, size=(resamples, rows))


def middle(values: Any) -> tuple[float, float]:
    low, high = np.percentile(values, [2.5, 97.5]).tolist()
    return low, high


if __name__ == "__main__":
    raise SystemExit(main())
