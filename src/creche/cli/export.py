"""``creche export``: a model as a file that predicts without Creche."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from creche._advice import advise
from creche._system.output_files import Input, Output
from creche.cli.files import ModelArgument
from creche.cli.model_command import ModelCommand
from creche.cli.options import FILES, READING, ROWS, THREADS, Option, with_options
from creche.errors import PlanError

__all__ = ["export"]

OPTIONS = (
    Option(
        "check", str, ROWS, "ONNX: table on which the file must predict what the model does.", "rows made like the "
        "training rows", metavar="TABLE", file=Input("table"),
    ),
    Option(
        "interval", float, FILES, "ONNX: coverage, such as 0.9, of intervals or sets of classes, which become outputs; "
        "for models of 'creche fit'.",
    ),
    Option("tolerance", float, FILES, "ONNX: largest difference of a probability.", "1e-6"),
    THREADS,
)  # fmt: skip

EXPORTED_FILE = Output("file for another program", ".onnx or .js")

JAVASCRIPT_ENDINGS = (".js", ".mjs")


@with_options(*OPTIONS, *READING)
def export(
    model: ModelArgument, output: Annotated[Path, typer.Argument(show_default=False), EXPORTED_FILE], **typed: Any
) -> None:
    """Write a model as a file that predicts without Creche: ONNX or JavaScript.

    MODEL is a file written by 'creche fit -o' or 'creche train -o'. The ending of OUTPUT tells the format: .js or .mjs
    is a JavaScript module, for browsers and Node; others are ONNX, which is written only if it predicts what the model
    does. Each holds the preprocessing, too. For example:

    creche export penguins.creche penguins.onnx

    creche export penguins.creche penguins.onnx --check penguins.csv

    creche export penguins.creche penguins.js
    """
    command = ModelCommand.parse(OPTIONS, model, "", typed)
    options = dict(command.options)
    is_module = output.suffix.lower() in JAVASCRIPT_ENDINGS
    if is_module and options:
        refused = next(iter(options))
        raise PlanError(f"{advise(refused)}: is for ONNX only; leave it out", argument=refused)
    loaded = command.load()
    if "check" in options:
        from creche.table.reading.read import read_table

        options["check"] = read_table(options["check"], command.read_options, loaded.features.expected)
    with command.show_activity("exporting the model"):
        if is_module:
            loaded.to_javascript(output)
        else:
            loaded.to_onnx(output, **options)
    print(output)
