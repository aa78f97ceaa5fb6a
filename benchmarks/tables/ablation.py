"""The ablation of `creche.fit`: each part left out, and what that costs on the test rows of the open tables.

Configurations are trained once for each split; what is left out afterwards, such as the calibration, then takes no
training. Seeds of the best configuration in place of different ones are trained besides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.tables.aggregate import Estimate, estimate_ratio
from benchmarks.tables.manifest import TableSpec
from benchmarks.tables.metrics import log_loss
from benchmarks.tables.page import markdown
from benchmarks.tables.sources import LoadedTable, load_table
from benchmarks.tables.splits import Split
from creche.engine.hardware import Hardware
from creche.fitting.calibrate import fit_calibration
from creche.fitting.candidate import Candidate, train_candidates
from creche.fitting.configuration import Configuration
from creche.fitting.fold_rows import split_fold_rows
from creche.fitting.fold_tables import FoldTables
from creche.fitting.policy import TableShape, choose_policy
from creche.fitting.search import mix_candidates
from creche.fitting.weighting import fit_weights
from creche.model.ensemble import Ensemble
from creche.table.inspection import inspect_table
from creche.table.preparation import Preparation
from creche.training.arguments import default_loss

Numbers = NDArray[np.float64]

SEED, THREADS, SEEDS = 0, 2, 6
LABEL = "label of the benchmark"


@dataclass(frozen=True)
class Fitted:
    """What was trained for a split, and the rows that judge it.

    `first` is the number of candidates before those that were trained for longer; `test` holds, for each candidate, the
    mean predictions of its networks for the test rows.
    """

    tables: FoldTables
    first: int
    candidates: list[Candidate]
    test: list[Numbers]
    seeds: list[Candidate]
    seeds_test: list[Numbers]
    labels: NDArray[Any]

    def head(self, count: int) -> "Fitted":
        return replace(self, candidates=self.candidates[:count], test=self.test[:count])

    def choose(self, keep: Callable[[Configuration], bool]) -> "Fitted":
        chosen = [i for i, each in enumerate(self.candidates) if keep(each.configuration)]
        candidates, test = [self.candidates[i] for i in chosen], [self.test[i] for i in chosen]
        return replace(self, candidates=candidates, test=test)


def error(fitted: Fitted, weights: Numbers | None = None, calibrates: bool = True) -> float:
    """Return the log loss, or the root mean squared error, of the weighted mean on the test rows."""
    judged = fitted.tables.judged
    if weights is None:
        weights = fit_weights([each.predicted for each in fitted.candidates], judged)
    mean = sum(weight * each for weight, each in zip(weights.tolist(), fitted.test, strict=True))
    if judged.classes is None:
        if calibrates:
            assert judged.numbers is not None
            mean = np.clip(mean, judged.numbers.min(), judged.numbers.max())
        return float(np.sqrt(((mean[:, 0] - fitted.labels) ** 2).mean()))
    if calibrates:
        shares = np.bincount(judged.classes, minlength=mean.shape[1]) / len(judged)
        out_of_fold = mix_candidates(fitted.candidates, weights)
        calibration = fit_calibration(out_of_fold, judged, 1 / (len(judged) + 1), tuple(shares.tolist()))
        mean = calibration.apply(np.asarray(mean))
    return log_loss(fitted.labels, np.asarray(mean))


def equal_weights(fitted: Fitted) -> float:
    return error(fitted, np.full(len(fitted.candidates), 1 / len(fitted.candidates)))


def best_only(fitted: Fitted) -> float:
    """Return the error of the configuration with the lowest out-of-fold loss."""
    weights = np.zeros(len(fitted.candidates))
    weights[int(np.argmin([each.loss for each in fitted.candidates]))] = 1.0
    return error(fitted, weights)


def has_bins(configuration: Configuration) -> bool:
    return configuration.preprocessing.numeric_encoding == "piecewise_linear"


def is_plain(configuration: Configuration) -> bool:
    """Return whether the network has no embeddings, no normalization and no other learned parts than its layers."""
    parts = configuration.parametric_activation or configuration.scale_inputs or configuration.normalization != "none"
    return configuration.number_embedding is None and configuration.submodels == 1 and not parts


VARIANTS: dict[str, Callable[[Fitted], float]] = {
    "all parts": error,
    "equal weights": equal_weights,
    "the best configuration only": best_only,
    "six seeds of the best configuration": lambda f: error(replace(f, candidates=f.seeds, test=f.seeds_test)),
    "no calibration, no limits": lambda f: error(f, calibrates=False),
    "no bins": lambda f: error(f.choose(lambda c: not has_bins(c))),
    "bins only": lambda f: error(f.choose(has_bins)),
    "no bins by trees": lambda f: error(f.choose(lambda c: c.preprocessing.bin_edges != "tree" or not has_bins(c))),
    "no embeddings of numbers": lambda f: error(f.choose(lambda c: c.number_embedding is None)),
    "no networks that share weights": lambda f: error(f.choose(lambda c: c.submodels == 1)),
    "none for longer": lambda f: error(f.head(f.first)),
    "plain networks only": lambda f: error(f.choose(is_plain)),
    "no networks of three layers": lambda f: error(f.choose(lambda c: len(c.hidden) < 3)),
    "no networks of one layer": lambda f: error(f.choose(lambda c: len(c.hidden) != 1)),
    "the first four configurations": lambda f: error(f.head(4)),
}


def train(table: LoadedTable, split: Split) -> Fitted:
    """Train what an effort of "default" tries on the training rows of a split, and predict its test rows."""
    labels = table.labels
    known = labels if not table.classes else np.array([f"{code:06d}" for code in labels], dtype=object)
    inputs = table.inputs.iloc[split.train].reset_index(drop=True).assign(**{LABEL: known[split.train]})
    test = table.inputs.iloc[split.test].reset_index(drop=True)
    task = table.spec.task
    inspection = inspect_table(inputs, None, Preparation(label=(LABEL,)), task=task, loss=None)
    assert inspection.schema is not None
    shape = TableShape(len(inspection.usable), len(inspection.schema.features), len(inspection.classes or ()))
    policy = choose_policy(shape, "default", SEED)
    tables = FoldTables(inspection, split_fold_rows(inspection, policy.folds, SEED), default_loss(task), "float32")
    candidates = run(tables, list(policy.first), 0)
    first = len(candidates)
    ranked = sorted(candidates, key=lambda each: (each.loss, each.number))
    longer = policy.lengthen(ranked, sum(each.work for each in candidates)).first
    candidates += run(tables, longer[len(policy.first) :], len(policy.first))
    seeds = run(tables, [ranked[0].configuration] * SEEDS, len(longer))
    truth = labels[split.test]
    if inspection.classes is not None:
        truth = np.searchsorted(np.array(inspection.classes), known[split.test].astype(str))
    predicted = [[predict(each, test) for each in group] for group in (candidates, seeds)]
    return Fitted(tables, first, candidates, predicted[0], seeds, predicted[1], truth)


def run(tables: FoldTables, configurations: Sequence[Configuration], first: int) -> list[Candidate]:
    numbered = list(enumerate(configurations, first))
    candidates: list[Candidate] = []
    for begin in range(0, len(numbered), 8):
        candidates += train_candidates(tables, numbered[begin : begin + 8], SEED, Hardware(THREADS))[0]
    return candidates


def predict(candidate: Candidate, inputs: Any) -> Numbers:
    ensemble = Ensemble(candidate.models, threads=THREADS)
    if ensemble.classes is not None:
        return np.asarray(ensemble.predict_proba(inputs), dtype=np.float64)
    return np.asarray(ensemble.predict(inputs), dtype=np.float64).reshape(-1, 1)


def write_ablation(specs: Sequence[TableSpec], n_splits: int) -> str:
    """Return a page with the error of each variant divided by that of all parts."""
    errors: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for spec in specs:
        table = load_table(spec)
        splits = table.splits[:n_splits]
        found = [train(table, split) for split in splits]
        for name, variant in VARIANTS.items():
            errors[name].append(float(np.mean([variant(each) for each in found])))
        print(spec.name, *(f"{errors[name][-1]:.4g}" for name in VARIANTS), flush=True)
    reference = np.array(errors["all parts"])
    rows = [[name, _show(estimate_ratio(np.array(values), reference))] for name, values in errors.items()]
    head = [
        "# What each part of creche.fit is worth", "",
        f"Error of the variant divided by that of all parts, geometric mean over {len(specs)} open tables, first "
        f"{'split' if n_splits == 1 else f'{n_splits} splits'}; in brackets 95 % over bootstraps of the tables. "
        "Above 1, the part helps.", "",
    ]  # fmt: skip
    return "\n".join([*head, *markdown(["variant", "ratio"], rows), "", "Tables: " + ", ".join(s.name for s in specs)])


def _show(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f}–{estimate.high:.3f})"
