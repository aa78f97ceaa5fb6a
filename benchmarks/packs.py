"""What networks in packs cost beyond plain ones: embeddings, and numbers of the plan that differ from lane to lane.

Sixteen networks with two hidden layers of 32 neurons train on one thread, in the engine. Each kind is compared, in
turns, with plain networks that have as many inputs of the first layer. Speeds are multiply-adds per second: of a layer
three for each weight and row (forward, back to its inputs, gradient), of an embedding likewise, and of a cosine and its
sine the twelve of their polynomials. The first layer of a plain network has two: only embeddings below it need the
gradient of its inputs.
"""

import time
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from _compare import Spread
from _report import Report, parse_options

from creche import _core
from creche.engine.native import translate
from creche.plan import Network, Plan
from creche.plan.embeddings import CategoryEmbedding, EmbeddedColumns, LinearEmbedding, PeriodicEmbedding
from creche.plan.optimizers import AdamW

NETWORKS, WIDTH, OUTPUTS, ROWS, QUICK_ROWS, BATCH_SIZE, EPOCHS = 16, 32, 3, 2_000, 200, 64, 4
AT_LEAST = 0.8
COLUMNS, CODES = 20, 30
WAVE = 12  # multiply-adds of a cosine and its sine


@dataclass(frozen=True)
class Kind:
    """Networks, with the multiply-adds of their embeddings for a row."""

    name: str
    plans: list[Plan]
    of_embeddings: float = 0.0

    @property
    def work(self) -> float:
        """The multiply-adds of a row."""
        network = self.plans[0].network
        first, *others = (a * b for a, b in pairwise(network.widths))
        return (3 if network.embeddings else 2) * first + 3 * sum(others) + self.of_embeddings


def create_plans(network: Network, **changes: Any) -> list[Plan]:
    optimizer = AdamW(learning_rate=1e-3)
    plan = Plan(network, optimizer=optimizer, batch_size=BATCH_SIZE, epochs=EPOCHS, keep="last", early_stopping=None)
    return [replace(plan, seed=seed, **changes).resolved(ROWS) for seed in range(NETWORKS)]


def create_kinds() -> list[tuple[Kind, Kind]]:
    """Return each kind beside its plain networks."""
    periodic, linear, category = PeriodicEmbedding(), LinearEmbedding(8), CategoryEmbedding(8)
    learned = periodic.width - 1
    pairs = [
        (
            "periodic embeddings of 20 numbers",
            [EmbeddedColumns(periodic, tuple(range(COLUMNS)))],
            COLUMNS * periodic.frequencies * (WAVE + 3 * learned + 2),
        ),
        (
            "linear embeddings of 4 numbers with 4 bins each",
            [EmbeddedColumns(linear, tuple(range(0, COLUMNS, 5)), (5,) * 4)],
            2 * COLUMNS * linear.width,
        ),
        ("embeddings of 10 columns of 30 categories", [EmbeddedColumns(category, tuple(range(10)), (CODES,) * 10)], 0),
    ]
    kinds = []
    for name, embeddings, work in pairs:
        network = Network.of(COLUMNS, [WIDTH, WIDTH], OUTPUTS, "silu", embeddings=embeddings)
        plain = Network.of(network.widths[0], [WIDTH, WIDTH], OUTPUTS, "silu")
        kinds.append((Kind(name, create_plans(network), work), Kind("plain", create_plans(plain))))
    kinds.append((create_mixed(), Kind("plain, dropout 0.2", create_plans(plain_network(0.2)))))
    return kinds


def plain_network(dropout: float) -> Network:
    return Network.of(COLUMNS, [WIDTH, WIDTH], OUTPUTS, "silu", dropout)


def create_mixed() -> Kind:
    """Return networks that differ in dropout, weight decay, learning rate and schedule."""
    schedules = ("constant", "cosine", "cosine_log", "flat_cosine")
    plans = [
        replace(
            plan,
            network=plain_network(0.1 + 0.02 * seed),
            optimizer=AdamW(learning_rate=1e-3 * (1 + seed / 8), weight_decay=0.01 * seed),
            schedule=schedules[seed % 4],  # type: ignore[arg-type]
            weight_decay_schedule=schedules[(seed + 1) % 4],  # type: ignore[arg-type]
            dropout_schedule=schedules[(seed + 2) % 4],  # type: ignore[arg-type]
        ).resolved(ROWS)
        for seed, plan in enumerate(create_plans(plain_network(0.2)))
    ]
    return Kind("dropout, decay, rates and schedules of each lane's own", plans)


def train(kind: Kind, rows: int) -> float:
    """Return the processor time of training all networks."""
    engine = _core.load()
    rng = np.random.default_rng(0)
    network = kind.plans[0].network
    x = rng.standard_normal((rows, network.inputs)).astype(np.float32)
    if any(isinstance(each.embedding, CategoryEmbedding) for each in network.embeddings):
        x = rng.integers(0, CODES, x.shape).astype(np.float32)
    classes = rng.integers(0, OUTPUTS, rows).astype(np.int32)
    members = [(translate(engine, plan), 0, -1) for plan in kind.plans]
    colony = engine.Colony32(members, [(x, classes, None, None)], 1)
    assert colony.packed == NETWORKS
    begin = time.process_time()
    colony.run()
    return time.process_time() - begin


def main() -> int:
    options = parse_options(__doc__, rounds=9)
    report = Report("Packs: what networks cost beyond plain ones", options)
    rows = QUICK_ROWS if options.quick else ROWS
    found, speeds_of = [], {}
    for kind, plain in create_kinds():
        train(kind, rows), train(plain, rows)
        times, speeds = [], []
        for _ in range(options.rounds):
            own, other = train(kind, rows), train(plain, rows)
            times.append(own / other)
            speeds.append((kind.work / own) / (plain.work / other))
        found.append([kind.name, plain.name, Spread.of(times).show(), Spread.of(speeds).show()])
        speeds_of[kind.name] = Spread.of(speeds)
    report.say("")
    report.table(["networks", "beside", "times the time", "times the speed per multiply-add"], found)
    report.say("")
    for name, speed in speeds_of.items():
        report.claim_ratio(f"{name}: the plain pack's speed per multiply-add", speed, AT_LEAST)
    return report.finish()


if __name__ == "__main__":
    raise SystemExit(main())
