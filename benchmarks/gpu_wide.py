"""Wide networks on a GPU: the torch engine, compared with the compiled engine and with PyTorch as it is mostly used.

Three networks with Adam on random rows, from one whose steps are all launches of kernels to one that only multiplies.
The figure is the time of a step, after those in which graphs are captured.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from _compare import Spread
from _report import Options, Report, parse_options

from creche.engine.choice import new_run
from creche.engine.device import CPU, Device, find_gpu
from creche.engine.hardware import Hardware
from creche.engine.native import Rows
from creche.plan import Network, Plan
from creche.plan.optimizers import Adam
from creche.plan.words import Precision

THREADS = 2
WARM_UP_STEPS = 8
SECONDS = 1.0  # at least, of each measurement
EAGER_RATIO = 3.0
PROCESSOR, EAGER, CAPTURED = f"Creche, {THREADS} threads", "PyTorch, GPU, autograd and Adam", "Creche, GPU, graphs"
CAPTURED_BELOW = 100.0  # µs, of the middle network on an H100
GRAPHS = "CRECHE_TORCH_GRAPHS"


class Shape(NamedTuple):
    """A network, and how many rows a step takes."""

    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    batch_size: int

    def __str__(self) -> str:
        return "-".join(map(str, (self.inputs, *self.hidden, self.outputs))) + f", batch size {self.batch_size:,}"

    @property
    def weights(self) -> int:
        widths = (self.inputs, *self.hidden, self.outputs)
        return sum(a * b for a, b in pairwise(widths))

    @property
    def flops(self) -> int:
        """Operations of the products of a step."""
        return 6 * self.weights * self.batch_size


SHAPES = (Shape(4, (10, 10), 3, 20), Shape(64, (256, 256), 10, 256), Shape(64, (1024, 1024, 1024), 10, 1024))


def rows_of(shape: Shape, dtype: str = "float32") -> Rows:
    """Rows of eight batches."""
    random = np.random.default_rng(0)
    x = random.standard_normal((8 * shape.batch_size, shape.inputs)).astype(dtype)
    return Rows(x, random.integers(0, shape.outputs, len(x)).astype(np.int32), None)


def run_of(shape: Shape, device: Device, precision: Precision = "float32", epochs: int = 1_000_000) -> Any:
    """A run at its beginning."""
    plan = Plan(
        Network.of(shape.inputs, list(shape.hidden), shape.outputs, activation="relu"),
        task="classification", optimizer=Adam(learning_rate=0.001), batch_size=shape.batch_size, epochs=epochs,
        keep="last", early_stopping=None, precision=precision,
    )  # fmt: skip
    rows = rows_of(shape, plan.dtype)
    return new_run(plan.resolved(len(rows)), rows, None, Hardware(THREADS, device))


@contextmanager
def graphs(captured: bool) -> Iterator[None]:
    """Take steps as captured graphs, or one kernel after the other."""
    before = os.environ.get(GRAPHS)
    os.environ[GRAPHS] = str(int(captured))
    try:
        yield
    finally:
        if before is None:
            del os.environ[GRAPHS]
        else:
            os.environ[GRAPHS] = before


def time_steps(take: Callable[[int], object], seconds: float = SECONDS) -> float:
    """Return the microseconds of a step; `take` takes a number of them, and returns when they are done."""
    take(WARM_UP_STEPS)
    steps, elapsed = 8, 0.0
    while elapsed < seconds:
        steps *= 2
        begin = time.perf_counter()
        take(steps)
        elapsed = time.perf_counter() - begin
    return elapsed / steps * 1e6


def time_run(shape: Shape, device: Device, precision: Precision = "float32", seconds: float = SECONDS) -> float:
    """Return the microseconds of a step of a run."""
    run = run_of(shape, device, precision)
    return time_steps(lambda steps: run.run(steps=steps), seconds)


def time_eager(shape: Shape, device: Device, seconds: float = SECONDS) -> float:
    """Return the microseconds of a step of a module of PyTorch with autograd and its own Adam."""
    import torch

    torch.manual_seed(0)
    widths = (shape.inputs, *shape.hidden, shape.outputs)
    layers: list[torch.nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    module = torch.nn.Sequential(*layers[:-1]).to(str(device))
    optimizer = torch.optim.Adam(module.parameters(), lr=0.001)
    rows = rows_of(shape)
    x, y = torch.tensor(rows.x, device=str(device)), torch.tensor(rows.classes, dtype=torch.int64, device=str(device))

    def take(steps: int) -> None:
        order = torch.randperm(len(x), device=x.device)
        for step in range(steps):
            begin = step * shape.batch_size % len(x)
            index = order[begin : begin + shape.batch_size]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(module(x[index]), y[index]).backward()
            optimizer.step()
        if device.kind == "cuda":
            torch.cuda.synchronize(device.index)

    return time_steps(take, seconds)


def report_shape(report: Report, shape: Shape, gpu: Device) -> dict[str, float]:
    """Print the table of a network; return the microseconds of a step of each contender."""
    report.section(str(shape))
    times = {PROCESSOR: time_run(shape, CPU), EAGER: time_eager(shape, gpu)}
    for captured in (False, True):
        with graphs(captured):
            times[CAPTURED if captured else "Creche, GPU, one kernel after the other"] = time_run(shape, gpu)
    for precision in ("tf32", "bfloat16"):
        times[f"{CAPTURED}, {precision}"] = time_run(shape, gpu, precision)
    rows = [[name, f"{micros:,.1f}", f"{shape.flops / micros / 1e6:,.2f}"] for name, micros in times.items()]
    report.table(["contender", "µs of a step", "TFLOP/s of products"], rows)
    return times


def main() -> int:
    options: Options = parse_options(__doc__, rounds=1)
    gpu = find_gpu()
    if gpu is None:
        print("There is no GPU here, or no PyTorch that could use it, so that nothing was measured on one.")
        return 0
    report = Report("Wide networks on a GPU", options)
    times = {shape: report_shape(report, shape, gpu) for shape in SHAPES}
    middle = SHAPES[1]
    report.section("Claims")
    ratio = Spread.of([times[middle][EAGER] / times[middle][CAPTURED]])
    report.claim_ratio(f"{middle}: {EAGER} takes longer than {CAPTURED} by", ratio, EAGER_RATIO)
    report.claim_below(f"{middle}: {CAPTURED}", Spread.of([times[middle][CAPTURED]]), CAPTURED_BELOW, " µs")
    return report.finish()


if __name__ == "__main__":
    raise SystemExit(main())
