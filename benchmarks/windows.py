"""Rows shuffled in windows: how well networks learn from tables in any order, and how fast from a file.

Training orders are compared on 40,000 rows that lie at random, sorted by a feature, or sorted by the label: all rows
shuffled, windows of several sizes, and the rows as they lie. Each figure is the mean of three tables and seeds. Rows in
a file give the same bits as in memory, so only their speed is measured: one epoch from memory, from a file in the
system's page cache, and from a file that is read past it.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _compare import Spread
from _report import Report, parse_options

import creche as cr
from creche.engine import feeding
from creche.engine.choice import new_run
from creche.engine.colony import Crew
from creche.engine.hardware import Hardware
from creche.engine.job import Job
from creche.engine.native import Rows
from creche.engine.run_state import RunState
from creche.engine.stored_rows import RowLayout, StoredRows
from creche.plan import Network, Plan
from creche.table.row_store import open_row_store, write_row_store

ROWS, QUICK_ROWS, HELD_OUT, FEATURES, CLASSES, SEEDS = 40_000, 2_000, 10_000, 16, 3, 3
MOST = 1.02  # of the loss with all rows shuffled

# Blocks of 50 rows: 10 % of the rows are 80 of them, more than the 40 that a window should have at least.
WINDOWS = cr.Windows(50, 80)
ORDERS: dict[str, Any] = {
    "all rows shuffled": True,
    "windows of 10 %, 80 blocks": WINDOWS,
    "windows of 2.5 %, 20 blocks": cr.Windows(50, 20),
    "windows of 10 %, 8 blocks": cr.Windows(500, 8),
    "as they lie": False,
}

COLUMNS, FILE_ROWS, QUICK_FILE_ROWS = 100, 2_500_000, 50_000


def draw_tables(rows: int, seed: int) -> tuple[dict[str, Rows], Rows]:
    """Return the same rows in several orders, and others for validation."""
    draw = np.random.default_rng(seed)
    mixing, outputs = draw.normal(size=(FEATURES, 12)), draw.normal(size=(12, CLASSES))

    def sample(count: int) -> Rows:
        x = draw.normal(size=(count, FEATURES)).astype(np.float32)
        signal = np.tanh(x @ mixing / 2) @ outputs * 1.5 + 0.7 * draw.normal(size=(count, CLASSES))
        return Rows(x, signal.argmax(1).astype(np.int32), None)

    table, held_out = sample(rows), sample(HELD_OUT)
    assert table.classes is not None
    by_feature = np.argsort(table.x[:, 0] + 0.3 * draw.normal(size=rows))
    orders = {
        "at random": np.arange(rows),
        "sorted by a feature": by_feature,
        "sorted by the label": np.argsort(table.classes, kind="stable"),
    }
    return {name: Rows(table.x[order], table.classes[order], None) for name, order in orders.items()}, held_out


def compare_orders(report: Report, rows: int, epochs: int) -> None:
    report.section(f"Validation loss: {rows:,} rows, {FEATURES}-64-64-{CLASSES}, Adam, {epochs} epochs; best / last")
    names, jobs = [], []
    network = Network.of(FEATURES, [64, 64], CLASSES, "relu")
    for seed in range(SEEDS):
        files, held_out = draw_tables(rows, seed)
        for file, table in files.items():
            for order, shuffle in ORDERS.items():
                plan = Plan(
                    network, optimizer=cr.Adam(learning_rate=0.002), batch_size=64, epochs=epochs, seed=seed,
                    shuffle=shuffle, keep="last",
                ).resolved(rows)  # fmt: skip
                names.append((file, order))
                jobs.append(Job(plan, table, held_out))
    crew = Crew(jobs, Hardware(2))
    crew.run()
    best: dict[tuple[str, str], list[float]] = {}
    last: dict[tuple[str, str], list[float]] = {}
    for number, name in enumerate(names):
        losses = RunState(crew.state(number)).history["validation_loss"]
        best.setdefault(name, []).append(float(losses.min()))
        last.setdefault(name, []).append(float(losses[-1]))
    files_of = list(dict.fromkeys(file for file, _ in names))
    report.table(
        ["order", *(f"file {file}" for file in files_of)],
        [
            [order, *(f"{np.mean(best[file, order]):.4f} / {np.mean(last[file, order]):.4f}" for file in files_of)]
            for order in ORDERS
        ],
    )
    report.section("Claims")
    full, windows = "all rows shuffled", "windows of 10 %, 80 blocks"
    for file in files_of:
        ratio = np.mean(best[file, windows]) / np.mean(best[file, full])
        spread = Spread.of([float(ratio)])
        report.claim_below(f"Best loss with windows of 10 %, file {file}, as a ratio to a full shuffle", spread, MOST)


def write_file(path: Path, rows: int) -> tuple[StoredRows, Rows]:
    draw = np.random.default_rng(0)
    x = draw.standard_normal((rows, COLUMNS), dtype=np.float32)
    table = Rows(x, None, x[:, :1] * x[:, 1:2])
    with write_row_store(path, RowLayout(COLUMNS, targets=1)) as store:
        store.section("training", rows).append(table)
    return open_row_store(path)["training"], table


def measure_reading(report: Report, rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stored, table = write_file(Path(folder) / "large.rows", rows)
        report.section(f"An epoch of {rows:,} rows of {COLUMNS} columns ({stored.nbytes / 1e9:.2f} GB), {cr.Windows()}")
        found = []
        for hidden in ([32], [256, 256]):
            network = Network.of(COLUMNS, hidden, 1, "relu")
            plan = Plan(
                network, task="regression", loss="squared_error", batch_size=256, epochs=1, shuffle=cr.Windows(),
                keep="last",
            ).resolved(rows)  # fmt: skip
            for name, source, is_large in (
                ("memory", table, False), ("a cached file", stored, False), ("a file past the cache", stored, True),
            ):  # fmt: skip
                feeding._is_large = lambda _, is_large=is_large: is_large
                run = new_run(plan, source, None, Hardware(2))
                begin = time.perf_counter()
                run.run()
                seconds = time.perf_counter() - begin
                found.append(
                    [f"{network}, from {name}", f"{rows / seconds / 1e6:.2f}", f"{run.seconds_waited / seconds:.0%}"]
                )
        report.table(["network", "million rows/s", "waits for rows"], found)


def main() -> int:
    options = parse_options(__doc__, rounds=1)
    report = Report("Rows shuffled in windows", options)
    compare_orders(report, QUICK_ROWS if options.quick else ROWS, 2 if options.quick else 15)
    measure_reading(report, QUICK_FILE_ROWS if options.quick else FILE_ROWS)
    return report.finish()


if __name__ == "__main__":
    raise SystemExit(main())
