"""Very many networks: time, time in Python and memory of `creche.sweep`, for 1,000 networks and more.

The penguin job, 4-10-10-3 neurons for 50 epochs, with another seed for each network. Each size runs in a process of its
own, in which the calls of the engine are timed: what is not in them is Python.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

from _compare import Spread
from _report import Options, Report

import creche as cr
from creche import _core

SIZES = (1_000, 10_000, 100_000, 1_000_000)
MOST, QUICK = 100_000, 1_000
EPOCHS, QUICK_EPOCHS = 50, 2
# Claimed of the largest size. Up to 16,384 networks keep their states; of more, one piece has them in memory.
PYTHON_BELOW, PEAK_BELOW, BEYOND_ENGINE_BELOW = 5.0, 2.0, 10.0  # microseconds, GB, per cent


class TimedColony:
    """A colony of the engine whose calls are timed."""

    seconds = 0.0
    kind: Any = None

    def __init__(self, colony: Any) -> None:
        self._colony = colony

    @classmethod
    def of_columns(cls, *arguments: Any) -> "TimedColony":
        return cls(timed(cls.kind.of_columns, *arguments))

    def run(self, **arguments: Any) -> Any:
        return timed(self._colony.run, **arguments)

    def outcomes(self) -> Any:
        return timed(self._colony.outcomes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._colony, name)

    def __del__(self) -> None:
        timed(self._free)

    def _free(self) -> None:
        self.__dict__.pop("_colony", None)  # no other reference is left: the engine frees its memory


def timed(function: Any, *arguments: Any, **named: Any) -> Any:
    start = time.perf_counter()
    try:
        return function(*arguments, **named)
    finally:
        TimedColony.seconds += time.perf_counter() - start


def measure(networks: int, epochs: int) -> dict[str, float]:
    """Run a sweep in this process; seconds in all and inside the engine, and bytes that it added at the peak."""
    arguments: dict[str, Any] = {
        "label": "species", "hidden": [10, 10], "epochs": epochs, "threads": 2, "on_progress": False,
    }  # fmt: skip
    cr.sweep("penguins-four", **arguments, seeds=32)
    engine = _core.load()
    TimedColony.kind, engine.Colony32 = engine.Colony32, TimedColony
    before = peak()
    start = time.perf_counter()
    colony = cr.sweep("penguins-four", **arguments, seeds=networks)
    seconds = time.perf_counter() - start
    assert len(colony) == networks
    return {"seconds": seconds, "engine": TimedColony.seconds, "bytes": peak() - before, "peak": peak()}


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="1,000 networks, to check that everything runs")
    parser.add_argument("--save", action="store_true", help="also write the output to benchmarks/results/")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a claim is not met")
    parser.add_argument("--rounds", type=int, default=1, help="measurements of each size (default 1)")
    parser.add_argument("--most", type=int, default=MOST, help=f"the largest number of networks (default {MOST:,})")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    epochs = QUICK_EPOCHS if given.quick else EPOCHS
    if given.one:
        print(json.dumps(measure(given.one, epochs)))
        return 0
    report = Report("Scale: very many networks", Options(given.quick, given.save, given.check, given.rounds))
    most = QUICK if given.quick else given.most
    sizes = [size for size in SIZES if size <= most]
    report.section(f"creche.sweep of networks 4-10-10-3, {epochs} epochs, 2 threads")
    rows, last = [], {}
    for size in sizes:
        runs = [run(size, given.quick) for _ in range(given.rounds)]
        last = summarize(runs, size)
        rows.append([f"{size:,}", *(spread.show() for spread in last.values())])
    head = [
        "networks",
        "seconds",
        "engine, µs each",
        "Python, µs each",
        "beyond the engine, %",
        "bytes each",
        "peak, GB",
    ]
    report.table(head, rows)
    report.say("")
    report.claim_below(f"Python for each of {sizes[-1]:,} networks", last["python"], PYTHON_BELOW, " µs")
    report.claim_below("Beyond the time of the engine", last["beyond"], BEYOND_ENGINE_BELOW, " %")
    report.claim_below("Memory of the process", last["peak"], PEAK_BELOW, " GB")
    return report.finish()


def run(size: int, quick: bool) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", str(size), *(["--quick"] if quick else [])]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def summarize(runs: list[dict[str, float]], size: int) -> dict[str, Spread]:
    return {
        "seconds": Spread.of([each["seconds"] for each in runs]),
        "engine": Spread.of([each["engine"] / size * 1e6 for each in runs]),
        "python": Spread.of([(each["seconds"] - each["engine"]) / size * 1e6 for each in runs]),
        "beyond": Spread.of([(each["seconds"] / each["engine"] - 1) * 100 for each in runs]),
        "bytes": Spread.of([each["bytes"] / size for each in runs]),
        "peak": Spread.of([each["peak"] / 1e9 for each in runs]),
    }


if __name__ == "__main__":
    raise SystemExit(main())
