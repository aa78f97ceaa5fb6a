"""``creche verify``: a model trained again, and its bits compared."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from creche.cli.options import JSON, ROWS, THREADS, Option, parse_arguments, with_options
from creche.cli.progress import training_progress

__all__ = ["verify"]

OPTIONS = (Option("validation_data", Path, ROWS, "The file of validation rows, if there was one."),)


@with_options(*OPTIONS, THREADS, JSON)
def verify(
    model: Annotated[Path, typer.Argument(show_default=False)],
    table: Annotated[str, typer.Argument(show_default=False)],
    **given: Any,
) -> None:
    """Train a model again from the plan in its file, and compare the weights bit for bit.

    Ends with 0 if they are the same, with 1 if not: if the table has changed, it says where. For example:

    creche verify penguins.creche penguins.csv
    """
    from creche.training.verify import verify as verify_model

    with training_progress(quiet=given["as_json"]) as on_progress:
        found = verify_model(model, table, **parse_arguments((*OPTIONS, THREADS), given), on_progress=on_progress)
    print(json.dumps(asdict(found)) if given["as_json"] else found)
    if not found.same:
        raise typer.Exit(1)
