"""``creche train``: a table in, a trained network shown, and kept where a file is named for it."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from creche.cli.cross_validate import cross_validate
from creche.cli.options import (  # fmt: skip
    COLUMNS,
    DROP_UNLABELLED,
    FILES,
    JSON,
    NETWORK,
    READING,
    ROWS,
    TABLE,
    THREADS,
    TRAINING,
    Option,
    check_writable,
    create_read_options,
    parse_arguments,
    parse_class_weight,
    parse_shares,
    parse_widths,
    parse_words,
    with_options,
)
from creche.cli.output import print_page
from creche.cli.progress import show_activity, training_progress
from creche.errors import DivergedError, FileError, PlanError

if TYPE_CHECKING:
    from creche.explain.diagnosis.findings import Diagnosis
    from creche.training.run import Run

__all__ = ["evaluate_run", "save_model", "show_diagnosis", "show_run", "train"]

# In the order of the help; each has the name of an argument of `creche.train`.
OF_THE_PLAN = (
    Option("label", str, TABLE, "The column to predict; several columns of numbers with commas.", parse=parse_words),
    COLUMNS,
    Option("preprocessing", str, TABLE, "Numbers are scaled: standard, robust, quantile, none.", "standard"),
    Option("task", str, TABLE, "What the label is: classes or numbers.", "by label"),
    Option("hidden", str, NETWORK, "Widths of the hidden layers; 'none' for none.", "32,32", parse=parse_widths),
    Option("activation", str, NETWORK, "Of the hidden layers: relu, gelu, tanh, …", "relu", parse=parse_words),
    Option("dropout", str, NETWORK, "Share of activations dropped while training.", "0", parse=parse_shares),
    Option("initializer", str, NETWORK, "Of the weights: he_normal, glorot_uniform, …", "by activation"),
    Option("loss", str, TRAINING, "cross_entropy, squared_error, huber, …", "by label"),
    Option("optimizer", str, TRAINING, "adam, sgd, adadelta, …", "adam"),
    Option("learning_rate", float, TRAINING, "Its step size.", "the optimizer's"),
    Option("schedule", str, TRAINING, "Of the learning rate: constant, cosine, one_cycle, …", "constant"),
    Option("batch_size", int, TRAINING, "Rows per step.", "32"),
    Option("epochs", int, TRAINING, "Passes over the training rows.", "100"),
    Option("early_stopping", int, TRAINING, "Epochs without improvement to bear.", "off"),
    Option("class_weight", str, TRAINING, "'balanced', or such as Adelie=2,Gentoo=1.", parse=parse_class_weight),
    Option("sample_weight", str, TRAINING, "A column that says how much each row counts."),
    Option("seed", int, TRAINING, "Of all that is random.", "0"),
    Option("validation_fraction", float, ROWS, "Share of rows kept for validation.", "0.3"),
    Option("test_fraction", float, ROWS, "Share of rows kept for testing.", "0"),
    Option("group", str, ROWS, "A column whose equal values stay on one side, such as patient."),
    Option("time", str, ROWS, "A column to order by: the latest rows are held out."),
    Option("split_column", str, ROWS, "A column that says train, validation or test."),
    Option("split_seed", int, ROWS, "Of the split alone.", "the seed"),
    Option("duplicates", str, ROWS, "Copies of rows: warn, drop, or keep them together.", "warn"),
)
OF_THE_OPTIMIZER = (
    Option("weight_decay", float, TRAINING, "Pull of weights towards 0.", "0"),
    Option("clip_norm", float, TRAINING, "Greatest norm of the gradient.", "none"),
)
BESIDE_THE_PLAN = ("validation_data", "test_data", "threads", "checkpoint", "checkpoint_every", "resume")
OTHERS = (
    DROP_UNLABELLED,
    Option("validation_data", Path, ROWS, "A file of validation rows.", typed="--validation"),
    Option("test_data", Path, ROWS, "A file of test rows.", typed="--test"),
    Option("folds", int, ROWS, "Cross-validate: so many networks, each judged on the rows of its fold."),
    Option("repeats", int, ROWS, "How often the folds are dealt out anew.", "1"),
    Option("seeds", int, ROWS, "Networks for each fold, each with a seed of its own.", "1"),
    Option("plan", Path, FILES, "A TOML file with these options; what is given beside it goes before it."),
    Option("save_plan", Path, FILES, "Write the whole plan to this TOML file.", parse=check_writable),
    Option("output", Path, FILES, "Keep the model in this file: penguins.creche.", "", "--output -o", check_writable),
    Option(
        "predictions",
        Path,
        FILES,
        "With --folds: write what is said of each held-out row to this file.",
        parse=check_writable,
    ),
    Option("checkpoint", Path, FILES, "A folder that keeps the state of the run while it trains."),
    Option("checkpoint_every", int, FILES, "Epochs between checkpoints.", "10"),
    Option("resume", bool, FILES, "Go on from the folder's latest checkpoint."),
    Option("diagnose", bool, FILES, "Say what went wrong, if anything did, and what helps: cures are tried first."),
    THREADS,
    JSON,
)

OTHERWISE = {"seeds": "; for several seeds on the same rows: creche sweep", "predictions": ""}


@with_options(*OF_THE_PLAN, *READING, *OF_THE_OPTIMIZER, *OTHERS)
def train(
    table: Annotated[str, typer.Argument(show_default=False)],  # described below: Typer does not show its help
    **given: Any,
) -> None:
    """Train a network on a table and show how it went.

    TABLE is a file (CSV, Parquet, Arrow, JSON lines, compressed or not), or '-' for standard input; 'penguins' alone is
    the bundled table. For example:

    creche train penguins --label species

    creche train penguins --label species --hidden 5,5 -o penguins.creche

    creche train houses.csv --label price --column zip=category --loss huber

    creche train visits.parquet --label ill --group patient --folds 5

    creche train penguins --label species --folds 5 --repeats 3 --seeds 20 --predictions held_out.csv

    creche train penguins --label species --epochs 500 --early-stopping 20

    creche train penguins --label species --optimizer sgd --diagnose

    creche train penguins --label species --save-plan plan.toml

    creche train penguins --plan plan.toml --seed 1
    """
    arguments = _plan(given)
    others = parse_arguments(OTHERS, given)
    if "checkpoint_every" in others and "checkpoint" not in others:
        raise PlanError("--checkpoint-every: is for checkpoints; name their folder with --checkpoint")
    if "label" not in arguments:
        raise PlanError("--label: is missing; name the column to predict, such as --label species")
    if "folds" in others or "repeats" in others:
        cross_validate(table, arguments, others)
        return
    for name in ("seeds", "predictions"):
        if name in others:
            raise PlanError(f"--{name}: is for cross-validation; give --folds too, such as --folds 5{OTHERWISE[name]}")
    from creche.training.train import train as train_network

    kept = {name: others[name] for name in BESIDE_THE_PLAN if name in others}
    if "diagnose" in others:
        kept["record"] = "activations"
    interrupted = False
    with training_progress(quiet="as_json" in others) as on_progress:
        try:
            run = train_network(table, **arguments, **kept, on_progress=on_progress)
        except DivergedError as error:
            if "diagnose" in others and error.run is not None:
                show_diagnosis(_diagnosed(error.run, others), others)
            raise
        except KeyboardInterrupt as interrupt:
            if not hasattr(interrupt, "run"):
                raise
            run, interrupted = interrupt.run, True
    evaluate_run(run, quiet="as_json" in others)
    diagnosis = None
    try:
        _keep(run, others)
        if "as_json" in others and "diagnose" in others:
            diagnosis = _diagnosed(run, others)
    finally:
        show_run(run, as_json="as_json" in others, diagnosis=diagnosis)
    if interrupted:
        raise KeyboardInterrupt
    if "diagnose" in others and "as_json" not in others:
        print()
        show_diagnosis(_diagnosed(run, others), others)  # after the page, for trying cures may take long


def _diagnosed(run: Run, others: dict[str, Any]) -> Diagnosis:
    from creche.explain.diagnosis.diagnose import diagnose

    try:
        with show_activity("trying cures", quiet="as_json" in others):
            return diagnose(run)
    except KeyboardInterrupt:
        if "as_json" not in others:
            show_diagnosis(diagnose(run, try_cures=False), others)
        raise


def show_diagnosis(diagnosis: Diagnosis, others: dict[str, Any]) -> None:
    """What was found, as text, or as JSON by itself."""
    from creche.cli.pages.diagnosis import diagnosis_page

    if "as_json" in others:
        print(json.dumps({"diagnosis": diagnosis.to_dict()}, allow_nan=False))
        return
    print_page(diagnosis_page(diagnosis))


def _plan(given: dict[str, Any]) -> dict[str, Any]:
    """The arguments that determine the run: those of the plan file, and before them those typed."""
    from creche.plan import OPTIMIZERS
    from creche.training.plan_file import read_plan

    arguments = read_plan(given["plan"]) if given.get("plan") else {}
    arguments |= parse_arguments(OF_THE_PLAN, given)
    if given.get("drop_unlabelled"):
        arguments["missing_label"] = "drop"
    read_options = create_read_options(given)
    if read_options:
        arguments["read_options"] = read_options
    of_the_optimizer = parse_arguments(OF_THE_OPTIMIZER, given)
    if of_the_optimizer:
        chosen = OPTIMIZERS.of(arguments.get("optimizer", "adam"))
        arguments["optimizer"] = {**chosen.to_dict(), **of_the_optimizer}
    return arguments


def _keep(run: Run, others: dict[str, Any]) -> None:
    if "save_plan" in others:
        from creche.training.plan_file import plan_to_arguments, write_plan

        write_plan(plan_to_arguments(run.plan, run.prepared.preparation), others["save_plan"])
    if "output" in others:
        save_model(run, others["output"])


def evaluate_run(run: Run, quiet: bool) -> None:
    """How good the network is, worked out where a person sees that something goes on; the run remembers it."""
    with show_activity("judging the network", quiet):
        _ = run.evaluation


def save_model(run: Run, path: Path) -> None:
    """Writes the model to its file; if there is no room, elsewhere, for training may have taken long."""
    try:
        run.model.save(path)
    except FileError as error:
        spare = Path(tempfile.mkdtemp(prefix="creche-")) / path.name
        try:
            run.model.save(spare)
        except FileError:
            shutil.rmtree(spare.parent, ignore_errors=True)
            raise error from None
        raise FileError(f"{error}. For now, the model is kept in {spare}") from error


def show_run(run: Run, as_json: bool, diagnosis: Diagnosis | None = None) -> None:
    """The page of a run, or the same facts as JSON."""
    from creche.cli.pages import run as render

    seconds = float(run.history.seconds.sum())
    if as_json:
        facts = render.run_data(run, seconds) | ({} if diagnosis is None else {"diagnosis": diagnosis.to_dict()})
        print(json.dumps(facts, allow_nan=False, default=str))
        return
    print_page(render.run_page(run, seconds))
