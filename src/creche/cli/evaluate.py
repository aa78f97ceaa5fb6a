"""``creche evaluate``: how good a model is on rows whose label is known."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from creche.cli.options import (
    DROP_UNLABELLED,
    FILES,
    JSON,
    READING,
    ROWS,
    THREADS,
    Option,
    create_read_options,
    parse_arguments,
    with_options,
)
from creche.cli.output import print_page
from creche.cli.progress import show_activity
from creche.errors import PlanError

if TYPE_CHECKING:
    from creche.evaluation import Threshold
    from creche.model.predictor import Predictor

__all__ = ["evaluate"]

OPTIONS = (
    DROP_UNLABELLED,
    Option("sample_weight", str, ROWS, "A column that says how much each row counts."),
    Option("n_resamples", int, ROWS, "Resamples for the intervals of 95 %; 0 for none.", "1000"),
    Option("threshold", float, ROWS, "Of two classes, say the second from this probability on.", "0.5"),
    Option("choose_threshold", str, ROWS, "Find the best threshold by f1, accuracy or balanced_accuracy."),
    Option("cost_false_positive", float, ROWS, "Find the threshold of least cost: of saying the second class wrongly"),
    Option("cost_false_negative", float, ROWS, "and of failing to say it."),
    Option("mistaken", int, ROWS, "How many of the most mistaken rows to show.", "5"),
    Option("reliability", bool, FILES, "Show whether probabilities can be taken at their word."),
    THREADS,
    JSON,
)


@with_options(*OPTIONS, *READING)
def evaluate(
    model: Annotated[Path, typer.Argument(show_default=False)],
    table: Annotated[str, typer.Argument(show_default=False)],
    **given: Any,
) -> None:
    """Judge a model on a table that holds the label.

    MODEL is a file that 'creche train -o' wrote. For example:

    creche evaluate penguins.creche test.csv

    creche evaluate credit.creche test.csv --choose-threshold f1

    Where one mistake costs more than the other, --cost-false-positive 1 --cost-false-negative 5 finds the threshold.
    """
    from creche.evaluation import ClassificationEvaluation
    from creche.model.file import load
    from creche.table.reading.options import ReadOptions

    options = parse_arguments(OPTIONS, given)
    network = load(model, threads=options.get("threads"))
    missing_label = "drop" if "drop_unlabelled" in options else "error"
    if given["reliability"] and network.classes is None:
        raise PlanError(f"--reliability: is for classes; {network.labels.name} is a number")
    with show_activity("judging the model", quiet=given["as_json"]):
        rows = network.read_observations(
            table, read_options=ReadOptions(**create_read_options(given)), missing_label=missing_label
        )
        chosen = _chosen_threshold(network, rows, options)
        arguments = {name: options[name] for name in ("n_resamples", "threshold", "sample_weight") if name in options}
        if chosen is not None:
            arguments["threshold"] = chosen.threshold
        judged = network.evaluate_rows(rows, **arguments)
    if given["as_json"]:
        facts = judged.to_dict() | ({} if chosen is None else {"chosen_threshold": asdict(chosen)})
        if isinstance(judged, ClassificationEvaluation) and given["reliability"]:
            from creche.cli.pages.evaluation import reliability_data

            facts["reliability"] = reliability_data(judged)
        print(json.dumps(facts, allow_nan=False, default=str))
        return
    from creche.cli.pages.evaluation import evaluation_page

    if chosen is not None:
        print_page(
            f"Saying {network.classes[1]} from a probability of {chosen.threshold:.4f} on is best by {chosen.criterion}: "  # type: ignore[index]
            f"{chosen.value:.4f}, against {chosen.value_at_half:.4f} from 0.5 on (on these same rows).\n"
        )
    print_page(evaluation_page(judged, "rows", rows.row_numbers, options.get("mistaken", 5)))
    if isinstance(judged, ClassificationEvaluation) and given["reliability"]:
        from creche.cli.pages.evaluation import draw_reliability

        print_page("", draw_reliability(judged))


def _chosen_threshold(network: Predictor, rows: Any, options: dict[str, Any]) -> Threshold | None:
    """The threshold to be found on these rows, if one is to be."""
    costs = [options.get(f"cost_false_{side}") for side in ("positive", "negative")]
    metric = options.get("choose_threshold")
    if metric is None and costs == [None, None]:
        return None
    if "threshold" in options:
        raise PlanError("--threshold: is given already; leave it out to have one chosen")
    if metric is None and None in costs:
        missing = "positive" if costs[0] is None else "negative"
        raise PlanError(f"--cost-false-{missing}: is missing; the costs of both mistakes are needed")
    of_both: Any = None if costs == [None, None] else tuple(costs)
    return network.choose_threshold(rows, metric=metric, costs=of_both, sample_weight=options.get("sample_weight"))
