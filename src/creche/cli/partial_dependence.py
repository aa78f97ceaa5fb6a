"""``creche partial-dependence``: how a model's predictions depend on one column or two."""

from __future__ import annotations

from creche.cli.model_command import PLOT, ModelCommand, model_command
from creche.cli.options import JSON, THREADS, Option
from creche.cli.output import print_page
from creche.errors import PlanError

__all__ = ["partial_dependence"]

COLUMNS = "Columns and values"


@model_command(
    Option("column", str, COLUMNS, "Column whose value is varied (required)."),
    Option("second", str, COLUMNS, "Second column, for a grid of both."),
    Option("target", str, COLUMNS, "Class or label to show alone.", "all; in a grid, the one that varies most"),
    Option("individual", bool, COLUMNS, "Keep the predictions of each row: thin lines in the picture."),
    Option("points", int, COLUMNS, "Number of values to try of a numeric column.", "50; in a grid, 25"),
    THREADS,
    PLOT,
    JSON,
)
def partial_dependence(command: ModelCommand) -> None:
    """Show what a model predicts on average as one column changes and all others keep their values.

    MODEL is a file written by 'creche fit -o' or 'creche train -o'; TABLE need not hold the label. For example:

    creche partial-dependence penguins.creche penguins.csv --column bill_length_mm

    creche partial-dependence penguins.creche penguins.csv --column bill_length_mm --second island --target Adelie

    creche partial-dependence penguins.creche penguins.csv --column body_mass_g --individual --plot mass.png
    """
    from creche.explain.partial_dependence import Kind
    from creche.explain.partial_dependence import partial_dependence as compute_dependence

    model, options = command.load(), dict(command.options)
    if "column" not in options:
        raise PlanError(f"--column: is missing; the model was trained on {', '.join(model.features.names)}")
    target = options.pop("target", None)
    kind: Kind = "individual" if options.pop("individual", False) else "average"
    dependence = compute_dependence(model, command.read_table(model), kind=kind, **options)
    dependence.find_outcome(target)  # raises if there is no such class or label, before anything is written
    command.save_picture(lambda: dependence.plot(target=target))
    if command.as_json:
        command.print_json(dependence.to_dict())
        return
    from creche.pages.partial_dependence import dependence_page

    print_page(dependence_page(dependence, target))
