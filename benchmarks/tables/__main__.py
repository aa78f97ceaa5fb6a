"""The benchmark of quality on tables: check the tables, run systems on them, write the page of the comparison."""

import argparse
import signal
import sys
from pathlib import Path

from benchmarks.tables.manifest import TableSpec, choose_tables, load_folder, load_manifest
from benchmarks.tables.systems import LIMIT_S, THREADS


def main() -> int:
    arguments = parse_arguments()
    match arguments.command:
        case "check":
            return check_tables(choose(arguments))
        case "run":
            from benchmarks.tables.runner import Limits, choose_systems, run_systems

            # `timeout` and others end this process so: the worker must not go on without it.
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
            limits = Limits(arguments.limit, arguments.folds, arguments.again, arguments.results)
            run_systems(choose(arguments), choose_systems(arguments.systems), limits)
            return 0
        case "ablate":
            from benchmarks.tables.ablation import write_ablation
            from benchmarks.tables.results import RESULTS

            page = write_ablation(choose(arguments), arguments.folds or 1)
            print(page)
            if arguments.save:
                RESULTS.with_name("tables_ablation.md").write_text(page + "\n", encoding="utf-8")
            return 0
        case "parity":
            from benchmarks.tables.parity import TABLES, Measurement, write_parity
            from benchmarks.tables.results import RESULTS

            if not arguments.tables and arguments.folder is None:
                arguments.tables = list(TABLES)
            how = Measurement(arguments.seeds, arguments.threads, arguments.again, arguments.kept)
            page = write_parity(choose(arguments), arguments.recipe, how)
            print(page)
            if arguments.save:
                name = f"tables_parity_{arguments.recipe.replace('-', '_')}.md"
                RESULTS.with_name(name).write_text(page + "\n", encoding="utf-8")
            return 0
        case _:
            from benchmarks.tables.page import write_page

            names = {spec.name for spec in choose(arguments)}
            print(write_page(names, arguments))
            return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="check that each table is installed, is the right one, and can be split")
    run = commands.add_parser("run", help="run systems on the splits that have no result yet")
    ablate = commands.add_parser("ablate", help="leave out each part of creche.fit, and print what that costs")
    parity = commands.add_parser("parity", help="compare a recipe with the network of its paper, seed by seed")
    report = commands.add_parser("report", help="print the comparison of the results on this machine")
    for command in (check, run, ablate, parity, report):
        command.add_argument("--tables", nargs="+", default=[], metavar="NAME", help="these tables only")
        command.add_argument("--max-rows", type=int, metavar="N", help="tables with at most N rows only")
        command.add_argument("--closed", action="store_true", help="also the tables that are closed until a release")
        command.add_argument("--folder", type=Path, help="the tables of this folder: data/NAME.csv, folds/NAME.json")
    for command in (run, report):
        command.add_argument("--systems", nargs="+", default=[], metavar="NAME", help="these only; NAME* for several")
        command.add_argument("--folds", type=int, metavar="N", help="the first N splits of each table only")
        command.add_argument("--results", type=Path, help="where results are kept (default: by machine in results/)")
    parity.add_argument("--seeds", type=int, default=5, metavar="N", help="trainings of both on each table (default 5)")
    parity.add_argument("--threads", type=int, default=THREADS, metavar="N", help="of both (default 2)")
    parity.add_argument("--recipe", default="realmlp", choices=["realmlp", "realmlp-s", "tabm-mini"])
    run.add_argument("--limit", type=float, default=LIMIT_S, metavar="SECONDS", help="of a fit (default 240)")
    run.add_argument("--again", action="store_true", help="also splits that have a result")
    parity.add_argument("--again", action="store_true", help="also pairs that have a result")
    parity.add_argument("--kept", action="store_true", help="only pairs that have a result: measure none")
    report.add_argument("--reference", default="catboost", metavar="NAME", help="the system that others are divided by")
    ablate.add_argument("--folds", type=int, metavar="N", help="the first N splits of each table only (default 1)")
    parity.add_argument("--save", action="store_true", help="also write the page to results/tables_parity_RECIPE.md")
    ablate.add_argument("--save", action="store_true", help="also write the page to results/tables_ablation.md")
    report.add_argument("--save", action="store_true", help="also write the page to results/tables.md")
    return parser.parse_args()


def choose(arguments: argparse.Namespace) -> list[TableSpec]:
    specs = load_manifest() if arguments.folder is None else load_folder(arguments.folder)
    closed = arguments.closed or (arguments.command == "check" and not arguments.tables)
    return choose_tables(specs, arguments.tables, closed, arguments.max_rows)


def check_tables(specs: list[TableSpec]) -> int:
    """Print a line per table, and return 1 if any is not as the manifest describes it."""
    from benchmarks.tables.sources import TableError, is_text, load_table

    failures = 0
    for spec in specs:
        try:
            table = load_table(spec)
        except TableError as problem:
            failures += 1
            print(f"FAILED {problem}")
            continue
        words = sum(is_text(table.inputs[name]) for name in table.inputs)
        what = f"{len(table.classes)} classes" if table.classes else "number"
        kind = "closed" if spec.closed else "open"
        sizes = ", ".join(f"{len(split.test):,}" for split in table.splits)
        print(
            f"{spec.name:18} {spec.rows:6,} rows, {table.inputs.shape[1]:3} inputs ({words} of words), {what:10} "
            f"{kind:6} {len(table.splits)} splits, test rows {sizes}"
        )
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
