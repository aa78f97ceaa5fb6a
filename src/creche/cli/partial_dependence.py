"""``creche partial-dependence``: what a network says as a column changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from creche.cli.options import (
    FILES,
    JSON,
    READING,
    THREADS,
    Option,
    check_writable,
    create_read_options,
    parse_arguments,
    with_options,
)
from creche.cli.output import print_page, save_picture
from creche.errors import PlanError

if TYPE_CHECKING:
    pass

__all__ = ["partial_dependence"]

WHAT = "What changes"

OPTIONS = (
    Option("column", str, WHAT, "The column whose values are tried. Needed."),
    Option("second", str, WHAT, "A second column, for a grid of both."),
    Option("of", str, WHAT, "The class or label to show alone.", "all; in a grid, that which depends most"),
    Option("individual", bool, WHAT, "Keep the numbers of each row: thin lines in the picture."),
    Option("points", int, WHAT, "How many values of a column of numbers to try.", "50; in a grid, 25"),
    THREADS,
    Option("plot", Path, FILES, "Draw the picture to this file: .png, .svg or .pdf.", parse=check_writable),
    JSON,
)


@with_options(*OPTIONS, *READING)
def partial_dependence(
    model: Annotated[Path, typer.Argument(show_default=False)],
    table: Annotated[str, typer.Argument(show_default=False)],
    **given: Any,
) -> None:
    """Show what a network says on average as a column changes and all else stays as it is.

    MODEL is a file that 'creche train -o' wrote; the label is not needed in TABLE. For example:

    creche partial-dependence penguins.creche penguins.csv --column bill_length_mm

    creche partial-dependence penguins.creche penguins.csv --column bill_length_mm --second island --of Adelie

    creche partial-dependence penguins.creche penguins.csv --column body_mass_g --individual --plot mass.png
    """
    from creche.explain.partial_dependence import partial_dependence as depending
    from creche.model.file import load
    from creche.table.reading.options import ReadOptions
    from creche.table.reading.read import read_table

    options = parse_arguments(OPTIONS, given)
    network = load(model, threads=options.pop("threads", None))
    if "column" not in options:
        raise PlanError(f"--column: is missing; the network was trained on: {', '.join(network.features.names)}")
    rows = read_table(table, ReadOptions(**create_read_options(given)), network.features.kinds)
    picture, as_json, of = options.pop("plot", None), options.pop("as_json", False), options.pop("of", None)
    kind = "individual" if options.pop("individual", False) else "average"
    dependence = depending(network, rows, kind=kind, **options)
    dependence.find_outcome(of)  # says so now if there is no such class
    if picture is not None:
        save_picture(lambda: dependence.plot(of=of), picture)
    if as_json:
        print(json.dumps(dependence.to_dict(), allow_nan=False))
        return
    from creche.cli.pages.partial_dependence import dependence_page

    print_page(dependence_page(dependence, of))
