"""`creche.fit(effort="fast")`: the time of the whole call, compared with one network of scikit-learn at its defaults.

Each table has 10 normal columns and two classes, which depend on a product and a sine of columns, with noise.
scikit-learn's `MLPClassifier()` fits the standardized columns. `creche.fit` also reads and checks the table, trains its
networks on folds, weights and calibrates them. Their evaluation with confidence intervals waits until it is asked for,
and has a row of its own. Both use all cores.
"""

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from _compare import Spread, time_in_turns
from _report import Options, Report, parse_options

SIZES, QUICK_SIZES = (150, 1_000, 5_000, 20_000), (150, 300)
COLUMNS, NEW_ROWS = 10, 5_000
SLOWER_BY_UNDER = 0.2  # seconds
CRECHE, EVALUATED, PEER = 'creche.fit(effort="fast")', "the same, and its evaluation", "MLPClassifier()"

# The parts of the call, each a function that is called where it is found under this name.
PARTS = {
    "read and check the table": ("creche.fitting.fit", "inspect_table"),
    "encode the rows of the folds": ("creche.fitting.fold_tables:FoldTables", "encode"),
    "train (the engine)": ("creche.engine.colony:Crew", "run"),
    "refit (the engine)": ("creche.fitting.assemble", "refit"),
    "weight the configurations": ("creche.fitting.assemble", "fit_weights"),
    "measure the importance of columns": ("creche.fitting.assemble", "measure_importance"),
    "calibrate": ("creche.fitting.assemble", "_calibrate"),
    "evaluate": ("creche.fitting.assemble", "evaluate_judged"),
    "note where it comes from": ("creche.fitting.assemble", "add_provenance"),
}


@dataclass(frozen=True)
class Table:
    x: Any
    y: Any
    new_x: Any
    new_y: Any


def main() -> int:
    options = parse_options(__doc__, rounds=5)
    report = Report("A fast fit: the whole call, and one network of scikit-learn", options)
    warnings.simplefilter("ignore")  # scikit-learn's, that 200 epochs were not enough
    slower = {}
    for rows in QUICK_SIZES if options.quick else SIZES:
        table = make_table(rows)
        report.section(f"{rows:,} rows, {COLUMNS} columns")
        seconds = compare_fits(table, options, report)
        slower[rows] = Spread.of(ours - theirs for ours, theirs in zip(seconds[CRECHE], seconds[PEER], strict=True))
        show_parts(table, report)
    report.section("Claims")
    for rows, difference in slower.items():
        report.claim_below(f"{rows:,} rows: {CRECHE} is slower by", difference, SLOWER_BY_UNDER, " s")
    return report.finish()


def compare_fits(table: Table, options: Options, report: Report) -> dict[str, list[float]]:
    """Print the seconds of both, and how well they predict new rows."""
    fits: dict[str, Callable[[], Any]] = {
        CRECHE: lambda: fit_creche(table),
        EVALUATED: lambda: evaluated(fit_creche(table)),
        PEER: lambda: fit_peer(table),
    }
    seconds = time_in_turns(fits, options.rounds)
    rows = []
    for name, fit in fits.items():
        ratio = Spread.of(a / b for a, b in zip(seconds[name], seconds[PEER], strict=True))
        probabilities = np.clip(fit().predict_proba(table.new_x), 1e-15, 1)
        loss = -np.log(probabilities[np.arange(len(table.new_y)), table.new_y]).mean()
        errors = (probabilities.argmax(axis=1) != table.new_y).mean()
        rows.append([name, Spread.of(seconds[name]).show(), ratio.show(), f"{loss:.4f}", f"{errors:.2%}"])
    report.table(["call", "seconds", f"times {PEER}", "log loss of new rows", "errors"], rows)
    return seconds


def show_parts(table: Table, report: Report) -> None:
    """Print where the time of one call goes."""
    with timed_parts() as seconds:
        start = time.perf_counter()
        fit_creche(table)
        whole = time.perf_counter() - start
    seconds["the rest"] = whole - sum(seconds.values())
    report.say("")
    rows = [[name, f"{part:.3f}", f"{part / whole:.0%}"] for name, part in seconds.items() if part > 0]
    report.table([f"part of {CRECHE}", "seconds", "share"], rows)


@contextmanager
def timed_parts() -> Iterator[dict[str, float]]:
    """Collect the seconds of each part; of parts within a part, those of the outer one."""
    import importlib

    seconds, depth = dict.fromkeys(PARTS, 0.0), 0

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal depth
            start, depth = time.perf_counter(), depth + 1
            try:
                return function(*arguments, **named)
            finally:
                depth -= 1
                if depth == 0:
                    seconds[name] += time.perf_counter() - start

        return call

    originals = []
    for name, (path, attribute) in PARTS.items():
        module, _, class_name = path.partition(":")
        owner: Any = importlib.import_module(module)
        owner = getattr(owner, class_name) if class_name else owner
        originals.append((owner, attribute, getattr(owner, attribute)))
        setattr(owner, attribute, timed(name, getattr(owner, attribute)))
    try:
        yield seconds
    finally:
        for owner, attribute, original in originals:
            setattr(owner, attribute, original)


def fit_creche(table: Table) -> Any:
    import creche as cr

    return cr.fit(table.x, table.y, effort="fast")


def evaluated(model: Any) -> Any:
    assert model.out_of_fold.intervals
    return model


def fit_peer(table: Table) -> Any:
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), MLPClassifier(random_state=0)).fit(table.x, table.y)


def make_table(rows: int) -> Table:
    random = np.random.default_rng(0)
    x = random.normal(size=(rows + NEW_ROWS, COLUMNS))
    score = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + x[:, 3] / 2 + 0.3 * random.normal(size=len(x))
    y = (score > 0).astype(int)
    return Table(x[:rows], y[:rows], x[rows:], y[rows:])


if __name__ == "__main__":
    raise SystemExit(main())
