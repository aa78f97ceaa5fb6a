"""Encoding: 1,000,000 rows of 20 mixed columns to one float32 matrix, compared with scikit-learn's ColumnTransformer.

Each contender encodes in a new process that already holds the table. The time includes everything from the DataFrame to
the matrix: inferring the roles of the columns (if the contender does so), fitting and transforming.
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
    f"{CRECHE}, pandas DataFrame": "creche_pandas",
    f"{CRECHE}, Polars DataFrame": "creche_polars",
    f"{CRECHE}, fit and transform only": "creche_encoder",
    f"{PEER}, columns of strings": "sklearn_strings",
    f"{PEER}, columns of dtype category": "sklearn_categories",
}
COUNTED = f"{CRECHE}, pandas DataFrame"
MATRICES = 2.0  # the output, and at most one copy


def main() -> int:
    options = parse_options(__doc__, rounds=5)
    rows = 20_000 if options.quick else ROWS
    report = Report("Encoding: from a table of 20 mixed columns to float32", options)
    report.section(f"{rows:,} rows of 20 columns: 10 numeric (4 with gaps), 2 boolean, 6 categorical, 2 of dates")
    found = measure_all(rows, options, report)
    head = ["contender", "seconds", "inputs", "sum of the matrix", "peak above the table, matrices"]
    lines = []
    for name, answers in found.items():
        seconds, peaks = (Spread.of(answer[key] for answer in answers) for key in ("seconds", "matrices"))
        lines.append([name, seconds.show(), str(answers[0]["inputs"]), f"{answers[0]['sum']:,.0f}", peaks.show()])
    report.table(head, lines)
    report.say(
        "", "The sum of the matrix shows that the work was the same: each row has a one for each categorical column.",
        "The unit of memory is the size of the output; libraries are not counted.",
    )  # fmt: skip
    report.section("Claims")
    peers = [name for name in found if name.startswith(PEER)]
    if peers:
        fastest = min(peers, key=lambda name: Spread.of(a["seconds"] for a in found[name]).median)
        pairs = zip(found[fastest], found[COUNTED], strict=True)
        ratio = Spread.of(slow["seconds"] / fast["seconds"] for slow, fast in pairs)
        report.claim_ratio(f"{fastest} takes longer than {COUNTED} by", ratio, 1)
    memory = Spread.of(answer["matrices"] for answer in found[f"{CRECHE}, fit and transform only"])
    report.claim_below("Fitting and transforming adds to the table", memory, MATRICES, " matrices")
    return report.finish()


def measure_all(rows: int, options: Options, report: Report) -> dict[str, list[dict[str, Any]]]:
    """Return the answers of each contender, turn by turn."""
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
    """Encode once, in the child process, and print the seconds and the increase of resident memory."""
    import polars as pl

    frame = pl.read_parquet(path)
    try:
        encode = JOBS[job](frame)
        JOBS[job](frame.head(1000))()  # imports and compiles what is only needed once
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


def creche(data: Any, only_encode: bool = False) -> Callable[[], Any]:
    import warnings

    from creche.table.encoders.features import FeatureEncoder, Preprocessing
    from creche.table.reading.read import read_table
    from creche.table.schema import Schema

    warnings.simplefilter("ignore")
    preprocessing = Preprocessing(buckets=1)  # all infrequent categories share one input, as in scikit-learn
    table = read_table(data)
    schema = Schema.infer(table, [], {})

    def encode() -> Any:
        current = table if only_encode else read_table(data)
        roles = schema if only_encode else Schema.infer(current, [], {})
        return FeatureEncoder.fit(current, roles, preprocessing).transform(current, "float32")

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
    "creche_encoder": lambda frame: creche(frame, only_encode=True),
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
        n_categories = min(levels, rows // 50)  # even in a short table most categories occur more than once
        categories = np.array([f"level {level}" for level in range(n_categories)])
        columns[f"c{levels}"] = categories[(random.random(rows) ** 2 * n_categories).astype(np.int64)]
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
