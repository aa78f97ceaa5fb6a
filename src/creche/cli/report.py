"""``creche report``: a page about a model, and a model card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from creche.cli.options import (
    DROP_UNLABELLED,
    FILES,
    READING,
    ROWS,
    THREADS,
    Option,
    check_writable,
    create_read_options,
    parse_arguments,
    with_options,
)
from creche.cli.progress import show_activity

__all__ = ["report"]

OUTPUT = Path("report.html")
OPTIONS = (
    DROP_UNLABELLED,
    Option("output", Path, FILES, "The page.", str(OUTPUT), "--output -o", check_writable),
    Option("card", Path, FILES, "Write a model card to this file, in Markdown.", parse=check_writable),
    Option("intended_use", str, FILES, "What the model is for; left out, there is a blank to fill."),
    Option("title", str, FILES, "Of the page.", "the model's name and the label"),
    Option("sample_weight", str, ROWS, "A column that says how much each row counts."),
    THREADS,
)


@with_options(*OPTIONS, *READING)
def report(
    model: Annotated[Path, typer.Argument(show_default=False)],
    table: Annotated[str, typer.Argument(show_default=False)],
    **given: Any,
) -> None:
    """Write a page about a model: how good it is, what it was trained on, where it errs, what it uses, its limits.

    MODEL is a file that 'creche train -o' wrote; TABLE holds the label. If it is the table the model was trained on,
    the rows kept out judge it. The page is one file, which needs no network connection. For example:

    creche report penguins.creche penguins.csv -o report.html

    creche report credit.creche later.csv --card card.md --intended-use "Which loans a clerk looks at first."
    """
    from creche.report.report import report as write_report
    from creche.table.reading.options import ReadOptions

    options = parse_arguments(OPTIONS, given)
    if options.pop("drop_unlabelled", False):
        options["missing_label"] = "drop"
    output = options.pop("output", None) or check_writable(OUTPUT)
    with show_activity("writing the report"):
        write_report(model, table, output, read_options=ReadOptions(**create_read_options(given)), **options)
    print(output)
    if "card" in options:
        print(options["card"])
