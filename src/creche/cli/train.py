"""``creche train``: trains a network on a table, shows the result, and writes the model to a file."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from creche._system.output_files import Input, Output
from creche.cli.cross_validate import cross_validate
from creche.cli.files import MODEL_FILE, PLAN_FILE, TableArgument, save_model
from creche.cli.label import check_label
from creche.cli.options import (
    DROP_UNLABELLED,
    FILES,
    JSON,
    READING,
    REFIT,
    ROWS,
    TENSORBOARD,
    TRAINING,
    Option,
    create_read_options,
    options_of,
    parse_arguments,
    with_options,
)
from creche.cli.output import print_page
from creche.cli.progress import show_activity, training_progress
from creche.cli.thresholds import ChosenThresholds, choose_thresholds, print_thresholds, threshold_facts
from creche.errors import CrecheWarning, DivergedError, PlanError
from creche.plan.arguments import ARGUMENTS
from creche.plan.words import check_word

if TYPE_CHECKING:
    from creche.explain.diagnosis.findings import Diagnosis
    from creche.tracking.tensorboard import TensorBoard
    from creche.training.run import Run

__all__ = ["evaluate_run", "leave_to_first", "show_diagnosis", "show_run", "train"]

# What determines the run, and may lie in a plan file; fields of the optimizer; tables, threads and checkpoints.
PLAN_OPTIONS = options_of("plan", "preparation")
OPTIMIZER_OPTIONS = options_of("optimizer")
STOPPING_OPTIONS = (
    Option(
        "watch", str, TRAINING, "Quantity that early stopping monitors: the loss, or a metric such as log_loss, auc "
                                "or rmse.",
        "loss", words="creche.evaluation.metrics:METRICS",
    ),
)  # fmt: skip
RUN_OPTIONS = options_of("held_out", "run")
FOLD_OPTIONS = (
    Option("folds", int, ROWS, "Cross-validate with this many folds."),
    Option("repeats", int, ROWS, "Number of repetitions of cross-validation, each with new folds.", "1"),
    Option("seeds", int, ROWS, "Number of seeds for each fold.", "1"),
    REFIT,
    Option("predictions", Path, FILES, "Write out-of-fold predictions to this file.", file=Output("table")),
)
OTHER_OPTIONS = (
    DROP_UNLABELLED,
    *FOLD_OPTIONS,
    Option("plan", Path, FILES, "TOML file with these options; command-line options override it.", file=Input("plan")),
    Option("save_plan", Path, FILES, "Write the whole plan to this TOML file.", file=PLAN_FILE),
    Option(
        "output", Path, FILES, "Write the model to this file: penguins.creche.", typed="--output -o", file=MODEL_FILE,
    ),
    Option(
        "choose_threshold", str, TRAINING, "Binary and multi-label: choose each decision threshold by f1, accuracy or "
                                           "balanced_accuracy on "
        "the validation rows, and keep it in the model.",
    ),
    TENSORBOARD,
    Option("diagnose", bool, FILES, "Diagnose the run: name what went wrong, and try remedies."),
    JSON,
)  # fmt: skip

ALTERNATIVES = {"seeds": "; for several seeds on the same rows: creche sweep"}


@with_options(*PLAN_OPTIONS, *STOPPING_OPTIONS, *READING, *OPTIMIZER_OPTIONS, *RUN_OPTIONS, *OTHER_OPTIONS)
def train(table: TableArgument, **given: Any) -> None:
    """Train a network on a table and show the result.

    TABLE is a file (CSV, Parquet, Arrow, JSON or Excel, compressed or not), '-' for standard input, or the
    name of a bundled table, such as 'penguins' (creche datasets lists them). For example:

    creche train penguins --label species

    creche train penguins --label species --hidden 5,5 -o penguins.creche

    creche train houses.csv --label price --column zip=categorical --loss huber

    creche train visits.parquet --label ill --group patient --folds 5

    creche train penguins --label species --folds 5 -o ensemble.creche

    creche train penguins --label species --folds 5 --repeats 3 --seeds 20 --predictions held_out.csv

    creche train penguins --label species --epochs 500 --early-stopping 20 --watch auc

    creche train penguins --label species --optimizer sgd --diagnose

    creche train penguins --label species --tensorboard runs/first

    creche train penguins --label species --save-plan plan.toml

    creche train penguins --plan plan.toml --seed 1
    """
    arguments = _plan_arguments(given)
    run_arguments, others = parse_arguments(RUN_OPTIONS, given), parse_arguments(OTHER_OPTIONS, given)
    if "checkpoint_every" in run_arguments and "checkpoint" not in run_arguments:
        raise PlanError(
            "--checkpoint-every: needs a folder for the checkpoints; name it with --checkpoint",
            argument="checkpoint_every",
        )
    check_label(arguments, table, create_read_options(given))
    if "choose_threshold" in others:
        from creche.evaluation.threshold import THRESHOLD_METRICS

        others["choose_threshold"] = check_word("choose_threshold", others["choose_threshold"], THRESHOLD_METRICS)
    if "tensorboard" in others:
        run_arguments["on_epoch"] = _create_tracker(others, run_arguments)
    if "folds" in others or "repeats" in others:
        cross_validate(table, arguments, run_arguments, others)
        return
    for name in ("seeds", "predictions", "refit"):
        if name in others:
            raise PlanError(
                f"--{name}: needs cross-validation; add --folds, such as --folds 5{ALTERNATIVES.get(name, '')}",
                argument=name,
            )
    from creche.training.processes import choose_crew
    from creche.training.train import train as train_network

    if "diagnose" in others:
        run_arguments["record"] = "activations"
    interrupted = False
    is_first = choose_crew(run_arguments.get("processes"), arguments.get("shards", 1)).is_first
    with training_progress(quiet="as_json" in others or not is_first) as on_progress, warnings.catch_warnings():
        if not is_first:
            warnings.simplefilter("ignore", CrecheWarning)  # the first of several processes says it
        try:
            run = train_network(table, **arguments, **run_arguments, on_progress=on_progress)
        except DivergedError as error:
            if "diagnose" in others and error.run is not None:
                show_diagnosis(_diagnose(cast("Run", error.run), others), others)
            raise
        except KeyboardInterrupt as interrupt:
            if not hasattr(interrupt, "run"):
                raise
            run, interrupted = interrupt.run, True
    leave_to_first(run, interrupted)
    evaluate_run(run, quiet="as_json" in others)
    diagnosis = chosen = None
    try:
        try:
            chosen = _choose_threshold(run, others)
        finally:  # without a threshold, if these rows allow none
            _write_files(run, others, chosen)
        if "as_json" in others and "diagnose" in others:
            diagnosis = _diagnose(run, others)
    finally:
        show_run(run, as_json="as_json" in others, diagnosis=diagnosis, chosen=chosen)
    if interrupted:
        raise KeyboardInterrupt
    if "diagnose" in others and "as_json" not in others:
        print()
        show_diagnosis(_diagnose(run, others), others)  # after the page, for trials may take long


def _diagnose(run: Run, others: dict[str, Any]) -> Diagnosis:
    from creche.explain.diagnosis.diagnose import diagnose

    try:
        with show_activity("trying remedies", quiet="as_json" in others):
            return diagnose(run)
    except KeyboardInterrupt:
        if "as_json" not in others:
            show_diagnosis(diagnose(run, try_remedies=False), others)
        raise


def show_diagnosis(diagnosis: Diagnosis, others: dict[str, Any]) -> None:
    """Print a diagnosis, as text or as JSON by itself."""
    from creche.pages.diagnosis import diagnosis_page

    if "as_json" in others:
        print(json.dumps({"diagnosis": diagnosis.to_dict()}, allow_nan=False))
        return
    print_page(diagnosis_page(diagnosis))


def _plan_arguments(given: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that determine the run: those of the plan file, overridden by those typed."""
    from creche.plan import OPTIMIZERS, EarlyStopping
    from creche.training.plan_file import read_plan

    arguments = read_plan(given["plan"]) if given.get("plan") else {}
    arguments |= parse_arguments(PLAN_OPTIONS, given)
    if given.get("drop_unlabelled"):
        arguments["missing_label"] = "drop"
    read_options = create_read_options(given)
    if read_options:
        arguments["read_options"] = read_options
    optimizer_fields = parse_arguments(OPTIMIZER_OPTIONS, given)
    if optimizer_fields:
        chosen = OPTIMIZERS.of(arguments.get("optimizer", ARGUMENTS["optimizer"].default))
        arguments["optimizer"] = {**chosen.to_dict(), **optimizer_fields}
    if given.get("watch"):
        stopping = EarlyStopping.of(arguments.get("early_stopping", True))
        if stopping is None:
            raise PlanError(
                "--watch: has no effect without early stopping; leave it or --early-stopping off out", argument="watch"
            )
        arguments["early_stopping"] = replace(stopping, watch=given["watch"])
    return arguments


