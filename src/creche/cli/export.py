"""``creche export``: a model as a file that predicts without Creche."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from creche._advice import advise
from creche._system.output_files import Input, Output
from creche.cli.files import ModelArgument
from creche.cli.model_command import ModelCommand
from creche.cli.options import FILES, LAYOUT, ROWS, THREADS, Option, with_options
from creche.errors import PlanError

__all__ = ["export"]

OPTIONS = (
    Option(
        "check", str, ROWS, "ONNX: table on which the file must predict what the model does.", "rows made like the "
        "training rows", metavar="TABLE", file=Input("table"),
    ),
    Option(
        "interval", float, FILES, "Coverage, such as 0.9, of intervals or sets of classes, which are predicted, too; "
        "for models of 'creche fit'.",
    ),
    Option("tolerance", float, FILES, "ONNX: largest difference of a probability.", "1e-6"),
    Option("table", str, FILES, "SQL: table of the database, such as public.penguins."),
    Option(
        "keep", list, FILES, "SQL: column of the table that the result has, such as its key; repeatable.",
        "those that the model reads",
    ),
    Option(
        "dialect", str, FILES, "SQL: postgresql, duckdb or sqlite.", "postgresql",
        words="creche.plan.words:SQL_DIALECTS",
    ),
    THREADS,
)  # fmt: skip

EXPORTED_FILE = Output("file for another program", ".onnx, .js or .sql")

JAVASCRIPT_ENDINGS, SQL_ENDING = (".js", ".mjs"), ".sql"

# The options of each format.
OF_ONNX, OF_SQL, OF_JAVASCRIPT = (
    ("check", "interval", "tolerance"),
    ("table", "keep", "dialect", "interval"),
    ("interval",),
)


@with_options(*OPTIONS, *LAYOUT)
def export(
    model: ModelArgument, output: Annotated[Path, typer.Argument(show_default=False), EXPORTED_FILE], **typed: Any
) -> None:
    """Write a model as a file that predicts without Creche: ONNX, JavaScript or SQL.

    MODEL is a file written by 'creche fit -o' or 'creche train -o'. The ending of OUTPUT tells the format: .js or .mjs
    is a JavaScript module, for browsers and Node; .sql is a query, for PostgreSQL, DuckDB or SQLite; others are ONNX,
    which is written only if it predicts what the model does. Each holds the preprocessing, too. For example:

    creche export penguins.creche penguins.onnx

    creche export penguins.creche penguins.onnx --check penguins.csv

    creche export penguins.creche penguins.js

    creche export penguins.creche penguins.sql --table penguins --keep id
    """
    command = ModelCommand.parse(OPTIONS, model, "", typed)
    options = dict(command.options)
    ending = output.suffix.lower()
    if ending in JAVASCRIPT_ENDINGS:
        _refuse_others(options, OF_JAVASCRIPT, "a JavaScript module")
    elif ending == SQL_ENDING:
        _refuse_others(options, OF_SQL, "a query in SQL")
        if "table" not in options:
            message = f"{advise('table')}: a query in SQL needs the name of the table that it reads"
            raise PlanError(message, argument="table")
    else:
        _refuse_others(options, OF_ONNX, "an ONNX file")
    loaded = command.load()
    if "check" in options:
        from creche.table.reading.read import read_table

        options["check"] = read_table(options["check"], command.read_options, loaded.features.expected)
    with command.show_activity("exporting the model"):
        if ending in JAVASCRIPT_ENDINGS:
            loaded.to_javascript(output, **options)
        elif ending == SQL_ENDING:
            loaded.to_sql(output, **options)
        else:
            loaded.to_onnx(output, **options)
    print(output)


def _refuse_others(options: dict[str, Any], known: tuple[str, ...], what: str) -> None:
    """Refuse options that a format does not have.

    Raises
    ------
    PlanError

    """
    for name in options:
        if name not in known:
            raise PlanError(f"{advise(name)}: {what} has no such option; leave it out", argument=name)
