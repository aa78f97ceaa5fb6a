"""The assembling of a fitted model: weights, calibration, threshold and record of what a search has found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.evaluation import choose_threshold
from creche.evaluation.metrics import Metric
from creche.fitting.calibrate import fit_calibration
from creche.fitting.candidate import Candidate
from creche.fitting.fold_tables import FoldTables, Judged
from creche.fitting.importance import measure_importance
from creche.fitting.judgement import conformity_scores, evaluate_judged
from creche.fitting.provenance import add_provenance
from creche.fitting.refit import refit
from creche.fitting.search import Search, mix_candidates
from creche.fitting.weighting import fit_weights
from creche.model.calibration import Calibration
from creche.model.fit_record import FitRecord, TriedConfiguration
from creche.model.fitted import FittedModel
from creche.model.model import Model
from creche.plan.words import Effort
from creche.table.labels import LabelEncoder
from creche.table.prepare import fit_labels

__all__ = ["assemble_model"]

N_RESAMPLES = 1000


def assemble_model(
    search: Search, metric: Metric, effort: Effort, time_limit: float | None, refits: bool
) -> FittedModel:
    """Return the model of what a search has found.

    Parameters
    ----------
    search : Search
        With a candidate or more. Ctrl-C while networks are refitted sets its status to "interrupted".
    metric : Metric
        What the model is to be good at.
    effort : {"fast", "default", "best"}
    time_limit : float or None
        As the fit was called, for the record.
    refits : bool
        Whether the kept configurations learn all rows in the end.

    """
    tables, candidates, inspection = search.tables, search.candidates, search.tables.inspection
    judged, seed = tables.judged, search.policy.seed
    weights = fit_weights([each.predicted for each in candidates], judged)
    mean = mix_candidates(candidates, weights)
    labels = fit_labels(inspection.usable, inspection.classes, tables.loss, inspection.preparation)
    calibration = _calibrate(mean, tables, labels)
    predicted = calibration.apply(mean)
    threshold = _choose_threshold(predicted, judged, metric)
    models, shares = _weight_networks(candidates, weights)
    if refits:
        kept = [each for each, weight in zip(candidates, weights.tolist(), strict=True) if weight > 0]
        try:
            models = refit(kept, tables, seed, search.hardware)
        except KeyboardInterrupt:
            refits, search.status = False, "interrupted"
    evaluation = evaluate_judged(predicted, judged, labels, threshold, 0)
    baseline = evaluation.baseline.get(metric.key)
    record = FitRecord(
        effort, time_limit, metric.key, evaluation.metrics()[metric.key],
        None if baseline is None else float(baseline), seed, len(tables), len(inspection.usable), len(judged),
        tuple(search.rounds), _rank_tried(candidates, weights, judged, labels, metric),
        measure_importance(candidates, weights, tables, calibration, seed), search.work,
        search.elapsed(), search.status, refits, library=inspection.labelled.library,
    )  # fmt: skip
    scores = conformity_scores(predicted, judged, is_multilabel=labels.is_multilabel)
    model = FittedModel(models, shares, labels, calibration, record, scores, threshold, search.hardware.threads)
    model.set_summary(lambda: inspection.summarize_training(model.features))
    return add_provenance(model, inspection, predicted, judged, candidates[int(np.argmax(weights))], N_RESAMPLES)


def _calibrate(mean: NDArray[np.float64], tables: FoldTables, labels: LabelEncoder) -> Calibration:
    usable = tables.inspection.usable
    if labels.classes is None:
        y = usable.observations.y.astype(np.float64).reshape(len(usable), -1)
        return Calibration(lowest=tuple(y.min(axis=0).tolist()), highest=tuple(y.max(axis=0).tolist()))
    return fit_calibration(mean, tables.judged, 1.0 / (len(usable) + 1), labels.baseline)


def _choose_threshold(predicted: NDArray[np.float64], judged: Judged, metric: Metric) -> float | None:
    if judged.classes is None or predicted.shape[1] != 2 or metric.from_counts is None:
        return None
    key: Any = metric.key  # one of the metrics that a threshold can maximize
    return choose_threshold(predicted, judged.classes, metric=key, weights=judged.row_weights * len(judged)).threshold


def _weight_networks(candidates: Sequence[Candidate], weights: NDArray[np.float64]) -> tuple[list[Model], list[float]]:
    """Return the networks of the folds, of candidates that count, and the weight of each."""
    kept = [(each, weight) for each, weight in zip(candidates, weights.tolist(), strict=True) if weight > 0]
    models = [model for candidate, _ in kept for model in candidate.models]
    return models, [weight / len(candidate.models) for candidate, weight in kept for _ in candidate.models]


def _rank_tried(
    candidates: Sequence[Candidate],
    weights: NDArray[np.float64],
    judged: Judged,
    labels: LabelEncoder,
    metric: Metric,
) -> tuple[TriedConfiguration, ...]:
    """Return what was tried, the best first."""
    tried = [
        TriedConfiguration(
            each.number, each.configuration.name, each.configuration.to_dict(),
            float(evaluate_judged(each.predicted, judged, labels, None, 0).metrics()[metric.key]), each.epoch,
            each.epochs_done, weight, each.work,
        )
        for each, weight in zip(candidates, weights.tolist(), strict=True)
    ]  # fmt: skip
    return tuple(sorted(tried, key=lambda each: (each.score if metric.lower_is_better else -each.score, each.number)))
