"""Predictions for a table of PostgreSQL, written back to it: how fast, and how much memory that takes.

A server is started for it (which needs the package postgresql), gets a table of numbers and words with a primary key,
and a model that was trained on its first rows predicts all of them in a new process, into another table. Memory is the
peak that the kernel noted for that process (VmHWM); the server has its own.

Options of its own: ``--rows 1_000_000`` for another size of the table.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from _compare import Spread
from _postgres import Server, start_server
from _report import Report, parse_options

import creche as cr

ROWS, QUICK_ROWS, TRAINING_ROWS = 10_000_000, 100_000, 20_000
MEMORY = 500.0  # MB

TABLE = """
CREATE TABLE houses AS SELECT g AS id, random() * 200 AS area, (random() * 9)::int AS rooms, random() AS x1,
random() AS x2, round((random() * 1000)::numeric, 2) AS distance, 'street ' || g % 40 AS street,
timestamp '2020-01-01' + g * interval '1 minute' AS sold, random() * 1000000 AS price
FROM generate_series(1, {rows}) g"""

CHILD = """
import json, sys, time, creche as cr
model, address = sys.argv[1:]
began = time.perf_counter()
houses, predictions = cr.Database(address, table="houses"), cr.Database(address, table="predictions")
done = cr.predict_file(cr.load(model), houses, predictions, keep=["id"])
seconds = time.perf_counter() - began
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"seconds": seconds, "peak": peak / 1000, "rows": done.rows}))
"""


def main() -> int:
    given = _take_rows()
    options = parse_options(__doc__, rounds=1)
    rows = given or (QUICK_ROWS if options.quick else ROWS)
    report = Report(f"{rows:,} rows from PostgreSQL to predictions in PostgreSQL", options)
    with start_server() as server:
        server.execute(TABLE.format(rows=rows), "ALTER TABLE houses ADD PRIMARY KEY (id)")
        found = measure(server)
        ((written, checked),) = server.select(
            "SELECT count(*) AS written, count(predicted_price) AS checked FROM predictions JOIN houses USING (id)"
        )
    report.section("Seconds, and the largest memory of the process in MB")
    report.table(
        ["rows", "s", "rows/s", "MB"],
        [[f"{rows:,}", f"{found['seconds']:.1f}", f"{rows / found['seconds']:,.0f}", f"{found['peak']:.0f}"]],
    )
    report.section("Claims")
    report.claim_below("memory", Spread.of([found["peak"]]), MEMORY, " MB")
    report.claim_below("rows without a prediction", Spread.of([float(2 * rows - written - checked)]), 1.0, "")
    return report.finish()


def measure(server: Server) -> dict[str, float]:
    """Predict the table in a process of its own."""
    first = cr.Database(server.uri(), query=f"SELECT * FROM houses WHERE id <= {TRAINING_ROWS} ORDER BY id")
    model = cr.train(first, label="price", schema={"id": "ignore"}, hidden=[32], epochs=3, on_progress=False).model
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "houses.creche"
        model.save(path)
        command = [sys.executable, "-W", "ignore", "-c", CHILD, str(path), server.uri()]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def _take_rows() -> int | None:
    """Take the option ``--rows``, with its value, from the command line."""
    if "--rows" not in sys.argv:
        return None
    at = sys.argv.index("--rows")
    value = sys.argv[at + 1]
    del sys.argv[at : at + 2]
    return int(value.replace("_", ""))


if __name__ == "__main__":
    sys.exit(main())
