"""``creche evaluate``: how good a model is on rows whose label is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from creche.cli.files import MODEL_FILE, save_model
from creche.cli.model_command import SAMPLE_WEIGHT, ModelCommand, model_command
from creche.cli.options import DROP_UNLABELLED, FILES, JSON, PREDICTING_DEVICE, ROWS, THREADS, Option, option_of
from creche.cli.output import print_page
from creche.cli.thresholds import ChosenThresholds, choose_thresholds, print_thresholds, threshold_facts
from creche.errors import PlanError

if TYPE_CHECKING:
    from creche.model.predictor import Predictor
    from creche.table.observations import Observations

__all__ = ["evaluate"]

DECISION = "Decision threshold"
COSTS = ("cost_false_positive", "cost_false_negative")


@model_command(
    DROP_UNLABELLED,
    SAMPLE_WEIGHT,
    option_of("memory"),
    Option("n_resamples", int, ROWS, "Bootstrap resamples for the confidence intervals; 0 for none.", "1000"),
    Option("largest_errors", int, ROWS, "Number of rows with the largest errors to list.", "5"),
    Option(
        "threshold",
        float,
        DECISION,
        "Predict the second of two classes, or yes, at or above this probability.",
        "the model's",
    ),
    Option(
        "choose_threshold",
        str,
        DECISION,
        "Choose the threshold, or one for each label of yes or no, by f1, accuracy or balanced_accuracy.",
    ),
    Option(
        "cost_false_positive",
        float,
        DECISION,
        "Choose the threshold with the lowest total cost: cost of a false positive.",
    ),
    Option(
        "cost_false_negative",
        float,
        DECISION,
        "Choose the threshold with the lowest total cost: cost of a false negative.",
    ),
    Option(
        "output",
        Path,
        FILES,
        "Write the model to this file, with the threshold that predict and evaluate will use.",
        typed="--output -o",
        file=MODEL_FILE,
    ),
    Option("reliability", bool, FILES, "Show how well probabilities agree with observed frequencies."),
    THREADS,
    PREDICTING_DEVICE,
    JSON,
)
def evaluate(command: ModelCommand) -> None:
    """Evaluate a model on a table with labels.

    MODEL is a file written by 'creche fit -o' or 'creche train -o'. For example:

    creche evaluate penguins.creche test.csv

    creche evaluate credit.creche test.csv --choose-threshold f1

    creche evaluate credit.creche test.csv --choose-threshold f1 -o decided.creche

    creche evaluate credit.creche test.csv --cost-false-positive 1 --cost-false-negative 5

    Give the costs where one kind of mistake is worse than the other; the second class is the positive one.
    """
    from creche.evaluation import ClassificationEvaluation
    from creche.pages.evaluation import evaluation_page, reliability_page

    options = command.options
    limit = options.get("largest_errors", 5)
    if limit < 0:
        raise PlanError(f"--largest-errors: got {limit}; needs a whole number of at least 0")
    if "output" in options and not options.keys() & {"threshold", "choose_threshold", *COSTS}:
        raise PlanError(
            "--output: saves a model with a new threshold; give --threshold, or choose one, such as with "
            "--choose-threshold f1",
            argument="output",
        )
    model = command.load()
    if "reliability" in options and model.classes is None:
        raise PlanError(f"--reliability: needs a classification model; the label {model.labels.name!r} is numeric")
    with command.show_activity("evaluating the model"):
        rows = command.read_labelled_rows(model)
        chosen = _choose_threshold(model, rows, options)
        arguments = {name: options[name] for name in ("n_resamples", "threshold", "sample_weight") if name in options}
        if chosen is not None:
            arguments["threshold"] = chosen
        evaluation = model.evaluate_rows(rows, **arguments, counts_training_rows=True)
    if "output" in options:
        save_model(model.with_threshold(arguments["threshold"]), options["output"])
    reliability = evaluation if isinstance(evaluation, ClassificationEvaluation) and "reliability" in options else None
    if command.as_json:
        from creche.pages.evaluation import reliability_data

        facts = evaluation.to_dict() | threshold_facts(chosen)
        command.print_json(facts | ({} if reliability is None else {"reliability": reliability_data(reliability)}))
        return
    print_thresholds(chosen, model.classes, is_first=True)
    print_page(evaluation_page(evaluation, "rows", rows.row_numbers, limit))
    if reliability is not None:
        print_page("", reliability_page(reliability))


def _choose_threshold(model: Predictor, rows: Observations, options: dict[str, Any]) -> ChosenThresholds | None:
    """Choose the threshold on these rows, if the options ask for it."""
    costs = [options.get(name) for name in COSTS]
    metric = options.get("choose_threshold")
    if metric is None and costs == [None, None]:
        return None
    if "threshold" in options:
        raise PlanError("--threshold: cannot be combined with options that choose a threshold; leave it or them out")
    if metric is None and None in costs:
        missing = "positive" if costs[0] is None else "negative"
        raise PlanError(f"--cost-false-{missing}: is missing; give the costs of both kinds of mistake")
    is_multilabel = model.labels.is_multilabel
    if len(model.classes or ()) != 2 and not is_multilabel:
        flag = "--choose-threshold" if metric is not None else "--cost-false-positive"
        kind = f"has {len(model.classes)} classes" if model.classes else "is a regression"
        raise PlanError(
            f"{flag}: this model {kind}; only binary and multi-label classifiers have thresholds; leave it out"
        )
    pair: Any = None if costs == [None, None] else tuple(costs)
    return choose_thresholds(
        model, rows, is_multilabel=is_multilabel, metric=metric, costs=pair, sample_weight=options.get("sample_weight")
    )
