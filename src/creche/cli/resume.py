"""``creche resume``: a run that was stopped goes on from its latest checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from creche.cli.options import FILES, JSON, THREADS, Option, check_writable, parse_arguments, with_options
from creche.cli.progress import training_progress
from creche.cli.train import evaluate_run, save_model, show_run

__all__ = ["resume"]

OPTIONS = (
    Option("table", str, FILES, "The table, if it lies elsewhere now.", "where it was"),
    Option("validation_data", Path, FILES, "The file of validation rows, likewise.", "where it was", "--validation"),
    Option("test_data", Path, FILES, "The file of test rows, likewise.", "where it was", "--test"),
    Option("output", Path, FILES, "Keep the model in this file.", "", "--output -o", check_writable),
    Option("checkpoint_every", int, FILES, "Epochs between checkpoints.", "10"),
)


@with_options(*OPTIONS, THREADS, JSON)
def resume(checkpoint: Annotated[Path, typer.Argument(show_default=False)], **given: Any) -> None:
    """Go on with a run that was stopped, and end with the same bytes as if it had not been.

    CHECKPOINT is the folder that was given to 'creche train --checkpoint'. For example:

    creche resume runs/first -o penguins.creche
    """
    from creche.training.resume import resume as resume_run

    options = parse_arguments((*OPTIONS, THREADS), given)
    others = ("checkpoint_every", "threads", "validation_data", "test_data")
    chosen = {name: options[name] for name in others if name in options}
    interrupted = False
    with training_progress(quiet=given["as_json"]) as on_progress:
        try:
            run = resume_run(checkpoint, options.get("table"), **chosen, on_progress=on_progress)
        except KeyboardInterrupt as interrupt:
            if not hasattr(interrupt, "run"):
                raise
            run, interrupted = interrupt.run, True
    evaluate_run(run, given["as_json"])
    try:
        if "output" in options:
            save_model(run, options["output"])
    finally:
        show_run(run, given["as_json"])
    if interrupted:
        raise KeyboardInterrupt
