"""What docs/costs.md says of time: an epoch takes as long for each row of any table, and workers are busy with pieces.

Tables of random numbers, 20 columns, train a network of two hidden layers of 64 neurons. Then a sweep of the penguins
is carried out by processes that stand for machines, each with one thread. The workers measure how much processor time
they have, and how much of it they create and train networks. The model of the page says that n processes take the
processor time of one, divided by n; the share claimed is that of the engine in the time of all cores in use.
"""

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
from _compare import Spread
from _report import Options, Report

import creche as cr
from creche._system.resources import usable_cores
from creche.scale.executor import ExecutorWorkers
from creche.scale.piece import ProcessorTime

ROWS = (100_000, 1_000_000, 10_000_000)
QUICK_ROWS = (2_000, 4_000)
COLUMNS, HIDDEN, BATCH = 20, (64, 64), 256
NETWORKS, QUICK_NETWORKS = 100_000, 300
WORKERS = (1, 2, 4)
LONGER_BELOW, BUSY_AT_LEAST = 1.2, 95.0  # times as long for each row; per cent
LATE_BELOW = 1.1  # times as long as predicted


def seconds_of_epoch(rows: int) -> float:
    draw = np.random.default_rng(0)
    x = draw.standard_normal((rows, COLUMNS), dtype=np.float32)
    y = x[:, 0] + x[:, 1] ** 2
    shared: dict[str, Any] = {"hidden": HIDDEN, "batch_size": BATCH, "validation_fraction": 0.0, "on_progress": False}
    run = cr.train(x, y, **shared, epochs=2, steps=1, threads=1)
    start = time.perf_counter()
    run.resume(steps=-(-rows // BATCH) - 1)
    return time.perf_counter() - start


class WatchedWorkers(ExecutorWorkers):
    """Workers whose pieces say how much of their processor time was training."""

    spent = ProcessorTime()  # on all pieces
    elapsed = 0.0

    def carry_out(
        self, function: Any, shared: Any, pieces: Any, on_done: Callable[[int, Any], object], lead: int | None = None
    ) -> None:
        def take(position: int, result: Any) -> None:
            WatchedWorkers.spent += result.processor
            on_done(position, result)

        start = time.perf_counter()
        super().carry_out(function, shared, pieces, take, lead)
        WatchedWorkers.elapsed += time.perf_counter() - start


def measure_workers(count: int, networks: int, epochs: int) -> dict[str, float]:
    """Return the seconds of a sweep by processes, and the share of the engine in their time, in per cent."""
    sweep: dict[str, Any] = {"label": "species", "hidden": [10, 10], "epochs": epochs, "on_progress": False}
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        cr.sweep("penguins-four", **sweep, seeds=16 * count, cluster=pool)  # processes begin, and import
        WatchedWorkers.spent, WatchedWorkers.elapsed = ProcessorTime(), 0.0
        start = time.perf_counter()
        cr.sweep("penguins-four", **sweep, seeds=networks, cluster=pool)
        total = time.perf_counter() - start
    spent = WatchedWorkers.spent
    cores = min(count, usable_cores())
    return {
        "seconds": total,
        "engine": spent.engine,
        "of_workers": 100 * spent.share,
        "of_cores": 100 * spent.engine / (cores * WatchedWorkers.elapsed),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small tables and sweeps, to check that everything runs")
    parser.add_argument("--save", action="store_true", help="also write the output to benchmarks/results/")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a claim is not met")
    parser.add_argument("--rounds", type=int, default=1, help="measurements of each size (default 1)")
    parser.add_argument("--most", type=int, default=ROWS[1], help=f"the most rows (default {ROWS[1]:,})")
    given = parser.parse_args()
    report = Report("Costs: rows and workers", Options(given.quick, given.save, given.check, given.rounds))
    import creche.scale.executor as executor

    executor.ExecutorWorkers = WatchedWorkers  # type: ignore[misc]
    report.section(f"An epoch of {COLUMNS}-{HIDDEN[0]}-{HIDDEN[1]}-1, batches of {BATCH}, one thread")
    sizes = QUICK_ROWS if given.quick else [rows for rows in ROWS if rows <= given.most]
    each: list[Spread] = []
    lines = []
    for rows in sizes:
        seconds = [seconds_of_epoch(rows) for _ in range(given.rounds)]
        each.append(Spread.of([1e6 * one / rows for one in seconds]))
        lines.append([f"{rows:,}", Spread.of(seconds).show(), each[-1].show()])
    report.table(["rows", "seconds", "µs a row"], lines)
    report.section("A sweep of networks 4-10-10-3 by processes of one thread")
    networks, epochs = (QUICK_NETWORKS, 2) if given.quick else (NETWORKS, 50)
    lines, work, last = [], 0.0, dict[str, Spread]()
    for count in WORKERS:
        measured = [measure_workers(count, networks, epochs) for _ in range(given.rounds)]
        last = {name: Spread.of([each[name] for each in measured]) for name in measured[0]}
        work = work or last["engine"].median  # that of one process
        predicted = work / min(count, usable_cores())
        last["late"] = Spread.of([each["seconds"] / predicted for each in measured])
        shown = [last["seconds"].show(), f"{predicted:.3g}", last["of_workers"].show(), last["of_cores"].show()]
        lines.append([str(count), *shown])
    head = ["processes", "seconds", "predicted", "engine, % of workers' processor time", "engine, % of cores' time"]
    report.table(head, lines)
    report.say("")
    longer = Spread.of([each[-1].median / each[0].median])
    report.claim_below(f"A row of {sizes[-1]:,}, against one of {sizes[0]:,}", longer, LONGER_BELOW, " times as long")
    report.claim_at_least(
        f"Time of the cores of {WORKERS[-1]} processes in the engine", last["of_cores"], BUSY_AT_LEAST, " %"
    )
    report.claim_below(f"A sweep by {WORKERS[-1]} processes", last["late"], LATE_BELOW, " times as long as predicted")
    return report.finish()


if __name__ == "__main__":
    raise SystemExit(main())
