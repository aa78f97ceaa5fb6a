"""Whether a recipe scores as the network of its paper does, which pytabkit or tabm trains.

Both train on the same rows with the same columns, stop by the same validation rows (the epoch with the lowest
cross-entropy, or squared error), and predict the same test rows; only their random numbers differ. Each seed takes the
next split of the table, and other validation rows. The page has the geometric mean of our error divided by theirs, for
each table and over all pairs, with 95 % intervals by the t distribution.

A pair that was measured already, of the same recipe and the same version of the peer, is not measured again: a call
that was ended goes on where it was.

Run: python -m benchmarks.tables parity --recipe realmlp --seeds 5 [--tables Carseats concrete] [--save]
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import creche as cr
from benchmarks._machine import describe_machine
from benchmarks.tables.manifest import TableSpec
from benchmarks.tables.metrics import log_loss
from benchmarks.tables.parity_pairs import Pair, PairFile, PairKey, Time, chosen_pairs, describe_pairs, digest_recipe
from benchmarks.tables.results import RESULTS, name_machine
from benchmarks.tables.sources import LoadedTable, load_table
from benchmarks.tables.systems import THREADS, Problem, version_of_creche
from benchmarks.tables.systems.columns import FilledNumbers
from creche.plan.words import RecipeName

# Some of words and some of numbers, some of classes and some of numbers, and none whose error is close to zero, where
# a ratio says little.
TABLES = (
    "bupa", "Salaries", "Carseats", "CPS1985", "College", "Sacramento", "concrete", "OJ", "contraceptive",
    "SaratogaHouses",
)  # fmt: skip
VALIDATION_SHARE = 0.2


@dataclass(frozen=True)
class Part:
    """Rows of a table, as both systems get them."""

    inputs: pd.DataFrame
    labels: NDArray[Any]


@dataclass(frozen=True)
class Parts:
    """The rows to fit on, those that choose the epoch, and those to judge by."""

    train: Part
    validation: Part
    test: Part


# Trains on the parts with a seed and threads, and predicts the test rows: probabilities of all classes, or numbers.
Trainer = Callable[[Problem, Parts, int, int], NDArray[Any]]


@dataclass(frozen=True)
class Measurement:
    """How pairs are measured: which are, and with how many threads."""

    seeds: int = 5
    threads: int = THREADS
    again: bool = False
    kept_only: bool = False


@dataclass(frozen=True)
class Peer:
    """The network of a paper: the package that has it, and the function of `parity_peers` that trains it."""

    package: str
    trainer: str

    def version(self) -> str:
        from importlib import metadata

        return f"{self.package} {metadata.version(self.package)}"

    def load(self) -> Trainer:
        trainer: Trainer = getattr(import_module("benchmarks.tables.parity_peers"), self.trainer)
        return trainer


PEERS: dict[RecipeName, Peer] = {
    "realmlp-s": Peer("pytabkit", "train_realmlp_s"),
    "realmlp": Peer("pytabkit", "train_realmlp"),
    "tabm-mini": Peer("tabm", "train_tabm_mini"),
}


def write_parity(specs: Sequence[TableSpec], recipe: RecipeName, how: Measurement) -> str:
    """Measure what is not measured yet, one seed of all tables after the other, and return the page."""
    peer = PEERS[recipe]
    plan, version = digest_recipe(recipe), peer.version()
    file = PairFile(RESULTS / name_machine() / f"parity-{recipe}.jsonl")
    creche = version_of_creche()
    tables = [load_table(spec) for spec in specs]
    keys: list[PairKey] = []
    for seed in range(how.seeds):
        for table in tables:
            split = table.splits[seed % len(table.splits)]
            keys.append(PairKey(table.spec.name, split.digest, seed, plan, version))
            if not how.kept_only and (how.again or file.find(keys[-1]) is None):
                pair = measure(table, recipe, peer.load(), keys[-1], creche, how.threads)
                file.add(pair)
                print(
                    f"{pair.table} seed {seed}: {version} {pair.theirs:.4g} in {pair.their_time.seconds:.1f} s, "
                    f"Creche {pair.ours:.4g} in {pair.our_time.seconds:.1f} s",
                    flush=True,
                )
    names = [spec.name for spec in specs]
    pairs = sorted(chosen_pairs(file, keys), key=lambda pair: names.index(pair.table))
    if not pairs:
        raise SystemExit(f"No pair of {recipe} is measured on these tables; leave --kept out to measure them.")
    head = [
        f"# Recipe {recipe} beside {version}", "", *(f"- {fact}" for fact in describe_machine()[:4]),
        "- The error is the log loss, or the root mean squared error of a number; in brackets 95 %", "",
    ]  # fmt: skip
    return "\n".join([*head, *describe_pairs(pairs, version)])


def measure(
    table: LoadedTable, recipe: RecipeName, train_peer: Trainer, key: PairKey, creche: str, threads: int
) -> Pair:
    """Train both systems with the seed on the split, one right after the other."""
    parts = divide(table, key.seed)
    problem = Problem(table.spec.task, len(table.classes))
    load = os.getloadavg()[0]
    ours, our_time = timed(lambda: train_ours(recipe, problem, parts, key.seed, threads))
    theirs, their_time = timed(lambda: train_peer(problem, parts, key.seed, threads))
    return Pair(
        *key, len(table.labels), creche, error(problem, parts.test, ours), error(problem, parts.test, theirs),
        our_time, their_time, threads, round(load, 1),
    )  # fmt: skip


def timed(train: Callable[[], NDArray[Any]]) -> tuple[NDArray[Any], Time]:
    """Return what the function returns, and how long it took."""
    begin, begin_cpu = time.perf_counter(), time.process_time()
    predicted = train()
    seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - begin_cpu
    return predicted, Time(round(seconds, 3), round(cpu_seconds, 3))


def divide(table: LoadedTable, seed: int) -> Parts:
    """Return the rows of the split of this seed; missing numbers are filled, because the peers take none."""
    split = table.splits[seed % len(table.splits)]
    order = np.random.default_rng(seed).permutation(split.train)
    held_out = round(VALIDATION_SHARE * len(order))
    filled = FilledNumbers(table.inputs.iloc[order[held_out:]])
    every = (order[held_out:], order[:held_out], split.test)
    return Parts(
        *(Part(filled.apply(table.inputs.iloc[rows]).reset_index(drop=True), table.labels[rows]) for rows in every)
    )


def train_ours(recipe: RecipeName, problem: Problem, parts: Parts, seed: int, threads: int) -> NDArray[Any]:
    """Train with the recipe, and return the predictions of the test rows."""
    classes = [str(number) for number in range(problem.n_classes)]
    labels, held_out = (part.labels.astype(str) if classes else part.labels for part in (parts.train, parts.validation))
    run = cr.train(
        parts.train.inputs, labels, recipe=recipe, validation_data=(parts.validation.inputs, held_out), seed=seed,
        threads=threads, task=problem.task, on_progress=False, classes=classes or None, duplicates="warn",
    )  # fmt: skip
    return run.model.predict_proba(parts.test.inputs) if classes else run.model.predict(parts.test.inputs)


def error(problem: Problem, test: Part, predicted: NDArray[Any]) -> float:
    """Return the log loss, or the root mean squared error."""
    if problem.n_classes:
        return log_loss(test.labels, predicted)
    return float(np.sqrt(np.mean((test.labels - predicted) ** 2)))
