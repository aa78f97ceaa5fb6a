"""``creche plot``: all pictures of a model and a table, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from creche.cli.options import (
    DROP_UNLABELLED,
    FILES,
    READING,
    TABLE,
    THREADS,
    Option,
    create_read_options,
    parse_arguments,
    with_options,
)
from creche.cli.progress import show_activity

__all__ = ["plot"]

OUTPUT = "plots"
OPTIONS = (
    DROP_UNLABELLED,
    Option("output", Path, FILES, "The folder for the pictures; is made if it is not there.", OUTPUT, "--output -o"),
    Option("picture_format", str, FILES, "png, svg or pdf.", "png", "--format"),
    Option("dark", bool, FILES, "For a dark background."),
    THREADS,
)
# The word --format is for the pictures here.
READING_HERE = (Option("table_format", str, TABLE, "csv, parquet, arrow or jsonl.", "by content"), *READING[1:])


@with_options(*OPTIONS, *READING_HERE)
def plot(
    model: Annotated[Path, typer.Argument(show_default=False)],
    table: Annotated[str, typer.Argument(show_default=False)],
    **given: Any,
) -> None:
    """Draw a model, and how good it is on a table that holds the label.

    MODEL is a file that 'creche train -o' wrote. The pictures: the network, its weights, the losses by epoch, and the
    confusion matrix, reliability, ROC, precision and recall; for numbers, predicted against true, and residuals. For
    example:

    creche plot penguins.creche penguins.csv -o plots

    creche plot penguins.creche penguins.csv --format svg --dark
    """
    from creche.model.file import load
    from creche.plots.save import save_all
    from creche.plots.style import pyplot
    from creche.table.reading.options import ReadOptions

    options = parse_arguments(OPTIONS, given)
    pyplot()
    network = load(model, threads=options.get("threads"))
    read_options = ReadOptions(**create_read_options({**given, "format": given["table_format"]}))
    with show_activity("drawing"):
        missing_label = "drop" if given["drop_unlabelled"] else "error"
        rows = network.read_observations(table, read_options=read_options, missing_label=missing_label)
        written = save_all(
            network, rows, options.get("output", OUTPUT), dark=bool(given["dark"]),
            format=options.get("picture_format", "png"),
        )  # fmt: skip
    for path in written:
        print(path)
