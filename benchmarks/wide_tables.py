"""Wide tables: the time before training begins, by the number of columns, and that of keeping the model.

Each table has 60 rows of normal numbers and a label of two classes. Before training begins, the table is read, each
column described and checked, the rows are split, and the encoders fitted and applied: so a run of no epochs is timed.
Its peer is reading alone: `DataFrame.to_numpy` of pandas, or of what `pandas.read_csv` reads from the file.
"""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _compare import Spread, time_in_turns
from _report import Options, Report, parse_options

ROWS = 60
COLUMNS = (1_000, 10_000, 50_000)
MODEL_COLUMNS = 100_000
ARGUMENTS: dict[str, Any] = {"label": "kind", "hidden": [8], "threads": 1}
CRECHE, NUMPY, PANDAS = "Creche, before training begins", "pandas to NumPy", "pandas.read_csv to NumPy"


def main() -> int:
    options = parse_options(__doc__, rounds=5)
    report = Report("Wide tables: from a table of 60 rows to the first step", options)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(prefix="creche-benchmark-") as folder:
        path = Path(folder) / "wide.csv"
        for columns in (1_000,) if options.quick else COLUMNS:
            measure(columns, path, options, report)
        keep(2_000 if options.quick else MODEL_COLUMNS, Path(folder) / "wide.creche", options, report)
    return report.finish()


def measure(columns: int, path: Path, options: Options, report: Report) -> None:
    """Print the seconds before training begins, and as multiples of the time of reading the same table."""
    import pandas as pd
    import polars as pl

    frame = make_frame(columns)
    frame.to_csv(path, index=False)
    by_polars = pl.DataFrame(frame.iloc[:, :-1].to_numpy(), schema=list(frame.columns[:-1]))
    by_polars = by_polars.with_columns(pl.Series("kind", frame["kind"].to_list()))
    contenders: dict[str, Callable[[], object]] = {
        f"{CRECHE}, pandas DataFrame": lambda: begin(frame),
        f"{CRECHE}, Polars DataFrame": lambda: begin(by_polars),
        f"{CRECHE}, CSV file": lambda: begin(path),
        NUMPY: lambda: frame.iloc[:, :-1].to_numpy(copy=True),
        PANDAS: lambda: pd.read_csv(path).iloc[:, :-1].to_numpy(copy=True),
    }
    found = time_in_turns(contenders, options.rounds)
    report.section(f"{columns:,} columns")
    rows = []
    for name, seconds in found.items():
        peer = PANDAS if "CSV" in name else NUMPY
        ratio = Spread.of(a / b for a, b in zip(seconds, found[peer], strict=True)).show() if name != peer else ""
        rows.append([name, Spread.of(seconds).show(), "" if name == PANDAS else ratio])
    report.table(["contender", "seconds", "times reading to NumPy"], rows)


def keep(columns: int, path: Path, options: Options, report: Report) -> None:
    """Print the seconds of saving and loading a model, and of predicting one row."""
    import creche as cr

    frame = make_frame(columns)
    run = cr.train(frame, epochs=0, **ARGUMENTS)
    run.model.save(path)  # evaluates the run, once
    contenders: dict[str, Callable[[], object]] = {
        "save": lambda: run.model.save(path),
        "load": lambda: cr.load(path),
        "predict one row of a pandas DataFrame": lambda: run.model.predict_proba(frame.head(1)),
    }
    found = time_in_turns(contenders, options.rounds)
    report.section(f"A model of {columns:,} columns, {path.stat().st_size / 1e6:.1f} MB")
    report.table(["call", "seconds"], [[name, Spread.of(seconds).show()] for name, seconds in found.items()])


def begin(data: Any) -> object:
    import creche as cr

    return cr.train(data, epochs=0, **ARGUMENTS)


def make_frame(columns: int) -> Any:
    import pandas as pd

    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(ROWS, columns)), columns=[f"gene_{i:06d}_counts" for i in range(columns)])
    return frame.assign(kind=np.array(["a", "b"])[random.integers(0, 2, ROWS)])


if __name__ == "__main__":
    raise SystemExit(main())
