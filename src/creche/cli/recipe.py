"""``creche recipe``: the plan that a recipe means."""

from __future__ import annotations

from typing import Annotated

import typer

from creche.plan.words import RecipeName, Task

__all__ = ["recipe"]


def recipe(
    name: Annotated[
        RecipeName,
        typer.Argument(show_default=False, metavar="NAME", help="plain, realmlp, realmlp-s or tabm-mini."),
    ],
    task: Annotated[
        Task,
        typer.Option(
            metavar="TASK",
            help="Task, on which some of its settings depend: classification, regression or multilabel.",
        ),
    ] = "classification",
    rows: Annotated[
        int | None,
        typer.Option(
            metavar="N", show_default="10,000", help="Number of training rows, on which tabm-mini's batch size depends."
        ),
    ] = None,
) -> None:
    """Print the plan that a recipe means, as a file that --plan reads.

    For example:

    creche recipe realmlp-s

    creche recipe realmlp-s --task regression > plan.toml

    creche recipe tabm-mini --rows 1000
    """
    from creche.training.plan_file import format_plan
    from creche.training.recipes import describe_recipe

    typer.echo(format_plan(describe_recipe(name, task, rows=rows)), nl=False)
