"""The child process of one contender: builds its trainer, trains the job on request and answers with the seconds.

It communicates by lines of JSON over stdin and stdout. A separate process for each contender keeps thread settings,
memory and compiled code apart; it sleeps while another one is measured.
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Protocol

from _jobs import Task, Weights, mean_cross_entropy, read_task

# Libraries that may be missing; the others are required.
PEERS = ("torch", "sklearn", "joblib", "jax")

# Short jobs are repeated until this many seconds are filled, and the mean taken.
SAMPLE_SECONDS = 0.2


class Trainer(Protocol):
    """What `build(task, threads, **options)` of each file in trainers/ returns."""

    def reset(self) -> None:
        """Go back to the initial weights. Not timed."""

    def train(self) -> None:
        """Carry out the whole job: every epoch, its shuffling included. Timed."""

    def weights(self) -> Weights:
        """The trained weights."""


class MissingLibraryError(Exception):
    """A peer is not installed: its contenders are left out, and the output notes it."""


def build_trainer(name: str, task: Task, threads: int, options: dict[str, Any]) -> Trainer:
    try:
        return importlib.import_module(f"trainers.{name}").build(task, threads, **options)
    except ModuleNotFoundError as error:
        if error.name not in PEERS:
            raise
        raise MissingLibraryError(error.name) from error


def sample(trainer: Trainer) -> float:
    """Seconds per job."""
    spent, runs = 0.0, 0
    while spent < SAMPLE_SECONDS:
        trainer.reset()
        start = time.perf_counter()
        trainer.train()
        spent += time.perf_counter() - start
        runs += 1
    return spent / runs


def main() -> None:
    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def answer(**fields: Any) -> None:
        answers.write(json.dumps(fields) + "\n")
        answers.flush()

    request = json.loads(sys.argv[1])
    task = read_task(Path(request["folder"]))
    start = time.perf_counter()
    try:
        trainer = build_trainer(request["trainer"], task, request["threads"], request["options"])
    except MissingLibraryError as error:
        answer(missing=str(error))
        return
    imported = time.perf_counter()
    trainer.reset()
    trainer.train()
    answer(import_seconds=imported - start, first_seconds=time.perf_counter() - imported)
    for line in sys.stdin:
        if line.strip() == "sample":
            answer(seconds=sample(trainer))
        elif line.strip() == "loss":
            answer(loss=mean_cross_entropy(task, trainer.weights()))


if __name__ == "__main__":
    main()
