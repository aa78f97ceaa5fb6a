"""``creche sweep``: trains many networks at once, compares them, and writes the best, or an ensemble, to a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creche._system.output_files import Output
from creche.cli.cross_validate import keep_model
from creche.cli.files import MODEL_FILE, TableArgument
from creche.cli.label import check_label
from creche.cli.messages import print_message
from creche.cli.options import (
    CLUSTER,
    DEVICE,
    DROP_UNLABELLED,
    FILES,
    JSON,
    READING,
    REFIT,
    THREADS,
    Option,
    create_read_options,
    option_of,
    options_of,
    parse_arguments,
    with_options,
)
from creche.cli.output import print_page
from creche.cli.progress import pause_display, show_activity, sweep_progress
from creche.cli.value_lists import accept_several
from creche.errors import PlanError
from creche.plan.arguments import ARGUMENTS
from creche.plan.words import BEST_BY, BestBy, check_word

if TYPE_CHECKING:
    from collections.abc import Callable

    from creche.model.ensemble import Ensemble
    from creche.model_selection.colony import Colony
    from creche.model_selection.cost_estimate import Estimate

__all__ = ["YES", "create_confirmation", "sweep"]

SECONDS_WITHOUT_ASKING = 30
MANY = "Many networks"
# What cannot differ from network to network is typed as for `creche train`.
NETWORK_OPTIONS = tuple(
    accept_several(option) if ARGUMENTS[option.name].sweepable else option
    for option in options_of("plan", "preparation", "optimizer")
)
SHARED_OPTIONS = (DROP_UNLABELLED, *options_of("held_out"), THREADS, DEVICE, option_of("memory"), CLUSTER)
SWEEP_OPTIONS = (
    Option("seeds", int, MANY, "Number of seeds for each combination of values.", "1"),
    Option("folds", int, MANY, "Cross-validate each combination with this many folds."),
    Option("repeats", int, MANY, "Number of repetitions of cross-validation, each with new folds.", "1"),
    Option("samples", int, MANY, "Draw this many combinations instead of trying all."),
    Option("method", str, MANY, "Search method: grid, random or sobol.", "grid, with --samples random"),
    Option(
        "halving",
        float,
        MANY,
        "Successive halving: share of the networks that continue after each round, such as 0.33.",
        "off",
    ),
    Option(
        "bootstrap",
        bool,
        MANY,
        "Train each network on a bootstrap sample of the training rows, drawn with the network's seed.",
    ),
)
CHECKPOINT_OPTIONS = (
    Option(
        "checkpoint",
        Path,
        FILES,
        "Write the state of all networks to this file while they train.",
        file=Output("checkpoint", ".creche-sweep"),
    ),
    Option("resume", bool, FILES, "Continue from the checkpoint file."),
)
YES = Option("yes", bool, FILES, "Start without asking for confirmation.")
OUTPUT_OPTIONS = (
    Option("ensemble", int, MANY, "Build an ensemble: number of greedy selection steps."),
    Option(
        "output",
        Path,
        FILES,
        "Write the median network of the best plan, or the ensemble, to this file.",
        typed="--output -o",
        file=MODEL_FILE,
    ),
    Option(
        "best_by",
        str,
        MANY,
        "Best network: the median network of the plan with the best mean over its seeds (plan), or the one with the "
        "lowest loss (network).",
        "plan",
        words="creche.plan.words:BEST_BY",
    ),
    REFIT,
    Option("top", int, FILES, "Number of networks to show.", "10"),
    YES,
    JSON,
)


@with_options(*NETWORK_OPTIONS, *SWEEP_OPTIONS, *READING, *SHARED_OPTIONS, *CHECKPOINT_OPTIONS, *OUTPUT_OPTIONS)
def sweep(table: TableArgument, **given: Any) -> None:
    """Train many networks at once, and show the best ones and the options that matter most.

    Every option of the network and its training takes several values separated by commas, or a range of numbers:
    1e-4..1 (logarithmic), 0..0.5 (linear), 1e-4..1/24 (24 values). For example:

    creche sweep penguins --label species --optimizer sgd,adam,adadelta --learning-rate 1e-4..1 --seeds 16

    creche sweep penguins --label species --hidden 5-5,10-10 --dropout 0,0.2 --seeds 8 -o best.creche

    creche sweep penguins --label species --hidden 5,5-5,10-10 --folds 5 --repeats 3

    creche sweep houses.csv --label price --learning-rate 1e-4..0.1 --batch-size 8..256 --samples 200 --halving 0.33
    """
    arguments, output = _sweep_arguments(table, given), parse_arguments(OUTPUT_OPTIONS, given)
    for name in ("top", "ensemble"):
        if output.get(name, 1) < 1:
            raise PlanError(f"--{name}: got {output[name]}; needs a whole number of at least 1", argument=name)
    best_by = check_word("best_by", output.get("best_by", "plan"), BEST_BY)
    if "ensemble" in output and "best_by" in output:
        raise PlanError(
            "--best-by: cannot be combined with --ensemble, which is saved instead of a network; leave one of the two "
            "out",
            argument="best_by",
        )
    _check_folds(output, has_folds="folds" in arguments)
    from creche.model_selection.sweep import sweep as sweep_networks

    as_json, interrupted = "as_json" in output, False
    confirm = create_confirmation("yes" in output, "give fewer values, --samples or --halving")
    with sweep_progress(quiet=as_json) as on_progress:
        try:
            colony = sweep_networks(table, **arguments, confirm=confirm, on_progress=on_progress)
        except KeyboardInterrupt as interrupt:
            if not hasattr(interrupt, "colony"):
                raise
            colony, interrupted = interrupt.colony, True
    if interrupted and not len(colony.ranking()):
        print_message("stopped before any network had finished an epoch")
        raise KeyboardInterrupt
    ensemble = colony.ensemble(output["ensemble"]) if "ensemble" in output else None
    if "output" in output and "folds" not in arguments:
        (ensemble or colony.best(best_by).model).save(output["output"])
    _show(colony, ensemble, output.get("top", 10), best_by, as_json)
    if "output" in output and "folds" in arguments and not (interrupted and "refit" in output):
        with show_activity("evaluating the best plan", as_json):
            best = colony.best_folds()
            _ = best.evaluation
        keep_model(best, output["output"], "refit" in output, None, as_json)
    if interrupted:
        raise KeyboardInterrupt


def _check_folds(output: dict[str, Any], has_folds: bool) -> None:
    """Refuse options of the output that need folds, or that have no meaning with them."""
    if has_folds:
        for name, why in (
            ("ensemble", "whose networks have no held-out rows in common; -o keeps those of the best plan"),
            ("best_by", "where the networks of the best plan are kept together"),
        ):
            if name in output:
                raise PlanError(
                    f"--{name.replace('_', '-')}: cannot be combined with --folds, {why}; leave one of the two out",
                    argument=name,
                )
    if "refit" in output and not has_folds:
        raise PlanError("--refit: needs cross-validation; add --folds, such as --folds 5", argument="refit")
    if "refit" in output and "output" not in output:
        raise PlanError("--refit: needs a file for the model; name it with -o", argument="refit")


def _sweep_arguments(table: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `creche.sweep`."""
    arguments = parse_arguments((*NETWORK_OPTIONS, *SWEEP_OPTIONS, *SHARED_OPTIONS, *CHECKPOINT_OPTIONS), given)
    check_label(arguments, table, create_read_options(given))
    if "resume" in arguments and "checkpoint" not in arguments:
        raise PlanError("--resume: needs the file to continue from; give it as --checkpoint", argument="resume")
    if arguments.pop("drop_unlabelled", False):
        arguments["missing_label"] = "drop"
    read_options = create_read_options(given)
    return {**arguments, "read_options": read_options} if read_options else arguments


def create_confirmation(yes: bool, less: str) -> Callable[[Estimate], bool]:
    """Return a function that asks a person at a terminal before a long sweep starts; without a terminal, it refuses.

    Parameters
    ----------
    yes : bool
        Whether to start without asking.
    less : str
        Advice on how to make the sweep shorter.

    """

    def confirm(estimate: Estimate) -> bool:
        if estimate.seconds <= SECONDS_WITHOUT_ASKING:
            return True
        print_message(str(estimate))
        if yes:
            return True
        if not sys.stdin.isatty():
            raise PlanError(f"--yes: is missing; add it to start anyway, or {less}", argument="yes")
        with pause_display():
            print("Start? [y/N] ", end="", file=sys.stderr, flush=True)
            return sys.stdin.readline().strip().lower() in ("y", "yes")

    return confirm


def _show(colony: Colony, ensemble: Ensemble | None, top: int, best_by: BestBy, as_json: bool) -> None:
    from creche.pages import sweep as render_sweep

    if as_json:
        print(json.dumps(render_sweep.sweep_data(colony, ensemble, best_by), allow_nan=False, default=str))
        return
    print_page(render_sweep.sweep_page(colony, ensemble, top, best_by))