def _create_tracker(others: dict[str, Any], run_arguments: dict[str, Any]) -> TensorBoard:
    from creche.tracking.tensorboard import TensorBoard

    if "cluster" in run_arguments and ("folds" in others or "repeats" in others):
        raise PlanError(
            "--tensorboard: cannot be combined with --folds and --cluster, whose machines report networks when they "
            "are trained; leave one of them out",
            argument="tensorboard",
        )
    return TensorBoard(others["tensorboard"])


def _choose_threshold(run: Run, others: dict[str, Any]) -> ChosenThresholds | None:
    """Choose the threshold on the validation rows, if there are any, or else on the training rows."""
    if "choose_threshold" not in others:
        return None
    import numpy as np

    part = run.prepared.train if run.prepared.validation is None else run.prepared.validation
    rows, weights = part.observations, None
    if part.weights is not None:
        weights = np.zeros(rows.n_table_rows)
        weights[rows.row_indices] = part.weights
    return choose_thresholds(
        run.model, rows, is_multilabel=run.model.labels.is_multilabel, metric=others["choose_threshold"],
        sample_weight=weights,
    )  # fmt: skip


def _write_files(run: Run, others: dict[str, Any], chosen: ChosenThresholds | None) -> None:
    if "save_plan" in others:
        from creche.training.plan_file import plan_to_arguments, write_plan

        write_plan(plan_to_arguments(run.plan, run.prepared.preparation), others["save_plan"])
    if "output" in others:
        save_model(run.model if chosen is None else run.model.with_threshold(chosen), others["output"])


def leave_to_first(run: Run, interrupted: bool) -> None:
    """End here in all processes but the first, which prints the result and writes the files."""
    if not run.crew.is_first:
        raise typer.Exit(130 if interrupted else 0)


def evaluate_run(run: Run, quiet: bool) -> None:
    """Evaluate the network while the terminal shows that something is happening; the run keeps the result."""
    with show_activity("evaluating the network", quiet):
        _ = run.evaluation


def show_run(
    run: Run, as_json: bool, diagnosis: Diagnosis | None = None, chosen: ChosenThresholds | None = None
) -> None:
    """Print the page of a run, or the same facts as JSON, with the threshold that was chosen."""
    from creche.pages import run as render

    if as_json:
        facts = render.run_data(run) | ({} if diagnosis is None else {"diagnosis": diagnosis.to_dict()})
        facts |= threshold_facts(chosen)
        print(json.dumps(facts, allow_nan=False, default=str))
        return
    print_page(render.run_page(run))
    print_thresholds(chosen, run.model.classes, is_first=False)
