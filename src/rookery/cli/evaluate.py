"""``rookery evaluate``: how good a model is on rows whose label is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from rookery.cli.options import (
    JSON, READING, ROWS, THREADS, Option, arguments_of, readings, with_options,
)  # fmt: skip
from rookery.errors import PlanError

__all__ = ["evaluate"]

OPTIONS = (
    Option("sample_weight", str, ROWS, "A column that says how much each row counts."),
    Option("intervals", int, ROWS, "Resamples for the intervals of 95 %; 0 for none.", "1000"),
    Option("threshold", float, ROWS, "Of two classes, say the second from this probability on.", "0.5"),
    Option(
        "choose_threshold", str, ROWS, "Find the threshold that is best by a metric: f1, balanced_accuracy, accuracy, …"
    ),
    Option("cost_false_positive", float, ROWS, "Find the threshold of least cost: of saying the second class wrongly."),
    Option("cost_false_negative", float, ROWS, "And of failing to say it."),
    Option("mistaken", int, ROWS, "How many of the most mistaken rows to show.", "5"),
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

    MODEL is a file that 'rookery train -o' wrote. For example:

    rookery evaluate penguins.rookery test.csv

    rookery evaluate credit.rookery test.csv --cost-false-positive 1 --cost-false-negative 5
    """
    from rookery.cli.render_evaluation import evaluation_page
    from rookery.model import load
    from rookery.table.reading import Reading

    options = arguments_of(OPTIONS, given)
    if options.get("intervals", 0) < 0:
        raise PlanError(f"--intervals: got {options['intervals']}; needs a whole number of at least 0")
    network = load(model, threads=options.get("threads"))
    judged = network.judgement(
        table,
        reading=Reading(**readings(given)),
        **{name: options[name] for name in ("sample_weight", "intervals", "threshold") if name in options},
    )
