"""ONNX files: exported models in ONNX Runtime against our own predictions, how equal and how fast they are.

The bundled penguins, and every table of `real_tables.TABLES` that is in the folder given by --tables; each table is
repeated until it has 100,000 rows, with its numbers moved by a thousandth of their deviation, so that rows differ.
"""

import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from _compare import Spread
from _report import Options, Report, parse_options
from real_tables import TABLES, Task, is_available

import creche as cr
from creche.exporting.onnx.feeds import build_feeds, read_rows

ROWS, FEW = 100_000, 1_000
ALLOWED = 1e-6  # in a probability; of a number ten times as much of the label's standard deviation
SINGLE_CALLS = 200


def main() -> int:
    options = parse_options(__doc__, rounds=5, takes_tables=True)
    report = Report("ONNX files: exported models in ONNX Runtime, compared with our own predictions", options)
    if options.tables is None:
        report.say("- No folder of tables was given (--tables): the bundled table only")
    rows = FEW if options.quick else ROWS
    report.section(f"{rows:,} rows of each table, one thread")
    tasks = [task for task in TABLES if is_available(task, options)]
    measured = [measure_task(task, rows, options) for task in tasks]
    head = ["table", "export, s", "file, kB", "rows, s: Creche", "ONNX", "one row, µs: Creche", "ONNX", "difference"]
    report.table(head, [line for line, _ in measured])
    for task, (_, difference) in zip(tasks, measured, strict=True):
        report.claim_below(f"largest difference of {task.table}", Spread.of([difference / ALLOWED]), 1.0, " tolerances")
    return report.finish()


def measure_task(task: Task, rows: int, options: Options) -> tuple[list[str], float]:
    """Return the line of a table, and the largest difference of a prediction."""
    import onnxruntime

    path = task.table if task.table == "penguins" else str(options.tables / task.table)
    kind = {"task": "regression"} if "regression" in task.options else {}
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore", cr.CrecheWarning)
        model = cr.train(path, label=task.label, epochs=3 if options.quick else 30, threads=1, **kind).model
        file = Path(folder, "m.onnx")
        exported = seconds(lambda: model.to_onnx(file))
        many = read_rows(model, enlarge(path, model, rows))
        single = many.take(np.array([0]))
        feeds, feed = build_feeds(model, many), build_feeds(model, single)
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(file), settings, providers=["CPUExecutionProvider"])
        name = "prediction" if model.classes is None else "probabilities"
        own = model._predict_numbers if model.classes is None else model._predict_probabilities
        expected = own(many).reshape(rows, -1)
        (found,) = session.run([name], feeds)
        difference = np.abs(expected - found).max()
        if model.classes is None:
            difference /= 10 * model.labels.scale[0]
        times = {
            "ours": [seconds(lambda: own(many)) for _ in range(options.rounds)],
            "theirs": [seconds(lambda: session.run([name], feeds)) for _ in range(options.rounds)],
            "our row": [one_call(lambda: own(single)) for _ in range(options.rounds)],
            "their row": [one_call(lambda: session.run([name], feed)) for _ in range(options.rounds)],
        }
        spreads = {key: Spread.of(values) for key, values in times.items()}
        line = [
            task.table, f"{exported:.2f}", f"{file.stat().st_size / 1000:,.1f}", spreads["ours"].show(),
            spreads["theirs"].show(), spreads["our row"].show(1e6), spreads["their row"].show(1e6), f"{difference:.1e}",
        ]  # fmt: skip
        return line, float(difference)


def enlarge(path: str, model: cr.Model, rows: int) -> pl.DataFrame:
    """Return the columns of the model, repeated to this number of rows, with numbers that differ a little."""
    frame = cr.datasets.penguins() if path == "penguins" else pl.read_csv(path, null_values=["NA", ""])
    frame = frame.select(model.features.names)
    frame = pl.concat([frame] * (rows // len(frame) + 1)).head(rows)
    random = np.random.default_rng(0)
    moved = [
        (pl.col(name) + pl.Series(random.normal(0, 1e-3, rows)) * pl.col(name).std()).alias(name)
        for name, encoder in zip(model.features.names, model.features.columns, strict=True)
        if encoder.kind == "number" and frame[name].dtype.is_numeric()
    ]
    return frame.with_columns(moved)


def seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def one_call(call: Callable[[], object]) -> float:
    """Return the seconds of a call, when it is made again and again."""
    return seconds(lambda: [call() for _ in range(SINGLE_CALLS)]) / SINGLE_CALLS


if __name__ == "__main__":
    raise SystemExit(main())
