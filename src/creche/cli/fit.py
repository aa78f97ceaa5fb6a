"""``creche fit``: fits a strong model to a table within a budget, shows what was found, and writes it to a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from creche._system.output_files import Output
from creche.cli.files import MODEL_FILE, TableArgument
from creche.cli.label import check_label
from creche.cli.messages import print_message
from creche.cli.options import (
    DROP_UNLABELLED,
    FILES,
    JSON,
    READING,
    THREADS,
    TRAINING,
    Option,
    create_read_options,
    option_of,
    parse_arguments,
    with_options,
)
from creche.cli.output import print_page
from creche.cli.progress import fit_progress
from creche.errors import PlanError
from creche.plan.arguments import ARGUMENTS

__all__ = ["fit"]

FIT_OPTIONS = (
    *(option_of(a.name) for a in ARGUMENTS.values() if a.fit and a.command is not None and a.name != "threads"),
    Option("effort", str, TRAINING, "Budget: fast, default or best, which may take sixteen times the work.", "default"),
    Option("time_limit", float, TRAINING, "Time limit in seconds: keep trying configurations until then."),
    Option("metric", str, TRAINING, "Metric to optimize: log_loss, accuracy, auc, rmse, …", "by task"),
    THREADS,
)
OTHER_OPTIONS = (
    DROP_UNLABELLED,
    Option(
        "checkpoint", Path, FILES, "Write the state of the search to this file after each round.",
        file=Output("checkpoint", ".creche-fit"),
    ),
    Option("resume", bool, FILES, "Continue from the checkpoint file."),
    Option(
        "output", Path, FILES, "Write the model to this file: penguins.creche.", typed="--output -o", file=MODEL_FILE,
    ),
    JSON,
)  # fmt: skip


@with_options(*FIT_OPTIONS, *READING, *OTHER_OPTIONS)
def fit(table: TableArgument, **given: Any) -> None:
    """Fit a strong model to a table: many networks, weighted and calibrated on
    rows that they were not trained on.

    TABLE is a file (CSV, Parquet, Arrow, JSON or Excel, compressed or not), '-' for standard input, or the
    name of a bundled table, such as 'penguins' (creche datasets lists them). For example:

    creche fit penguins --label species

    creche fit houses.csv --label price -o houses.creche

    creche fit houses.csv --label price --effort best

    creche fit visits.parquet --label ill --group patient --metric auc --time-limit 60
    """
    arguments, others = parse_arguments(FIT_OPTIONS, given), parse_arguments(OTHER_OPTIONS, given)
    check_label(arguments, table, create_read_options(given))
    if "drop_unlabelled" in others:
        arguments["missing_label"] = "drop"
    if "resume" in others and "checkpoint" not in others:
        raise PlanError("--resume: needs the file to continue from; give it as --checkpoint", argument="resume")
    arguments |= {name: others[name] for name in ("checkpoint", "resume") if name in others}
    if read_options := create_read_options(given):
        arguments["read_options"] = read_options
    from creche.fitting.fit import fit as fit_model

    as_json, interrupted = "as_json" in others, False
    with fit_progress(quiet=as_json) as on_progress:
        try:
            model = fit_model(table, **arguments, on_progress=on_progress)
        except KeyboardInterrupt as interrupt:
            if not hasattr(interrupt, "model"):
                print_message("stopped before any network had finished an epoch")
                raise
            model, interrupted = interrupt.model, True
    try:
        if "output" in others:
            model.save(others["output"])
    finally:
        if as_json:
            from creche.pages.fit import fitted_data

            print(json.dumps(fitted_data(model), allow_nan=False, default=str))
        else:
            from creche.pages.fit import fitted_page

            print_page(fitted_page(model))
    if interrupted:
        raise KeyboardInterrupt
