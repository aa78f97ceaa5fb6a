"""``creche explain``: which columns a model uses, and how each contributed to the prediction of one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creche.cli.model_command import PLOT, SAMPLE_WEIGHT, ModelCommand, model_command
from creche.cli.options import DROP_UNLABELLED, JSON, THREADS, Option
from creche.cli.output import print_page
from creche.errors import PlanError

if TYPE_CHECKING:
    from creche.explain.integrated_gradients import IntegratedGradients
    from creche.explain.permutation_importance import PermutationImportance
    from creche.model.ensemble import Ensemble
    from creche.model.model import Model

__all__ = ["explain"]

IMPORTANCE, ONE_ROW = "Importance of all columns", "Explanation of one row"
IMPORTANCE_OPTIONS = (
    Option(
        "metric", str, IMPORTANCE, "Metric: log_loss, accuracy, auc, …; for regression rmse, mae, r2.", "log_loss, rmse"
    ),
    Option("repeats", int, IMPORTANCE, "Number of times each column is shuffled.", "20"),
    Option("seed", int, IMPORTANCE, "Seed for the shuffles.", "0"),
    Option("n_resamples", int, IMPORTANCE, "Bootstrap resamples for the confidence intervals; 0 for none.", "200"),
    SAMPLE_WEIGHT,
)
ROW_OPTIONS = (
    Option("row", int, ONE_ROW, "Number of the row whose prediction is explained, counted from 1."),
    Option(
        "target",
        str,
        ONE_ROW,
        "Class whose probability is explained, or, of several labels, the one to explain.",
        "the prediction",
    ),
    Option("logit", bool, ONE_ROW, "Explain the log-odds rather than the probability."),
    Option(
        "baseline", str, ONE_ROW, "Baseline of the contributions: 'mean' for the mean of the table.", "a neutral row"
    ),
    Option("steps", int, ONE_ROW, "Number of points at which the gradient is integrated.", "128"),
)


@model_command(*IMPORTANCE_OPTIONS, *ROW_OPTIONS, DROP_UNLABELLED, THREADS, PLOT, JSON)
def explain(command: ModelCommand) -> None:
    """Show how important each column is to a model, or how each column contributed to the prediction of one row.

    MODEL is a file written by 'creche fit -o', 'creche train -o' or 'creche sweep -o'. TABLE holds the label, which
    --row does not need. For example:

    creche explain penguins.creche penguins.csv

    creche explain penguins.creche penguins.csv --row 12

    creche explain penguins.creche penguins.csv --row 12 --target Gentoo --plot row12.png
    """
    model = command.load()
    _refuse_options_of_the_other_page(command)
    with command.show_activity("explaining the model"):
        explanation = (_explain_row if "row" in command.options else _explain_columns)(command, model)
    command.save_picture(explanation.plot)
    if command.as_json:
        command.print_json(explanation.to_dict())
        return
    from creche.explain.permutation_importance import PermutationImportance
    from creche.pages.explain import attribution_page, importance_page

    if isinstance(explanation, PermutationImportance):
        print_page(importance_page(explanation))
    else:
        print_page(attribution_page(explanation))


def _refuse_options_of_the_other_page(command: ModelCommand) -> None:
    explains_row = "row" in command.options
    for option in IMPORTANCE_OPTIONS if explains_row else ROW_OPTIONS:
        if option.name in command.options:
            reason = "cannot be combined with --row" if explains_row else "explains one row; name it with --row"
            raise PlanError(f"{option.flag}: {reason}")


def _explain_columns(command: ModelCommand, model: Model | Ensemble) -> PermutationImportance:
    from creche.explain.permutation_importance import permutation_importance

    return permutation_importance(model, command.read_labelled_rows(model), **command.options)


def _explain_row(command: ModelCommand, model: Model | Ensemble) -> IntegratedGradients:
    from creche.explain.integrated_gradients import integrated_gradients

    options = dict(command.options)
    return integrated_gradients(model, command.read_table(model), rows=options.pop("row"), **options)
