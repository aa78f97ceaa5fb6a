"""``creche show``: the contents of a model file."""

from __future__ import annotations

from pathlib import Path

from creche.cli.files import PLAN_FILE
from creche.cli.model_command import ModelCommand, model_command
from creche.cli.options import FILES, JSON, Option
from creche.cli.output import print_page
from creche.errors import PlanError

__all__ = ["show"]


@model_command(
    Option("save_plan", Path, FILES, "Write the plan of the model to this TOML file.", file=PLAN_FILE),
    JSON,
    reads_table=False,
)
def show(command: ModelCommand) -> None:
    """Show the columns, classes, layers, training and metrics of a model.

    MODEL is a file written by 'creche fit -o', 'creche train -o' or 'creche sweep -o'. For example:

    creche show penguins.creche

    creche show penguins.creche --save-plan plan.toml
    """
    from creche.cli.pages.run import ensemble_data, ensemble_page, model_data, model_page
    from creche.model.model import Model

    path, target = command.model_path, command.options.get("save_plan")
    loaded = command.load()
    if not isinstance(loaded, Model):
        from creche.cli.pages.fit import fitted_page
        from creche.model.fitted import FittedModel

        if target is not None:
            raise PlanError(f"{path}: holds an ensemble of {len(loaded)} networks, which have no plan in common")
        if command.as_json:
            command.print_json(ensemble_data(loaded))
        else:
            print_page(fitted_page(loaded) if isinstance(loaded, FittedModel) else ensemble_page(loaded))
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
