"""``creche show``: what a model file holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from creche.cli.options import FILES, JSON, Option, check_writable, with_options
from creche.cli.output import print_page
from creche.errors import PlanError

__all__ = ["show"]


@with_options(Option("save_plan", Path, FILES, "Write the model's plan to this TOML file.", parse=check_writable), JSON)
def show(model: Annotated[Path, typer.Argument(show_default=False)], **given: Any) -> None:
    """Show what a model is: its columns, classes, layers, training and metrics.

    MODEL is a file that 'creche train -o' or 'creche sweep -o' wrote. For example:

    creche show penguins.creche

    creche show penguins.creche --save-plan plan.toml
    """
    from creche.cli.pages import run as render_model
    from creche.model.file import load
    from creche.model.model import Model

    network = load(model)
    if not isinstance(network, Model):
        if given["save_plan"] is not None:
            raise PlanError(f"{model}: holds an ensemble of {len(network)} networks, which have no plan in common")
        if given["as_json"]:
            print(json.dumps(render_model.ensemble_data(network), allow_nan=False, default=str))
        else:
            print_page(render_model.ensemble_page(network))
        return
    if given["save_plan"] is not None:
        from creche.training.plan_file import plan_to_arguments, write_plan

        if network.provenance is None:
            raise PlanError(f"{model}: does not say how the model was trained; there is no plan to save")
        write_plan(plan_to_arguments(network.plan, network.provenance.preparation), check_writable(given["save_plan"]))
    if given["as_json"]:
        print(json.dumps(render_model.model_data(network), allow_nan=False, default=str))
        return
    print_page(render_model.model_page(network))
