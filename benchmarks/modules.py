"""Models without a runtime: JavaScript modules in Node, and queries in databases, against our own predictions.

A network and an ensemble of four for the species of the penguins, and a network for their mass; the table is repeated
until it has 100,000 rows, with its numbers moved by a thousandth of their deviation, so that rows differ. Databases
write what they predict of many rows to a temporary table, and return that of one. One thread each; Node, DuckDB and
PostgreSQL are left out where they are not installed.
"""

import json
import shutil
import sqlite3
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from _compare import Spread
from _postgres import start_server
from _report import Options, Report, parse_options
from onnx_files import enlarge, one_call, seconds

import creche as cr
from creche.exporting.sql.write import build_query

ROWS, FEW = 100_000, 1_000
ALLOWED = 1e-6  # in a probability, or in a number of the label's standard deviation

PROGRAM = """
import fs from "node:fs";
import { predict } from "./model.mjs";
const { rows, rounds, calls } = JSON.parse(fs.readFileSync(process.argv[2]));
const time = (call) => { const begin = performance.now(); call(); return (performance.now() - begin) / 1000; };
const found = rows.map((row) => predict(row)); // and the compiler has seen it by then
const many = [], one = [];
for (let i = 0; i < rounds; i++) {
  many.push(time(() => rows.map((row) => predict(row))));
  one.push(time(() => { for (let k = 0; k < calls; k++) predict(rows[k % rows.length]); }) / calls);
}
const values = found.map((row) => ("prediction" in row ? [row.prediction] : Object.values(row.probabilities)));
console.log(JSON.stringify({ many, one, values }));
"""
CALLS_IN_NODE = 20_000


class Measured(NamedTuple):
    """What one system took for all rows and for one, in seconds, and what it predicted of all."""

    many: list[float]
    one: list[float]
    values: np.ndarray


class Queries(NamedTuple):
    """A database with the tables many and single, which runs a statement, or returns the rows of a query."""

    name: str
    dialect: Any
    run: Callable[[str], object]
    select: Callable[[str], list[tuple[Any, ...]]]


def main() -> int:
    options = parse_options(__doc__, rounds=5)
    report = Report("Models without a runtime: JavaScript and SQL, compared with our own predictions", options)
    rows = FEW if options.quick else ROWS
    models = create_models(options)
    frame = enlarge("penguins", next(iter(models.values())), rows).with_columns(cr_key=pl.int_range(rows))
    report.section(f"{rows:,} rows, and one")
    lines, differences = [], {}
    with ExitStack() as opened:
        databases = list(open_databases(frame, opened, report))
        for name, model in models.items():
            expected, systems = own(model, frame, options), {}
            if shutil.which("node") is not None:
                systems["JavaScript (Node)"] = in_node(model, frame, options)
            systems |= {database.name: in_database(model, database, options) for database in databases}
            lines.append([name, "Creche", Spread.of(expected.many).show(), Spread.of(expected.one).show(1e6), ""])
            for system, found in systems.items():
                scale = 1.0 if model.classes is not None else model.labels.scale[0]
                difference = float(np.abs(found.values - expected.values).max() / scale)
                differences[f"{name}, {system}"] = difference
                times = [Spread.of(found.many).show(), Spread.of(found.one).show(1e6)]
                lines.append([name, system, *times, f"{difference:.1e}"])
    report.table(["model", "system", "all rows, s", "one row, µs", "largest difference"], lines)
    report.section("Claims")
    for what, difference in differences.items():
        report.claim_below(f"difference of {what}", Spread.of([difference / ALLOWED]), 1.0, " tolerances")
    return report.finish()


def create_models(options: Options) -> dict[str, Any]:
    epochs = 3 if options.quick else 30
    inputs = [name for name in cr.datasets.penguins().columns if name not in ("species", "body_mass_g")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cr.CrecheWarning)
        penguins = cr.datasets.penguins().drop_nulls("body_mass_g")

        def train(label: str, **more: Any) -> cr.Model:
            return cr.train(penguins.select(*inputs, label), label=label, epochs=epochs, threads=1, **more).model

        small = [train("species", hidden=[8, 8], seed=seed) for seed in range(4)]
        return {
            "species": train("species"), "species, four networks": cr.Ensemble(small, threads=1),
            "mass": train("body_mass_g"),
        }  # fmt: skip


