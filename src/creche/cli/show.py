"""``creche show``: the contents of a model file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from creche.cli.files import PLAN_FILE
from creche.cli.model_command import ModelCommand, model_command
from creche.cli.options import FILES, JSON, Option
from creche.cli.output import print_page
from creche.errors import PlanError

if TYPE_CHECKING:
    from creche.model.fitted import FittedModel

__all__ = ["show"]


@model_command(
    Option("save_plan", Path, FILES, "Write the plan of the model to this TOML file.", file=PLAN_FILE),
    Option(
        "configuration", str, FILES, "Configuration of a model of 'creche fit' whose plan is written.", "highest weight"
    ),
    JSON,
    reads_table=False,
)
def show(command: ModelCommand) -> None:
    """Show the columns, classes, layers, training and metrics of a model.

    MODEL is a file written by 'creche fit -o', 'creche train -o' or 'creche sweep -o'. For example:

    creche show penguins.creche

    creche show penguins.creche --save-plan plan.toml

    A model of 'creche fit' has a plan for each configuration that it keeps:

    creche show penguins.creche --save-plan plan.toml --configuration "tree bins"
    """
    from creche.model.fitted import FittedModel
    from creche.model.model import Model
    from creche.pages.run import ensemble_data, ensemble_page, model_data, model_page

    path, target = command.model_path, command.options.get("save_plan")
    loaded = command.load()
    if isinstance(loaded, FittedModel):
        _show_fitted(loaded, command)
        return
    if command.options.get("configuration") is not None:
        raise PlanError(f"configuration: {path} is not a model of `creche fit`; leave it out", argument="configuration")
    if not isinstance(loaded, Model):
        if target is not None:
            raise PlanError(f"{path}: holds an ensemble of {len(loaded)} networks, which have no plan in common")
        if command.as_json:
            command.print_json(ensemble_data(loaded))
        else:
            print_page(ensemble_page(loaded))
        return
    if target is not None:
        from creche.training.plan_file import plan_to_arguments, write_plan

        if loaded.provenance is None:
            raise PlanError(f"{path}: does not record how the model was trained; there is no plan to save")
        write_plan(plan_to_arguments(loaded.plan, loaded.provenance.preparation), target)
    if command.as_json:
        command.print_json(model_data(loaded))
    else:
        print_page(model_page(loaded))


def _show_fitted(model: FittedModel, command: ModelCommand) -> None:
    from rich.console import Group
    from rich.text import Text

    from creche.fitting.recipe import list_kept_plans, select_plan
    from creche.pages.fit import fitted_page, recipe_page
    from creche.pages.run import ensemble_data
    from creche.training.plan_file import write_plan

    target, name = command.options.get("save_plan"), command.options.get("configuration")
    if target is not None:
        write_plan(select_plan(model, name).to_arguments(), target)
    elif name is not None:
        raise PlanError(
            "configuration: names the plan to write; say where to with --save-plan FILE", argument="configuration"
        )
    plans = [] if model.provenance is None else list_kept_plans(model)
    if command.as_json:
        recipe = [
            {"configuration": each.tried.name, "weight": each.tried.weight, "plan": each.to_arguments()}
            for each in plans
        ]
        command.print_json({**ensemble_data(model), "plans": recipe})
    else:
        print_page(Group(fitted_page(model), *([Text(), recipe_page(plans)] if plans else [])))
