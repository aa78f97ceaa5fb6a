"""``creche verify``: train a model again, and compare the bits of its weights."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import typer

from creche._system.output_files import Input
from creche.cli.model_command import ModelCommand, model_command
from creche.cli.options import DEVICE, JSON, ROWS, THREADS, Option, option_of
from creche.cli.output import print_page
from creche.cli.progress import fit_progress, training_progress

__all__ = ["verify"]


@model_command(
    Option(
        "validation_data", Path, ROWS, "File of the validation rows, if there was one.", typed="--validation",
        file=Input("validation table"),
    ),
    THREADS,
    DEVICE,
    option_of("memory"),
    JSON,
    reading=(),
)  # fmt: skip
def verify(command: ModelCommand) -> None:
    """Train a model again from the plan in its file, and compare the weights bit for bit.

    The exit code is 0 if they are the same and 1 if not; if the table has changed, the differences are listed. On
    another device than the model's, bits differ, and the losses are compared. For example:

    creche verify penguins.creche penguins.csv
    """
    from creche.fitting.verify import verify as verify_model
    from creche.model.ensemble import Ensemble
    from creche.model.fitted import FittedModel

    model = command.load()
    if isinstance(model, Ensemble) and not isinstance(model, FittedModel):
        with command.show_activity("training the networks of the folds"):
            verification = verify_model(model, command.table, threads=command.threads, **command.options)
    else:
        show = fit_progress if isinstance(model, FittedModel) else training_progress
        with show(quiet=command.as_json) as on_progress:
            verification = verify_model(
                model, command.table, threads=command.threads, on_progress=on_progress, **command.options
            )
    if command.as_json:
        command.print_json(asdict(verification))
    else:
        print_page(str(verification))
    if not verification.verified:
        raise typer.Exit(1)