def own(model: Any, frame: pl.DataFrame, options: Options) -> Measured:
    """Measure our own predictions, of a frame and of a dict."""
    single = frame.row(0, named=True)
    return Measured(
        [seconds(lambda: model.predict_values(frame)) for _ in range(options.rounds)],
        [one_call(lambda: model.predict_values(single)) for _ in range(options.rounds)],
        model.predict_values(frame).reshape(len(frame), -1),
    )


def in_node(model: Any, frame: pl.DataFrame, options: Options) -> Measured:
    """Measure a module in a process of Node."""
    with tempfile.TemporaryDirectory() as folder:
        model.to_javascript(Path(folder, "model.mjs"))
        program, task = Path(folder, "run.mjs"), Path(folder, "task.json")
        program.write_text(PROGRAM)
        calls = FEW if options.quick else CALLS_IN_NODE
        task.write_text(json.dumps({"rows": frame.to_dicts(), "rounds": options.rounds, "calls": calls}))
        done = subprocess.run(["node", program, task], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return Measured(found["many"], found["one"], np.array(found["values"]))


def open_databases(frame: pl.DataFrame, opened: ExitStack, report: Report) -> Iterator[Queries]:
    """Yield the databases that are installed."""
    connection = opened.enter_context(closing(sqlite3.connect(":memory:")))
    columns = ", ".join(frame.columns)
    connection.execute(f"CREATE TABLE many ({columns})")
    connection.executemany(f"INSERT INTO many VALUES ({', '.join('?' * frame.width)})", frame.rows())
    connection.execute("CREATE TABLE single AS SELECT * FROM many LIMIT 1")
    yield Queries("SQLite", "sqlite", connection.execute, lambda query: connection.execute(query).fetchall())
    try:
        import duckdb

        in_memory = opened.enter_context(duckdb.connect(config={"threads": "1"}))
        in_memory.execute("CREATE TABLE many AS SELECT * FROM frame")
        in_memory.execute("CREATE TABLE single AS SELECT * FROM many LIMIT 1")
        yield Queries("DuckDB", "duckdb", in_memory.execute, lambda query: in_memory.execute(query).fetchall())
    except ImportError as error:
        report.say(f"- DuckDB is left out: {error}", "")
    try:
        server = opened.enter_context(start_server())
    except FileNotFoundError as error:
        report.say(f"- PostgreSQL is left out: {error}", "")
        return
    server.write("many", frame)
    session = opened.enter_context(server.connect())
    cursor = opened.enter_context(session.cursor())
    for setting in ("CREATE TABLE single AS SELECT * FROM many LIMIT 1", "SET max_parallel_workers_per_gather = 0"):
        cursor.execute(setting)

    def select(query: str) -> list[tuple[Any, ...]]:
        cursor.execute(query)
        return pl.scan_arrow_c_stream(cursor.fetch_arrow()).collect().rows()

    yield Queries("PostgreSQL", "postgresql", cursor.execute, select)


def in_database(model: Any, database: Queries, options: Options) -> Measured:
    """Measure the query of a model in a database."""
    many = build_query(model, "many", keep=["cr_key"], dialect=database.dialect)
    single = build_query(model, "single", keep=["cr_key"], dialect=database.dialect)
    first = 2 if model.classes is not None else 1  # after the key, and the predicted class
    width = len(model.labels.outcomes)
    values = np.array([row[first : first + width] for row in sorted(database.select(many))], dtype=float)

    def write() -> None:
        database.run(f"CREATE TEMPORARY TABLE predicted AS {many}")

    times = []
    for _ in range(options.rounds):
        times.append(seconds(write))
        database.run("DROP TABLE predicted")
    return Measured(times, [one_call(lambda: database.select(single)) for _ in range(options.rounds)], values)


if __name__ == "__main__":
    raise SystemExit(main())
