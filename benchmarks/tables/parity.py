"""Whether a recipe scores as the network of its paper does: RealMLP-TD-S or RealMLP-TD of pytabkit beside ours.

Both train on the same rows with the same columns, stop by the same validation rows (the epoch with the lowest
cross-entropy, or squared error), and predict the same test rows; their random numbers differ. For each table the page
has the mean difference of the test errors over the seeds, as a share of pytabkit's error, with its 95 % interval by the
t distribution.

Run: python -m benchmarks.tables parity --recipe realmlp --tables heart vehicle --seeds 5 [--save]
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor, RealMLP_TD_S_Classifier, RealMLP_TD_S_Regressor
from scipy import stats

import creche as cr
from benchmarks.tables.manifest import TableSpec
from benchmarks.tables.metrics import log_loss
from benchmarks.tables.page import markdown
from benchmarks.tables.sources import LoadedTable, load_table
from benchmarks.tables.systems.columns import FilledNumbers, words_of
from creche.plan.words import RecipeName

# Of classes and of numbers, by our recipe.
PEERS: dict[RecipeName, tuple[Any, Any]] = {
    "realmlp-s": (RealMLP_TD_S_Classifier, RealMLP_TD_S_Regressor),
    "realmlp": (RealMLP_TD_Classifier, RealMLP_TD_Regressor),
}
VALIDATION_SHARE = 0.2
THREADS = 2


@dataclass(frozen=True)
class Part:
    """Rows of a table, as both systems get them."""

    inputs: pd.DataFrame
    labels: NDArray[Any]


@dataclass(frozen=True)
class Scores:
    """Test errors and seconds of both systems, by seed."""

    ours: list[float]
    theirs: list[float]
    our_seconds: float
    their_seconds: float

    @property
    def difference(self) -> tuple[float, float]:
        """The mean difference as a share of pytabkit's mean error, and half its 95 % interval."""
        differences = (np.array(self.ours) - np.array(self.theirs)) / np.mean(self.theirs)
        half = stats.t.ppf(0.975, len(differences) - 1) * differences.std(ddof=1) / np.sqrt(len(differences))
        return float(differences.mean()), float(half)


def write_parity(specs: Sequence[TableSpec], recipe: RecipeName, seeds: int) -> str:
    """Compare on the first split of each table, and return the page."""
    rows, shares = [], []
    for spec in specs:
        table = load_table(spec)
        scores = compare(table, recipe, seeds)
        mean, half = scores.difference
        shares.append(mean)
        rows.append(
            [
                spec.name, f"{len(table.labels):,}", f"{np.mean(scores.theirs):.4f}", f"{np.mean(scores.ours):.4f}",
                f"{mean:+.2%} ± {half:.2%}", "yes" if abs(mean) <= half else "no",
                f"{scores.their_seconds / scores.our_seconds:.1f}",
            ]
        )  # fmt: skip
        print(" | ".join(rows[-1]), flush=True)
    head = ["table", "rows", "pytabkit", "Creche", "difference", "0 in interval", "times as fast"]
    over_tables = f"Mean difference over {len(shares)} tables: {np.mean(shares):+.2%}."
    return "\n".join([*markdown(head, rows), "", over_tables])


def compare(table: LoadedTable, recipe: RecipeName, seeds: int) -> Scores:
    """Train both systems once for each seed, which is also that of the validation rows."""
    split = table.splits[0]
    ours, theirs, our_seconds, their_seconds = [], [], 0.0, 0.0
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(split.train)
        held_out = round(VALIDATION_SHARE * len(order))
        filled = FilledNumbers(table.inputs.iloc[order[held_out:]])
        train, validation, test = (
            Part(filled.apply(table.inputs.iloc[rows]).reset_index(drop=True), table.labels[rows])
            for rows in (order[held_out:], order[:held_out], split.test)
        )
        begin = time.perf_counter()
        ours.append(_error(table, test, _ours(recipe, table, train, validation, test, seed)))
        middle = time.perf_counter()
        theirs.append(_error(table, test, _theirs(recipe, table, train, validation, test, seed)))
        our_seconds += middle - begin
        their_seconds += time.perf_counter() - middle
    return Scores(ours, theirs, our_seconds, their_seconds)


def _ours(recipe: RecipeName, table: LoadedTable, train: Part, validation: Part, test: Part, seed: int) -> NDArray[Any]:
    labels = train.labels.astype(str) if table.classes else train.labels
    held_out = validation.labels.astype(str) if table.classes else validation.labels
    run = cr.train(
        train.inputs, labels, recipe=recipe, validation_data=(validation.inputs, held_out), seed=seed,
        threads=THREADS, task="classification" if table.classes else "regression", on_progress=False,
        classes=[str(number) for number in range(len(table.classes))] or None, duplicates="warn",
    )  # fmt: skip
    return run.model.predict_proba(test.inputs) if table.classes else run.model.predict(test.inputs)


def _theirs(
    recipe: RecipeName, table: LoadedTable, train: Part, validation: Part, test: Part, seed: int
) -> NDArray[Any]:
    settings: dict[str, Any] = {"device": "cpu", "random_state": seed, "n_threads": THREADS}
    if table.classes:
        model = PEERS[recipe][0](val_metric_name="cross_entropy", use_ls=False, **settings)
    else:
        model = PEERS[recipe][1](**settings)
    model.fit(
        train.inputs, train.labels, X_val=validation.inputs, y_val=validation.labels,
        cat_col_names=words_of(train.inputs),
    )  # fmt: skip
    return np.asarray(model.predict_proba(test.inputs) if table.classes else model.predict(test.inputs))


def _error(table: LoadedTable, test: Part, predicted: NDArray[Any]) -> float:
    if table.classes:
        return log_loss(test.labels, predicted)
    return float(np.sqrt(np.mean((test.labels - predicted) ** 2)))
