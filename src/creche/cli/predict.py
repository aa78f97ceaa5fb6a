"""``creche predict``: the rows of a table, with their predictions."""

from __future__ import annotations

import sys
from pathlib import Path

from creche._system.output_files import Output
from creche.cli.model_command import ModelCommand, model_command
from creche.cli.options import FILES, ROWS, THREADS, Option, parse_words
from creche.cli.progress import show_count

__all__ = ["predict"]


@model_command(
    Option(
        "output", Path, FILES, "Write to this file: .csv, .parquet, .arrow or .jsonl.", "standard output",
        "--output -o", file=Output("table", to_stream=True),
    ),
    Option("output_format", str, FILES, "Format of the output: csv, parquet, arrow or jsonl.", "by the file name"),
    Option(
        "keep", str, ROWS, "Columns to write with the predictions, separated by commas; 'none' for none.", "all",
        parse=parse_words,
    ),
    Option("threshold", float, ROWS, "Binary: predict the second class at or above this probability.", "0.5"),
    Option("strict", bool, ROWS, "Write nothing if the rows differ from the training rows."),
    THREADS,
)  # fmt: skip
def predict(command: ModelCommand) -> None:
    """Predict the label of each row of a table.

    MODEL is a file written by 'creche fit -o' or 'creche train -o'. TABLE is a file of any size (CSV, Parquet, Arrow,
    JSON or Excel, compressed or not), or '-' for standard input; its columns may be in any order. For example:

    creche predict penguins.creche new.csv -o predictions.csv

    creche predict penguins.creche new.parquet --keep id -o predictions.parquet

    zcat new.csv.gz | creche predict penguins.creche - > predictions.csv

    Values far outside the training range (with the unit they may be in), categories that training did not have, and
    columns whose distribution has changed are reported; with --strict they are an error.
    """
    from creche.model.predict_file import predict_file

    options = command.options
    keep = options.get("keep")
    columns = None if keep is None else [] if keep == "none" else [keep] if isinstance(keep, str) else keep
    model = command.load()
    with show_count("rows predicted") as on_progress:
        prediction = predict_file(
            model, command.table, options.get("output", "-"), keep=columns, format=options.get("output_format"),
            read_options=command.read_options, threshold=options.get("threshold"),
            strict=options.get("strict", False), on_progress=on_progress,
        )  # fmt: skip
    if prediction.ignored:
        names = ", ".join(prediction.ignored)
        print(f"creche: the model was not trained on these columns: {names}", file=sys.stderr)
