"""What docs/costs.md says of time: an epoch takes as long for each row of any table, and workers are busy with pieces.

Tables of random numbers, 20 columns, train a network of two hidden layers of 64 neurons. Then a sweep of the penguins
is carried out by processes that stand for machines, each with one thread. The share is the time of the pieces, as the
workers measure it, in that of all workers.
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
from creche.scale.executor import ExecutorWorkers

ROWS = (100_000, 1_000_000, 10_000_000)
QUICK_ROWS = (2_000, 4_000)
COLUMNS, HIDDEN, BATCH = 20, (64, 64), 256
NETWORKS, QUICK_NETWORKS = 100_000, 300
WORKERS = (1, 2)
LONGER_BELOW, BUSY_AT_LEAST = 1.2, 95.0  # times as long for each row; per cent


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
    """Workers whose pieces say how long they took."""

    seconds = 0.0  # of all pieces
    elapsed = 0.0

    def carry_out(
        self, function: Any, shared: Any, pieces: Any, on_done: Callable[[int, Any], object], lead: int | None = None
    ) -> None:
        def take(position: int, result: Any) -> None:
            WatchedWorkers.seconds += result.seconds
            on_done(position, result)

        start = time.perf_counter()
        super().carry_out(function, shared, pieces, take, lead)
        WatchedWorkers.elapsed += time.perf_counter() - start


def measure_workers(count: int, networks: int, epochs: int) -> tuple[float, float]:
    """Return the seconds of a sweep, and the share of the workers' time that its pieces took, in per cent."""
    sweep: dict[str, Any] = {"label": "species", "hidden": [10, 10], "epochs": epochs, "on_progress": False}
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        cr.sweep("penguins-four", **sweep, seeds=16 * count, cluster=pool)  # processes begin, and import
        WatchedWorkers.seconds = WatchedWorkers.elapsed = 0.0
        start = time.perf_counter()
        cr.sweep("penguins-four", **sweep, seeds=networks, cluster=pool)
        total = time.perf_counter() - start
    return total, 100 * WatchedWorkers.seconds / (count * WatchedWorkers.elapsed)


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
    lines, busy = [], Spread.of([100.0])
    for count in WORKERS:
        measured = [measure_workers(count, networks, epochs) for _ in range(given.rounds)]
        busy = Spread.of([share for _, share in measured])
        lines.append([str(count), Spread.of([total for total, _ in measured]).show(), busy.show()])
    report.table(["processes", "seconds", "in pieces, %"], lines)
    report.say("")
    longer = Spread.of([each[-1].median / each[0].median])
    report.claim_below(f"A row of {sizes[-1]:,}, against one of {sizes[0]:,}", longer, LONGER_BELOW, " times as long")
    report.claim_at_least(f"Time of {WORKERS[-1]} processes in pieces", busy, BUSY_AT_LEAST, " %")
    return report.finish()


if __name__ == "__main__":
    raise SystemExit(main())
