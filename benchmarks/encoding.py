"""Encoding: 1,000,000 rows of 20 mixed columns become one float32 matrix, against scikit-learn's ColumnTransformer.

Each contender encodes in a new process that holds the table already. Timed is everything from the DataFrame to the
matrix: finding out what the columns are (where the contender does), fitting, transforming.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _compare import HERE, Spread
from _report import Options, Report, parse_options
from memory import resident

ROWS = 1_000_000
LEVELS = (3, 8, 20, 60, 1_000, 20_000)
CRECHE, PEER = "Creche", "scikit-learn"
CONTENDERS = {
    f"{CRECHE}, a pandas frame": "creche_pandas",
    f"{CRECHE}, a Polars frame": "creche_polars",
    f"{CRECHE}, fit and transform alone": "creche_alone",
    f"{PEER}, columns of strings": "sklearn_strings",
    f"{PEER}, columns of dtype category": "sklearn_categories",
}
COUNTED = f"{CRECHE}, a pandas frame"
MATRICES = 2.0  # the output, and at most one copy


def main() -> int:
    options = parse_options(__doc__, rounds=5)
    rows = 20_000 if options.quick else ROWS
    report = Report("Encoding: from a table of 20 mixed columns to float32", options)
    report.section(f"{rows:,} rows: 10 columns of numbers (4 with gaps), 2 of yes and no, 6 of words, 2 of dates")
    found = measured(rows, options, report)
    head = ["contender", "seconds", "inputs", "sum of the matrix", "peak above the table, matrices"]
    lines = []
    for name, answers in found.items():
        seconds, peaks = (Spread.of(answer[key] for answer in answers) for key in ("seconds", "matrices"))
        lines.append([name, seconds.show(), str(answers[0]["inputs"]), f"{answers[0]['sum']:,.0f}", peaks.show()])
    report.table(head, lines)
    report.say(
        "", "The sum of the matrix tells that the work was the same: each row has a one for each column of words.",
        "A matrix is the size of the output; libraries are not counted.",
    )  # fmt: skip
    report.section("Claims")
    peers = [name for name in found if name.startswith(PEER)]
    if peers:
        fastest = min(peers, key=lambda name: Spread.of(a["seconds"] for a in found[name]).median)
        pairs = zip(found[fastest], found[COUNTED], strict=True)
        ratio = Spread.of(slow["seconds"] / fast["seconds"] for slow, fast in pairs)
        report.claim_ratio(f"{fastest} takes longer than {COUNTED} by", ratio, 1)
    alone = Spread.of(answer["matrices"] for answer in found[f"{CRECHE}, fit and transform alone"])
    report.claim_below("Fitting and transforming adds to the table", alone, MATRICES, " matrices")
    return report.finish()


def measured(rows: int, options: Options, report: Report) -> dict[str, list[dict[str, Any]]]:
    """What each contender answered, turn by turn."""
    found: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory(prefix="creche-benchmark-") as folder:
        table = Path(folder) / "table.parquet"
        write_table(table, rows)
        for turn in range(options.rounds):
            for name, job in list(CONTENDERS.items())[:: 1 if turn % 2 == 0 else -1]:
                answer = ask(job, table)
                if "missing" not in answer:
                    found.setdefault(name, []).append(answer)
                elif turn == 0:
                    report.say(f"{name}: left out, {answer['missing']} is not installed.", "")
    return {name: found[name] for name in CONTENDERS if name in found}


def ask(job: str, table: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--measure", job, str(table)]
    child = subprocess.run(command, cwd=HERE, env=dict(os.environ), capture_output=True, text=True)
    if child.returncode:
        raise RuntimeError(f"{job} failed:\n{child.stderr[-2000:]}")
    return dict(json.loads(child.stdout.splitlines()[-1]))


def measure_here(job: str, path: str) -> None:
    """The child's side: encode once and print how long it took and how far resident memory rose."""
    import polars as pl

    frame = pl.read_parquet(path)
    try:
        encode = JOBS[job](frame)
        JOBS[job](frame.head(1000))()  # what is imported and compiled on first use is no part of encoding
    except ModuleNotFoundError as error:
        print(json.dumps({"missing": error.name}))
        return
    Path("/proc/self/clear_refs").write_text("5")  # forget the highest size so far
    before = resident("VmRSS")
    start = time.perf_counter()
    matrix = encode()
    seconds = time.perf_counter() - start
    peak = resident("VmHWM") - before
    assert matrix.dtype == np.float32
    size = matrix.nbytes / 1e6
    total = float(matrix.sum(dtype=np.float64))
    print(json.dumps({"seconds": seconds, "matrices": peak / size, "inputs": matrix.shape[1], "sum": total}))


def creche(data: Any, alone: bool = False) -> Callable[[], Any]:
    import warnings

    from creche.table.encoders.features import FeatureEncoder, Preprocessing
    from creche.table.reading.read import read_table
    from creche.table.schema import Schema

    warnings.simplefilter("ignore")
    encoding = Preprocessing(buckets=1)  # all the infrequent share one input, as in scikit-learn
    table = read_table(data)
    schema = Schema.infer(table, [], {})

    def encode() -> Any:
        now = table if alone else read_table(data)
        what = schema if alone else Schema.infer(now, [], {})
        return FeatureEncoder.fit(now, what, encoding).transform(now, "float32")

    return encode


def sklearn(data: Any) -> Callable[[], Any]:
    from peers.column_transformer import column_transformer

    roles = {"n": "numeric", "w": "numeric", "b": "boolean", "c": "categorical", "d": "datetime"}
    columns: dict[str, list[str]] = {role: [] for role in roles.values()}
    for name in data.columns:
        columns[roles[name[0]]].append(name)
    return lambda: column_transformer(columns).fit_transform(data)


JOBS: dict[str, Callable[[Any], Callable[[], Any]]] = {
    "creche_pandas": lambda frame: creche(frame.to_pandas()),
    "creche_polars": creche,
    "creche_alone": lambda frame: creche(frame, alone=True),
    "sklearn_strings": lambda frame: sklearn(frame.to_pandas()),
    "sklearn_categories": lambda frame: sklearn(
        frame.to_pandas().astype({f"c{levels}": "category" for levels in LEVELS})
    ),
}


def write_table(path: Path, rows: int) -> None:
    import polars as pl

    random = np.random.default_rng(0)
    columns: dict[str, Any] = {}
    for i in range(8):
        values = random.normal(10 * i, 1 + i, rows)
        values[random.random(rows) < (0.05 if i % 2 else 0)] = np.nan
        columns[f"n{i}"] = values
    for i in range(2):
        columns[f"w{i}"] = random.integers(0, 100 * (i + 1), rows)
        columns[f"b{i}"] = random.random(rows) < 0.3
    for levels in LEVELS:
        different = min(levels, rows // 50)  # in few rows too, most words stand there more than once
        words = np.array([f"level {level}" for level in range(different)])
        columns[f"c{levels}"] = words[(random.random(rows) ** 2 * different).astype(np.int64)]
    for i in range(2):
        seconds = random.integers(0, 5 * 365 * 86_400, rows)
        columns[f"d{i}"] = np.datetime64("2015-01-01", "us") + seconds.astype("timedelta64[s]")
    frame = pl.DataFrame(columns)
    frame.with_columns(pl.col("^n.$").fill_nan(None)).write_parquet(path)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure_here(*sys.argv[2:])
    else:
        raise SystemExit(main())
