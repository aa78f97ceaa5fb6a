"""``creche export``: a model as an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from creche._system.output_files import Input
from creche.cli.files import ModelArgument
from creche.cli.model_command import ModelCommand
from creche.cli.options import FILES, READING, ROWS, THREADS, Option, with_options
from creche.exporting.onnx.write import ONNX_FILE

__all__ = ["export"]

OPTIONS = (
    Option(
        "check", str, ROWS, "Table on which the file must predict what the model does.", "rows made like the training "
        "rows", metavar="TABLE", file=Input("table"),
    ),
    Option(
        "interval", float, FILES, "Coverage, such as 0.9, of intervals or sets of classes, which become outputs; for "
        "models of 'creche fit'.",
    ),
    Option("tolerance", float, FILES, "Largest difference of a probability.", "1e-6"),
    THREADS,
)  # fmt: skip


@with_options(*OPTIONS, *READING)
def export(
    model: ModelArgument, output: Annotated[Path, typer.Argument(show_default=False), ONNX_FILE], **typed: Any
) -> None:
    """Write a model as an ONNX file, which takes raw columns and predicts without Creche.

    MODEL is a file written by 'creche fit -o' or 'creche train -o'; OUTPUT usually ends in .onnx. The file holds the
    preprocessing, too, and is written only if it predicts what the model does. For example:

    creche export penguins.creche penguins.onnx

    creche export penguins.creche penguins.onnx --check penguins.csv
    """
    command = ModelCommand.parse(OPTIONS, model, "", typed)
    options = dict(command.options)
    loaded = command.load()
    if "check" in options:
        from creche.table.reading.read import read_table

        options["check"] = read_table(options["check"], command.read_options, loaded.features.expected)
    with command.show_activity("exporting the model"):
        loaded.to_onnx(output, **options)
    print(output)
