"""Compare contenders: each runs in its own process, and they are measured in turns A B C, C B A, A B C …

They take turns because the speed of a machine drifts. Ratios are taken within a turn, and their median is reported with
the minimum and maximum.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from _jobs import Task, write_task

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Contender:
    """A trainer with its options and threads. The fastest of the contenders of one `family` counts."""

    name: str
    family: str
    trainer: str
    threads: int = 1
    options: dict[str, Any] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """The thread limits of all libraries: most libraries read them only when they are loaded."""
        limits = {name: str(self.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        if self.threads == 1:
            limits["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        return limits

    def cores(self) -> set[int]:
        """The cores it may use. One-threaded contenders share one core, so that no helper thread runs on another."""
        allowed = sorted(os.sched_getaffinity(0))
        return {allowed[-1]} if self.threads == 1 else set(allowed)


@dataclass(frozen=True)
class Spread:
    """A median with the minimum and maximum."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, numbers: Iterable[float]) -> "Spread":
        numbers = list(numbers)
        return cls(median(numbers), min(numbers), max(numbers))

    def show(self, scale: float = 1.0, digits: int = 3) -> str:
        low, middle, high = (significant(x * scale, digits) for x in (self.low, self.median, self.high))
        return f"{middle} ({low}–{high})"


def significant(x: float, digits: int = 3) -> str:
    """Format x with this number of significant digits, never in exponent form."""
    if x == 0:
        return "0"
    decimals = digits - 1 - int(f"{x:e}".partition("e")[2])
    return f"{x:,.{max(decimals, 0)}f}"


@dataclass
class Result:
    """The measurements of one contender: seconds per job, one per turn."""

    contender: Contender
    seconds: list[float]
    first_seconds: float
    loss: float

    def spread(self) -> Spread:
        return Spread.of(self.seconds)


@dataclass
class Comparison:
    """The results of one job, and the reasons why contenders are absent."""

    results: dict[str, Result]
    absent: dict[str, str]

    def fastest(self, family: str) -> Result | None:
        members = [result for result in self.results.values() if result.contender.family == family]
        return min(members, key=lambda result: median(result.seconds), default=None)

    def ratio(self, slow: str, fast: str) -> Spread:
        """How many times as long as `fast` the contender `slow` took, turn by turn."""
        pairs = zip(self.results[slow].seconds, self.results[fast].seconds, strict=True)
        return Spread.of(a / b for a, b in pairs)


class Worker:
    """The parent's end of a contender's process."""

    def __init__(self, contender: Contender, folder: Path) -> None:
        self.contender = contender
        self.stderr = tempfile.TemporaryFile("w+")  # noqa: SIM115, lives as long as the process
        request = {
            "trainer": contender.trainer,
            "threads": contender.threads,
            "options": contender.options,
            "folder": str(folder),
        }
        cores = ",".join(str(core) for core in sorted(contender.cores()))
        # Code compiled by earlier runs must not shorten the first job.
        cache = {"TORCHINDUCTOR_CACHE_DIR": tempfile.mkdtemp(dir=folder)}
        self.process = subprocess.Popen(
            ["taskset", "-c", cores, sys.executable, "_worker.py", json.dumps(request)],
            cwd=HERE,
            env={**os.environ, **contender.environment(), **cache},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            text=True,
        )
        self.hello = self.read()

    def ask(self, question: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        return self.read()

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.stderr.seek(0)
            last_lines = self.stderr.read().strip().splitlines()[-12:]
            raise RuntimeError(f"{self.contender.name} failed:\n" + "\n".join(last_lines))
        return dict(json.loads(line))

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
        self.stderr.close()


def compare(task: Task, contenders: Iterable[Contender], rounds: int) -> Comparison:
    """Time each contender `rounds` times in turns. Contenders whose library is missing are listed as absent."""
    results: dict[str, Result] = {}
    absent: dict[str, str] = {}
    with task_folder(task) as folder, ExitStack() as stack:
        workers: list[Worker] = []
        for contender in contenders:
            worker = Worker(contender, folder)
            stack.callback(worker.close)
            if "missing" in worker.hello:
                absent[contender.name] = f"{worker.hello['missing']} is not installed"
                continue
            workers.append(worker)
            results[contender.name] = Result(contender, [], worker.hello["first_seconds"], float("nan"))
        for turn in range(rounds):
            for worker in workers if turn % 2 == 0 else reversed(workers):
                results[worker.contender.name].seconds.append(worker.ask("sample")["seconds"])
        for worker in workers:
            results[worker.contender.name].loss = worker.ask("loss")["loss"]
    return Comparison(results, absent)


def time_in_turns(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each contender, turn by turn, after one that is not counted; all in this process."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, work in list(contenders.items())[:: 1 if turn % 2 == 0 else -1]:
            start = time.perf_counter()
            work()
            if turn:
                found[name].append(time.perf_counter() - start)
    return found


@contextmanager
def task_folder(task: Task) -> Iterator[Path]:
    """A temporary folder that holds the task for as long as its workers live."""
    with tempfile.TemporaryDirectory(prefix="creche-benchmark-") as name:
        write_task(task, Path(name))
        yield Path(name)
