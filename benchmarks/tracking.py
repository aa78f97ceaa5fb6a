"""Tracking: what watches a run of 100 epochs on the penguins takes, compared with the run itself.

Contenders take turns in one process. What each adds is its time minus that of the run alone in the same turn. MLflow
gets the whole run afterwards, without the model. Where MLflow or tensorboardX is not installed, it is left out.
"""

import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

from _compare import Spread, time_in_turns
from _report import Report, parse_options

import creche as cr

EPOCHS = 100
ALONE, NOTHING, TENSORBOARD = "nothing", "on_epoch, a function that does nothing", "creche.tracking.TensorBoard"
HISTOGRAMS = "creche.tracking.TensorBoard, histograms every 10 epochs"
TENSORBOARDX, MLFLOW = "tensorboardX, a function with the same numbers", "creche.tracking.mlflow.log, after the run"
AT_MOST = 1.0  # of the time of the run


def main() -> int:
    options = parse_options(__doc__, rounds=15)
    report = Report("Tracking: 100 epochs on the penguins, watched", options)
    penguins, numbers = cr.datasets.penguins(), count()
    epochs = 10 if options.quick else EPOCHS

    def train(on_epoch: Any = None) -> cr.Run:
        return cr.train(
            penguins, label="species", epochs=epochs, early_stopping=False, threads=1, on_epoch=on_epoch
        )  # fmt: skip

    with tempfile.TemporaryDirectory() as folder:

        def folder_of_run() -> str:
            return f"{folder}/{next(numbers)}"

        contenders: dict[str, Callable[[], object]] = {
            ALONE: train,
            NOTHING: lambda: train(lambda record: None),
            TENSORBOARD: lambda: train(cr.tracking.TensorBoard(folder_of_run())),
            HISTOGRAMS: lambda: train(cr.tracking.TensorBoard(folder_of_run(), histogram_every=10)),
        }
        if find_spec("tensorboardX"):
            contenders[TENSORBOARDX] = lambda: train_with_tensorboardx(train, folder_of_run())
        if find_spec("mlflow"):
            contenders[MLFLOW] = lambda: log_to_mlflow(train(), Path(folder))
        found = time_in_turns(contenders, options.rounds)
    alone = found[ALONE]
    added = {
        name: Spread.of(seconds - own for seconds, own in zip(found[name], alone, strict=True))
        for name in contenders
        if name != ALONE
    }
    report.say("", f"The run alone takes {Spread.of(alone).show(1e3)} ms.", "")
    report.table(["what watches", "adds, ms"], [[name, spread.show(1e3)] for name, spread in added.items()])
    report.section("Claims")
    shares = Spread.of((seconds - own) / own for seconds, own in zip(found[TENSORBOARD], alone, strict=True))
    report.claim_below(f"{TENSORBOARD}, as a share of the time of the run", shares, AT_MOST)
    return report.finish()


def train_with_tensorboardx(train: Callable[..., cr.Run], folder: str) -> None:
    from tensorboardX import SummaryWriter

    with SummaryWriter(folder) as writer:

        def write(record: cr.EpochRecord) -> None:
            writer.add_scalar("loss/train", record.train_loss, record.epoch)
            writer.add_scalar("loss/validation", record.validation_loss, record.epoch)
            writer.add_scalar("accuracy/train", record.train_metric, record.epoch)
            writer.add_scalar("accuracy/validation", record.validation_metric, record.epoch)
            writer.add_scalar("learning_rate", record.learning_rate, record.epoch)
            writer.add_scalar("seconds_per_epoch", record.seconds, record.epoch)

        train(write)


def log_to_mlflow(run: cr.Run, folder: Path) -> None:
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    cr.tracking.mlflow.log(run, keep_model=False)


if __name__ == "__main__":
    raise SystemExit(main())
