"""Programs whose work is killed again and again: python -m tests.unit.training.mortal {writes,trains,commands} FOLDER.

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
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._system.archive import read_archive, write_archive
from creche.engine.run_state import PROGRESS
from creche.table.digest import digest_arrays
from creche.training.checkpoint import CheckpointWriter, latest_checkpoint, read_checkpoint
from creche.training.run import Run
from creche.training.train import train

KILLS = 8
EPOCHS = 120
ROOT = Path(__file__).resolve().parents[3]


def run_mortal(what: str, folder: Path) -> dict[str, Any]:
    """The report of such a program."""
    command = [sys.executable, "-m", "tests.unit.training.mortal", what, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def live(work: Callable[[], None], kill_when: Callable[[], bool] | None = None, after: float = 0.0) -> bool:
    """Does the work in a process of its own; whether that was killed, a moment after an event, before its end."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    ended, code = (0, 0)
    while kill_when is not None and not ended and not kill_when():
        time.sleep(0.0005)
        ended, code = os.waitpid(child, os.WNOHANG)
    if not ended:
        if kill_when is not None:
            time.sleep(after)
            os.kill(child, signal.SIGKILL)  # one that has ended but was not waited for is still there
        code = os.waitpid(child, 0)[1]
    code = os.waitstatus_to_exitcode(code)
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
        kills += live(write_for_ever, lambda: True, random.uniform(0, 0.02))
        header, arrays = read_archive(path, "model")
        expected = np.full(sizes[header["which"]], len(header["which"]))
        whole += np.array_equal(arrays["w"], expected)
    return {"kills": kills, "whole": whole}


def trains(folder: Path) -> dict[str, Any]:
    """Trains once in one go, and killed and resumed until there were enough kills; the digests of how all ended."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        begun = train(
            "penguins", label="species", hidden=[16, 16], dropout=0.1, epochs=0, threads=1, early_stopping=False
        )
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

    assert not live(lambda: train_on(folder / "whole"))
    random = Random(0)
    kills = 0
    runs: list[dict[str, Any]] = []
    while kills < KILLS:
        place = folder / f"killed{len(runs)}"
        reached = [epoch_of(place)]  # after each life
        while reached[-1] < EPOCHS:
            killed = live(
                lambda place=place: train_on(place),  # type: ignore[misc]
                kept(place, reached[-1] + random.randrange(0, EPOCHS // 8)) if kills < KILLS else None,
                random.uniform(0, 0.005),
            )
            kills += killed
            reached.append(epoch_of(place))
        runs.append({"reached": reached, "end": digest_arrays(deterministic_state(place))})
    return {"kills": kills, "runs": runs, "whole": digest_arrays(deterministic_state(folder / "whole"))}


def commands(folder: Path) -> dict[str, Any]:
    """As `trains`, by the command line: `creche train` on ``FOLDER/big.csv``, then `creche resume`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from creche.cli import main
    epochs = 2500
    job = ["--label", "y", "--hidden", "16,16", "--dropout", "0.1", "--schedule", "cosine", "--epochs", str(epochs)]
    begin = ["train", str(folder / "big.csv"), *job]

    def run(*arguments: str) -> None:
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
            code = main([*arguments, "--json"])
        assert code == 0, code

    # What the commands import is imported once, before the first life.
    run(*begin[:-1], "0", "--threads", "1", "--checkpoint", str(folder / "first"), "-o", str(folder / "first.creche"))
    run("resume", str(folder / "first"), "--threads", "1", "-o", str(folder / "first.creche"))
    assert not live(lambda: run(*begin, "--threads", "1", "-o", str(folder / "whole.creche")))
    whole = content_of(folder / "whole.creche")
    random = Random(0)
    kills = same = 0
    runs: list[int] = []  # how often each was killed
    while kills < KILLS:
        place, model = folder / f"killed{len(runs)}", folder / f"{len(runs)}.creche"
        runs.append(0)
        killed = True
        while killed:
            reached = epoch_of(place)
            command = ["resume", str(place)] if reached >= 0 else [*begin, "--checkpoint", str(place)]
            command += ["--checkpoint-every", "20", "--threads", str(random.choice([1, 2])), "-o", str(model)]
            killed = live(
                lambda command=command: run(*command),  # type: ignore[misc]
                kept(place, reached + random.randrange(0, epochs // 8)) if kills < KILLS else None,
                random.uniform(0, 0.05),
            )
            kills += killed
            runs[-1] += killed
            # One that is killed while it tells what it has done has kept its model.
            assert not model.exists() or content_of(model) == whole
        same += content_of(model) == whole
    return {"kills": kills, "runs": runs, "same": same}


def content_of(model: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """All that is in a model file, but for how long the epochs took."""
    header, arrays = read_archive(model, "model")
    del header["provenance"]["history"]["seconds"]
    return header, {name: array.tobytes() for name, array in arrays.items()}


def epoch_of(folder: Path) -> int:
    """That of the latest checkpoint, by its name; -1 before there is one."""
    names = [path.name for path in folder.glob("epoch-*.creche-checkpoint")]
    return max((int(name.partition(".")[0].removeprefix("epoch-")) for name in names), default=-1)


def kept(folder: Path, epoch: int) -> Callable[[], bool]:
    """Whether the folder holds a checkpoint of that epoch or a later one."""
    return lambda: epoch_of(folder) >= epoch


def deterministic_state(folder: Path) -> dict[str, NDArray[Any]]:
    """All of the last state, but for the time that its epochs, and the present one, took."""
    latest = latest_checkpoint(folder)
    assert latest is not None
    state = read_checkpoint(latest)[1]
    state["history.seconds"][:] = 0
    state["progress"][PROGRESS.index("seconds")] = 0
    return state


if __name__ == "__main__":
    print(json.dumps({"writes": writes, "trains": trains, "commands": commands}[sys.argv[1]](Path(sys.argv[2]))))
