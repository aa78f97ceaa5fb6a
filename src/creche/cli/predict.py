"""``creche predict``: the rows of a table, or typed ones, with their predictions."""

from __future__ import annotations

from typing import Any

from creche._system.output_files import Output
from creche.cli.messages import print_message
from creche.cli.model_command import ModelCommand, model_command
from creche.cli.options import (
    FILES,
    JSON,
    PREDICTING_CLUSTER,
    PREDICTING_DEVICE,
    ROWS,
    THREADS,
    Option,
    parse_words,
)
from creche.cli.output import print_page
from creche.cli.progress import show_count
from creche.databases.address import FILES as ADDRESSED_FILES
from creche.databases.address import Database, find_database
from creche.errors import PlanError

__all__ = ["predict"]

TO_TABLE = (
    Option(
        "to_table", str, FILES, "Name of the table to write, in the database of -o, or else of TABLE.", metavar="NAME"
    ),
    Option("append", bool, FILES, "Append to the table of a database, if it exists."),
    Option("replace", bool, FILES, "Replace the table of a database, if it exists."),
)


@model_command(
    Option(
        "row", list, ROWS, "Values of one observation: 37.3,16.8,19.2,30.0, or NAME=VALUE,…; may be repeated.",
        metavar="VALUES",
    ),
    Option(
        "output", str, FILES, "Write to this file: .csv, .parquet, .arrow or .jsonl; or to a database, or s3://…",
        "standard output", "--output -o", metavar="PATH", file=Output("table", to_stream=True),
    ),
    *TO_TABLE,
    Option("output_format", str, FILES, "Format of the output: csv, parquet, arrow or jsonl.", "by the file name"),
    Option(
        "keep", str, ROWS, "Columns to write with the predictions, separated by commas; 'none' for none.", "all",
        parse=parse_words,
    ),
    Option(
        "threshold", float, ROWS, "Predict the second of two classes, or yes, at or above this probability.",
        "the model's",
    ),
    Option("strict", bool, ROWS, "Refuse rows that differ from the training rows, and write nothing."),
    THREADS,
    PREDICTING_DEVICE,
    PREDICTING_CLUSTER,
    JSON,
    needs_table=False,
)  # fmt: skip
def predict(command: ModelCommand) -> None:
    """Predict the label of each row of a table, or of observations typed with --row.

    MODEL is a file written by 'creche fit -o' or 'creche train -o'. TABLE is a file of any size (CSV, Parquet, Arrow,
    JSON or Excel, compressed or not), or '-' for standard input; its columns may be in any order. For example:

    creche predict penguins.creche new.csv -o predictions.csv

    creche predict penguins.creche new.parquet --keep id -o predictions.parquet

    zcat new.csv.gz | creche predict penguins.creche - > predictions.csv

    creche predict houses.creche sqlite:///a.db --table new --keep id --to-table predictions

    creche predict four.creche --row 37.3,16.8,19.2,30.0

    creche predict four.creche --row bill_length_mm=37.3,… --json

    Values of --row are in the order of the model's columns, which 'creche show' lists, or each has its name; an empty
    value is missing. The page shows the probability of every class.

    Values far outside the training range (with the unit they may be in), unseen categories and columns whose
    distribution has changed are reported as warnings, or with --strict as an error.
    """
    options = dict(command.options)
    rows = options.pop("row", None)
    if (rows is None) == (not command.table):
        got = "both TABLE and --row" if rows else "neither TABLE nor --row"
        raise PlanError(f"predict: got {got}; give a table, or observations such as --row 37.3,16.8,19.2,30.0")
    if rows is None and command.as_json:
        raise PlanError("--json: is for --row; for a table, use --output-format jsonl", argument="as_json")
    if rows is not None and "cluster" in options:
        raise PlanError("--cluster: is for a table; leave it out with --row", argument="cluster")
    keep = options.pop("keep", None)
    if keep is not None:
        options["keep"] = [] if keep == "none" else [keep] if isinstance(keep, str) else keep
    if "output_format" in options:
        options["format"] = options.pop("output_format")
    if rows is None:
        _predict_table(command, command.table, options)
    else:
        _predict_rows(command, rows, options)


def _predict_table(command: ModelCommand, data: Any, options: dict[str, Any]) -> None:
    """Write a table with the predictions to a file or standard output."""
    from creche.model.predict_file import predict_file

    output = _name_output(command, options)
    model = command.load()
    with show_count("rows predicted") as on_progress:
        prediction = predict_file(
            model, data, output, read_options=command.read_options, on_progress=on_progress, **options
        )
    if prediction.ignored:
        names = ", ".join(prediction.ignored)
        print_message(f"ignored columns that the model was not trained on: {names}")


def _name_output(command: ModelCommand, options: dict[str, Any]) -> str | Database:
    """Return where the predictions go; the options that say so are taken out."""
    output, to_table = options.pop("output", None), options.pop("to_table", None)
    append, replace = options.pop("append", False), options.pop("replace", False)
    database = find_database(output)
    if to_table is not None:
        database = database if output is not None else find_database(command.table)
        if database is None:
            got = "no database is given" if output is None else f"{output} is a file"
            raise PlanError(f"--to-table: {got}; name one as TABLE or with -o, such as sqlite:///file.db")
        database = Database(database.uri, to_table)
    if append and replace:
        raise PlanError("--replace: cannot be combined with --append; give one of them")
    if append or replace:
        if database is None or database.kind in ADDRESSED_FILES:
            raise PlanError(f"--{'append' if append else 'replace'}: is for a table of a database; add --to-table")
        options["if_table_exists"] = "append" if append else "replace"
    return database or output or "-"


def _predict_rows(command: ModelCommand, rows: list[str], options: dict[str, Any]) -> None:
    """Print the predictions of typed observations, or write them as those of a table."""
    from creche.model.typed_rows import read_typed_rows

    model = command.load()
    table = read_typed_rows(model, rows)
    if options.keys() & {"output", "format", "keep", "to_table"}:
        _predict_table(command, table, options)
        return
    from creche.model.predict_file import predict_table
    from creche.pages.prediction import prediction_data, prediction_page
    from creche.table.checks import warn

    check = model.check_data(table)
    if options.get("strict"):
        check.refuse()
    predicted = predict_table(model, table, options.get("threshold"))
    for message in check.messages():
        warn(message)
    if command.as_json:
        command.print_json(prediction_data(model, table, predicted))
    else:
        print_page(prediction_page(model, table, predicted))
