"""``creche predict``: rows in, the same rows with their predictions out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from creche.cli.options import (
    FILES,
    READING,
    ROWS,
    THREADS,
    Option,
    check_writable,
    create_read_options,
    parse_arguments,
    parse_words,
    with_options,
)
from creche.cli.progress import show_count

__all__ = ["predict"]

OPTIONS = (
    Option(
        "output",
        Path,
        FILES,
        "Where to: .csv, .parquet, .arrow or .jsonl.",
        "standard output",
        "--output -o",
        check_writable,
    ),
    Option("output_format", str, FILES, "csv, parquet, arrow or jsonl.", "by the name"),
    Option(
        "keep",
        str,
        ROWS,
        "Columns to stand beside the predictions, with commas; 'none' for none.",
        "all",
        parse=parse_words,
    ),
    Option("threshold", float, ROWS, "Of two classes, say the second from this probability on.", "0.5"),
    THREADS,
)


@with_options(*OPTIONS, *READING)
def predict(
    model: Annotated[Path, typer.Argument(show_default=False)],
    table: Annotated[str, typer.Argument(show_default=False)],
    **given: Any,
) -> None:
    """Predict the label of each row of a table.

    MODEL is a file that 'creche train -o' wrote; TABLE a file of any size (CSV, Parquet, Arrow, JSON lines, compressed
    or not), or '-' for standard input. Its columns may stand in any order. For example:

    creche predict penguins.creche new.csv -o predictions.csv

    creche predict penguins.creche new.parquet --keep id -o predictions.parquet

    zcat new.csv.gz | creche predict penguins.creche - > predictions.csv
    """
    from creche.model.file import load
    from creche.model.predict_file import predict_file
    from creche.table.reading.options import ReadOptions

    options = parse_arguments(OPTIONS, given)
    keep = options.get("keep")
    kept = None if keep is None else [] if keep == "none" else [keep] if isinstance(keep, str) else keep
    network = load(model, threads=options.get("threads"))
    with show_count("rows predicted") as on_progress:
        done = predict_file(
            network, table, options.get("output", "-"), keep=kept, format=options.get("output_format"),
            read_options=ReadOptions(**create_read_options(given)), threshold=options.get("threshold"), on_progress=on_progress,
        )  # fmt: skip
    if done.ignored:
        print(f"creche: the model does not know these columns: {', '.join(done.ignored)}", file=sys.stderr)
