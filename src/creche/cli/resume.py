"""``creche resume``: continues a run that was stopped from its latest checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from creche._system.output_files import Input
from creche.cli.files import MODEL_FILE, CheckpointArgument, save_model
from creche.cli.options import (
    DEVICE,
    FILES,
    JSON,
    TENSORBOARD,
    THREADS,
    Option,
    option_of,
    options_of,
    parse_arguments,
    with_options,
)
from creche.cli.progress import training_progress
from creche.cli.train import evaluate_run, leave_to_first, show_run

__all__ = ["resume"]

# The arguments of `creche.resume` that are those of `creche.train`.
RUN_OPTIONS = (
    *(replace(option, panel=FILES, default="where it was") for option in options_of("held_out")),
    option_of("checkpoint_every"),
    option_of("processes"),
    option_of("cluster"),
    THREADS,
    DEVICE,
)
OPTIONS = (
    Option("table", str, FILES, "The table, if it has been moved.", "where it was", file=Input("table")),
    Option("output", Path, FILES, "Write the model to this file.", typed="--output -o", file=MODEL_FILE),
    TENSORBOARD,
)


@with_options(*OPTIONS, *RUN_OPTIONS, JSON)
def resume(checkpoint: CheckpointArgument, **given: Any) -> None:
    """Continue a run that was stopped; the result is the same, bit for bit, as without the stop.

    CHECKPOINT is the folder that 'creche train --checkpoint' wrote to. For example:

    creche resume runs/first -o penguins.creche
    """
    from creche.training.resume import resume as resume_run

    options, chosen = parse_arguments(OPTIONS, given), parse_arguments(RUN_OPTIONS, given)
    if "tensorboard" in options:
        from creche.tracking.tensorboard import TensorBoard

        chosen["on_epoch"] = TensorBoard(options["tensorboard"])
    interrupted = False
    with training_progress(quiet=given["as_json"]) as on_progress:
        try:
            run = resume_run(checkpoint, options.get("table"), **chosen, on_progress=on_progress)
        except KeyboardInterrupt as interrupt:
            if not hasattr(interrupt, "run"):
                raise
            run, interrupted = interrupt.run, True
    leave_to_first(run, interrupted)
    evaluate_run(run, given["as_json"])
    try:
        if "output" in options:
            save_model(run.model, options["output"])
    finally:
        show_run(run, given["as_json"])
    if interrupted:
        raise KeyboardInterrupt
