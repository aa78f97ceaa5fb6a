"""How cost grows with rows on disk: seconds and memory of encoding a table of Parquet, and of training on it.

Tables of eight random numbers and a label, in files of a million rows, are encoded by `creche.encode` with limited
memory and trained on from their folder for two epochs, each in a new process. docs/costs.md says that time grows in
proportion to the rows. Memory is limited to 500 MB, or to what the longest column and the split of the rows take, which
are held in memory: 110 bytes a row.

Options of its own: ``--most 100_000_000`` for the most rows, and ``--folder`` for where the tables lie meanwhile (72
bytes a row).
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from _compare import Spread
from _report import Report, parse_options
from large_tables import ABOVE_LIMIT, measure, take_option

ROWS = (100_000, 1_000_000, 10_000_000, 100_000_000)
QUICK_ROWS = (10_000, 20_000)
MOST = 10_000_000
COLUMNS, ROWS_OF_FILE = 8, 1_000_000
LEAST_MEMORY, BYTES_OF_ROW = 500_000_000, 110
LONGER_BELOW = 1.2  # times as long for each row


def main() -> int:
    own = {name: take_option(name) for name in ("--most", "--folder")}
    options = parse_options(__doc__, rounds=1)
    most = int((own["--most"] or str(MOST)).replace("_", ""))
    report = Report(f"Rows on disk: tables of {COLUMNS + 1} columns", options)
    sizes = QUICK_ROWS if options.quick else [rows for rows in ROWS if rows <= most]
    found = [measure_rows(rows, own["--folder"]) for rows in sizes]
    for what, title in (("encode", "Encoding"), ("train", "Training for two epochs")):
        report.section(title)
        lines = []
        for rows, each in zip(sizes, found, strict=True):
            seconds, peak, memory = (each[what][name] for name in ("seconds", "peak", "memory"))
            a_row = f"{_each_row(rows, each[what]):.3g}"
            lines.append([f"{rows:,}", f"{seconds:.2f}", a_row, f"{memory:.0f}", f"{peak:.0f}"])
        report.table(["rows", "s", "µs a row", "limit, MB", "peak, MB"], lines)
    report.section("Claims")
    for what, verb in (("encode", "encoding"), ("train", "training")):
        few, many = (_each_row(sizes[i], found[i][what]) for i in (0, -1))
        report.claim_below(
            f"{verb} a row of {sizes[-1]:,}, against one of {sizes[0]:,}", Spread.of([many / few]), LONGER_BELOW,
            " times as long",
        )  # fmt: skip
        above = Spread.of([max(each[what]["peak"] - each[what]["memory"] for each in found)])
        report.claim_below(f"memory of {verb} above the limit", above, ABOVE_LIMIT, " MB")
    return report.finish()


def measure_rows(rows: int, where: str | None) -> dict[str, dict[str, float]]:
    """Write a table of that many rows, encode it and train on it."""
    with tempfile.TemporaryDirectory(dir=where) as folder:
        write_files(Path(folder), rows)
        memory = max(LEAST_MEMORY, rows * BYTES_OF_ROW)
        return measure(Path(folder) / "*.parquet", Path(folder) / "encoded", f"{memory // 10**6}MB")


def write_files(folder: Path, rows: int) -> None:
    import polars as pl

    rng = np.random.default_rng(0)
    for begin in range(0, rows, ROWS_OF_FILE):
        x = rng.standard_normal((COLUMNS, min(ROWS_OF_FILE, rows - begin)), dtype=np.float32)
        y = np.where(x[0] + x[1] ** 2 > 1, "yes", "no")
        frame = pl.DataFrame({**{f"x{i}": column for i, column in enumerate(x)}, "y": y})
        frame.write_parquet(folder / f"{begin // ROWS_OF_FILE:05}.parquet")


def _each_row(rows: int, measured: dict[str, float]) -> float:
    return 1e6 * measured["seconds"] / rows


if __name__ == "__main__":
    raise SystemExit(main())
