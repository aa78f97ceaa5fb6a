"""Pairs of test errors of a recipe and of the network of its paper: how they are kept, compared and shown.

A pair is one table, one split and one seed, on which both were trained with the same rows. It is kept as soon as it is
measured, as a line of JSON, and counts as long as the recipe says the same and the peer has the same version.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import stats

from benchmarks.tables.aggregate import SMALLEST_ERROR, Estimate, Numbers, log_ratios
from benchmarks.tables.page import markdown
from creche.plan.words import RecipeName
from creche.training.recipes import describe_recipe

# The goal of a recipe: its error is that of the network of its paper, give or take this share.
TOLERANCE = 0.01


class Time(NamedTuple):
    """How long fitting and predicting took, and the seconds of processors that it used in all threads.

    The latter hardly depend on what else the machine does.
    """

    seconds: float
    cpu_seconds: float


class PairKey(NamedTuple):
    """What a pair is found by; the split and the recipe (`plan`) by eight digits of a SHA-256."""

    table: str
    split: str
    seed: int
    plan: str
    peer: str


@dataclass(frozen=True)
class Pair:
    """Test errors and times of both systems on one split with one seed, and what they depend on.

    The first five are those of `PairKey`; `load` is that of the machine at the beginning.
    """

    table: str
    split: str
    seed: int
    plan: str
    peer: str
    rows: int
    creche: str
    ours: float
    theirs: float
    our_time: Time
    their_time: Time
    threads: int
    load: float

    @classmethod
    def from_json(cls, line: str) -> "Pair":
        values = json.loads(line)
        return cls(**values | {name: Time(*values[name]) for name in ("our_time", "their_time")})


class PairFile:
    """The pairs of a recipe on this machine, with those of earlier versions of the recipe and of its peer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        pairs = [Pair.from_json(line) for line in lines]
        self.pairs = {key_of(pair): pair for pair in pairs}

    def find(self, key: PairKey) -> Pair | None:
        return self.pairs.get(key)

    def add(self, pair: Pair) -> None:
        """Append the pair to the file; of two with the same key, the later one counts."""
        self.pairs[key_of(pair)] = pair
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(pair)) + "\n")


def key_of(pair: Pair) -> PairKey:
    return PairKey(pair.table, pair.split, pair.seed, pair.plan, pair.peer)


def digest_recipe(recipe: RecipeName) -> str:
    """Return eight hexadecimal digits of the SHA-256 of what the recipe says, for classes and for numbers."""
    said = [describe_recipe(recipe, task) for task in ("classification", "regression")]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:8]


def estimate_mean_ratio(pairs: Sequence[Pair]) -> Estimate:
    """Return the geometric mean of our error divided by theirs, with its 95 % interval by the t distribution.

    One pair tells nothing of the interval.
    """
    ratios = log_ratios_of(pairs)
    half = np.inf
    if len(ratios) > 1:
        half = float(stats.t.ppf(0.975, len(ratios) - 1) * ratios.std(ddof=1) / np.sqrt(len(ratios)))
    mean = float(ratios.mean())
    return Estimate(*(float(np.exp(value)) for value in (mean, mean - half, mean + half)))


def log_ratios_of(pairs: Sequence[Pair]) -> Numbers:
    return log_ratios(np.array([pair.ours for pair in pairs]), np.array([pair.theirs for pair in pairs]))


def times_as_fast(pairs: Sequence[Pair]) -> float:
    """Return the median over pairs, whose two trainings follow each other, of their seconds divided by ours."""
    return float(np.median([pair.their_time.seconds / pair.our_time.seconds for pair in pairs]))


def times_as_cheap(pairs: Sequence[Pair]) -> float:
    """Likewise of the seconds of processors."""
    return float(np.median([pair.their_time.cpu_seconds / pair.our_time.cpu_seconds for pair in pairs]))


def describe_pairs(pairs: Sequence[Pair], peer: str) -> list[str]:
    """Return a table with one row per table of data, and what all pairs together say."""
    rows = []
    for table in dict.fromkeys(pair.table for pair in pairs):
        every = [pair for pair in pairs if pair.table == table]
        ratio = estimate_mean_ratio(every)
        means = [f"{np.mean([getattr(pair, name) for pair in every]):.4g}" for name in ("theirs", "ours")]
        rows.append(
            [
                table, f"{every[0].rows:,}", str(len(every)), *means, _show(ratio), _contains_one(ratio),
                f"{times_as_fast(every):.1f}", f"{times_as_cheap(every):.1f}",
            ]
        )  # fmt: skip
    head = ["table", "rows", "seeds", peer, "Creche", "difference", "0 in interval", "times as fast", "in CPU seconds"]
    return [*markdown(head, rows), "", *_summary(pairs, len(rows))]


def _summary(pairs: Sequence[Pair], n_tables: int) -> list[str]:
    ratio = estimate_mean_ratio(pairs)
    holds = ratio.low <= 1 <= ratio.high and abs(ratio.value - 1) < TOLERANCE
    goal = f"zero in the interval and less than {TOLERANCE:.0%}"
    lines = [
        f"- Difference over {len(pairs)} pairs of {n_tables} tables: **{_show(ratio)}**. "
        f"The goal, {goal}, is {'met' if holds else 'not met'}.",
        f"- Times as fast as theirs, median over pairs: **{times_as_fast(pairs):.1f}** by the clock and "
        f"**{times_as_cheap(pairs):.1f}** in seconds of processors, which a busy machine changes less; "
        f"{_list_threads(pairs)}, load of the machine {np.median([pair.load for pair in pairs]):.1f} (median).",
    ]
    if any(min(pair.ours, pair.theirs) < SMALLEST_ERROR for pair in pairs):
        lines.append(f"- A log loss below {SMALLEST_ERROR:g} counts as it.")
    return lines


def _list_threads(pairs: Sequence[Pair]) -> str:
    counts = sorted({pair.threads for pair in pairs})
    return f"{' or '.join(map(str, counts))} thread{'' if counts == [1] else 's'}"


def _show(ratio: Estimate) -> str:
    if np.isinf(ratio.high):
        return f"{ratio.value - 1:+.2%}"
    return f"{ratio.value - 1:+.2%} ({ratio.low - 1:+.2%} to {ratio.high - 1:+.2%})"


def _contains_one(ratio: Estimate) -> str:
    if np.isinf(ratio.high):
        return ""
    return "yes" if ratio.low <= 1 <= ratio.high else "no"


def chosen_pairs(file: PairFile, keys: Iterable[PairKey]) -> list[Pair]:
    """Return the pairs of these keys that are there, in the order of the keys."""
    return [pair for key in keys if (pair := file.find(key)) is not None]
