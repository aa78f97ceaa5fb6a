"""Programs whose work is killed again and again: `python -m tests.unit.training.mortal {writes,trains} FOLDER`.

A program of one thread forks a process for each life, so that a life costs no start of Python. It prints a report as
JSON.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._system.archive import read_archive, write_archive
from creche.table.digest import digest_arrays
from creche.training.checkpoint import CheckpointWriter, latest_checkpoint, read_checkpoint
from creche.training.run import Run
from creche.training.train import train

KILLS = 20
EPOCHS = 250
SECONDS = 7  # the place in `progress` of the time that the present epoch took so far
ROOT = Path(__file__).resolve().parents[3]


def run_mortal(what: str, folder: Path) -> dict[str, Any]:
    """The report of such a program."""
    command = [sys.executable, "-m", "tests.unit.training.mortal", what, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def live(seconds: float | None, work: Callable[[], None]) -> bool:
    """Does the work in a process of its own; whether that was killed, after so many seconds, before its end."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), code
    return code != 0


def writes(folder: Path) -> dict[str, Any]:
    """Replaces a file by one of another size, over and over; counts how often one of the two was whole afterwards."""
    path = folder / "model.creche"
    sizes = {"first": 40_000, "second": 70_000}

    def write(which: str) -> None:
        write_archive(path, "model", {"which": which}, {"w": np.full(sizes[which], len(which), dtype=np.float64)})

    def write_for_ever() -> None:
        while True:
            for which in sizes:
                write(which)

    write("first")
    random = Random(0)
    kills = whole = 0
    for _ in range(KILLS):
        kills += live(random.uniform(0, 0.02), write_for_ever)
        header, arrays = read_archive(path, "model")
        expected = np.full(sizes[header["which"]], len(header["which"]))
        whole += np.array_equal(arrays["w"], expected)
    return {"kills": kills, "whole": whole}


def trains(folder: Path) -> dict[str, Any]:
    """Trains once in one go, once killed and resumed; gives the digests of how both ended."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        begun = train("penguins", label="species", hidden=[16, 16], dropout=0.1, epochs=0, threads=1)
    plan = replace(begun.plan, epochs=EPOCHS)
    identity: dict[str, Any] = {"plan": plan.to_dict(), "preparation": {}, "table": {}}

    def train_on(place: Path) -> None:
        run = Run(plan, begun.prepared, 1)
        writer = CheckpointWriter(place, **identity, every=1)
        latest = latest_checkpoint(place)
        if latest is not None:
            run.set_state(read_checkpoint(latest)[1])
        while run.resume(epochs=1).status == "running":
            writer.save(run)
        writer.save(run)

    begin = time.perf_counter()
    assert not live(None, lambda: train_on(folder / "whole"))
    longest = (time.perf_counter() - begin) / KILLS
    random = Random(0)
    reached = []
    kills = 0
    for _ in range(KILLS):
        kills += live(random.uniform(0, longest), lambda: train_on(folder / "killed"))
        reached.append(epoch_of(folder / "killed"))
    live(None, lambda: train_on(folder / "killed"))
    ends = {place: digest_arrays(deterministic_state(folder / place)) for place in ("whole", "killed")}
    return {"kills": kills, "reached": reached, "last": epoch_of(folder / "killed"), **ends}


def epoch_of(folder: Path) -> int:
    latest = latest_checkpoint(folder)
    return 0 if latest is None else int(read_checkpoint(latest)[0]["epoch"])


def deterministic_state(folder: Path) -> dict[str, NDArray[Any]]:
    """All of the last state, but for the time that its epochs, and the present one, took."""
    latest = latest_checkpoint(folder)
    assert latest is not None
    state = read_checkpoint(latest)[1]
    state["history.seconds"][:] = 0
    state["progress"][SECONDS] = 0
    return state


if __name__ == "__main__":
    print(json.dumps({"writes": writes, "trains": trains}[sys.argv[1]](Path(sys.argv[2]))))
