"""``creche sweep``: many networks at once, compared; the best of them, or several together, kept."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from creche.cli.options import (
    DROP_UNLABELLED,
    FILES,
    JSON,
    READING,
    THREADS,
    Option,
    check_writable,
    create_read_options,
    options_of,
    parse_arguments,
    with_options,
)
from creche.cli.output import print_page
from creche.cli.progress import pause_display, sweep_progress
from creche.cli.value_lists import accept_several
from creche.errors import PlanError
from creche.plan.arguments import ARGUMENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from creche.model.ensemble import Ensemble
    from creche.model_selection.colony import Colony
    from creche.model_selection.cost_estimate import Estimate

__all__ = ["YES", "create_confirmation", "sweep"]

SECONDS_UNASKED = 30
MANY = "Many networks"
# What cannot differ from network to network is typed as for `creche train`.
NETWORK_OPTIONS = tuple(
    accept_several(option) if ARGUMENTS[option.name].sweepable else option
    for option in options_of("plan", "preparation", "optimizer")
)
SHARED_OPTIONS = (DROP_UNLABELLED, *options_of("held_out"), THREADS)
COUNTS = (
    Option("seeds", int, MANY, "Networks for each combination of values, each with a seed of its own.", "1"),
    Option("folds", int, MANY, "Judge each combination by cross-validation: networks on each of so many folds."),
    Option("repeats", int, MANY, "How often the folds are dealt out anew.", "1"),
    Option("samples", int, MANY, "Draw so many combinations instead of trying all."),
    Option("method", str, MANY, "grid, random or sobol.", "grid, with --samples random"),
    Option(
        "halving", float, MANY, "Stop the worst early: the share that goes on after each round, such as 0.33.", "off"
    ),
    Option(
        "bootstrap", bool, MANY, "Let each network learn rows of its own, drawn from the training rows by its seed."
    ),
)
KEPT = (
    Option(
        "checkpoint", Path, FILES, "Keep the state of all networks in this file while they train.", parse=check_writable
    ),
    Option("resume", bool, FILES, "Go on from that file."),
)
YES = Option("yes", bool, FILES, "Begin without asking, however long it takes.")
SHOWN = (
    Option("ensemble", int, MANY, "Let the best speak together: how often one is added to the ensemble."),
    Option(
        "output",
        Path,
        FILES,
        "Keep the best network, or the ensemble, in this file.",
        "",
        "--output -o",
        check_writable,
    ),
    Option("top", int, FILES, "How many of the best to show.", "10"),
    YES,
    JSON,
)


@with_options(*NETWORK_OPTIONS, *COUNTS, *READING, *SHARED_OPTIONS, *KEPT, *SHOWN)
def sweep(table: Annotated[str, typer.Argument(show_default=False)], **given: Any) -> None:
    """Train many networks at once, and show which are best and what mattered.

    Every option of the network and its training takes several values, with commas between, or a range of numbers:
    1e-4..1 by equal ratios, 0..0.5 by equal steps, 1e-4..1/24 for 24 of them. For example:

    creche sweep penguins --label species --optimizer sgd,adam,adadelta --learning-rate 1e-4..1 --seeds 16

    creche sweep penguins --label species --hidden 5-5,10-10 --dropout 0,0.2 --seeds 8 -o best.creche

    creche sweep penguins --label species --hidden 5,5-5,10-10 --folds 5 --repeats 3

    creche sweep houses.csv --label price --learning-rate 1e-4..0.1 --batch-size 8..256 --samples 200 --halving 0.33
    """
    arguments, shown = _arguments(given), parse_arguments(SHOWN, given)
    for name in ("top", "ensemble"):
        if shown.get(name, 1) < 1:
            raise PlanError(f"--{name}: got {shown[name]}; needs a whole number of at least 1")
    for name in ("output", "ensemble") if "folds" in arguments else ():
        if name in shown:
            raise PlanError(
                f"--{name}: does not go with --folds, of which no network learns all rows; train the best with creche "
                "train, or sweep without folds"
            )
    from creche.model_selection.sweep import sweep as sweep_networks

    as_json, interrupted = "as_json" in shown, False
    confirm = create_confirmation("yes" in shown, "give fewer values, --samples or --halving")
    with sweep_progress(quiet=as_json) as on_progress:
        try:
            colony = sweep_networks(table, **arguments, confirm=confirm, on_progress=on_progress)
        except KeyboardInterrupt as interrupt:
            if not hasattr(interrupt, "colony"):
                raise
            colony, interrupted = interrupt.colony, True
    if interrupted and not len(colony.ranking()):
        print("creche: stopped before any network had ended an epoch", file=sys.stderr)
        raise KeyboardInterrupt
    ensemble = colony.ensemble(shown["ensemble"]) if "ensemble" in shown else None
    if "output" in shown:
        (ensemble or colony.best().model).save(shown["output"])
    _show(colony, ensemble, shown.get("top", 10), as_json)
    if interrupted:
        raise KeyboardInterrupt


def _arguments(given: dict[str, Any]) -> dict[str, Any]:
    """Those of `creche.sweep`."""
    arguments = parse_arguments((*NETWORK_OPTIONS, *COUNTS, *SHARED_OPTIONS, *KEPT), given)
    if "label" not in arguments:
        raise PlanError("--label: is missing; name the column to predict, such as --label species")
    if "resume" in arguments and "checkpoint" not in arguments:
        raise PlanError("--resume: needs to know from where; give --checkpoint, the file it was begun with")
    if arguments.pop("drop_unlabelled", False):
        arguments["missing_label"] = "drop"
    read_options = create_read_options(given)
    return {**arguments, "read_options": read_options} if read_options else arguments


def create_confirmation(yes: bool, less: str) -> Callable[[Estimate], bool]:
    """Asks before what takes long: a person at a terminal; anybody else has to say so beforehand.

    Parameters
    ----------
    yes : bool
        Whether it was said beforehand.
    less : str
        How it would take less.

    """

    def confirm(estimate: Estimate) -> bool:
        if estimate.seconds <= SECONDS_UNASKED:
            return True
        print(f"creche: {estimate}", file=sys.stderr)
        if yes:
            return True
        if not sys.stdin.isatty():
            raise PlanError(f"--yes: is missing; say that it may take so long, or {less}")
        with pause_display():
            print("Begin? [y/N] ", end="", file=sys.stderr, flush=True)
            return sys.stdin.readline().strip().lower() in ("y", "yes")

    return confirm


def _show(colony: Colony, ensemble: Ensemble | None, top: int, as_json: bool) -> None:
    from creche.cli.pages import sweep as render_sweep

    if as_json:
        print(json.dumps(render_sweep.sweep_data(colony, ensemble), allow_nan=False, default=str))
        return
    print_page(render_sweep.sweep_page(colony, ensemble, top))
