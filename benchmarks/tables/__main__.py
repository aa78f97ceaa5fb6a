"""Commands of the benchmark: python -m benchmarks.tables check."""

import argparse

from benchmarks.tables.manifest import load_manifest


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="check that each table is installed, is the right one, and can be split")
    parser.parse_args()
    return check_tables()


def check_tables() -> int:
    """Print a line per table, and return 1 if any is not as the manifest describes it."""
    from benchmarks.tables.sources import TableError, is_text, load_table

    failures = 0
    for spec in load_manifest():
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
