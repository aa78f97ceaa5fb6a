"""``creche plot``: all pictures of a model and a table, as files."""

from __future__ import annotations

from pathlib import Path

from creche._system.output_files import Output
from creche.cli.model_command import ModelCommand, model_command
from creche.cli.options import DROP_UNLABELLED, FILES, READING, TABLE, THREADS, Option

__all__ = ["plot"]

FOLDER = "plots"
# Here --format is the format of the pictures.
READ_OPTIONS = (
    Option("table_format", str, TABLE, "Format of the table: csv, parquet, arrow, jsonl, json or excel.", "by content"),
    *(option for option in READING if option.name != "format"),
)


@model_command(
    DROP_UNLABELLED,
    Option(
        "output", Path, FILES, "Folder for the pictures, created if it does not exist.", FOLDER, "--output -o",
        file=Output("picture", default=FOLDER, patterns=("*.png", "*.svg", "*.pdf")),
    ),
    Option("picture_format", str, FILES, "Format of the pictures: png, svg or pdf.", "png", "--format"),
    Option("dark", bool, FILES, "Draw for a dark background."),
    THREADS,
    reading=READ_OPTIONS,
)  # fmt: skip
def plot(command: ModelCommand) -> None:
    """Draw plots of a model and its evaluation on a table with labels.

    MODEL is a file written by 'creche fit -o' or 'creche train -o'. The pictures show the network, its weights and the
    loss by epoch; for classes the confusion matrix, reliability, ROC and precision-recall curves; for numbers predicted
    against true values, and residuals. For example:

    creche plot penguins.creche penguins.csv -o plots

    creche plot penguins.creche penguins.csv --format svg --dark
    """
    from creche.cli.drawing import import_matplotlib
    from creche.plots.save import save_all

    import_matplotlib()  # fails at once where it is missing
    options = command.options
    model = command.load()
    with command.show_activity("drawing"):
        paths = save_all(
            model, command.read_labelled_rows(model), options.get("output", FOLDER), dark="dark" in options,
            format=options.get("picture_format", "png"),
        )  # fmt: skip
    for path in paths:
        print(path)
