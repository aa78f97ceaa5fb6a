"""``rookery train``: a table in, a trained network shown."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rookery.cli.progress import training_progress
from rookery.errors import PlanError

if TYPE_CHECKING:
    from rookery.training import Run

__all__ = ["train"]


def train(
    table: Annotated[Path, typer.Argument(show_default=False)],  # described below: Typer does not show its help
    label: Annotated[str, typer.Option(help="The column to predict.", show_default=False)],
    hidden: Annotated[str, typer.Option(help="Widths of the hidden layers, such as 10,10; 'none' for none.")] = "32,32",
    activation: Annotated[str, typer.Option(help="Of the hidden layers: relu, gelu, tanh, …")] = "relu",
    dropout: Annotated[float, typer.Option(help="Share of activations dropped while training.")] = 0.0,
    loss: Annotated[
        str | None, typer.Option(help="cross_entropy, squared_error, huber, …", show_default="by label")
    ] = None,
    optimizer: Annotated[str, typer.Option(help="adam, sgd, adadelta, …")] = "adam",
    learning_rate: Annotated[float | None, typer.Option(help="Its step size.", show_default="the optimizer's")] = None,
    schedule: Annotated[str, typer.Option(help="Of the learning rate: constant, cosine, one_cycle, …")] = "constant",
    weight_decay: Annotated[float | None, typer.Option(help="Pull of weights towards 0.", show_default="0")] = None,
    batch_size: Annotated[int, typer.Option(help="Rows per step.")] = 32,
    epochs: Annotated[int, typer.Option(help="Passes over the training rows.")] = 100,
    early_stopping: Annotated[
        int | None, typer.Option(help="Epochs without improvement to bear.", show_default="off")
    ] = None,
    validation_fraction: Annotated[float, typer.Option(help="Share of rows kept for validation.")] = 0.3,
    task: Annotated[str | None, typer.Option(help="classes or numbers.", show_default="by label")] = None,
    seed: Annotated[int, typer.Option(help="Of all that is random.")] = 0,
    threads: Annotated[int | None, typer.Option(help="Threads to use.", show_default="all cores")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train a network on a table and show how it went.

    TABLE is a CSV file; 'penguins' alone is the bundled table. For example:

    rookery train penguins --label species

    rookery train penguins --label species --hidden 5,5 --learning-rate 0.01

    rookery train houses.csv --label price --loss huber --early-stopping 20
    """
    from rookery.plan import OPTIMIZERS
    from rookery.training import train as train_network

    chosen = OPTIMIZERS.of(optimizer)
    if weight_decay is not None:
        chosen = OPTIMIZERS.of({**chosen.to_dict(), "weight_decay": weight_decay})
    begin = time.perf_counter()
    interrupted = False
    with training_progress(quiet=as_json) as on_progress:
        try:
            run = train_network(
                table, label=label, hidden=_widths(hidden), activation=activation, dropout=dropout, loss=loss,
                optimizer=chosen, learning_rate=learning_rate, schedule=schedule, batch_size=batch_size, epochs=epochs,
                early_stopping=early_stopping, validation_fraction=validation_fraction, task=task, seed=seed,
                threads=threads, on_progress=on_progress,
            )  # fmt: skip
        except KeyboardInterrupt as interrupt:
            if not hasattr(interrupt, "run"):
                raise
            run, interrupted = interrupt.run, True
    _show(run, time.perf_counter() - begin, as_json)
    if interrupted:
        raise KeyboardInterrupt


def _widths(text: str) -> list[int]:
    if text.strip().lower() in ("none", ""):
        return []
    try:
        return [int(width) for width in text.split(",")]
    except ValueError:
        raise PlanError(f"--hidden: got {text!r}; needs whole numbers with commas between, such as 10,10") from None


def _show(run: Run, seconds: float, as_json: bool) -> None:
    from rookery.cli import render

    seconds = float(run.history.seconds.sum()) if len(run.history) else seconds
    if as_json:
        data: dict[str, Any] = render.as_data(run, seconds)
        print(json.dumps(data, allow_nan=False, default=str))
        return
    from rich.console import Console

    Console(highlight=False).print(render.run_page(run, seconds))
